"""Drawing patients with replacement.

Patients, not rows, are drawn: a patient's rows come together or not at all, because they are not independent. The
patients of a cohort are drawn without strata: how many of them are positive varies from draw to draw, as it would from
cohort to cohort. Draws that keep that number give intervals of everything that depends on the prevalence (calibration,
Brier score, AUPRC, predictive values, net benefit) that are far too narrow. Strata are kept only where the statistic
conditions on them: a comparison of cohorts on their sizes.

The draws depend on the numbers of the patients, which no order of rows changes (judged.py), on their strata and on the
seed: every arm, seed and metric of a cohort is evaluated in the same draws, which is what makes differences paired.
`Draws` hands them to a statistic block by block, so that memory does not grow with the number of draws.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Int, Shaped, UInt8

from semeia.evaluation.shapes import Column, Numbers, Rows, Weights
from semeia.evaluation.statistics.intervals import bca_interval, percentile_interval

# Random numbers made at a time, and elements of one block of weights: what bounds the memory.
CHUNK_ELEMENTS = 2**23
MOST_IN_CHUNK = 125
BLOCK_ELEMENTS = 2**24
# Draws are kept in pieces of so many elements, each contiguous: rows are gathered from one several times faster.
PIECE_ELEMENTS = 2**22
# Draws of a cohort are kept where they take no more than this; larger cohorts draw them again each time.
KEPT_BYTES = 2**29
# Groups of patients left out in turn, for the acceleration of BCa intervals.
JACKKNIFE_GROUPS = 200
# In which patients are dealt for cross-fitting.
PARTS = 5


def draw_patients(
    strata: Shaped[np.ndarray, "patients"], *, draws: int, seed: int
) -> Int[np.ndarray, "draws patients"]:
    """How often each patient is in each draw; within each stratum as many are drawn as there are."""
    return np.concatenate([*Draws(strata, draws, seed)._made()], axis=1).astype(np.int32).T


@dataclass(frozen=True, eq=False)
class Draws:
    """The cohort as it is, then `number` bootstrap draws of its patients (then, for BCa, groups left out in turn).

    A statistic's values over all of them come as one array: `values[0]` is the statistic on the rows as they are.
    """

    strata: Shaped[np.ndarray, "patients"]  # of each patient; draws keep the number of patients of each stratum
    number: int  # of bootstrap draws
    seed: int = 0  # from which they follow
    method: Literal["percentile", "bca"] = "percentile"  # of the interval: percentile (Efron 1981), or BCa (Efron 1987)
    level: float = 0.95

    def apply(self, patient: Numbers, statistic: Callable[[Weights], np.ndarray]) -> np.ndarray:
        """Give the values [rows] or [rows, k] of a statistic: of the cohort as it is, then of every draw.

        `patient` is that of each row, as its place in `strata`; `statistic` goes from weights (int16) [some draws, n]
        to values [some draws] or [some draws, k].
        """
        parts = [statistic(np.ones((1, len(patient)), dtype=np.int16))]
        step = max(1, BLOCK_ELEMENTS // max(1, len(patient)))
        for chunk in self._chunks():
            for start in range(0, chunk.shape[1], step):
                # rows first in memory, as the draws are kept; wider than they are kept, so that products fit.
                block = np.take(chunk[:, start : start + step], patient, axis=0)
                parts.append(statistic(block.astype(np.int16).T))
        return np.concatenate(parts)

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """The bootstrap's part of the values that `apply` gave."""
        return values[1 : 1 + self.number]

    def error(self, values: Rows) -> float:
        """Standard error: the standard deviation over the draws in which the statistic is defined."""
        return float(np.nanstd(self.drawn(values), ddof=1))

    def interval(self, values: Rows, *, patients: int | None = None) -> tuple[float, float]:
        """Interval of the statistic, from the draws in which it is defined; NaN, NaN when there is none.

        `patients` are how many carry it (see `percentile_interval`); all of the cohort by default.
        """
        drawn = self.drawn(values)
        if self.method == "percentile":
            return percentile_interval(drawn, level=self.level, patients=patients or len(self.strata))
        return bca_interval(float(values[0]), drawn, values[1 + self.number :], level=self.level)

    @property
    def words(self) -> str:
        """The method of the interval, as results name it."""
        name = "BCa" if self.method == "bca" else self.method
        return f"{self.level:.0%} {name}, {self.number} patient-bootstrap draws"

    def _chunks(self) -> Iterator[UInt8[np.ndarray, "patients draws"]]:
        if self._kept is not None:
            yield from self._kept
        else:
            yield from self._made()
        if self.method == "bca":
            yield self._left_out()

    @cached_property
    def _kept(self) -> list[UInt8[np.ndarray, "patients draws"]] | None:
        if self.number * len(self.strata) > KEPT_BYTES:
            return None
        together = max(1, PIECE_ELEMENTS // (len(self.strata) * _chunk(len(self.strata))))
        made = [*self._made()]
        return [np.concatenate(made[start : start + together], axis=1) for start in range(0, len(made), together)]

    def _made(self) -> Iterator[UInt8[np.ndarray, "patients draws"]]:
        chunk = _chunk(len(self.strata))
        for start in range(0, self.number, chunk):
            yield _draw_chunk(self.strata, start // chunk, self.seed)[:, : self.number - start]

    @property
    def left_out_groups(self) -> int:
        """How many groups of patients are left out in turn, after the draws."""
        return min(JACKKNIFE_GROUPS, len(self.strata)) if self.method == "bca" else 0

    def _left_out(self) -> UInt8[np.ndarray, "patients groups"]:
        groups = self.left_out_groups
        # dealt stratum by stratum, so that no group takes a stratum away.
        place = np.argsort(np.argsort(self.strata, kind="stable"), kind="stable") % groups
        return (place[:, None] != np.arange(groups)).astype(np.uint8)


def deal_patients(patient: Numbers, first: Column, *, seed: int) -> Numbers:
    """The part of each row: patients are shuffled, then dealt round, those with the lowest value of `first` before."""
    patients, inverse = np.unique(patient, return_inverse=True)
    lowest = np.full(len(patients), np.iinfo(np.int64).max)
    np.minimum.at(lowest, inverse, first)
    shuffled = np.random.default_rng(seed).permutation(len(patients))
    part = np.empty(len(patients), dtype=np.int64)
    part[shuffled[np.argsort(lowest[shuffled], kind="stable")]] = np.arange(len(patients)) % PARTS
    return part[inverse]


def _chunk(patients: int) -> int:
    """Draws made together: depends on the cohort alone, so that the draws do, too."""
    return min(MOST_IN_CHUNK, max(16, CHUNK_ELEMENTS // max(1, patients)))


def _draw_chunk(strata: Shaped[np.ndarray, "patients"], chunk: int, seed: int) -> UInt8[np.ndarray, "patients draws"]:
    rng = np.random.default_rng([seed, chunk])
    draws = _chunk(len(strata))
    out = np.zeros((len(strata), draws), dtype=np.uint8)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        size = len(members)
        # one count over (patient, draw) pairs, laid out so that no transposing is needed.
        pairs = rng.integers(size, size=(draws, size)) * draws + np.arange(draws)[:, None]
        counts = np.bincount(pairs.ravel(), minlength=size * draws).reshape(size, draws)
        # a patient of a large stratum comes more than 255 times with a probability below 1e-500.
        out[members] = np.minimum(counts, 255)
    return out
