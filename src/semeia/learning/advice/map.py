"""Say what gain to expect of pretraining, from six numbers, by a map that was fitted on made-up worlds.

The map is ridge regression; its intervals are quantiles of errors in families of worlds that it was not fitted on. It
is shipped as map.json, which `semeia study advise` makes.
"""

import math
from dataclasses import dataclass, fields
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from semeia.archive.small_file import parse_json
from semeia.settings_json import from_plain

LEVEL = (0.1, 0.9)  # quantiles of an 80 % interval
TELLING = 0.4  # correlation in families left out from which on the map tells archives apart
NOTABLE = 0.01  # a gain of AUROC that is worth the training
FILE = "map.json"


@dataclass(frozen=True)
class Place:
    """Where an archive lies, before anything is trained.

    Attributes:
        aligned: AUROC of ridge regression on the directions that both modalities share.
        beyond: that AUROC minus the one on the other directions.
        carried: (aligned - .5) times the fourth canonical correlation.
        directions: number of shared directions.
        paired: units with both modalities.
        labels: labelled units.
    """

    aligned: float
    beyond: float
    carried: float
    directions: int
    paired: int
    labels: int

    def numbers(self) -> Float[np.ndarray, " six"]:
        """The six numbers of the map; counts as logarithms."""
        return np.array(
            [self.aligned, self.beyond, self.carried, self.directions, math.log(self.paired), math.log(self.labels)]
        )


NAMES = tuple(field.name for field in fields(Place))


@dataclass(frozen=True)
class Expected:
    """A gain of AUROC: expected, with an 80 % interval, and the chance that it is above NOTABLE."""

    value: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True)
class Ridge:
    """A fitted line through six numbers.

    Attributes:
        mean: of the numbers.
        sd: of the numbers.
        weights: of the standardised numbers.
        intercept: the mean gain.
        errors: found minus expected in worlds of families left out, sorted.
        r: correlation of both there.
    """

    mean: tuple[float, ...]
    sd: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    errors: tuple[float, ...]
    r: float

    def at(self, numbers: Float[np.ndarray, " six"]) -> Expected:
        """Expect a gain."""
        value = float(self.intercept + (numbers - self.mean) / self.sd @ np.array(self.weights))
        low, high = value + np.quantile(self.errors, LEVEL)
        return Expected(value, float(low), float(high), float(np.mean(value + np.array(self.errors) > NOTABLE)))


@dataclass(frozen=True)
class Map:
    """What is expected over a model from scratch, and over ridge regression on the features as they are.

    Attributes:
        scratch: gain of the fine-tuned network over the same one from scratch.
        frozen: gain of ridge regression on the frozen embedding over the network from scratch.
        ridge: gain of the fine-tuned network over ridge regression.
        low: least of each number among the worlds.
        high: largest.
        worlds: number of worlds.
        families: their structures.
    """

    scratch: Ridge
    frozen: Ridge
    ridge: Ridge
    low: tuple[float, ...]
    high: tuple[float, ...]
    worlds: int
    families: tuple[str, ...]

    def outside(self, place: Place) -> list[str]:
        """Name the numbers of an archive that no world of the map has."""
        numbers = place.numbers()
        return [
            name for name, x, low, high in zip(NAMES, numbers, self.low, self.high, strict=True) if not low <= x <= high
        ]


def fit_ridge(
    numbers: Float[np.ndarray, "world six"],
    gain: Float[np.ndarray, " world"],
    family: tuple[str, ...],
    *,
    penalty: float = 5.0,
) -> tuple[Ridge, Float[np.ndarray, " world"]]:
    """Fit a line; also what is expected of each world by a line that was not fitted on its family.

    Args:
        numbers: six a world.
        gain: found by training.
        family: of each world.
        penalty: of the squared weights of standardised numbers.
    """
    families = np.array(family)
    left_out = np.empty(len(gain))
    for name in np.unique(families):
        own = families == name
        left_out[own] = _predict(_fit(numbers[~own], gain[~own], penalty), numbers[own])
    mean, sd, weights, intercept = _fit(numbers, gain, penalty)
    errors = np.sort(gain - left_out)
    plain = [tuple(one.round(6).tolist()) for one in (mean, sd, weights)]
    kept, r = tuple(errors.round(5).tolist()), round(float(np.corrcoef(gain, left_out)[0, 1]), 3)
    return Ridge(mean=plain[0], sd=plain[1], weights=plain[2], intercept=intercept, errors=kept, r=r), left_out


def load_map() -> Map:
    """Read the map that is shipped."""
    path = files("semeia.learning.advice") / FILE
    return from_plain(Map, parse_json(path.read_text(encoding="utf-8"), where=FILE))


def _fit(numbers: np.ndarray, gain: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    mean, sd = numbers.mean(0), numbers.std(0) + 1e-9
    x = (numbers - mean) / sd
    weights = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ (gain - gain.mean()))
    return mean, sd, weights, float(gain.mean())


def _predict(line: tuple[np.ndarray, np.ndarray, np.ndarray, float], numbers: np.ndarray) -> np.ndarray:
    mean, sd, weights, intercept = line
    return intercept + (numbers - mean) / sd @ weights
