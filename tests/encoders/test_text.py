"""A report's vector: padding reaches nothing, no report gives zeros, and every parameter learns."""

import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from semeia.encoders.patient import EncoderSettings
from semeia.encoders.text import PretrainedText, TextEncoder, mean_of_present
from semeia.errors import InputError
from semeia.views.patient import View
from semeia.views.text import Vocabulary

TEXTS = ["large osteophytes, no effusion", "effusion", None, "no osteophytes; large effusion, no narrowing"]
WORDS = Vocabulary.fit([text for text in TEXTS if text], least=1)
SETTINGS = EncoderSettings(dim=16, depth=2, heads=2)


def _encoder(seed: int = 0) -> TextEncoder:
    torch.manual_seed(seed)
    return TextEncoder(WORDS.size, settings=SETTINGS)


def _pretrained() -> Path:
    if importlib.util.find_spec("transformers") is None:
        pytest.skip("transformers is not installed: no pretrained text model can be read")
    if "SEMEIA_TEXT_MODEL" not in os.environ:
        pytest.skip("SEMEIA_TEXT_MODEL is not set: no pretrained text model is at hand")
    return Path(os.environ["SEMEIA_TEXT_MODEL"])


def _padding_reaches_nothing(encoder: torch.nn.Module, vocabulary: Vocabulary) -> torch.Tensor:
    """The vectors of TEXTS, which are the same with more padding, other values in it, and one at a time."""
    vectors = encoder(vocabulary.encode(TEXTS, 20))
    assert vectors.shape == (4, encoder.dim)
    assert not vectors[2].any()
    longer = vocabulary.encode(TEXTS, 30)
    filled = replace(longer, values=torch.where(longer.present, longer.values, 3))
    torch.testing.assert_close(encoder(filled), vectors, atol=1e-5, rtol=1e-4)
    alone = torch.cat([encoder(vocabulary.encode([text], 20)) for text in TEXTS])
    torch.testing.assert_close(alone, vectors, atol=1e-5, rtol=1e-4)
    return vectors


def test_padding_reaches_nothing():
    vectors = _padding_reaches_nothing(_encoder(), WORDS)
    assert torch.equal(vectors, _encoder()(WORDS.encode(TEXTS, 20)))
    assert not torch.equal(vectors, _encoder(1)(WORDS.encode(TEXTS, 20)))


def test_the_order_of_words_counts():
    first, second = _encoder()(WORDS.encode(["no large effusion", "large no effusion"], 8))
    assert not torch.allclose(first, second, atol=1e-4)


def test_every_parameter_learns_and_all_padding_is_no_error():
    encoder = _encoder()
    encoder(WORDS.encode(TEXTS, 12)).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name
        assert parameter.grad.isfinite().all(), name
    nothing = _encoder()(WORDS.encode([None, None], 4))
    assert not nothing.any()
    nothing.sum().backward()


def test_the_mean_is_over_what_is_present():
    x = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [torch.nan, 9.0]]])
    present = torch.tensor([[True, True, False]])
    torch.testing.assert_close(mean_of_present(x, present), torch.tensor([[2.0, 4.0]]))


def test_a_small_encoder_learns_to_tell_texts_apart():
    """Texts with and without effusion, told apart by a linear head after a few steps."""
    texts = [f"{a} osteophytes , {b} effusion" for a in ("no", "large", "small") for b in ("no", "large", "small")]
    labels = torch.tensor([float("no effusion" not in text) for text in texts])
    vocabulary = Vocabulary.fit(texts, least=1)
    torch.manual_seed(0)
    model = torch.nn.Sequential(TextEncoder(vocabulary.size, settings=SETTINGS), torch.nn.Linear(16, 1))
    optimiser, view = torch.optim.Adam(model.parameters(), 1e-2), vocabulary.encode(texts, 8)
    for _ in range(40):
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(view)[:, 0], labels).backward()
        optimiser.step()
    assert ((model(view)[:, 0] > 0) == labels.bool()).all()


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"lacks config.json and model.safetensors"):
        PretrainedText(tmp_path)
    if importlib.util.find_spec("transformers") is None:
        return
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a model that transformers can read"):
        PretrainedText(tmp_path)


def test_a_pretrained_model_reads_padding_neither_and_learns():
    folder = _pretrained()
    encoder, vocabulary = PretrainedText(folder).eval(), Vocabulary.of_folder(folder)
    vectors = _padding_reaches_nothing(encoder, vocabulary)
    encoder.train()
    encoder(vocabulary.encode(TEXTS, 12)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())
    assert vectors.shape[1] == encoder.dim


def test_a_pretrained_model_puts_like_meanings_together():
    """Not so of random weights: the two sentences about knees share no word but 'the'."""
    folder = _pretrained()
    texts = ["the knee joint is worn out", "the patient has osteoarthritis", "the stock market fell today"]
    with torch.no_grad():
        view: View = Vocabulary.of_folder(folder).encode(texts, 16)
        a, b, c = torch.nn.functional.normalize(PretrainedText(folder).eval()(view), dim=1)
    assert a @ b > a @ c + 0.1
