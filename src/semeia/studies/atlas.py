"""From fitted signatures and an archive to the pages people read: the atlas, and one patient's record.

No name, pseudonym or date leaves here: a patient is a letter, a date is the time since the first event.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl

from semeia.archive.schema import BIRTH
from semeia.archive.store import Archive
from semeia.report.atlas.page import Atlas, Bar, Card, Timeline, Track
from semeia.report.content import DataTable
from semeia.report.numbers import MINUS, NBSP, count, number, percent
from semeia.signatures.express import express
from semeia.signatures.model import SignatureModel
from semeia.signatures.sections import sample_sections
from semeia.signatures.streaming import section_values

BARS = 10
# A share of the training patients below this many says too much of few people.
FEWEST = 10
EXAMPLES = 2
SHOWN_CHANNELS = 5
EXPRESSED = 6  # signatures on one patient's page
DATES = 100
# Of the largest weight: channels above it are named in a signature's label.
NEARLY = 0.5
HELD, MOST = 10, 0.5
MOST_WITH_EXAMPLES = 150


@dataclass(frozen=True)
class Life:
    """One patient's record: when it begins and ends, and the dates at which it is looked at."""

    subject: int
    first: int
    last: int
    dates: pl.DataFrame

    def place(self, microseconds: np.ndarray) -> list[float]:
        """Where times lie between the first event (0) and the last (1)."""
        return ((microseconds - self.first) / max(self.last - self.first, 1)).clip(0, 1).round(4).tolist()

    @property
    def span(self) -> str:
        """Its length in words."""
        days = (self.last - self.first) / 86_400_000_000
        if days >= 2 * 365.25:
            return f"{days / 365.25:.0f}{NBSP}years"
        return f"{days:.0f}{NBSP}days" if days >= 2 else f"{24 * days:.0f}{NBSP}hours"


def atlas_of(model: SignatureModel, archive: Archive, subjects: Collection[int]) -> Atlas:
    """The atlas of a model, its examples drawn from some patients of an archive."""
    sections = sample_sections(archive, subjects, window=model.window, seed=1, per_patient=4, at_least=1000)
    found = express(model, archive, sections) if model.fitting.state != "unconverged" else None
    examples: dict[int, list[Timeline]] = {}
    if found is not None:
        examples = _examples(model, archive, found.table)
    return Atlas(
        title=f"Atlas of {count(len(model.names))} clinical signatures",
        facts=_facts(model),
        remarks=_remarks(model),
        cards=[_card(model, at, examples.get(at, [])) for at in range(len(model.names))],
        sites=None if found is None else _sites(found.unmapped),
    )


def patient_of(model: SignatureModel, archive: Archive, subject: int) -> Atlas:
    """One patient's page: the most expressed signatures over time, and the curves and events of their channels."""
    life = _lives(archive, [subject])[subject]
    values = express(model, archive, life.dates).table.select(model.names).to_numpy()
    strongest = np.argsort(-np.abs(values).max(axis=0), kind="stable")[:EXPRESSED]
    named = [f"{model.names[at]}{', unstable' if model.unstable[at] else ''}" for at in strongest]
    signatures = [
        _line(f"{_label(model, int(at))} ({name})", life, values[:, at])
        for at, name in zip(strongest, named, strict=True)
    ]
    channels = list(dict.fromkeys(int(c) for at in strongest for c in model.top(int(at), most=3)))
    tracks = _channel_tracks(model, archive, life, channels)
    return Atlas(
        title="One patient\u2019s record and its signatures",
        facts=[("Length of the record", life.span), ("Signatures shown", f"the {len(signatures)} most expressed")],
        remarks=["Each value uses the record up to its date only. Dates are counted from the first event."],
        timelines=[
            Timeline("Signatures over time", life.span, signatures),
            Timeline("Their channels: curves and events", life.span, tracks),
        ],
    )


