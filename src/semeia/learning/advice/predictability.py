"""Measure what two groups of features tell of each other, and of a label, before anything is trained.

Joint-embedding prediction learns from what one modality tells of another. Linear prediction and canonical correlations,
all cross-validated by patient and held against shuffled pairs, say how much that is; ridge regression on the shared
directions and on the rest says whether the label lies there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from semeia.errors import InputError
from semeia.evaluation.statistics.discrimination import auroc

Columns = Float[np.ndarray, "n column"]
Target = Float[np.ndarray, "n target"]
Patients = Shaped[np.ndarray, " n"]

COMPONENTS = 24  # of each group of features
SHARED = 8  # canonical directions that count as shared, at most
FOLDS = 5
REPEATS = 6  # draws of folds for what hangs on labels
DRAWS = 500  # of patients, for intervals
PENALTIES = (1.0, 10.0, 100.0, 1000.0, 10000.0)
FEWEST = 40  # units with both
LEAST_CORRELATION = 0.1


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval by bootstrap over patients."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Predictability:
    """Share of the variance of a target that a source explains in patients left out.

    Attributes:
        paired: for the right pairs.
        shuffled: where sources are dealt to other patients.
        gain: paired minus shuffled.
    """

    paired: float
    shuffled: float
    gain: Estimate


@dataclass(frozen=True)
class Shared:
    """What two groups of features share.

    Attributes:
        correlations: of the canonical directions in patients left out, the first first.
        directions: how many of them are above what chance gives.
        sides: canonical variates of all units, of each side.
    """

    correlations: Float[np.ndarray, " direction"]
    directions: int
    sides: tuple[Float[np.ndarray, "n first"], Float[np.ndarray, "n second"]]

    @property
    def variates(self) -> Float[np.ndarray, "n shared"]:
        """Variates of both sides that count as shared."""
        return np.hstack([side[:, : self._most] for side in self.sides])

    @property
    def rest(self) -> Float[np.ndarray, "n rest"]:
        """Variates of both sides beyond them."""
        return np.hstack([side[:, self._most :] for side in self.sides])

    @property
    def _most(self) -> int:
        return min(SHARED, max(len(self.correlations) // 2, 1))


def components(values: Columns, *, most: int = COMPONENTS) -> Float[np.ndarray, "n component"]:
    """Reduce features to standardised principal components; a missing value counts as the column's mean.

    No label and no other modality is read, so that all units may be.
    """
    from sklearn.decomposition import PCA

    known = ~np.isnan(values)
    mean = np.where(known, values, 0).sum(0) / known.sum(0).clip(min=1)
    filled = np.where(known, values, mean) - mean
    spread = filled.std(0)
    scaled = (filled / np.where(spread > 1e-9, spread, np.inf))[:, spread > 1e-9]
    count = min(most, scaled.shape[1], max(len(scaled) // 10, 1))
    if not count:
        raise InputError("these features do not vary: nothing can be predicted from them")
    solver = "randomized" if scaled.shape[1] > 500 else "covariance_eigh"
    return PCA(count, whiten=True, svd_solver=solver, random_state=0).fit_transform(scaled)


def predictability(source: Columns, target: Target, patients: Patients, *, seed: int = 0) -> Predictability:
    """Predict a target's components from a source's by ridge regression, in patients left out."""
    rng = np.random.default_rng([seed, 1])
    folds = patient_folds(patients, seed=seed)
    errors = [_errors(source[order], target, folds) for order in (np.arange(len(source)), rng.permutation(len(source)))]
    total = ((target - target.mean(0)) ** 2).sum(1)
    paired, shuffled = (1 - error.sum() / total.sum() for error in errors)
    names, number = np.unique(patients, return_inverse=True)
    sums = np.stack([np.bincount(number, one) for one in (*errors, total)], 1)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS) @ sums
    low, high = np.quantile((drawn[:, 1] - drawn[:, 0]) / drawn[:, 2], [0.025, 0.975])
    return Predictability(float(paired), float(shuffled), Estimate(float(paired - shuffled), float(low), float(high)))


def shared_directions(first: Columns, second: Target, patients: Patients, *, seed: int = 0) -> Shared:
    """Find the canonical directions of two groups of components, and which of them hold in patients left out."""
    if len(first) < FEWEST:
        raise InputError(f"{len(first)} units have both; {FEWEST} are needed to tell what they share")
    held = []
    for test in _tests(patient_folds(patients, seed=seed)):
        one, other = _canonical(first[~test], second[~test])
        sides = (first[test] - first[~test].mean(0)) @ one, (second[test] - second[~test].mean(0)) @ other
        centred = [side - side.mean(0) for side in sides]
        lengths = np.sqrt((centred[0] ** 2).sum(0) * (centred[1] ** 2).sum(0)).clip(min=1e-12)
        held.append((centred[0] * centred[1]).sum(0) / lengths)
    correlations = np.mean(held, axis=0)
    above = correlations > max(LEAST_CORRELATION, 2 / np.sqrt(len(first)))
    directions = len(above) if above.all() else int(np.argmin(above))
    one, other = _canonical(first, second, complete=True)
    sides = ((first - first.mean(0)) @ one, (second - second.mean(0)) @ other)
    return Shared(correlations, directions, sides)


def kept_variance(shared: Shared, labels: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Share of a label's variance that prediction across the views would keep, and that it would lose.

    The squared correlation with each variate, less what chance gives, counts as kept by the square of that variate's
    own correlation with the other side. Mean of both sides; of more than two classes mean over classes.
    """
    known = ~np.isnan(labels)
    classes = np.unique(labels[known])
    parts = []
    for side in shared.sides:
        held = np.zeros(side.shape[1])
        held[: len(shared.correlations)] = np.clip(shared.correlations[: side.shape[1]], 0, 1) ** 2
        z = (side[known] - side[known].mean(0)) / side[known].std(0).clip(min=1e-9)
        for value in classes if len(classes) > 2 else classes[1:]:
            y = labels[known] == value
            r2 = (z.T @ (y - y.mean()) / len(y) / y.std()) ** 2 - 1 / (len(y) - 1)
            parts.append((held @ r2, (1 - held) @ r2))
    kept, lost = np.mean(parts, axis=0)
    return float(kept), float(lost)


