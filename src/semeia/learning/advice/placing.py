"""Place two groups of features, and the labels of some units, among the six numbers of the map."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from semeia.learning.advice.map import Place
from semeia.learning.advice.predictability import (
    Columns,
    Patients,
    Shared,
    Target,
    alignment,
    components,
    shared_directions,
)


@dataclass(frozen=True)
class Placed:
    """What was measured on the way to a place.

    Attributes:
        place: six numbers.
        first: components of the first features, of the units that have both.
        second: components of the second.
        shared: what they share.
        rest: AUROC of ridge regression on the directions that are not shared.
    """

    place: Place
    first: Columns
    second: Target
    shared: Shared
    rest: float


def place(
    first: Columns,
    second: Target,
    labels: Float[np.ndarray, " n"],
    patients: Patients,
    *,
    both: Bool[np.ndarray, " n"],
    seed: int = 0,
) -> Placed:
    """Measure the six numbers, cross-validated by patient.

    Args:
        first: features, NaN where missing.
        second: of the other modality.
        labels: 0 or 1, NaN where there is none.
        patients: whose each unit is.
        both: units that have both modalities; the others are left out.
        seed: of folds and shuffles.

    Raises:
        InputError: too few units, or too few labelled patients of either class.
    """
    labels, patients = labels[both], patients[both]
    one, other = components(first[both]), components(second[both])
    shared = shared_directions(one, other, patients, seed=seed)
    known = ~np.isnan(labels)
    aligned, rest = (
        alignment(columns[known], labels[known], patients[known], seed=seed) if columns.shape[1] else 0.5
        for columns in (shared.variates, shared.rest)
    )
    fourth = float(shared.correlations[min(3, len(shared.correlations) - 1)])
    numbers = Place(
        aligned, aligned - rest, (aligned - 0.5) * fourth, shared.directions, int(both.sum()), int(known.sum())
    )
    return Placed(numbers, one, other, shared, rest)
