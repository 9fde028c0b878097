"""DeLong against comparing every pair, published results of SAS and R's pROC, and what clustering must do."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from semeia.errors import InputError
from semeia.evaluation.statistics.delong import (
    Areas,
    Difference,
    areas,
    logit_interval,
    mean_areas,
    placements,
)

# Ovarian cancer and bowel obstruction: albumin, total protein, K-G score, benefit of surgery (DeLong et al. 1988), as
# printed in the SAS/STAT user's guide, PROC LOGISTIC, "Comparing Receiver Operating Characteristic Curves".
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1
3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1
4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""
# Patients of pROC's data set aSAH by WFNS grade (1 to 5) and outcome (Turck et al. 2010).
WFNS_GOOD, WFNS_POOR = [37, 20, 3, 8, 4], [2, 12, 1, 8, 18]


def _compared_pair_by_pair(label: np.ndarray, scores: np.ndarray, patient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROCs and their covariance from the kernel of every pair, Obuchowski's sums written out."""
    kernels = [
        np.array([[(x > y) + 0.5 * (x == y) for y in score[label == 0]] for x in score[label == 1]]) for score in scores
    ]
    value = np.array([kernel.mean() for kernel in kernels])
    m, n = kernels[0].shape
    with_positive, with_negative = set(patient[label == 1]), set(patient[label == 0])
    i10, i01, i = len(with_positive), len(with_negative), len(set(patient))
    covariance = np.zeros((len(scores), len(scores)))
    for r, left in enumerate(kernels):
        for s, right in enumerate(kernels):
            s10 = s01 = s11 = 0.0
            for person in set(patient):
                mine, theirs = patient[label == 1] == person, patient[label == 0] == person
                x_r, x_s = ((k.mean(axis=1)[mine] - a).sum() for k, a in ((left, value[r]), (right, value[s])))
                y_r, y_s = ((k.mean(axis=0)[theirs] - a).sum() for k, a in ((left, value[r]), (right, value[s])))
                s10, s01, s11 = s10 + x_r * x_s, s01 + y_r * y_s, s11 + x_r * y_s + x_s * y_r
            s10, s01, s11 = s10 * i10 / ((i10 - 1) * m), s01 * i01 / ((i01 - 1) * n), s11 * i / (i - 1)
            covariance[r, s] = s10 / m + s01 / n + s11 / (m * n)
    return value, covariance


def covariance_of(found: Areas) -> np.ndarray:
    """Covariance of the AUROCs, from the errors of their sums by twos."""
    units = np.eye(len(found.value))

    def variance(coefficients: np.ndarray) -> float:
        return found.contrast(tuple(coefficients.tolist())).error ** 2

    return np.array([[variance(one + two) - variance(one) - variance(two) for two in units] for one in units]) / 2


def _made_up(seed: int, *, patients: int = 14, most_units: int = 3, levels: int = 6):
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), rng.integers(1, most_units + 1, patients))
    label = rng.integers(0, 2, len(patient))
    first = np.searchsorted(np.unique(patient), patient)
    label[first == 0], label[first == 1], label[first == 2], label[first == 3] = 0, 1, 0, 1
    scores = rng.integers(0, levels, (3, len(patient))) + rng.integers(0, 3, patients)[patient] + label
    return label, scores.astype(float), patient


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_values_and_covariance_equal_comparing_every_pair_with_ties_and_clusters(seed: int):
    label, scores, patient = _made_up(seed)
    found = areas(label, scores, patient)
    value, covariance = _compared_pair_by_pair(label, scores, patient)
    np.testing.assert_allclose(found.value, value, atol=1e-12)
    np.testing.assert_allclose(covariance_of(found), covariance, atol=1e-12)
    np.testing.assert_allclose(found.value, [roc_auc_score(label, score) for score in scores], atol=1e-12)


def test_one_unit_a_patient_is_plain_delong():
    label, scores, _ = _made_up(3, patients=40, most_units=1)
    above, below = zip(*(placements(label, score) for score in scores), strict=True)
    delong = np.cov(above) / label.sum() + np.cov(below) / (label == 0).sum()
    np.testing.assert_allclose(covariance_of(areas(label, scores)), delong, atol=1e-14)
    np.testing.assert_allclose(covariance_of(areas(label, scores, np.arange(40)[::-1])), delong, atol=1e-14)


