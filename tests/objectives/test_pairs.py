"""Both directions by hand, equal reports included; who takes part; the temperature and its bound."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from semeia.errors import InputError
from semeia.objectives.pairs import CONVIRT, Pairs, PairSettings, matching, same_values
from semeia.objectives.step import Step
from semeia.objectives.views import vectors
from small_batches import REPORT, rows, seen, small_batch, small_encoder, with_nbi, with_reports

STEP = Step(index=1, total=10, seed=0)


def objective(settings: PairSettings) -> Pairs:
    torch.manual_seed(0)
    encoder = small_encoder(modalities=("image", "report"))
    return Pairs(encoder, settings=replace(settings, dim=8), pair=("image", "report"))


def by_hand(queries: np.ndarray, answers: np.ndarray, words: list[object], sharpness: float) -> float:
    """Cross-entropy of each query with the target uniform over the answers that say the same."""
    losses = []
    for i, query in enumerate(queries):
        scores = np.array([sharpness * query @ a / np.linalg.norm(query) / np.linalg.norm(a) for a in answers])
        logs = scores - np.log(np.exp(scores).sum())
        right = [j for j in range(len(answers)) if words[j] == words[i]]
        losses.append(-np.mean([logs[j] for j in right]))
    return float(np.mean(losses))


def test_without_equal_texts_matching_is_plain_cross_entropy_both_ways():
    image, text = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0))
    there, back = matching(image, text, torch.eye(6, dtype=torch.bool), torch.tensor(7.0))
    words = list(range(6))
    assert float(there) == pytest.approx(by_hand(image.numpy(), text.numpy(), words, 7.0), rel=1e-5)
    assert float(back) == pytest.approx(by_hand(text.numpy(), image.numpy(), words, 7.0), rel=1e-5)


@pytest.mark.parametrize("settings", [PairSettings(), CONVIRT], ids=["clip", "convirt"])
@torch.no_grad()
def test_the_loss_by_hand_over_rows_with_image_and_report(settings: PairSettings):
    made, batch = objective(settings).eval(), with_reports(small_batch())
    chosen = [1, 2, 4, 5]  # row 0 has no image, row 3 no report; 2 and 4 say the same
    part = rows(batch, chosen)
    every = torch.ones(4, dtype=torch.bool)
    image = made.first_head(vectors(made.encoder, part.of("image", every), "image")).double().numpy()
    text = made.second_head(vectors(made.encoder, part.of("report", every), "report")).double().numpy()
    report = part.modalities["report"]
    words: list[object] = [tuple(v[p].tolist()) for v, p in zip(report.values[:, 0], report.present[:, 0], strict=True)]
    assert len(set(words)) == 3
    terms, share, sharpness = made.loss(batch, STEP), settings.forth, 1 / settings.temperature
    expected = share * by_hand(image, text, words, sharpness)
    assert float(terms["image_to_report"]) == pytest.approx(expected, rel=1e-4)
    expected = (1 - share) * by_hand(text, image, words, sharpness)
    assert float(terms["report_to_image"]) == pytest.approx(expected, rel=1e-4)


def test_the_global_embedding_is_one_block_of_two_normalised_layers():
    torch.manual_seed(0)
    chosen = PairSettings(learn_temperature=False, layers=2, dim=8, hidden=24, norm=True, shared=True)
    made = Pairs(small_encoder(modalities=("image", "nbi")), settings=chosen, pair=("image", "nbi")).train()
    batch = with_nbi(small_batch())
    there = torch.tensor([False, True, True, False, True, True])
    projected = []
    for name in made.pair:
        vector = vectors(made.encoder, batch.of(name, there), name)
        first, last = (layer.weight for layer in made.second_head if isinstance(layer, torch.nn.Linear))
        assert first.shape == (24, vector.shape[1])
        hidden = vector @ first.T
        hidden = ((hidden - hidden.mean(0)) / (hidden.var(0, correction=0) + 1e-5).sqrt()).relu() @ last.T
        projected.append((hidden - hidden.mean(0)) / (hidden.var(0, correction=0) + 1e-5).sqrt())
    there_and_back = matching(*projected, torch.eye(4, dtype=torch.bool), torch.tensor(1 / 0.07))
    for term, expected in zip(made.loss(batch, STEP).values(), there_and_back, strict=True):
        torch.testing.assert_close(term, expected / 2, rtol=1e-3, atol=1e-5)
    assert made.first_head is made.second_head


def test_equal_words_are_equal_texts_whatever_the_padding_holds():
    values = torch.tensor([[3, 4, 0, 0], [3, 4, 9, 9], [3, 4, 0, 0], [4, 3, 0, 0]])
    present = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0]]).bool()
    same = same_values(seen(REPORT, values, present))
    expected = torch.eye(4, dtype=torch.bool)
    expected[0, 1] = expected[1, 0] = True
    assert torch.equal(same, expected)


def test_nobody_with_both_gives_zero_and_no_reports_at_all_an_error():
    made = objective(PairSettings())
    for row in (0, 3):
        terms = made.loss(rows(with_reports(small_batch()), [row]), STEP)
        assert all(float(value.detach()) == 0 for value in terms.values())
    with pytest.raises(InputError, match="compares image with report: the batch has no report"):
        made.loss(small_batch(), STEP)


def test_clip_learns_its_temperature_within_a_bound_and_convirt_keeps_its_own():
    clip, convirt = objective(PairSettings()), objective(CONVIRT)
    assert float(clip.log_sharpness.detach().exp()) == pytest.approx(1 / 0.07)
    assert "log_sharpness" in dict(clip.named_parameters())
    assert "log_sharpness" not in dict(convirt.named_parameters())
    assert float(convirt.log_sharpness.exp()) == pytest.approx(10)
    with torch.no_grad():
        clip.log_sharpness.fill_(9.0)
    clip.after_step(STEP)
    assert float(clip.log_sharpness.detach()) == pytest.approx(math.log(100))


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="forth is"):
        PairSettings(forth=1.5)
    with pytest.raises(InputError, match="learns from 'report'; the encoder reads image, reading"):
        Pairs(small_encoder(), settings=PairSettings(), pair=("image", "report"))


@torch.no_grad()
def test_any_two_modalities_are_compared():
    torch.manual_seed(0)
    made = Pairs(small_encoder(), settings=PairSettings(dim=8), pair=("reading", "image")).eval()
    terms = made.loss(small_batch(), STEP)
    assert list(terms) == ["reading_to_image", "image_to_reading"]
    chosen = rows(small_batch(), [1, 3, 4, 5])  # rows 0 and 2 lack one of the two
    again = made.loss(chosen, STEP)
    for name in terms:
        torch.testing.assert_close(terms[name], again[name])
        assert float(terms[name]) > 0
