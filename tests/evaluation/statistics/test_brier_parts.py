"""The parts of the Brier score add up, exactly, in every draw; and each is what its definition says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from semeia.evaluation.statistics.brier_parts import BRIER_PARTS, brier_parts_draws, score_bins


def parts(label, score, weights) -> dict[str, np.ndarray]:
    return dict(zip(BRIER_PARTS, brier_parts_draws(label, score, weights).T, strict=True))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 60), st.integers(0, 2**31), st.booleans())
def test_the_parts_add_up_in_every_draw(n, seed, tied):
    rng = np.random.default_rng(seed)
    label, score = rng.integers(0, 2, n), rng.random(n)
    score = np.round(score, 1) if tied else score
    weights = rng.integers(0, 3, (20, n))
    found = parts(label, score, weights)
    total = (
        found["reliability"]
        - found["resolution"]
        + found["uncertainty"]
        + found["within_variance"]
        - found["within_covariance"]
    )
    np.testing.assert_allclose(total, found["brier"], atol=1e-12)
    for draw, weight in enumerate(weights):
        if weight.sum():
            written_out = np.average((score - label) ** 2, weights=weight)
            assert found["brier"][draw] == pytest.approx(written_out, abs=1e-12)
        else:
            assert np.isnan(found["brier"][draw])


def test_equals_the_definition_and_scikit_learn():
    rng = np.random.default_rng(0)
    score = rng.random(300)
    label = (rng.random(300) < score**2).astype(int)
    found = {name: values[0] for name, values in parts(label, score, np.ones((1, 300))).items()}
    where, share = score_bins(score), label.mean()
    bins = [where == each for each in np.unique(where)]
    assert [each.sum() for each in bins] == [30] * 10
    reliability = sum(b.mean() * (score[b].mean() - label[b].mean()) ** 2 for b in bins)
    resolution = sum(b.mean() * (label[b].mean() - share) ** 2 for b in bins)
    assert found["reliability"] == pytest.approx(reliability)
    assert found["resolution"] == pytest.approx(resolution)
    assert found["uncertainty"] == pytest.approx(share * (1 - share))
    assert found["brier"] == pytest.approx(brier_score_loss(label, score))
    assert found["scaled_brier"] == pytest.approx(1 - brier_score_loss(label, score) / (share * (1 - share)))
    assert found["observed_expected"] == pytest.approx(label.sum() / score.sum())


def test_one_score_a_bin_leaves_nothing_within():
    label, score = np.array([0, 1, 1, 0, 1]), np.array([0.1, 0.1, 0.8, 0.8, 0.8])
    found = parts(label, score, np.ones((1, 5)))
    np.testing.assert_allclose([found["within_variance"], found["within_covariance"]], 0, atol=1e-15)


def test_undefined_parts_are_nan():
    found = parts(np.array([1, 1]), np.array([0.0, 0.0]), np.ones((1, 2)))
    assert np.isnan(found["scaled_brier"])
    assert np.isnan(found["observed_expected"])
    assert found["brier"] == 1
