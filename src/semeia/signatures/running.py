"""Accumulate over one pass of sparse values: moments that merge, and quantiles in a bounded sketch.

Moments are merged as in Chan, Golub and LeVeque (1979), batch by batch, so no difference of large sums is ever taken.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int64, UInt32

# Bits of a float32 that the sketch drops: what is left tells values apart that differ by 1 in 2,000.
_DROPPED = 12
_KEPT = 32 - _DROPPED
_SIGN = np.uint32(1 << 31)


@dataclass(frozen=True)
class ChannelMoments:
    """How many values each channel has, their mean, and the sum of their squared deviations from it."""

    count: Float64[np.ndarray, "p"]
    mean: Float64[np.ndarray, "p"]
    squares: Float64[np.ndarray, "p"]

    def __add__(self, other: "ChannelMoments") -> "ChannelMoments":
        count = self.count + other.count
        share = np.divide(other.count, count, out=np.zeros_like(count), where=count > 0)
        apart = other.mean - self.mean
        return ChannelMoments(
            count,
            self.mean + apart * share,
            self.squares + other.squares + apart**2 * self.count * share,
        )

    def sd(self) -> Float64[np.ndarray, "p"]:
        """Standard deviation (divided by the number of values); 0 for a channel without values."""
        return np.sqrt(self.squares / np.maximum(self.count, 1))

    def pooled(self, where: Bool[np.ndarray, "p"]) -> "ChannelMoments":
        """The moments of some channels' values taken as one channel."""
        count, mean = self.count[where], self.mean[where]
        total = count.sum(keepdims=True)
        middle = (count * mean).sum(keepdims=True) / np.maximum(total, 1)
        squares = (self.squares[where] + count * (mean - middle) ** 2).sum(keepdims=True)
        return ChannelMoments(total, middle, squares)


def moments_of(channel: Int[np.ndarray, "n"], value: Float64[np.ndarray, "n"], *, channels: int) -> ChannelMoments:
    """The moments of one batch."""
    count = np.bincount(channel, minlength=channels).astype(np.float64)
    mean = np.bincount(channel, value, channels) / np.maximum(count, 1)
    squares = np.bincount(channel, (value - mean[channel]) ** 2, channels)
    return ChannelMoments(count, mean, squares.astype(np.float64))  # numpy counts nothing in whole numbers


def repeated(value: float | int, times: Float64[np.ndarray, "p"]) -> ChannelMoments:
    """The moments of one and the same value, so many times in each channel."""
    return ChannelMoments(times, np.full(len(times), float(value)), np.zeros(len(times)))


class QuantileSketch:
    """Counts of values in fine bins, 1/2,000 of the value wide: the same whatever the order, small however many."""

    def __init__(self) -> None:
        self._bins, self._counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._pending: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, channel: Int[np.ndarray, "n"], value: Float[np.ndarray, "n"]) -> None:
        """Count some values."""
        ranks = (_ordered_bits(value) >> np.uint32(_DROPPED)).astype(np.int64)
        self._pending.append(np.unique((channel.astype(np.int64) << _KEPT) | ranks, return_counts=True))
        if sum(len(bins) for bins, _ in self._pending) > len(self._bins):
            self._settle()

    def medians(self, *, channels: int) -> Float64[np.ndarray, "channels"]:
        """The median of each channel, to within half a bin; NaN for a channel without values."""
        return (self._at(0.5, channels, np.floor) + self._at(0.5, channels, np.ceil)) / 2

    def quantiles(self, share: float, *, channels: int) -> Float64[np.ndarray, "channels"]:
        """The largest value that at most `share` of each channel's other values lie below, to within half a bin."""
        return self._at(share, channels, np.floor)

    def _at(self, share: float, channels: int, rounded: np.ufunc) -> Float64[np.ndarray, "channels"]:
        """The values at place `share` (number - 1), rounded, of each channel's values in order."""
        self._settle()
        total = np.bincount(self._bins >> _KEPT, self._counts, channels)
        before = np.concatenate([[0.0], np.cumsum(total)])[:-1]
        there = np.flatnonzero(total)
        place = (before + rounded(share * (total - 1)))[there]
        found = np.full(channels, np.nan)
        at = np.searchsorted(np.cumsum(self._counts), place, side="right")
        found[there] = _middle_of(self._bins[at] & ((1 << _KEPT) - 1))
        return found

    def _settle(self) -> None:
        bins = np.concatenate([self._bins, *(bins for bins, _ in self._pending)])
        counts = np.concatenate([self._counts, *(counts for _, counts in self._pending)])
        self._bins, place = np.unique(bins, return_inverse=True)
        self._counts = np.bincount(place, counts, len(self._bins)).astype(np.int64)
        self._pending = []


def _ordered_bits(value: Float[np.ndarray, "n"]) -> UInt32[np.ndarray, "n"]:
    """Bits of the float32 that compare as whole numbers the way the values do."""
    bits = np.asarray(value, np.float32).view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _middle_of(rank: Int64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
    """The value in the middle of a bin."""
    bits = ((rank << _DROPPED) + (1 << (_DROPPED - 1))).astype(np.uint32)
    return np.where(bits & _SIGN, bits & ~_SIGN, ~bits).astype(np.uint32).view(np.float32).astype(np.float64)
