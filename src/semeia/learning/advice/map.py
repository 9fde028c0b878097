"""Say what gain to expect of pretraining, from what was measured before, by a map that was fitted on made-up worlds.

The map is ridge regression. Which measures it reads, and its penalty, are chosen by families of worlds left out; where
it is judged on a family, that choice is made without it. Its intervals are quantiles of errors in families left out. It
is shipped as map.json, which `semeia study advise` makes.
"""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from jaxtyping import Float, Shaped

from semeia.archive.small_file import parse_json
from semeia.learning.advice.placing import Place
from semeia.settings_json import from_plain

LEVEL = (0.1, 0.9)  # quantiles of an 80 % interval
TELLING = 0.4  # correlation in families left out from which on the map tells archives apart
NOTABLE = 0.01  # a gain of AUROC that is worth the training
FILE = "map.json"
SIX = ("aligned", "beyond", "carried", "directions", "paired", "labels")
# What a line may read: one of these is chosen.
READS = (
    ("labels", "told", "aligned"),
    SIX,
    ("beyond", "two"),
    ("saved", "two"),
    ("saved", "beyond", "two"),
    ("promise", "two"),
    ("promise", "saved", "two"),
    ("kept", "lost", "labels", "paired", "two"),
)
PENALTIES = (5.0, 20.0, 80.0, 320.0)

Terms = dict[str, Float[np.ndarray, " world"]]
Gains = Float[np.ndarray, " world"]
Families = Shaped[np.ndarray, " world"]


@dataclass(frozen=True)
class Expected:
    """A gain of AUROC: expected, with an 80 % interval, and the chance that it is above NOTABLE."""

    value: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True)
class Line:
    """A fitted line.

    Attributes:
        reads: what of a place, see `Place.terms`.
        mean: of these.
        sd: of these.
        weights: of these, standardised.
        intercept: the mean gain.
        errors: found minus expected in worlds of families left out, sorted.
        r: correlation of both there.
    """

    reads: tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    errors: tuple[float, ...]
    r: float

    def at(self, terms: dict[str, float]) -> Expected:
        """Expect a gain."""
        numbers = np.array([terms[name] for name in self.reads])
        value = float(self.intercept + (numbers - self.mean) / self.sd @ np.array(self.weights))
        low, high = value + np.quantile(self.errors, LEVEL)
        return Expected(value, float(low), float(high), float(np.mean(value + np.array(self.errors) > NOTABLE)))


@dataclass(frozen=True)
class Map:
    """Lines of several gains, and the worlds that they were fitted on.

    Attributes:
        lines: by gain; see `GAINS` in studies/advise_worlds.py.
        low: least of each term among the worlds.
        high: largest.
        usual: median of each term in worlds of two modalities.
        worlds: number of worlds.
        families: their structures.
    """

    lines: dict[str, Line]
    low: dict[str, float]
    high: dict[str, float]
    usual: dict[str, float]
    worlds: int
    families: tuple[str, ...]

    def outside(self, place: Place) -> list[str]:
        """Name the terms of an archive that no world of the map has."""
        return [name for name, value in place.terms().items() if not self.low[name] <= value <= self.high[name]]


def fit_line(terms: Terms, gain: Gains, family: Families) -> tuple[Line, Gains]:
    """Choose and fit a line; also what is expected of each world by one that was chosen and fitted without its family.

    The terms are given by name, one value a world; `gain` is what training found.
    """
    left_out = np.empty(len(gain))
    for name in np.unique(family):
        own = family == name
        others = {term: values[~own] for term, values in terms.items()}
        reads, penalty = choose(others, gain[~own], family[~own])
        line = _fit(_matrix(others, reads), gain[~own], penalty)
        left_out[own] = _predict(line, _matrix(terms, reads)[own])
    reads, penalty = choose(terms, gain, family)
    mean, sd, weights, intercept = _fit(_matrix(terms, reads), gain, penalty)
    errors = tuple(np.sort(gain - left_out).round(5).tolist())
    r = round(float(np.corrcoef(gain, left_out)[0, 1]), 3)
    plain = [tuple(one.round(6).tolist()) for one in (mean, sd, weights)]
    return Line(reads, plain[0], plain[1], plain[2], round(intercept, 6), errors, r), left_out


def choose(terms: Terms, gain: Gains, family: Families) -> tuple[tuple[str, ...], float]:
    """What to read, and with what penalty: the least squared error in families left out."""
    losses = {}
    for reads in READS:
        x = _matrix(terms, reads)
        for penalty in PENALTIES:
            error = 0.0
            for name in np.unique(family):
                own = family == name
                error += ((gain[own] - _predict(_fit(x[~own], gain[~own], penalty), x[own])) ** 2).sum()
            losses[reads, penalty] = error
    return min(losses, key=losses.__getitem__)


def load_map() -> Map:
    """Read the map that is shipped."""
    path = files("semeia.learning.advice") / FILE
    return from_plain(Map, parse_json(path.read_text(encoding="utf-8"), where=FILE))


def _matrix(terms: Terms, reads: tuple[str, ...]) -> np.ndarray:
    return np.stack([terms[name] for name in reads], 1)


def _fit(x: np.ndarray, gain: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    mean, sd = x.mean(0), x.std(0) + 1e-9
    z = (x - mean) / sd
    weights = np.linalg.solve(z.T @ z + penalty * np.eye(z.shape[1]), z.T @ (gain - gain.mean()))
    return mean, sd, weights, float(gain.mean())


def _predict(line: tuple[np.ndarray, np.ndarray, np.ndarray, float], x: np.ndarray) -> np.ndarray:
    mean, sd, weights, intercept = line
    return intercept + (x - mean) / sd @ weights
