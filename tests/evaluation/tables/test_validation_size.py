"""Sample size for external validation: against numbers of the authors' package, and against simulation."""

import numpy as np
import polars as pl
import pytest
from scipy.special import expit
from scipy.stats import beta, norm

from prediction_tables import predictions
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.evaluation.statistics.calibration import calibration
from semeia.evaluation.tables.validation_size import (
    TARGET_WIDTHS,
    Assumed,
    expected_width,
    needed_size,
    right_in_the_large,
    validation_size,
)

GRID = (np.arange(100_000) + 0.5) / 100_000
NORMAL = {mean_sd: norm.ppf(GRID, *mean_sd) for mean_sd in ((-5, 2.5), (-0.3, 1.1), (-3, 1.5))}
PROBABILITY = beta.ppf(GRID, 1.33, 1.75)

# Printed by pmvalsampsize 0.2.1 (the package of Riley et al. for Python, GPL-3), which searches its standard errors in
# steps of 0.0001 and draws the linear predictor, hence the tolerance: criterion, prevalence, c-statistic, linear
# predictor, threshold, width, n.
PRINTED = [
    ("o_e", 0.018, 0.8, NORMAL[-5, 2.5], 0.5, 1.0, 905),
    ("calibration_slope", 0.018, 0.8, NORMAL[-5, 2.5], 0.5, 0.2, 4544),
    ("auroc", 0.018, 0.8, NORMAL[-5, 2.5], 0.5, 0.1, 4252),
    ("o_e", 0.43, 0.77, NORMAL[-0.3, 1.1], 0.3, 0.2, 510),
    ("calibration_slope", 0.43, 0.77, NORMAL[-0.3, 1.1], 0.3, 0.4, 606),
    ("auroc", 0.43, 0.77, NORMAL[-0.3, 1.1], 0.3, 0.1, 347),
    ("standardised_net_benefit", 0.43, 0.77, NORMAL[-0.3, 1.1], 0.3, 0.2, 311),
    ("o_e", 0.1, 0.9, NORMAL[-3, 1.5], 0.1, 0.4, 876),
    ("calibration_slope", 0.1, 0.9, NORMAL[-3, 1.5], 0.1, 0.3, 1689),
    ("auroc", 0.1, 0.9, NORMAL[-3, 1.5], 0.1, 0.08, 680),
    ("standardised_net_benefit", 0.1, 0.9, NORMAL[-3, 1.5], 0.1, 0.2, 1063),
    ("calibration_slope", 0.43, 0.8, np.log(PROBABILITY / (1 - PROBABILITY)), 0.5, 0.2, 2136),
    ("auroc", 0.43, 0.8, np.log(PROBABILITY / (1 - PROBABILITY)), 0.5, 0.1, 308),
]


@pytest.mark.parametrize(("criterion", "prevalence", "auroc", "predictor", "threshold", "width", "printed"), PRINTED)
def test_numbers_of_the_authors_package(criterion, prevalence, auroc, predictor, threshold, width, printed):
    assumed = Assumed(prevalence, auroc, predictor, threshold)
    needed = needed_size(criterion, assumed, width=width)
    exact = criterion == "auroc"
    assert needed == (printed if exact else pytest.approx(printed, rel=0.012))


@pytest.mark.parametrize("criterion", TARGET_WIDTHS)
def test_the_needed_size_is_the_first_that_is_enough(criterion):
    assumed = Assumed(0.3, 0.8, NORMAL[-0.3, 1.1], 0.3)
    needed = needed_size(criterion, assumed, width=0.15)
    assert expected_width(criterion, assumed, n=needed) <= 0.15 < expected_width(criterion, assumed, n=needed - 1)


def test_the_slope_varies_as_much_as_is_expected():
    rng = np.random.default_rng(0)
    predictor = rng.normal(-0.3, 1.1, 50_000)
    slopes = []
    for _ in range(400):
        x = rng.choice(predictor, 500)
        slopes.append(calibration((rng.random(500) < expit(x)).astype(int), expit(x))[1])
    width = expected_width("calibration_slope", Assumed(0.43, 0.77, predictor, 0.3), n=500)
    assert 2 * 1.96 * np.std(slopes) == pytest.approx(width, rel=0.12)


def test_right_in_the_large():
    shifted = right_in_the_large(NORMAL[-3, 1.5], prevalence=0.25)
    assert expit(shifted).mean() == pytest.approx(0.25)
    assert np.ptp(shifted) == pytest.approx(np.ptp(NORMAL[-3, 1.5]))


def test_the_table_assumes_what_was_known_inside():
    judged = judge(predictions(), settings=EvaluationSettings(draws=100))
    table = validation_size(judged)
    assert table.height == 2 * 2 * len(TARGET_WIDTHS)
    assert set(table["assumed_from"]) == {"internal"}
    outside = table.filter(cohort="external", arm="model", criterion="auroc").row(0, named=True)
    assert outside["assumed_prevalence"] == pytest.approx(outside["n_positive"] / outside["n"])
    assert outside["needed"] > outside["n"]
    assert outside["reached"] == "no"
    assert outside["expected_width"] > outside["target_width"] == 0.1
    assert not table.select(pl.selectors.float().is_nan().any()).row(0).count(True)


def test_constant_scores_are_left_out_with_a_note():
    judged = judge(predictions().with_columns(score=pl.lit(0.5)), settings=EvaluationSettings(draws=100))
    assert validation_size(judged).is_empty()
    assert any("constant scores" in line for line in judged.notes.lines())
