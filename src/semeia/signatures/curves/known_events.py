"""Bring events into the sorted arrays of numbers that curves need.

An archive's events come sorted by time, so as a rule two sorts by 16-bit numbers are all it takes to order a million.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float64, Int64

from semeia.archive.schema import BIRTH
from semeia.signatures.channels import Channels
from semeia.signatures.window import Window


@dataclass(frozen=True)
class KnownEvents:
    """The dated events that have a curve, by subject, channel, time and number.

    Attributes:
        segment: subject x channels + channel; subjects are numbered in the order of their ids.
        time: microseconds since 1970.
        number: the numeric value; of a measurement it is finite and within its limits.
        start: each subject's first step; without any dated event, some number that nothing looks at.
        demographics: subject, channel, time of the codes that say who the patient is.
        valueless: events of measurements left out for want of a number.
        undated: events left out for want of a time.
        limited: events of measurements whose number was beyond a limit and was taken as that.
    """

    segment: Int64[np.ndarray, "events"]
    time: Int64[np.ndarray, "events"]
    number: Float64[np.ndarray, "events"]
    start: Int64[np.ndarray, "subjects"]
    demographics: pl.DataFrame
    valueless: int
    undated: int
    limited: int


def known_events(
    events: pl.DataFrame, ids: Int64[np.ndarray, "subjects"], channels: Channels, window: Window
) -> KnownEvents:
    """Look up subjects and channels, leave out what has no curve, and put the rest in order.

    Args:
        events: subject_id, time, code, numeric_value, in any order.
        ids: rising ids of the subjects that are asked about; events of others are left out.
    """
    of_event = events["subject_id"].cast(pl.Int64).to_numpy()
    subject = np.searchsorted(ids, of_event).clip(max=max(len(ids) - 1, 0))
    dated = events["time"].is_not_null().to_numpy()
    time = microseconds(events["time"].fill_null(dt.datetime(1970, 1, 1)))
    ours = ids[subject] == of_event if len(ids) else np.zeros(len(of_event), bool)
    first = np.full(len(ids), np.iinfo(np.int64).max)
    lived = ours & dated & (events["code"] != BIRTH).to_numpy()
    np.minimum.at(first, subject[lived], time[lived])
    codes = channels.table["code"]
    channel = events["code"].cast(pl.Enum(codes), strict=False).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    ours &= channel >= 0
    number = events["numeric_value"].cast(pl.Float64).fill_null(np.nan).to_numpy(writable=True)
    measured, told = (channels.of_mode(mode)[channel] & ours for mode in ("measurement", "demographic"))
    numberless = measured & ~np.isfinite(number)
    kept = np.flatnonzero(ours & ~told & ~numberless & dated)
    lowest, highest = channels.limits
    believed = np.clip(number[kept], lowest[channel[kept]], highest[channel[kept]])
    limited = int(np.count_nonzero(measured[kept] & (believed != number[kept])))
    number[kept] = believed
    order = kept[_in_order(subject[kept], channel[kept], time[kept], np.nan_to_num(number[kept]))]
    return KnownEvents(
        segment=subject[order] * len(channels) + channel[order],
        time=time[order],
        number=number[order],
        start=window.step_of(first),
        demographics=pl.DataFrame({"subject": subject, "channel": channel, "time": events["time"]}).filter(told),
        valueless=int(numberless.sum()),
        undated=int((ours & ~told & ~dated).sum()),
        limited=limited,
    )


def _in_order(
    subject: Int64[np.ndarray, "n"],
    channel: Int64[np.ndarray, "n"],
    time: Int64[np.ndarray, "n"],
    number: Float64[np.ndarray, "n"],
) -> Int64[np.ndarray, "n"]:
    """The order by subject, channel, time, number. An archive's events, sorted by time, need the first two only."""
    narrow = [key.astype(np.uint16) if key.max(initial=0) < 2**16 else key for key in (subject, channel)]
    order = np.argsort(narrow[1], kind="stable")  # numpy sorts 16 bits by radix
    order = order[np.argsort(narrow[0][order], kind="stable")]
    same = (np.diff(subject[order]) == 0) & (np.diff(channel[order]) == 0)
    later, larger = np.diff(time[order]), np.diff(number[order])
    if np.any(same & ((later < 0) | ((later == 0) & (larger < 0)))):
        return np.lexsort((number, time, channel, subject))
    return order


def microseconds(times: pl.Series) -> Int64[np.ndarray, "n"]:
    """Times since 1970-01-01; none may be empty."""
    return times.cast(pl.Datetime("us")).to_physical().to_numpy(writable=True)  # numba compiles apart for read-only
