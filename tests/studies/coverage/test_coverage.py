"""The simulation of coverage: its worlds have the AUROC they claim, and its intervals are told apart."""

import numpy as np
import polars as pl
import pytest

from semeia.errors import InputError
from semeia.evaluation.statistics.discrimination import auroc
from semeia.studies.coverage import APART, World, coverage_study, draw_cohort, intervals

METHODS = ["percentile", "bca", "delong_clustered", "delong_plain", "mean_sd_over_root_b"]


def test_a_large_cohort_has_the_aurocs_prevalence_and_correlations_of_its_world():
    world = World(patients=60_000, auroc=0.8)
    cohort = draw_cohort(world, np.random.default_rng(0))
    assert auroc(cohort.label, cohort.scores[0]) == pytest.approx(0.8, abs=0.004)
    assert auroc(cohort.label, cohort.scores[1]) == pytest.approx(0.8 - APART, abs=0.004)
    assert cohort.label.mean() == pytest.approx(0.3, abs=0.006)
    units = np.bincount(cohort.patient)
    assert set(units) == {1, 2, 3, 4}
    pairs = np.flatnonzero(cohort.patient[1:] == cohort.patient[:-1])
    assert np.corrcoef(cohort.label[pairs], cohort.label[pairs + 1])[0, 1] == pytest.approx(0.5, abs=0.02)
    negative = cohort.scores[:, cohort.label == 0]
    assert np.corrcoef(negative)[0, 1] == pytest.approx(0.6, abs=0.02)
    both = pairs[(cohort.label[pairs] == 0) & (cohort.label[pairs + 1] == 0)]
    assert np.corrcoef(cohort.scores[0, both], cohort.scores[0, both + 1])[0, 1] == pytest.approx(0.5, abs=0.02)


def test_intervals_of_one_cohort():
    cohort = draw_cohort(World(patients=150, auroc=0.8), np.random.default_rng(1))
    found = intervals(cohort, draws=300, seed=2)
    assert list(found) == ["auroc", "difference"]
    for methods in found.values():
        assert list(methods)[:5] == METHODS
        width = {name: high - low for name, (low, high) in methods.items()}
        assert width["percentile"] == pytest.approx(width["delong_clustered"], rel=0.2)
        assert width["bca"] == pytest.approx(width["delong_clustered"], rel=0.25)
        assert width["mean_sd_over_root_b"] < 0.2 * width["percentile"]
    value = auroc(cohort.label, cohort.scores[0])
    assert found["auroc"]["delong_clustered"][0] < value < found["auroc"]["delong_clustered"][1]


def test_a_small_study_tells_the_right_from_the_wrong_and_repeats_itself():
    one, again = (coverage_study(repeats=40, patients=(120,), auroc=(0.75,), draws=200, seed=3) for _ in range(2))
    assert one.equals(again)
    assert one.columns == ["quantity", "true_auroc", "patients", "repeats", *METHODS, "delong_logit", "positives_fixed"]
    calibrated, one = one.filter(pl.col("quantity").str.starts_with("calibrated")), one.head(2)
    assert one["delong_logit"].is_null().to_list() == [False, True]
    assert one["quantity"].to_list() == ["auroc", "difference"]
    assert (calibrated["percentile"] >= 0.8).all()
    of = dict(zip(calibrated["quantity"], calibrated["positives_fixed"], strict=True))
    assert of["calibrated_calibration_intercept"] < 0.85
    lost = dict(zip(calibrated["quantity"], calibrated["percentile"] - calibrated["positives_fixed"], strict=True))
    assert lost["calibrated_calibration_intercept"] > 0.05
    assert lost["calibrated_net_benefit_at_0.2"] > 0.05
    assert (one["delong_clustered"] >= 0.8).all()
    assert (one["percentile"] >= 0.8).all()
    assert (one["mean_sd_over_root_b"] <= 0.5).all()
    assert (one["delong_plain"] <= one["delong_clustered"]).all()


@pytest.mark.parametrize(
    ("values", "words"),
    [({"repeats": 0}, "at least 1 repeat"), ({"patients": (5,)}, "20 patients"), ({"auroc": (1.0,)}, "below 1")],
)
def test_refusals(values: dict, words: str):
    with pytest.raises(InputError, match=words):
        coverage_study(**values)
