"""Words: padding reaches nothing, an absent report gives nothing, and every parameter learns."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from semeia.data.batch import Batch
from semeia.data.modalities import Text
from semeia.data.modalities.text import Vocabulary
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.encoders.words import PretrainedWords, WordEmbedding
from semeia.errors import InputError
from small_batches import seen

TEXTS = ["large osteophytes, no effusion", "effusion", None, "no osteophytes; large effusion, no narrowing"]
WORDS = Vocabulary.fit([text for text in TEXTS if text], least=1)
MODALITY = Text(length=20, fitted=WORDS)
SETTINGS = EncoderSettings(dim=16, depth=0, heads=2)


def _encoder(seed: int = 0, modality: Text = MODALITY) -> WordEmbedding:
    torch.manual_seed(seed)
    return WordEmbedding(16, modality=modality)


def _pretrained() -> Path:
    if importlib.util.find_spec("transformers") is None:
        pytest.skip("transformers is not installed: no pretrained text model can be read")
    if "SEMEIA_TEXT_MODEL" not in os.environ:
        pytest.skip("SEMEIA_TEXT_MODEL is not set: no pretrained text model is at hand")
    return Path(os.environ["SEMEIA_TEXT_MODEL"])


def _mean(embedding: torch.nn.Module, ids: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """The mean of the present words, 0 where there is none."""
    x = torch.where(present[..., None], embedding(ids, present), 0.0)
    return x.sum(1) / present.sum(1, keepdim=True).clamp(min=1)


def _padding_reaches_nothing(embedding: torch.nn.Module, vocabulary: Vocabulary, dim: int) -> torch.Tensor:
    """The vectors of TEXTS, which are the same with more padding, other values in it, and one at a time."""
    vectors = _mean(embedding, *vocabulary.encode(TEXTS, 20))
    assert vectors.shape == (4, dim)
    ids, present = vocabulary.encode(TEXTS, 30)
    close = {"atol": 1e-5, "rtol": 1e-4}
    torch.testing.assert_close(_mean(embedding, torch.where(present, ids, 3), present), vectors, **close)
    alone = torch.cat([_mean(embedding, *vocabulary.encode([text], 20)) for text in TEXTS])
    torch.testing.assert_close(alone, vectors, **close)
    return vectors


def test_padding_reaches_nothing():
    vectors = _padding_reaches_nothing(_encoder(), WORDS, 16)
    assert torch.equal(vectors, _mean(_encoder(), *WORDS.encode(TEXTS, 20)))
    assert not torch.equal(vectors, _mean(_encoder(1), *WORDS.encode(TEXTS, 20)))


def test_a_patient_without_a_report_has_no_word():
    encoder = PatientEncoder({"report": _encoder()}, settings=SETTINGS)
    arrays = MODALITY.arrays(np.array(TEXTS, object))
    ids, mask = MODALITY.prepare(arrays, np.array([0, 1, 3]))
    _, there = encoder.pool(encoder(Batch({"report": seen(MODALITY, ids, mask)})))
    assert there.all()
    with pytest.raises(InputError, match="1 of 4 units have none of report"):
        encoder(Batch({"report": seen(MODALITY, *MODALITY.prepare(arrays, np.arange(4)))}))


def test_the_order_of_words_counts():
    first, second = _mean(_encoder(), *WORDS.encode(["no large effusion", "large no effusion"], 8))
    assert not torch.allclose(first, second, atol=1e-4)


def test_every_parameter_learns_and_all_padding_is_no_error():
    encoder = _encoder()
    _mean(encoder, *WORDS.encode(TEXTS, 12)).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name
        assert parameter.grad.isfinite().all(), name
    nothing = _mean(_encoder(), *WORDS.encode([None, None], 4))
    assert not nothing.any()
    nothing.sum().backward()


def test_a_small_encoder_learns_to_tell_texts_apart():
    """Texts with and without effusion, told apart by a linear head after a few steps."""
    texts = [f"{a} osteophytes , {b} effusion" for a in ("no", "large", "small") for b in ("no", "large", "small")]
    labels = torch.tensor([float("no effusion" not in text) for text in texts])
    vocabulary = Vocabulary.fit(texts, least=1)
    encoder, head = _encoder(modality=Text(fitted=vocabulary)), torch.nn.Linear(16, 1)
    optimiser = torch.optim.Adam([*encoder.parameters(), *head.parameters()], 1e-2)
    ids, present = vocabulary.encode(texts, 8)
    for _ in range(40):
        optimiser.zero_grad()
        logits = head(_mean(encoder, ids, present))[:, 0]
        torch.nn.functional.binary_cross_entropy_with_logits(logits, labels).backward()
        optimiser.step()
    assert ((head(_mean(encoder, ids, present))[:, 0] > 0) == labels.bool()).all()


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path):
    modality = Text(folder=str(tmp_path), fitted=WORDS)
    with pytest.raises(InputError, match=r"lacks config.json and model.safetensors"):
        PretrainedWords(16, modality=modality)
    if importlib.util.find_spec("transformers") is None:
        return
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a model that transformers can read"):
        PretrainedWords(16, modality=modality)


def test_a_pretrained_model_reads_padding_neither_and_learns():
    folder = _pretrained()
    vocabulary = Vocabulary.of_folder(folder)
    encoder = PretrainedWords(16, modality=Text(folder=str(folder), fitted=vocabulary)).eval()
    _padding_reaches_nothing(encoder, vocabulary, 16)
    encoder.train()
    _mean(encoder, *vocabulary.encode(TEXTS, 12)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_a_pretrained_model_puts_like_meanings_together():
    """Not so of random weights: the two sentences about knees share no word but 'the'."""
    folder = _pretrained()
    texts = ["the knee joint is worn out", "the patient has osteoarthritis", "the stock market fell today"]
    vocabulary = Vocabulary.of_folder(folder)
    encoder = PretrainedWords(16, modality=Text(folder=str(folder), fitted=vocabulary)).eval()
    encoder.leave = torch.nn.Identity()
    with torch.no_grad():
        a, b, c = torch.nn.functional.normalize(_mean(encoder, *vocabulary.encode(texts, 16)), dim=1)
    assert a @ b > a @ c + 0.1