def _facts(model: SignatureModel) -> list[tuple[str, str]]:
    fitting, window = model.fitting, model.window
    kinds = model.channels.table.group_by("mode").len().sort("len", descending=True)
    change = "" if fitting.last_change is None else f", last change {fitting.last_change:.1g}"
    return [
        ("Fitted on", f"{count(fitting.patients)} patients, {count(fitting.sections)} dates"),
        ("Channels", ", ".join(f"{count(n)} {mode}s" for mode, n in kinds.iter_rows())),
        ("Variance kept", percent(round(100 * fitting.variance_kept) / 100)),
        ("Window", f"trailing {_hours(window.length_hours)}, in steps of {_hours(window.step_hours)}"),
        ("Fit", f"{fitting.solver}, {fitting.state} in {count(fitting.iterations)} iterations{change}"),
        (
            "Events",
            f"left out: {count(fitting.valueless)} measurements without a number, {count(fitting.undated)} events "
            f"without a time; taken as the limit of their channel: {count(fitting.limited)} values beyond it",
        ),
    ]


def _hours(hours: float | int) -> str:
    """A length of time in words: days where they are whole and at least two."""
    days = hours / 24
    return f"{days:g}{NBSP}days" if days >= 2 and days == round(days) else f"{hours:g}{NBSP}h"


def _remarks(model: SignatureModel) -> list[str]:
    remarks = []
    if model.fitting.state != "converged":
        remarks.append("The fit did not converge: these signatures are a state on the way, not a result.")
    unstable = int(model.unstable.sum())
    if unstable:
        remarks.append(
            f"{count(unstable)} of {count(len(model.names))} signatures are not found again when the fit is repeated "
            "on other draws of the patients or from other starts; they are marked as unstable: do not interpret them."
        )
    elif np.isnan(model.stable).all():
        remarks.append("The fit was not repeated, so it is not known which signatures are stable.")
    return remarks


def _card(model: SignatureModel, at: int, timelines: list[Timeline]) -> Card:
    top = model.top(at, most=BARS)
    rows = model.channels.table[top.tolist()]
    least = FEWEST / max(model.fitting.patients, 1)
    bars = [
        Bar(name, mode, float(model.components.mixing[channel, at]), share if share >= least else None)
        for channel, name, mode, share in zip(
            top, rows["name"], rows["mode"], model.prevalence[top].tolist(), strict=True
        )
    ]
    known = not np.isnan(model.stable[at])
    return Card(
        name=model.names[at],
        label=_label(model, at),
        explained=float(model.components.explained[at]),
        stability=float(model.stable[at]) if known else None,
        stability_low=float(model.stable_low[at]) if known else None,
        unstable=bool(model.unstable[at]),
        bars=bars,
        timelines=timelines,
        holds=_held(model, at),
    )


def _label(model: SignatureModel, at: int) -> str:
    """The channels that weigh nearly as much as the first, three at most; with what they are less of behind a minus."""
    weights = model.components.mixing[:, at]
    top = [int(channel) for channel in model.top(at, most=3)]
    near = [channel for channel in top if abs(weights[channel]) > NEARLY * abs(weights[top[0]])]
    names = model.channels.table["name"]
    return ", ".join(f"{MINUS + ' ' if weights[channel] < 0 else ''}{names[channel]}" for channel in near)


def _held(model: SignatureModel, at: int) -> list[str]:
    """The channels of which this signature alone explains most, a few of them, by how much."""
    share = model.holds[:, at]
    order = [int(channel) for channel in np.argsort(-share, kind="stable")[:HELD] if share[channel] > MOST]
    return [f"{model.channels.table['name'][channel]} ({percent(round(share[channel], 2))})" for channel in order]


def _examples(model: SignatureModel, archive: Archive, expressed: pl.DataFrame) -> dict[int, list[Timeline]]:
    """For each signature the patients who express it most, with its channels' events."""
    chosen: dict[int, list[int]] = {}
    for at, name in enumerate(model.names[:MOST_WITH_EXAMPLES]):
        order = expressed.sort(name, descending=True).unique("subject_id", keep="first", maintain_order=True)
        chosen[at] = order["subject_id"].head(EXAMPLES).to_list()
    lives = _lives(archive, {subject for subjects in chosen.values() for subject in subjects})
    dates = pl.concat([life.dates for life in lives.values()])
    values = express(model, archive, dates).table
    by_subject = {key[0]: part for key, part in values.partition_by("subject_id", as_dict=True).items()}
    wanted = {int(c) for at in chosen for c in model.top(at, most=SHOWN_CHANNELS)}
    ticks = _ticks(model, archive, lives, wanted)
    found: dict[int, list[Timeline]] = {}
    for at, subjects in chosen.items():
        found[at] = []
        for letter, subject in zip("AB", subjects, strict=False):
            life = lives[subject]
            line = _line(f"Expression: {_label(model, at)}", life, by_subject[subject][model.names[at]].to_numpy())
            top = [int(channel) for channel in model.top(at, most=SHOWN_CHANNELS)]
            strips = [_strip(model, channel, ticks.get((subject, channel), [])) for channel in top]
            found[at].append(Timeline(f"Patient {letter}", life.span, [line, *strips]))
    return found


