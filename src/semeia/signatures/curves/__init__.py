"""Evaluate curves at the dates that are needed, and nowhere else, as sparse rows.

A section is a subject at a time; it sees the events up to and including that time. Its grid runs from the step of the
subject's first event (births apart, whatever the code) to its own step. For every channel that the subject had by then:

    condition     mean intensity over the trailing window, events a day     intensity.py
    measurement   mean of the interpolated curve over the trailing window   interpolation.py
    medication    1 while it persists, otherwise 0                          (here)
    demographic   1 if it applies; age in years                             demographics.py

A condition counts once a step; of several values of a measurement in a step the last counts, of several at one time the
largest, and none is beyond its limits (limits.py). Measurements without a number and undated events (demographics
apart) are left out; both, and the numbers beyond a limit, are counted.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float64, Int32, Int64

from semeia.errors import InputError
from semeia.signatures.channels import Channels
from semeia.signatures.curves.demographics import demographic_values
from semeia.signatures.curves.intensity import intensity_means
from semeia.signatures.curves.interpolation import interpolation_means
from semeia.signatures.curves.known_events import KnownEvents, known_events, microseconds
from semeia.signatures.curves.segments import Seen, seen_by_sections
from semeia.signatures.draws import derived, text_keys
from semeia.signatures.window import Window

# What is counted of the events, once for each subject's.
COUNTED = ("valueless", "undated", "limited")

Triplets = tuple[Int64[np.ndarray, "n"], Int64[np.ndarray, "n"], Float64[np.ndarray, "n"]]


@dataclass(frozen=True)
class SectionValues:
    """Values of some sections as sparse triplets by row, then channel. What is not there is to be filled.

    Attributes:
        valueless: events of measurements that were left out for want of a number.
        undated: events that were left out for want of a time.
        limited: events of measurements whose number was beyond a limit and was taken as that.
    """

    row: Int64[np.ndarray, "n"]
    channel: Int32[np.ndarray, "n"]
    value: Float64[np.ndarray, "n"]
    rows: int
    valueless: int = 0
    undated: int = 0
    limited: int = 0


def joined(parts: list[SectionValues]) -> SectionValues:
    """One from several of different rows of the same frame of sections; `rows` and what is counted add up."""
    row, channel, value = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("row", "channel", "value")
    )
    if np.any(np.diff(row) < 0):
        order = np.argsort(row, kind="stable")
        row, channel, value = row[order], channel[order], value[order]
    return SectionValues(
        row=row,
        channel=channel,
        value=value,
        **{name: sum(getattr(part, name) for part in parts) for name in ("rows", *COUNTED)},
    )


def values_at(
    events: pl.DataFrame,
    sections: pl.DataFrame,
    channels: Channels,
    *,
    subjects: pl.DataFrame,
    window: Window,
    seed: int,
) -> SectionValues:
    """The values of all channels at all sections. The order of the rows of any frame changes nothing.

    Args:
        events: subject_id, time, code, numeric_value: everything that is known of the sections' subjects.
        sections: subject_id, time; any order, repeats welcome.
        subjects: subject_id, sex, birth of at least the sections' subjects.
        seed: Of the draws of the intensities. They hang on the seed and the code, and are the same for everybody: equal
            records have equal curves, whoever's they are and under whatever key they were read.
    """
    asked = _by_subject_and_time(sections, subjects)
    people = asked.unique("subject").sort("subject")
    known = known_events(events, people["subject_id"].to_numpy(), channels, window)
    parts = [
        _curve_values(known, asked, channels, window=window, seed=seed),
        demographic_values(known.demographics, asked, channels),
    ]
    section, channel, value = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    row = asked["row"].to_numpy()[section]
    order = np.argsort(row * len(channels) + channel)
    return SectionValues(
        row=row[order],
        channel=channel[order].astype(np.int32),
        value=value[order],
        rows=sections.height,
        valueless=known.valueless,
        undated=known.undated,
        limited=known.limited,
    )


def _by_subject_and_time(sections: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    """Sections in order, with their row, their subject (numbered from 0) and what is known of the person."""
    asked = sections.select(pl.col("subject_id").cast(pl.Int64), pl.col("time").cast(pl.Datetime("us")))
    timed = asked.with_row_index("row")
    if timed["time"].null_count():
        raise InputError(f"sections: {timed['time'].null_count()} rows have no time.")
    joined = timed.join(subjects.select("subject_id", "sex", "birth"), on="subject_id", how="inner")
    if joined.height < timed.height:
        raise InputError(f"sections: {timed.height - joined.height} rows name a subject the archive does not have.")
    return joined.sort("subject_id", "time", "row").with_columns(
        pl.col("row").cast(pl.Int64), subject=pl.col("subject_id").rle_id().cast(pl.Int64)
    )


def _curve_values(
    known: KnownEvents, asked: pl.DataFrame, channels: Channels, *, window: Window, seed: int
) -> Triplets:
    """Conditions, medications and measurements: places in `asked`, channels, values."""
    begins = np.flatnonzero(np.diff(known.segment, prepend=-1))
    subject_of, channel_of = np.divmod(known.segment[begins], len(channels))
    person = asked["subject"].to_numpy()
    seen = seen_by_sections(
        known.time,
        window.step_of(known.time),
        known.number,
        np.append(begins, len(known.segment)),
        subject_of,
        np.searchsorted(person, np.arange(len(known.start) + 1)),
        microseconds(asked["time"]),
    )
    channel, subject = channel_of[seen.segment], person[seen.section]
    codes = derived(np.array([seed], np.uint64), text_keys(channels.table["code"]))
    end = window.step_of(microseconds(asked["time"]))[seen.section]
    value = np.empty(len(channel))
    for mode, curve in _CURVES.items():
        at = np.flatnonzero(channels.of_mode(mode)[channel])
        pairs = _Pairs(
            seen.section[at],
            seen.first[at],
            seen.last[at],
            seen.value[at],
            known.start[subject[at]],
            end[at],
            codes[channel[at]],
        )
        value[at] = curve(seen, pairs, window)
    return seen.section, channel, value


@dataclass(frozen=True)
class _Pairs:
    """Pairs of a section and a channel of one mode: the knots seen, the grid's two ends, the key of the draws."""

    section: np.ndarray
    first: np.ndarray
    last: np.ndarray
    value: np.ndarray
    start: np.ndarray
    end: np.ndarray
    key: np.ndarray


