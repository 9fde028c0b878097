"""Bring channels to one scale: a standardiser with fills, fitted to training sections.

By mode, as in arXiv 2402.05802, but over sampled sections whose record is cut at the date:

    age           (x - mean) / 2 SD                                         fill: median
    demographic   as it is, 0 or 1                                          fill: 0
    condition     log10(x + 1e-6) / 2 SD, SD over all channels of the mode  fill: once in 20 years
    medication    x / 2 SD, SD over all channels of the mode                fill: 0
    measurement   (x - mean) / 2 SD, by channel                             fill: median

Dividing by two SD puts numbers beside 0-1 channels (Gelman 2008). In an SD over a mode every section without the code
counts as 0. A channel scaled alone that is nearly constant says nothing and becomes 0; one with over 1 % negative
values takes no logarithm. A fill stands for a channel that the patient does not have by then, and goes through the same
standardiser; the codes table's own fill comes first. In records longer than 20 years, a condition may come up more
rarely than its fill says of those who never had it; there, the fill is the rarest rate seen in any section.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64, Int

from semeia.errors import InputError
from semeia.signatures.channels import Channels
from semeia.signatures.curves import SectionValues
from semeia.signatures.running import QuantileSketch, moments_of, repeated

OFFSET = 1e-6
ONCE_IN_20_YEARS = 1 / (20 * 365.25)
_MOST_NEGATIVE = 0.01
_NEARLY = 1e-6


@dataclass(frozen=True)
class ModeScale:
    """How the channels of one mode are scaled.

    Attributes:
        spread: divided by twice the SD of the channel, of the whole mode, or not at all.
        fill: value of a section without the channel, or the median of those that have it.
        least: whether the fill is the lowest value seen in the whole mode, where that is lower.
        centre: whether the mean is subtracted first.
        log: whether log10(x + 1e-6) is taken before.
    """

    spread: Literal["channel", "mode", "none"]
    fill: float | Literal["median"]
    least: bool = False
    centre: bool = False
    log: bool = False


SCALES: Mapping[str, ModeScale] = {
    "age": ModeScale("channel", "median", centre=True),
    "demographic": ModeScale("none", 0.0),
    "condition": ModeScale("mode", ONCE_IN_20_YEARS, least=True, log=True),
    "medication": ModeScale("mode", 0.0),
    "measurement": ModeScale("channel", "median", centre=True),
}


@dataclass(frozen=True)
class Scaling:
    """What was fitted: one entry a channel.

    Attributes:
        log: whether log10(x + 1e-6) comes first.
        shift: what is subtracted then.
        scale: what it is divided by.
        fill: the value of a section without the channel, in the channel's own unit.
        constant: channels whose values were nearly the same in all training sections.
    """

    log: Bool[np.ndarray, "p"]
    shift: Float64[np.ndarray, "p"]
    scale: Float64[np.ndarray, "p"]
    fill: Float64[np.ndarray, "p"]
    constant: Bool[np.ndarray, "p"]

    def standardised(self, channel: Int[np.ndarray, "n"], value: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
        """Values of these channels on the common scale."""
        logged = np.where(self.log[channel], np.log10(np.maximum(value, 0.0) + OFFSET), value)
        return (logged - self.shift[channel]) / self.scale[channel]

    @cached_property
    def fill_row(self) -> Float64[np.ndarray, "p"]:
        """The row of a patient without any record, standardised."""
        return self.standardised(np.arange(len(self.fill)), self.fill)

    def as_json(self) -> dict[str, object]:
        """For a JSON file; numbers keep all their digits."""
        return {name: getattr(self, name).tolist() for name in ("log", "shift", "scale", "fill", "constant")}


def scaling_from(content: Mapping[str, object]) -> Scaling:
    """A scaling from what `Scaling.as_json` gave."""
    kinds = {"log": bool, "shift": np.float64, "scale": np.float64, "fill": np.float64, "constant": bool}
    try:
        arrays = {name: np.asarray(content[name], kind) for name, kind in kinds.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("scaling: damaged; it needs log, shift, scale, fill and constant of every channel.") from error
    if len({array.shape for array in arrays.values()}) != 1:
        raise InputError("scaling: damaged; its entries are not of the same number of channels.")
    return Scaling(**arrays)


class ScalingFit:
    """A scaling in the making: values pass through `watching`, then `scaling` gives the result."""

    def __init__(self, channels: Channels, *, scales: Mapping[str, ModeScale] = SCALES) -> None:
        number = len(channels)
        self._scale = [scales[kind] for kind in channels.kinds]
        self._kind = np.array(channels.kinds)
        self._own_fill = channels.table["fill"].cast(float).fill_null(np.nan).to_numpy()
        self._rows = 0
        self._plain = self._logged = repeated(0.0, np.zeros(number))
        self._low, self._high = np.full(number, np.inf), np.full(number, -np.inf)
        self._negative = np.zeros(number)
        self._medians = QuantileSketch()
        self._sketched = np.array([scale.fill == "median" for scale in self._scale], bool) & np.isnan(self._own_fill)

    def watching(self, stream: Iterable[SectionValues]) -> Iterator[SectionValues]:
        """The same batches, taken into account on their way."""
        for values in stream:
            self._add(values)
            yield values

    def _add(self, values: SectionValues) -> None:
        channel, value, number = values.channel, values.value, len(self._low)
        logged = np.log10(np.maximum(value, 0.0) + OFFSET)
        self._rows += values.rows
        self._plain += moments_of(channel, value, channels=number)
        self._logged += moments_of(channel, logged, channels=number)
        np.minimum.at(self._low, channel, value)
        np.maximum.at(self._high, channel, value)
        self._negative += np.bincount(channel, value < 0, number)
        sketched = np.flatnonzero(self._sketched[channel])
        self._medians.add(channel[sketched], value[sketched])

    def scaling(self) -> Scaling:
        """What the values so far give."""
        if not self._rows:
            raise InputError("scaling: there are no training sections to fit it on.")
        spread = np.array([scale.spread for scale in self._scale])
        log = np.array([scale.log for scale in self._scale], bool)
        alone, count = spread == "channel", self._plain.count
        constant = alone & (self._high - self._low <= _NEARLY * np.maximum(abs(self._low), abs(self._high)))
        log &= ~constant & ~(alone & (self._negative > _MOST_NEGATIVE * count))
        mean = np.where(log, self._logged.mean, self._plain.mean)
        sd = np.where(log, self._logged.sd(), self._plain.sd())
        for kind in np.unique(self._kind[spread == "mode"]):
            sd[self._kind == kind] = self._pooled_sd(kind)
        centre = np.array([scale.centre for scale in self._scale], bool)
        least = np.where(count > 0, self._low, 0.0)
        scaled = (spread != "none") & ~constant & (sd > 0)
        return Scaling(
            log=log,
            shift=np.select([constant, centre], [least, mean], 0.0),
            scale=np.where(scaled, 2 * sd, 1.0),
            fill=np.where(constant, least, self._fills()),
            constant=constant,
        )

    def _pooled_sd(self, kind: str) -> float:
        """SD over all channels of a mode and all sections; a section without the code counts as 0."""
        log = self._scale[int(np.argmax(self._kind == kind))].log
        moments = self._logged if log else self._plain
        absent = repeated(np.log10(OFFSET) if log else 0.0, self._rows - moments.count)
        return float((moments + absent).pooled(self._kind == kind).sd()[0])

    def _fills(self) -> Float64[np.ndarray, "p"]:
        """The codes' own fills, else the mode's number, else the median, kept between the extremes seen."""
        medians = np.clip(self._medians.medians(channels=len(self._low)), self._low, self._high)
        numbers = [medians[at] if scale.fill == "median" else scale.fill for at, scale in enumerate(self._scale)]
        fills = np.array(numbers, float)
        for kind in np.unique(self._kind[[scale.least for scale in self._scale]]):
            own = self._kind == kind
            fills[own] = np.minimum(fills[own], self._low[own].min())
        return np.where(np.isnan(self._own_fill), fills, self._own_fill)
