"""Blend two experts by how much of the record's link with the label is left at a new site, read from unlabelled data.

The anchor, an expert that reads less (the image; age and sex), tells how likely each patient is to have the outcome.
Where what the joint expert reads beyond that (the record) moves with the outcome, the joint score rises with that
likelihood; how steeply is the link. At home it is known from labels; at a site it is read from scores alone. Where it
moved, weight goes over to the anchor.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from semeia.learning.adapt.experts import Calibration, Rows, Scored, calibrate
from semeia.learning.adapt.prevalence import at_prevalence, prevalence_at

USUAL = 0.75  # weight of the joint expert where nothing moved
MOVED = 2.0  # standard errors from which on the link counts as moved
FOLDS = 5
PENALTIES = (1.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True)
class Slope:
    """A slope and its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class HomeLink:
    """How the joint score hangs on anchor and label at home.

    Attributes:
        calibration: of the anchor.
        link: rise of the joint log-odds from no outcome to outcome, given the anchor; from labelled patients.
        unlabelled: the same, as unlabelled home patients show it; what a site is held against.
        explained: coefficients of the part that the anchor explains, the link taken out: 1, its log-odds, features.
    """

    calibration: Calibration
    link: Slope
    unlabelled: Slope
    explained: Float[np.ndarray, " column"]


@dataclass(frozen=True)
class SiteLink:
    """What unlabelled patients of a site say.

    Attributes:
        patients: how many.
        prevalence: estimated.
        link: as in `HomeLink`, at the site.
        left: share of the home link that is left, 1 where it is as at home; drawn towards 1 by the home link's error.
        error: standard error of that share, before it is drawn; above 1 it says next to nothing.
        z: how many standard errors the link moved.
        weight: of the joint expert in the blend.
    """

    patients: int
    prevalence: float
    link: Slope
    left: float
    error: float
    z: float
    weight: float

    @property
    def moved(self) -> bool:
        """Whether the link is told from the home's."""
        return abs(self.z) >= MOVED


def fit_home(labelled: Scored, label: Shaped[np.ndarray, " n"], unlabelled: Scored) -> HomeLink:
    """Measure the link at home.

    Args:
        labelled: home patients whom neither expert was fitted on (out-of-fold scores).
        label: 0 or 1.
        unlabelled: home patients whose labels neither expert saw; may include the labelled ones.
    """
    calibration = calibrate(labelled.anchor, label, reference=unlabelled.anchor)
    probability = calibration(unlabelled.anchor)
    design = np.column_stack([_columns(unlabelled), probability, probability**2])
    weights = _ridge(design, unlabelled.joint)
    known = calibration(labelled.anchor)
    rest = labelled.joint - np.column_stack([_columns(labelled), known, known**2]) @ weights
    link = slope(rest, label - known)
    # What the anchor explains without going through the label: the link times the probability is taken out of it.
    columns = _columns(unlabelled)
    without = unlabelled.joint - link.value * probability
    explained = _ridge(columns, without)
    left = np.empty(len(unlabelled))
    for fold in range(FOLDS):
        test = np.arange(len(unlabelled)) % FOLDS == fold
        left[test] = unlabelled.joint[test] - columns[test] @ _ridge(columns[~test], without[~test])
    return HomeLink(calibration, link, slope(left, probability), explained)


def judge_site(home: HomeLink, site: Scored) -> SiteLink:
    """Measure the link at a site without labels, and weigh the experts by what is left of it."""
    probability = home.calibration(site.anchor)
    prevalence = prevalence_at(home.calibration, site.anchor)
    probability = at_prevalence(probability, home=home.calibration.prevalence, site=prevalence)
    there = slope(site.joint - _columns(site) @ home.explained, probability)
    moved = (there.value - home.unlabelled.value) / home.link.value
    error = float(np.hypot(there.error, home.unlabelled.error)) / abs(home.link.value)
    trust = home.link.value**2 / (home.link.value**2 + home.link.error**2)
    left, z = 1 + trust * moved, moved / error * np.sign(home.link.value)
    weight = USUAL if abs(z) < MOVED else float(np.clip(0.25 + 0.5 * left, 0.0, USUAL))
    return SiteLink(len(site), prevalence, there, float(left), error, float(z), weight)


def blended(anchor: Rows, joint: Rows, *, weight: float) -> Rows:
    """Log-odds of the blend."""
    return (1 - weight) * anchor + weight * joint


def slope(values: Rows, on: Rows) -> Slope:
    """Least squares slope of values on one column, with an intercept."""
    centred = on - on.mean()
    square = float(centred @ centred)
    value = float(centred @ values) / square
    rest = values - values.mean() - value * centred
    return Slope(value, float(np.sqrt(rest @ rest / max(len(values) - 2, 1) / square)))


def _columns(scored: Scored) -> Float[np.ndarray, "n column"]:
    return np.column_stack([np.ones(len(scored)), scored.anchor, scored.features])


def _ridge(design: Float[np.ndarray, "n column"], target: Rows) -> Float[np.ndarray, " column"]:
    """Ridge regression whose first column is the intercept; the penalty by generalised cross-validation."""
    from sklearn.linear_model import RidgeCV

    fitted = RidgeCV(PENALTIES).fit(design[:, 1:], target)
    return np.append(np.asarray(fitted.intercept_), np.asarray(fitted.coef_))
