"""Ask features for an audit: is the site in them, and do labels without meaning find any?

Features of tested units go in, from whatever model; one row of the table "leakage" comes out for each check.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.discrimination import auroc_draws
from semeia.evaluation.tables.columns import Row
from semeia.evaluation.tables.leakage import leakage_row
from semeia.learning.probe import fit_linear

SITE, SHUFFLED = "Site told from the embedding", "Shuffled training labels"
SHUFFLES = 40
STRENGTH = (1e-2,)
# As in the audit of an archive: from here on something ranks the site well enough to be a shortcut.
SHORTCUT = 0.6
DRAWS = 1000


@dataclass(frozen=True)
class Probed:
    """What one seed's model makes of its training and its tested units.

    Attributes:
        train: features of the labelled training units.
        test: features of the tested units.
    """

    train: Float[np.ndarray, "n p"]
    labels: np.ndarray
    patients: np.ndarray
    test: Float[np.ndarray, "m p"]
    truth: np.ndarray


def site_row(
    features: Float[np.ndarray, "n p"],
    there: Int[np.ndarray, " n"],
    patients: np.ndarray,
    *,
    seed: int,
    where: str,
    of: str,
) -> Row:
    """Can units of one place (`there`) be told from the others by a linear probe, cross-fitted by patient?

    `of` says in words what is told from what.
    """
    scores = _cross_fitted(features, there, patients, seed=seed)
    _, patient = np.unique(patients, return_inverse=True)
    draws = Draws(np.bincount(patient, weights=there) > 0, DRAWS)
    values = draws.apply(patient, lambda weights: auroc_draws(there, scores, weights))
    low, high = draws.interval(values)
    words = (
        f"AUROC of a linear probe for {of}, cross-fitted by patient; 0.5 is blind to the site. Above {SHORTCUT}, with "
        "an interval above 0.5, it counts as found: a model could use it"
    )
    found = bool(values[0] > SHORTCUT and low > 0.5)
    return leakage_row(SITE, found=found, where=where, value=(float(values[0]), low, high), words=words)


def shuffled_row(probed: dict[int, Probed], *, where: str) -> Row:
    """Refit a probe to shuffled training labels: whatever it then tells of the test labels has leaked."""
    rng = np.random.default_rng(0)
    found: list[list[float]] = []
    for seed, one in sorted(probed.items()):
        if len(np.unique(one.truth)) < 2 or len(np.unique(one.labels)) < 2:
            continue
        x, new = _standardised(one.train, one.train), _standardised(one.test, one.train)
        ones = np.ones((1, len(one.test)))
        shuffles = (rng.permutation(one.labels) for _ in range(SHUFFLES))
        fitted = [fit_linear(x, labels, one.patients, seed=seed, strengths=STRENGTH) for labels in shuffles]
        found.append([float(auroc_draws(one.truth, new @ probe.weight, ones)[0]) for probe in fitted])
    if not found:
        return leakage_row(SHUFFLED, found=None, where=where, words="needs both classes in training and in test")
    values = np.mean(found, axis=0)
    low, high = np.quantile(values, [0.025, 0.975])
    words = f"AUROC of a linear probe over {SHUFFLES} shuffles; their range should hold 0.5"
    value = (float(values.mean()), float(low), float(high))
    return leakage_row(SHUFFLED, found=not low <= 0.5 <= high, where=where, value=value, words=words)


def _standardised(x: np.ndarray, reference: np.ndarray) -> np.ndarray:
    spread = reference.std(axis=0)
    return (x - reference.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _cross_fitted(x: np.ndarray, labels: np.ndarray, patients: np.ndarray, *, seed: int) -> np.ndarray:
    from sklearn.model_selection import StratifiedGroupKFold

    scores = np.zeros(len(labels))
    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(x, labels, patients):
        known, new = _standardised(x[train], x[train]), _standardised(x[test], x[train])
        probe = fit_linear(known, labels[train], patients[train], seed=seed, strengths=STRENGTH)
        scores[test] = new @ probe.weight + probe.bias
    return scores
