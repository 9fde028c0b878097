"""How many units an external validation needs for intervals of a stated width (Riley et al. 2021, Stat Med 40:4230).

Four criteria for a binary outcome: observed over expected, the calibration slope, the c-statistic, and the
standardised net benefit at a threshold. Beside what is `Assumed` of the validation, the model is taken to be right
(calibration intercept 0, slope 1), as the paper's default is.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import expit

from semeia.evaluation.cells import Cell, Fold, concatenate, counts
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.notes import Notes
from semeia.evaluation.shapes import Reals
from semeia.evaluation.statistics.calibration import clipped_logit
from semeia.evaluation.statistics.discrimination import auroc_draws
from semeia.evaluation.tables.columns import TABLES, Row, place_columns

# Half the width of a 95 % interval in standard errors.
Z = 1.959963984540054
MOST = 2**60  # units that are asked for
# Widths of the 95 % intervals that are aimed at: what is precise enough depends on the use; these are usual.
TARGET_WIDTHS = {"o_e": 0.2, "calibration_slope": 0.4, "auroc": 0.1, "standardised_net_benefit": 0.2}


@dataclass(frozen=True)
class Assumed:
    """What is assumed of the population in which a model is validated."""

    prevalence: float  # share of positives
    auroc: float  # the c-statistic
    linear_predictor: Reals  # log-odds of a sample of the population; right in the large (see `right_in_the_large`)
    threshold: float  # probability at which net benefit is judged


def validation_size(judged: Judged) -> pl.DataFrame:
    """The table "validation_size": for each cohort, arm and criterion the units needed, against those there are.

    The c-statistic and the linear predictor are taken from the cohort on which things are fitted where there is one
    (what was known before anybody looked outside), the prevalence from the cohort itself, to which the linear predictor
    is shifted; the threshold is the prevalence. `expected_width` is that of the n units there are. The formulae are for
    independent units: `reached` is "yes" when there are as many patients, "units" when only the units suffice.
    """
    rows: list[Row] = []
    for places in judged.outcomes().values():
        home = next((place for place in places if place.inside), None)
        for place in places:
            for cell, folds in place.full.items():
                source = home if home is not None and cell in home.full else place
                assumed = _assumed(place, folds, source, cell, judged.notes)
                rows += _rows(place, cell, folds, source.cohort, assumed) if assumed is not None else []
    return pl.DataFrame(rows, schema=TABLES["validation_size"])


def expected_width(criterion: str, assumed: Assumed, *, n: int | float) -> float:
    """Expected width of the 95 % interval of a criterion (a key of TARGET_WIDTHS) with `n` independent units."""
    error = _ERRORS[criterion](assumed, float(n))
    # observed / expected is estimated on the log scale around one.
    return float(2 * np.sinh(Z * error)) if criterion == "o_e" else float(2 * Z * error)


def needed_size(criterion: str, assumed: Assumed, *, width: float) -> int:
    """Fewest independent units for which the expected 95 % interval of a criterion is at most `width` wide."""
    return 1 + bisect_left(range(1, MOST), True, key=lambda n: expected_width(criterion, assumed, n=n) <= width)


def right_in_the_large(linear_predictor: Reals, *, prevalence: float) -> Reals:
    """The linear predictor shifted so that its mean probability is the prevalence."""
    low, high = -50.0, 50.0
    for _ in range(100):
        shift = (low + high) / 2
        low, high = (shift, high) if expit(linear_predictor + shift).mean() < prevalence else (low, shift)
    return linear_predictor + shift


def _error_o_e(assumed: Assumed, n: float) -> float:
    """Of ln(observed / expected) (criterion 1)."""
    return float(np.sqrt((1 - assumed.prevalence) / (n * assumed.prevalence)))


def _error_slope(assumed: Assumed, n: float) -> float:
    """Of the calibration slope, from the Fisher information of intercept and slope (criterion 2)."""
    x = assumed.linear_predictor
    information = expit(x) * (1 - expit(x))
    a, b, c = information.mean(), (information * x).mean(), (information * x**2).mean()
    return float(np.sqrt(a / (n * (a * c - b**2))))


def _error_auroc(assumed: Assumed, n: float) -> float:
    """Of the c-statistic (criterion 3; Newcombe 2006)."""
    c, p, half = assumed.auroc, assumed.prevalence, n / 2 - 1
    shape = 1 + half * (1 - c) / (2 - c) + half * c / (1 + c)
    return float(np.sqrt(max(0.0, c * (1 - c) * shape) / (n**2 * p * (1 - p))))


def _error_net_benefit(assumed: Assumed, n: float) -> float:
    """Of the standardised net benefit (criterion 4; Marsh et al. 2020)."""
    p, probability = assumed.prevalence, expit(assumed.linear_predictor)
    called = probability >= assumed.threshold
    sensitivity = probability[called].sum() / probability.sum()
    specificity = (1 - probability[~called]).sum() / (1 - probability).sum()
    w = (1 - p) / p * assumed.threshold / (1 - assumed.threshold)
    variance = sensitivity * (1 - sensitivity) / p
    variance += w**2 * specificity * (1 - specificity) / (1 - p)
    variance += w**2 * (1 - specificity) ** 2 / (p * (1 - p))
    return float(np.sqrt(variance / n))


_ERRORS: dict[str, Callable[[Assumed, float], float]] = {
    "o_e": _error_o_e,
    "calibration_slope": _error_slope,
    "auroc": _error_auroc,
    "standardised_net_benefit": _error_net_benefit,
}


def _assumed(place: Place, folds: dict[int, Fold], source: Place, cell: Cell, notes: Notes) -> Assumed | None:
    counted = counts(folds.values())
    prevalence = float(counted["n_positive"]) / float(counted["n"])
    known = source.full[cell]
    aurocs = [auroc_draws(fold.label, fold.score, np.ones((1, len(fold.label))))[0] for fold in known.values()]
    defined = [value for value in aurocs if not np.isnan(value)]
    score = concatenate(list(known.values())).score
    if not 0 < prevalence < 1 or not defined or np.ptp(score) == 0:
        notes.add("validation size left out, one class or constant scores", place.name(cell))
        return None
    predictor = right_in_the_large(clipped_logit(score), prevalence=prevalence)
    return Assumed(prevalence, float(np.mean(defined)), predictor, threshold=prevalence)


def _rows(place: Place, cell: Cell, folds: dict[int, Fold], source: str, assumed: Assumed) -> Iterator[Row]:
    counted = counts(folds.values())
    for criterion, width in TARGET_WIDTHS.items():
        needed = needed_size(criterion, assumed, width=width)
        enough = {"yes": counted["n_patients"], "units": counted["n"]}
        own: Row = {
            "criterion": criterion,
            "target_width": width,
            "expected_width": expected_width(criterion, assumed, n=counted["n"]),
            "needed": needed,
            "reached": next((word for word, n in enough.items() if n >= needed), "no"),
            "assumed_from": source,
            "assumed_auroc": assumed.auroc,
            "assumed_prevalence": assumed.prevalence,
            "assumed_sd": float(assumed.linear_predictor.std()),
            "threshold": assumed.threshold,
        }
        yield place_columns(place, cell) | own | counted