def test_repeating_every_unit_within_its_patient_adds_no_information():
    label, scores, patient = _made_up(5, patients=30)
    once = areas(label, scores, patient)
    thrice = areas(np.repeat(label, 3), np.repeat(scores, 3, axis=1), np.repeat(patient, 3))
    np.testing.assert_allclose(covariance_of(thrice), covariance_of(once), atol=1e-14)
    apart = areas(np.repeat(label, 3), np.repeat(scores, 3, axis=1))
    assert (np.diag(covariance_of(apart)) < 0.6 * np.diag(covariance_of(once))).all()


def test_contrast_is_that_of_the_covariance():
    label, scores, patient = _made_up(8, patients=30)
    found = areas(label, scores, patient)
    weights = np.array([1.0, -1.0, 0.5])
    difference = found.contrast((1, -1, 0.5))
    assert difference.value == pytest.approx(weights @ found.value)
    assert difference.error**2 == pytest.approx(weights @ covariance_of(found) @ weights)


def test_results_of_sas_on_the_ovarian_data():
    albumin, protein, kg, label = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4).T
    found = areas(label, np.stack([albumin, 10 - kg, protein]))
    np.testing.assert_allclose(found.value, [0.7366, 0.7258, 0.6478], atol=5e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance_of(found))), [0.0927, 0.1028, 0.1000], atol=5e-5)
    for coefficients, value, error, low, high, square, p in (
        ((1, -1, 0), 0.0108, 0.0953, -0.1761, 0.1976, 0.0127, 0.9102),
        ((0, -1, 1), -0.0780, 0.1046, -0.2830, 0.1271, 0.5554, 0.4561),
    ):
        difference = found.contrast(coefficients)
        said = [difference.value, difference.error, *difference.interval(), difference.z**2, difference.p]
        np.testing.assert_allclose(said, [value, error, low, high, square, p], atol=5.1e-5)


def test_results_of_proc_on_wfns_grades_which_are_mostly_ties():
    # pROC 1.19: auc(aSAH$outcome, aSAH$wfns) and var() of it, tests/testthat/test-var.R.
    grade = np.concatenate([np.repeat(np.arange(1, 6), counts) for counts in (WFNS_GOOD, WFNS_POOR)])
    label = np.repeat([0, 1], [sum(WFNS_GOOD), sum(WFNS_POOR)])
    found = areas(label, grade[None])
    assert found.value[0] == pytest.approx(0.8236789, abs=1e-7)
    assert covariance_of(found)[0, 0] == pytest.approx(0.00146991470882363, rel=1e-12)
    assert found.contrast((1,)).interval() == pytest.approx((0.7485, 0.8988), abs=1e-4)


def _asah() -> Path:
    folder = os.environ.get("SEMEIA_DATA")
    path = Path(folder or "") / "proc" / "aSAH.csv"
    if not folder or not path.exists():
        # the data set comes under the GPL and so not with this repository.
        pytest.skip("SEMEIA_DATA/proc/aSAH.csv is not there; in R: write.csv(pROC::aSAH, 'aSAH.csv')")
    return path


def test_results_of_proc_on_the_whole_asah_data():
    # pROC 1.19, tests/testthat/test-{var,cov,ci.auc,roc.test}.R; the first two are printed in its documentation.
    table = pl.read_csv(_asah())
    label = (table["outcome"] == "Poor").to_numpy()
    scores = table.select("wfns", "s100b", "ndka").to_numpy().T.astype(float)
    found = areas(label, scores)
    np.testing.assert_allclose(found.value, [0.8236789, 0.7313686, 0.6119580], atol=1e-7)
    expected = [
        [0.00146991470882363, 0.00119615567376754, -0.000532967856762438],
        [0.00119615567376754, 0.00266868245717244, -0.000756164938056579],
        [-0.000532967856762438, -0.000756164938056579, 0.0031908105493913],
    ]
    np.testing.assert_allclose(covariance_of(found), expected, rtol=1e-10)
    assert found.contrast((0, 1, 0)).interval() == pytest.approx((0.6301, 0.8326), abs=5e-5)
    assert found.contrast((0, 0, 1)).interval() == pytest.approx((0.501244999271703, 0.722670989888189))
    paired = {
        (1, -1, 0): (2.20898359144091, 0.0271757822291882, 0.0104061769564846, 0.174214419249478),
        (1, 0, -1): (2.79777591868904, 0.00514557970691098, 0.0634011709339876, 0.3600405634833566),
        (0, -1, 1): (-1.39077002573558, 0.164295175223054, -0.2876917446341914, 0.0488706064228094),
    }
    for coefficients, expected in paired.items():
        difference = found.contrast(coefficients)
        assert (difference.z, difference.p, *difference.interval()) == pytest.approx(expected, rel=1e-9)