def _intense(seen: Seen, pairs: _Pairs, window: Window) -> Float64[np.ndarray, "pairs"]:
    means = intensity_means(seen.knot_step, pairs.first, pairs.last, pairs.start, pairs.end, window.steps, pairs.key)
    return means * window.steps_a_day


def _interpolated(seen: Seen, pairs: _Pairs, window: Window) -> Float64[np.ndarray, "pairs"]:
    return interpolation_means(
        seen.knot_step, seen.knot_value, pairs.first, pairs.last, pairs.value, pairs.start, pairs.end, window.steps
    )


def _persistent(seen: Seen, pairs: _Pairs, window: Window) -> Float64[np.ndarray, "pairs"]:
    mentioned = seen.knot_step[pairs.last]
    latest = np.full(int(pairs.section.max(initial=-1)) + 1, np.iinfo(np.int64).min)
    np.maximum.at(latest, pairs.section, mentioned)
    return persistence_values(mentioned, latest[pairs.section], pairs.end, window=window.steps)


_CURVES = {"condition": _intense, "measurement": _interpolated, "medication": _persistent}


def persistence_values(
    mentioned: Int64[np.ndarray, "n"],
    any_mentioned: Int64[np.ndarray, "n"],
    end: Int64[np.ndarray, "n"],
    *,
    window: int,
) -> Float64[np.ndarray, "n"]:
    """1 within `window` steps after a drug's last mention, and until a list of drugs without it; otherwise 0.

    On the whole record the curve is 1 where the drug is mentioned and 0 where another one is, nearest neighbour in
    between, and every mention forces 1 for the next window. On a record cut at the date nothing lies ahead to be near
    to, so that the steps of the drug's last mention and of the last mention of any drug are all it takes.
    """
    return ((end - mentioned <= window) | (mentioned == any_mentioned)).astype(np.float64)