def alignment(x: Columns, labels: Float[np.ndarray, " n"], patients: Patients, *, seed: int = 0) -> float:
    """AUROC of ridge regression on some columns in patients left out, averaged over folds and their draws.

    Of more than two classes each is told from the others, and the mean is given (macro).
    """
    classes = np.unique(labels)
    areas = []
    for value in classes if len(classes) > 2 else classes[1:]:
        label = (labels == value).astype(float)
        for repeat in range(REPEATS):
            for test in _tests(patient_folds(patients, seed=seed * REPEATS + repeat, labels=label)):
                if 0 < label[test].sum() < test.sum() and 0 < label[~test].sum() < (~test).sum():
                    areas.append(auroc(label[test], ridge(x[~test], 2 * label[~test] - 1)(x[test])))
    if not areas:
        raise InputError("too few patients of either class for cross-validation")
    return float(np.mean(areas))


def separability(x: Columns, site: Shaped[np.ndarray, " n"], patients: Patients) -> float | None:
    """AUROC with which features tell the largest site from the others; None where there is one site."""
    names, counts = np.unique(site, return_counts=True)
    if len(names) < 2:
        return None
    largest = (site == names[np.argmax(counts)]).astype(float)
    try:
        return alignment(x, largest, patients)
    except InputError:
        return None


def patient_folds(
    patients: Patients, *, seed: int, labels: Float[np.ndarray, " n"] | None = None
) -> Int[np.ndarray, " n"]:
    """Deal patients into folds, those with a label of 1 evenly."""
    names, number = np.unique(patients, return_inverse=True)
    order = np.random.default_rng([seed, 2]).permutation(len(names))
    if labels is not None:
        positive = np.bincount(number, labels, len(names)) > 0
        order = order[np.argsort(positive[order], kind="stable")]
    folds = np.empty(len(names), int)
    folds[order] = np.arange(len(names)) % FOLDS
    return folds[number]


def ridge(x: Columns, y: np.ndarray) -> Callable[[Columns], np.ndarray]:
    """Fit ridge regression, its penalty by the error of leaving one row out (Golub et al. 1979); gives a predictor.

    Of several targets side by side one penalty is chosen.
    """
    middle, target = x.mean(0), y if y.ndim > 1 else y[:, None]
    u, s, v = np.linalg.svd(x - middle, full_matrices=False)
    along = u.T @ (target - target.mean(0))
    shrunk = [s**2 / (s**2 + penalty) for penalty in PENALTIES]
    left_out = [
        (target - target.mean(0) - u @ (d[:, None] * along)) / (1 - (u**2 @ d)[:, None] - 1 / len(x)) for d in shrunk
    ]
    best = int(np.argmin([(one**2).sum() for one in left_out]))
    weights = v.T @ ((shrunk[best] / np.maximum(s, 1e-12))[:, None] * along)
    return lambda new: ((new - middle) @ weights + target.mean(0)).reshape(len(new), *y.shape[1:])


def _tests(folds: Int[np.ndarray, " n"]) -> list[Bool[np.ndarray, " n"]]:
    return [folds == fold for fold in range(FOLDS)]


def _errors(source: Columns, target: Target, folds: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Squared error of each unit, summed over the target's columns."""
    errors = np.empty(len(source))
    for test in _tests(folds):
        errors[test] = ((target[test] - ridge(source[~test], target[~test])(source[test])) ** 2).sum(1)
    return errors


def _canonical(first: Columns, second: Target, *, complete: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Directions of both sides, from the most to the least correlated; all of each side where `complete`."""
    whiteners = []
    for side in (first, second):
        covariance = np.atleast_2d(np.cov(side.T)) + 0.05 * np.eye(side.shape[1])
        values, vectors = np.linalg.eigh(covariance)
        whiteners.append(vectors / np.sqrt(values))
    centred = [side - side.mean(0) for side in (first, second)]
    across = whiteners[0].T @ (centred[0].T @ centred[1] / len(first)) @ whiteners[1]
    left, _, right = np.linalg.svd(across, full_matrices=complete)
    return whiteners[0] @ left, whiteners[1] @ right.T