def _lives(archive: Archive, subjects: Collection[int]) -> dict[int, Life]:
    spans = archive.event_subjects().filter(pl.col("subject_id").is_in(list(subjects)))
    lives = {}
    for subject, first, last in spans.select(
        "subject_id", pl.col("first").dt.epoch("us"), pl.col("last").dt.epoch("us")
    ).iter_rows():
        times = np.unique(np.linspace(first, last, DATES).astype(np.int64))
        dates = pl.DataFrame({"subject_id": [subject] * len(times), "time": pl.Series(times).cast(pl.Datetime("us"))})
        lives[subject] = Life(subject, first, last, dates)
    return lives


def _ticks(
    model: SignatureModel, archive: Archive, lives: dict[int, Life], channels: set[int]
) -> dict[tuple[int, int], list[float]]:
    """Positions of the events of some channels, by subject and channel."""
    codes = model.channels.table.filter(pl.col("channel").is_in(list(channels))).select("code", "channel")
    found: dict[tuple[int, int], list[float]] = {}
    for events in archive.event_batches(subjects=list(lives)):
        dated = events.filter(pl.col("time").is_not_null(), pl.col("code") != BIRTH).join(codes, on="code")
        parts = dated.group_by("subject_id", "channel").agg(pl.col("time").dt.epoch("us").unique().sort())
        for subject, channel, times in parts.iter_rows():
            found[subject, channel] = sorted(set(np.round(lives[subject].place(np.array(times)), 3).tolist()))
    return found


def _strip(model: SignatureModel, channel: int, ticks: list[float]) -> Track:
    words = f"{count(len(ticks))} dates" if ticks else "never"
    return Track(str(model.channels.table["name"][channel]), ticks=ticks, words=words)


def _line(name: str, life: Life, values: np.ndarray, unit: str = "") -> Track:
    low, high = float(values.min()), float(values.max())
    heights = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    places = life.place(life.dates["time"].dt.epoch("us").to_numpy())
    line = list(zip(places, heights.round(3).tolist(), strict=True))
    return Track(name, line=line, words=f"{number(low)} to {number(high)}{NBSP + unit if unit else ''}")


def _channel_tracks(model: SignatureModel, archive: Archive, life: Life, channels: list[int]) -> list[Track]:
    """Curves of the channels that the patient has, with their events."""
    ticks = _ticks(model, archive, {life.subject: life}, set(channels))
    curves = np.full((life.dates.height, len(model.channels)), np.nan)
    start = 0
    for part in section_values(archive, life.dates, model.channels, window=model.window, seed=model.seed):
        curves[start + part.row, part.channel] = part.value
        start += part.rows
    tracks = []
    for channel in channels:
        there = ~np.isnan(curves[:, channel])
        if not there.any():
            continue
        name = str(model.channels.table["name"][channel])
        unit = str(model.channels.table["unit"][channel] or "")
        seen = Life(life.subject, life.first, life.last, life.dates.filter(there))
        shown = _line(name, seen, curves[there, channel], unit)
        tracks.append(Track(name, ticks.get((life.subject, channel), []), shown.line, shown.words))
    return tracks


def _sites(unmapped: pl.DataFrame) -> DataTable:
    rows = [
        [row["site"] or "not named", count(row["patients"]), count(row["events"]), percent(round(row["share"], 3))]
        for row in unmapped.sort("share", descending=True).head(20).iter_rows(named=True)
        if row["patients"] >= FEWEST
    ]
    return DataTable(["Site", "Patients", "Events", "Unmapped"], rows)
