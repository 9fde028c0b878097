"""Say what gain to expect of pretraining, from what was measured before, by made-up worlds in which it was tried.

The map is a table, worlds.csv, which `semeia study advise` makes: of each world what was measured before, the gains
that were found, and what the worlds of other structures (families) expected of it. A random forest of its rows says
what to expect of an archive; intervals are quantiles of what it missed in families left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.learning.advice.placing import MEASURES, Place

LEVEL = (0.1, 0.9)  # quantiles of an 80 % interval
TELLING = 0.4  # correlation in families left out from which on the map tells archives apart
NOTABLE = 0.01  # a gain of AUROC that is worth the training
FILE = "worlds.csv"
FAMILY, FOUND, EXPECTED = "structure", "_found", "_expected"
TREES, LEAF, SHARE = 300, 5, 1 / 3  # a forest as it is usual for regression

Terms = dict[str, float]
Matrix = Float[np.ndarray, "world term"]
Gains = Float[np.ndarray, " world"]


@dataclass(frozen=True)
class Expected:
    """A gain of AUROC: expected, with an 80 % interval, and the chance that it is above NOTABLE."""

    value: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True)
class Map:
    """Worlds in which pretraining was tried.

    Attributes:
        worlds: a row each: structure, the fields of `Place`, and GAIN_found and GAIN_expected of each gain.
    """

    worlds: pl.DataFrame

    @cached_property
    def terms(self) -> list[Terms]:
        """What is read of each world."""
        return [Place(**row).terms() for row in self.worlds.select(MEASURES).iter_rows(named=True)]

    @property
    def gains(self) -> list[str]:
        """Names of the gains."""
        return [name.removesuffix(FOUND) for name in self.worlds.columns if name.endswith(FOUND)]

    def expect(self, gain: str, places: Sequence[Terms]) -> list[Expected]:
        """Expect a gain at each of several places."""
        found, errors = self.worlds[gain + FOUND].to_numpy(), self.errors(gain)
        low, high = np.quantile(errors, LEVEL)
        values = forest(matrix(self.terms), found)(matrix(places))
        return [
            Expected(float(value), float(value + low), float(value + high), float(np.mean(value + errors > NOTABLE)))
            for value in values
        ]

    def errors(self, gain: str) -> Gains:
        """Found minus expected in worlds of families left out."""
        return (self.worlds[gain + FOUND] - self.worlds[gain + EXPECTED]).to_numpy()

    def r(self, gain: str) -> float:
        """Correlation of a gain, found and expected in families left out."""
        return float(np.corrcoef(self.worlds[gain + FOUND], self.worlds[gain + EXPECTED])[0, 1])

    def usual(self) -> Terms:
        """Take the median of each term in worlds of two modalities."""
        pairs = matrix([terms for terms in self.terms if terms["two"]])
        return dict(zip(self.terms[0], np.median(pairs, axis=0).tolist(), strict=True))

    def outside(self, place: Place) -> list[str]:
        """Name the terms of an archive that no world of the map has."""
        every = matrix(self.terms)
        ends = zip(place.terms().items(), every.min(0), every.max(0), strict=True)
        return [name for (name, value), low, high in ends if not low <= value <= high]


def forest(x: Matrix, gain: Gains):
    """Fit a random forest; returns what it expects of further rows."""
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(TREES, min_samples_leaf=LEAF, max_features=SHARE, random_state=0).fit(x, gain).predict


def matrix(places: Sequence[Terms]) -> Matrix:
    """Lay terms out, a row a place."""
    return np.array([list(terms.values()) for terms in places])


def load_map() -> Map:
    """Read the map that is shipped."""
    path = files("semeia.learning.advice") / FILE
    return Map(pl.read_csv(path.read_bytes()))
