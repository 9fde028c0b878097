"""Count the events of an archive in one pass, by code, mode and site."""

from dataclasses import dataclass

import polars as pl

from semeia.archive.schema import BIRTH, DEATH, UNMAPPED
from semeia.archive.store import Archive

MOST_YEARS = 120
_CODES = {
    "code": pl.String(),
    "events": pl.Int64(),
    "numbers": pl.Int64(),
    "patients": pl.Int64(),
    "low": pl.Float32(),
    "high": pl.Float32(),
}
_GROUPS = {"mode": pl.String(), "rule": pl.String(), "events": pl.Int64(), "patients": pl.Int64()}
_SITES = {"site": pl.String(), "events": pl.Int64(), "unmapped": pl.Int64()}


@dataclass(frozen=True)
class Census:
    """Counts over all events of an archive.

    Attributes:
        codes: Columns code, events, numbers (events with a number), patients, low, high (of the numbers).
        modes: Columns mode, events, patients.
        rules: Columns mode, rule, events, patients: by what decided the mode.
        sites: Columns site, events, unmapped (events of codes that the source itself could not map).
        beyond_age: Patients with an event at an age that nobody reaches: a hidden or mistyped birth.
        beyond_span: Patients whose events lie further apart than anybody lives: a mistyped or placeholder year.
    """

    codes: pl.DataFrame
    modes: pl.DataFrame
    rules: pl.DataFrame
    sites: pl.DataFrame
    patients: int
    before_birth: int
    after_death: int
    beyond_age: int = 0
    beyond_span: int = 0


def census(archive: Archive) -> Census:
    """Count the events of an archive, in memory bounded by its number of codes."""
    subjects = archive.table("subjects").select("subject_id", "birth", pl.col("site").fill_null("(no site)"))
    meanings = archive.codes().select("code", "mode", "rule")
    codes, modes = pl.DataFrame(schema=_CODES), pl.DataFrame(schema=_GROUPS).drop("rule")
    rules, sites = pl.DataFrame(schema=_GROUPS), pl.DataFrame(schema=_SITES)
    patients = before = after = old = apart = 0
    for batch in archive.event_batches():
        events = batch.join(meanings, on="code", how="left").join(subjects, on="subject_id", how="left")
        value = pl.col("numeric_value")
        found = events.group_by("code").agg(
            events=pl.len(), numbers=value.count(), patients=_people(), low=value.min(), high=value.max()
        )
        totals = pl.col("events", "numbers", "patients").sum(), pl.col("low").min(), pl.col("high").max()
        codes = pl.concat([codes, found.cast(pl.Schema(_CODES))]).group_by("code").agg(*totals)
        modes = _added(modes, events, ["mode"], patients=_people())
        rules = _added(rules, events, ["mode", "rule"], patients=_people())
        sites = _added(sites, events, ["site"], unmapped=pl.col("code").str.starts_with(UNMAPPED).sum())
        patients += events["subject_id"].n_unique()
        before += _before_birth(events)
        after += _after_death(events)
        old += _beyond_age(events)
        apart += _beyond_span(events)
    return Census(
        codes=codes.sort("code"),
        modes=modes.sort("mode"),
        rules=rules.sort("mode", "rule"),
        sites=sites.sort("site"),
        patients=patients,
        before_birth=before,
        after_death=after,
        beyond_age=old,
        beyond_span=apart,
    )


def _people() -> pl.Expr:
    """A batch holds whole patients, so that their numbers add up over batches."""
    return pl.col("subject_id").n_unique()


def _added(so_far: pl.DataFrame, events: pl.DataFrame, by: list[str], **counted: pl.Expr) -> pl.DataFrame:
    found = events.group_by(by).agg(events=pl.len(), **counted).with_columns(pl.exclude(by).cast(pl.Int64))
    return pl.concat([so_far, found]).group_by(by).agg(pl.exclude(by).sum())


def _before_birth(events: pl.DataFrame) -> int:
    early = (pl.col("time").dt.date() < pl.col("birth")) & (pl.col("code") != BIRTH)
    return int(events.select(early.sum()).item() or 0)


def _after_death(events: pl.DataFrame) -> int:
    deaths = events.filter(pl.col("code") == DEATH).group_by("subject_id").agg(death=pl.col("time").min().dt.date())
    late = events.join(deaths, on="subject_id").select((pl.col("time").dt.date() > pl.col("death")).sum())
    return int(late.item() or 0)


def _beyond_age(events: pl.DataFrame) -> int:
    late = pl.col("time").dt.date() > pl.col("birth").dt.offset_by(f"{MOST_YEARS}y")
    return events.filter(late)["subject_id"].n_unique()


def _beyond_span(events: pl.DataFrame) -> int:
    dated = events.filter(pl.col("code") != BIRTH).group_by("subject_id")
    ends = dated.agg(first=pl.col("time").min(), last=pl.col("time").max())
    return ends.filter(pl.col("last") > pl.col("first").dt.offset_by(f"{MOST_YEARS}y")).height
