"""Place two groups of features, and the labels of some units, on the map, before anything is trained."""

import math
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float

from semeia.errors import InputError
from semeia.learning.advice.predictability import (
    SHARED,
    Columns,
    Patients,
    Predictability,
    Target,
    alignment,
    components,
    kept_variance,
    predictability,
    shared_directions,
)

UNSURE = 20  # units of the rarer class with which a number that hangs on labels counts half


@dataclass(frozen=True)
class Place:
    """Where an archive lies.

    Attributes:
        aligned: AUROC of ridge regression on the directions that both views share.
        rest: on the other directions.
        whole: on all.
        directions: number of shared directions.
        fourth: the fourth canonical correlation.
        strength: sum of the squared correlations of shared directions.
        kept: share of the label's variance that prediction across the views would keep, see `kept_variance`.
        lost: that it would lose.
        told: share of one view's variance that the other explains, paired minus shuffled, mean of both ways.
        paired: units with both views.
        labels: labelled units among them.
        rarer: of these, units of the rarer class.
        alone: whether the views are halves of a single modality.
    """

    aligned: float
    rest: float
    whole: float
    directions: int
    fourth: float
    strength: float
    kept: float
    lost: float
    told: float
    paired: int
    labels: int
    rarer: int
    alone: bool = False

    def terms(self) -> dict[str, float]:
        """What a map is fitted on, by name; what hangs on few labels is drawn to nothing found.

        Halves of one modality share what is of no interest, too: where the label lies among them counts as nothing.
        """
        two = float(not self.alone)
        sure = two * self.rarer / (self.rarer + UNSURE)
        beyond = sure * (self.aligned - self.rest)
        return {
            "aligned": sure * (self.aligned - 0.5),
            "beyond": beyond,
            "promise": max(beyond, 0.0) * math.log(self.paired / self.labels),
            "two": two,
            "saved": sure * (self.aligned - self.whole),
            "carried": sure * (self.aligned - 0.5) * self.fourth,
            "kept": sure * self.kept,
            "lost": sure * self.lost,
            "directions": float(self.directions),
            "strength": self.strength,
            "told": self.told,
            "paired": math.log(self.paired),
            "labels": math.log(self.labels),
            "rarer": math.log(self.rarer),
        }


MEASURES = tuple(field.name for field in fields(Place))


@dataclass(frozen=True)
class Placed:
    """A place, and what each view tells of the other on the way there.

    Attributes:
        place: the measures; None where too few patients of a class are labelled.
        forth: the second view from the first.
        back: the first from the second.
    """

    place: Place | None
    forth: Predictability
    back: Predictability


def place(
    first: Columns,
    second: Target,
    labels: Float[np.ndarray, " n"],
    patients: Patients,
    *,
    both: Bool[np.ndarray, " n"],
    alone: bool = False,
    seed: int = 0,
) -> Placed:
    """Measure, cross-validated by patient.

    Args:
        first: features, NaN where missing.
        second: of the other view.
        labels: 0, 1 (or more classes), NaN where there is none.
        patients: whose each unit is.
        both: units that have both views; the others are left out.
        alone: whether the views are halves of a single modality.
        seed: of folds and shuffles.
    """
    labels, patients = labels[both], patients[both]
    one, other = components(first[both]), components(second[both])
    shared = shared_directions(one, other, patients, seed=seed)
    forth, back = (predictability(*pair, patients, seed=seed) for pair in ((one, other), (other, one)))
    known = ~np.isnan(labels)
    try:
        aligned, rest, whole = (
            alignment(columns[known], labels[known], patients[known], seed=seed) if columns.shape[1] else 0.5
            for columns in (shared.variates, shared.rest, np.hstack([one, other]))
        )
    except InputError:
        return Placed(None, forth, back)
    held = np.clip(shared.correlations[: min(SHARED, shared.directions)], 0, 1)
    kept, lost = kept_variance(shared, labels)
    numbers = Place(
        aligned=aligned,
        rest=rest,
        whole=whole,
        directions=shared.directions,
        fourth=float(shared.correlations[min(3, len(shared.correlations) - 1)]),
        strength=float((held**2).sum()),
        kept=kept,
        lost=lost,
        told=(forth.gain.value + back.gain.value) / 2,
        paired=int(both.sum()),
        labels=int(known.sum()),
        rarer=int(np.unique(labels[known], return_counts=True)[1].min()),
        alone=alone,
    )
    return Placed(numbers, forth, back)
