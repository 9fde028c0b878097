"""Patients are drawn, not rows; draws are reproducible; the intervals cover, where naive ones do not."""

import numpy as np
import pytest

from semeia.evaluation import percentile_interval, resampling
from semeia.evaluation.resampling import Draws, draw_patients
from semeia.evaluation.statistics.discrimination import auroc_draws
from semeia.evaluation.tables.across_seeds import mean_over_seeds


def test_rows_of_a_patient_come_together_and_strata_keep_their_size():
    patient = np.array([0, 1, 0, 2, 3, 1, 4])
    strata = np.array([True, True, False, False, False])
    weights = draw_patients(strata, draws=300, seed=3)[:, patient]
    assert weights.shape == (300, 7)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[:, 1], weights[:, 5])
    assert (weights[:, 0] + weights[:, 1] == 2).all()
    assert (weights[:, 3] + weights[:, 4] + weights[:, 6] == 3).all()
    assert weights[:, 3].max() == 3
    assert (draw_patients(strata, draws=300, seed=1)[:, patient] != weights).any()


def test_draws_are_multinomial():
    weights = draw_patients(np.zeros(5, dtype=bool), draws=20_000, seed=0)
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.03)
    np.testing.assert_allclose(weights.var(axis=0), 0.8, atol=0.03)  # n p (1 - p)
    assert np.cov(weights[:, 0], weights[:, 1])[0, 1] == pytest.approx(-0.2, abs=0.03)


def test_seeds_are_averaged_over_those_defined_in_a_draw():
    values = np.array([[1.0, np.nan, np.nan], [3.0, 2.0, np.nan]])
    np.testing.assert_array_equal(mean_over_seeds(values[:, :, None])[:, 0], [2.0, 2.0, np.nan])


def test_the_interval_covers_with_clustered_patients():
    """200 cohorts of 50 patients with up to 7 alike lesions: drawing patients covers, drawing rows not."""
    rng = np.random.default_rng(11)
    truth = _auroc_of_cohort(rng, patients=40_000)[0]
    covered = {"patients": 0, "rows": 0}
    for _ in range(200):
        value, subjects, label, score = _auroc_of_cohort(rng, patients=50)
        for unit, clusters in (("patients", subjects), ("rows", np.arange(len(subjects)))):
            patient = np.unique(clusters, return_inverse=True)[1]
            strata, seed = np.bincount(patient, label) > 0, int(rng.integers(2**31))
            weights = draw_patients(strata, draws=300, seed=seed)[:, patient]
            low, high = percentile_interval(auroc_draws(label, score, weights))
            covered[unit] += low <= truth <= high
        assert 0 < value < 1
    assert 0.88 <= covered["patients"] / 200 <= 0.99
    assert covered["rows"] / 200 < 0.85


def _auroc_of_cohort(rng, *, patients):
    size = rng.choice([1, 2, 7], patients)
    subjects = np.repeat(np.arange(patients), size)
    severity, manner = rng.normal(size=(2, patients)).repeat(size, axis=1)
    label = (severity + 0.3 * rng.normal(size=len(subjects)) > 0.4).astype(np.int8)
    score = 0.6 * severity + manner + 0.3 * rng.normal(size=len(subjects))
    return auroc_draws(label, score, np.ones((1, len(label))))[0], subjects, label, score


def test_draws_are_the_same_kept_or_drawn_again_whole_or_in_blocks(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    patient, label, score = rng.integers(40, size=90), rng.integers(2, size=90), rng.random(90)
    strata = np.bincount(patient, weights=label, minlength=40) > 0

    def values(method: str) -> np.ndarray:
        draws = Draws(strata, 700, seed=5, method=method)
        return draws.apply(patient, lambda weights: auroc_draws(label, score, weights))

    whole = values("bca")
    assert whole.shape == (1 + 700 + 40,)
    direct = auroc_draws(label, score, draw_patients(strata, draws=700, seed=5)[:, patient])
    np.testing.assert_array_equal(whole[1:701], direct)
    monkeypatch.setattr(resampling, "PIECE_ELEMENTS", 40 * 300)  # two chunks of 125 draws
    np.testing.assert_array_equal(values("bca"), whole)
    monkeypatch.setattr(resampling, "KEPT_BYTES", 0)
    monkeypatch.setattr(resampling, "BLOCK_ELEMENTS", 1000)
    np.testing.assert_array_equal(values("bca"), whole)
    np.testing.assert_array_equal(values("percentile"), whole[:701])


def test_fewer_draws_are_the_first_of_more():
    strata = np.arange(30) < 10
    np.testing.assert_array_equal(
        draw_patients(strata, draws=100, seed=1), draw_patients(strata, draws=900, seed=1)[:100]
    )


def test_the_jackknife_leaves_each_patient_out_once():
    draws = Draws(np.array([True, False, True, False, False]), 100, method="bca")
    weights = draws.apply(np.arange(5), lambda weights: weights)[101:]
    assert weights.sum() == 5 * 4
    np.testing.assert_array_equal(weights.sum(axis=0), 4)
