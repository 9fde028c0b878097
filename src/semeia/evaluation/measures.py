"""Which metrics an outcome gets, by what it is: of two classes, of several, or of grades in an order."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from semeia.evaluation.cells import Fold
from semeia.evaluation.class_metrics import absolute_class_metrics, compared_class_metrics
from semeia.evaluation.metrics import Values, absolute_metrics, compared_metrics
from semeia.evaluation.resampling import Draws

Metrics = Callable[[Fold, Draws], Values]


@dataclass(frozen=True)
class Measures:
    """Metrics by name, of one fold in every draw.

    Attributes:
        compared: those of which paired differences are taken, too; for the first the detectable difference is stated.
        absolute: the others.
    """

    compared: Metrics
    absolute: Metrics


MEASURES: dict[Literal["binary", "classes", "grades"], Measures] = {
    "binary": Measures(compared_metrics, absolute_metrics),
    "classes": Measures(partial(compared_class_metrics, ordinal=False), partial(absolute_class_metrics, ordinal=False)),
    "grades": Measures(partial(compared_class_metrics, ordinal=True), partial(absolute_class_metrics, ordinal=True)),
}


def measures_of(*, binary: bool, ordinal: bool) -> Measures:
    """The metrics of a binary outcome, or of one of several classes that are ordered grades or not."""
    return MEASURES["binary" if binary else "grades" if ordinal else "classes"]