def test_mean_over_seeds_that_test_the_same_patients_and_over_seeds_that_do_not():
    label, scores, patient = _made_up(2, patients=40)
    whole = areas(label, scores, patient)
    same = mean_areas([whole, whole])
    np.testing.assert_allclose(covariance_of(same), covariance_of(whole), atol=1e-15)
    apart = mean_areas([whole, areas(label, scores, patient + 100)])
    np.testing.assert_allclose(apart.value, whole.value)
    np.testing.assert_allclose(covariance_of(apart), covariance_of(whole) / 2, atol=1e-15)
    # as many scores of the same units as seeds: the variance of their mean.
    seeds = mean_areas([areas(label, score[None], patient) for score in scores])
    assert seeds.contrast((1,)).error == pytest.approx(whole.contrast((1 / 3, 1 / 3, 1 / 3)).error)


def test_error_is_that_of_a_patient_bootstrap():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(150), 3)
    label = (rng.random(150) < 0.4).astype(int)[patient]
    score = rng.normal(size=150)[patient] + 1.2 * label + rng.normal(size=450)
    rows = np.arange(450).reshape(150, 3)
    drawn = [rows[rng.integers(150, size=150)].ravel() for _ in range(400)]
    bootstrap = np.std([roc_auc_score(label[at], score[at]) for at in drawn])
    assert areas(label, score[None], patient).contrast((1,)).error == pytest.approx(bootstrap, rel=0.12)
    assert areas(label, score[None]).contrast((1,)).error < 0.8 * bootstrap


def test_equal_and_separating_scores():
    label, scores, patient = _made_up(1)
    equal = areas(label, np.stack([scores[0], 3 * scores[0] + 1]), patient).contrast((1, -1))
    assert (equal.value, equal.error, equal.z, equal.p) == (0.0, 0.0, 0.0, 1.0)
    perfect = areas(label, np.stack([label, 1 - label]).astype(float), patient).contrast((1, -1))
    assert perfect.value == 1.0
    assert np.isnan(perfect.z)
    assert np.isnan(perfect.p)


def test_one_patient_with_positives_has_no_variance():
    found = areas(np.array([1, 1, 0, 0]), np.array([[3.0, 2.0, 1.0, 2.5]]), np.array([0, 0, 1, 2]))
    assert found.value[0] == 0.75
    assert np.isnan(found.contrast((1,)).error)


def test_one_class_is_refused():
    with pytest.raises(InputError, match="both classes"):
        areas(np.ones(4), np.ones((1, 4)))


def test_interval_is_normal():
    low, high = Difference(0.1, 0.05).interval()
    assert (low, high) == pytest.approx((0.1 - 1.959964 * 0.05, 0.1 + 1.959964 * 0.05))
    assert isinstance(areas(np.array([0, 1, 0, 1]), np.ones((1, 4))), Areas)


def test_interval_on_the_scale_of_log_odds():
    # logit(0.9) = 2.19722, its error 0.04 / 0.09.
    low, high = logit_interval(Difference(0.9, 0.04))
    odds = np.exp(np.array([2.1972246 - 1.959964 * 0.04 / 0.09, 2.1972246 + 1.959964 * 0.04 / 0.09]))
    assert (low, high) == pytest.approx(odds / (1 + odds))
    assert np.isnan(logit_interval(Difference(1.0, 0.0))).all()
