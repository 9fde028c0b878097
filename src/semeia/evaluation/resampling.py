"""Drawing patients with replacement, and the interval of what the draws give.

Patients, not rows, are drawn: a patient's rows come together or not at all, because they are not independent.
Draws are stratified by whether a patient has a positive row, so every draw has the cohort's number of either.
The draws depend on the order in which patients first appear, on their strata and on the seed, and on nothing
else: every arm, seed and metric of a cohort is evaluated in the same draws, which is what makes differences
paired.
"""

import numpy as np
from jaxtyping import Float, Int, Shaped

# An interval from a smaller share of its draws describes the draws that were defined, not the metric.
LEAST_DEFINED = 0.9


def patient_draws(
    subjects: Shaped[np.ndarray, "n"], labels: Shaped[np.ndarray, "n"], *, draws: int, seed: int
) -> Int[np.ndarray, "draws n"]:
    """How often each row is in each draw of a stratified patient bootstrap.

    Args:
        subjects: the patient of each row, any hashable-like array (strings, numbers).
        labels: 0/1 a row; a patient with any 1 is in the positive stratum.
    """
    _, first, inverse = np.unique(subjects, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    patient = order[inverse]
    has_positive = np.bincount(patient, weights=np.asarray(labels, dtype=float)) > 0
    return draw_patients(has_positive, draws=draws, seed=seed).T[patient].T


def draw_patients(
    strata: Shaped[np.ndarray, "patients"], *, draws: int, seed: int
) -> Int[np.ndarray, "draws patients"]:
    """How often each patient is in each draw; within each stratum as many are drawn as there are."""
    rng = np.random.default_rng(seed)
    # kept patients-first in memory: every metric reads the draws patient by patient.
    out = np.zeros((len(strata), draws), dtype=np.int32)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        size = len(members)
        # one count over (patient, draw) pairs, laid out so that no transposing is needed.
        pairs = rng.integers(size, size=(draws, size)) * draws + np.arange(draws)[:, None]
        out[members] = np.bincount(pairs.ravel(), minlength=size * draws).reshape(size, draws)
    return out.T


def percentile_interval(values: Float[np.ndarray, "draws"], *, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of the defined (not NaN) draws (Efron 1981). NaN, NaN when none is defined."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def average_seeds(values: Float[np.ndarray, "seeds draws"]) -> Float[np.ndarray, "draws"]:
    """Mean over the seeds that are defined (not NaN) in each draw; NaN for a draw with none."""
    defined = ~np.isnan(values)
    count = defined.sum(axis=0)
    total = np.where(defined, values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(values.shape[1], np.nan), where=count > 0)
