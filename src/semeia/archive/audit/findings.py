"""Look for what can be wrong with an archive and its health record, one function a suspicion."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from semeia.archive.audit.census import MOST_YEARS, Census
from semeia.archive.identity import NEAR, near
from semeia.archive.store import Archive

_MAX_SPACING_MM = 10.0
_MAX_EXTENT_MM = 600.0
_LEAST_EXTENT_MM = 5.0
_NAMED = 5  # patients that a finding names
Severity = Literal["error", "warning", "note"]
_MOST_SITES = 20


@dataclass(frozen=True)
class Finding:
    """One thing to know. `error`: do not train on it; `warning`: look at it; `note`: keep it in mind."""

    severity: Severity
    words: str
    count: int


def broken(archive: Archive) -> list[Finding]:
    """Files that are missing or no longer what was written."""
    return [Finding("error", problem, 1) for problem in archive.verify()]


def splits(subjects: pl.DataFrame) -> list[Finding]:
    """Patients in two fixed splits."""
    several = subjects.group_by("pseudonym").agg(pl.col("split").drop_nulls().n_unique()).filter(pl.col("split") > 1)
    return finding("error", several.height, "patients are in more than one split")


def near_ids(subjects: pl.DataFrame) -> list[Finding]:
    """Patients who may be one person under two spellings of an id; some by pseudonym, for `semeia whois`."""
    pairs = near(subjects)
    some = ", ".join(f"{first} and {second}" for first, second in pairs[:_NAMED])
    return finding("warning", len(pairs), f"{NEAR} (`semeia whois` tells who they are): {some}")


def geometry(images: pl.DataFrame) -> list[Finding]:
    """Volumes whose size in mm cannot be, and what the numbers in the voxels are not."""
    volumes = images.filter(pl.col("spacing").is_not_null())
    extent = [
        max(length * step for length, step in zip(row["shape"], row["spacing"], strict=True))
        for row in volumes.select("shape", "spacing").iter_rows(named=True)
    ]
    steps = volumes.select(low=pl.col("spacing").list.min(), high=pl.col("spacing").list.max())
    wrong = int(((steps["low"] <= 0) | (steps["high"] > _MAX_SPACING_MM)).sum())
    flat = int((volumes["shape"].list.get(2) == 1).sum())
    stretched = int((images["intensity"] == "per_slice_stretched").sum())
    return [
        *finding("error", wrong, f"volumes have a spacing of 0 or less, or above {_MAX_SPACING_MM:g} mm"),
        *finding("error", sum(size > _MAX_EXTENT_MM for size in extent), f"volumes exceed {_MAX_EXTENT_MM:g} mm"),
        *finding(
            "warning", sum(size < _LEAST_EXTENT_MM for size in extent), f"volumes are below {_LEAST_EXTENT_MM:g} mm"
        ),
        *finding("note", flat, "volumes have a single slice"),
        *finding("note", int(volumes["orientation"].null_count()), "volumes are of unknown orientation"),
        *finding("note", stretched, "images were stretched slice by slice and are not in Hounsfield units"),
    ]


def gaps(archive: Archive) -> list[Finding]:
    """Units without an image, a reading, an outcome, or any of them."""
    units = archive.table("units").filter(pl.col("kind") != "patient").select("unit_id", "subject_id")
    tables = {"image": archive.table("images"), "reading": archive.table("readings")}
    recorded = archive.event_subjects()
    if recorded.height:  # an archive of records need not have images, nor one of reports readings
        tables = {name: table for name, table in tables.items() if table.height}
    labels = [archive.outcome(name).select("unit_id", "subject_id") for name in archive.outcomes()]
    tables["outcome"] = pl.concat(labels) if labels else units.clear()
    without = {}
    for name, table in tables.items():
        of_patient = table.filter(pl.col("unit_id").is_null())
        without[name] = units.join(table, on="unit_id", how="anti").join(of_patient, on="subject_id", how="anti")
    nothing = units
    for absent in without.values():
        nothing = nothing.join(absent, on="unit_id", how="semi")
    nothing = nothing.join(recorded, on="subject_id", how="anti")
    notes = [finding("note", absent.height, f"units have no {name}") for name, absent in without.items()]
    bare = finding("warning", nothing.height, "units have neither image nor reading nor outcome")
    return [*bare, *(each for note in notes for each in note)]


def finding(severity: Severity, count: int, words: str) -> list[Finding]:
    """The finding in a list, or no finding when the count is zero."""
    return [Finding(severity, words, count)] if count else []


def record_findings(archive: Archive, census: Census) -> list[Finding]:
    """Impossible times, codes that carry nothing, unmapped events by site, and what ingests left out or mended.

    What was left out is said of an archive without events, too: it may be why there are none.
    """
    if not census.patients:
        return counted(archive)
    return [*_times(census), *_people(archive, census), *_codes(archive, census), *_sites(census), *counted(archive)]


def counted(archive: Archive) -> list[Finding]:
    """What the ingests warned of, and counted: rows left out, copies dropped, units kept apart, and the like.

    Near spellings of ids are not repeated: `findings.near_ids` looks for them among all patients.
    """
    notes = [note for note in _noted(archive, "counted", "note") if note.words != NEAR]
    return [*_noted(archive, "warned", "warning"), *notes]


def _noted(archive: Archive, note: str, severity: Severity) -> list[Finding]:
    totals: dict[str, int] = {}
    for part in archive.parts:
        for words, number in part["notes"].get(note, {}).items():
            totals[words] = totals.get(words, 0) + number
    return [Finding(severity, words, number) for words, number in totals.items()]


def _times(census: Census) -> list[Finding]:
    return [
        *finding("warning", census.before_birth, "events lie before the day of their patient's birth"),
        *finding("warning", census.after_death, "events lie after the day of their patient's death"),
        *finding("warning", census.beyond_age, f"patients are older than {MOST_YEARS} at an event: no age"),
        *finding("warning", census.beyond_span, f"patients have events more than {MOST_YEARS} years apart"),
    ]


def _people(archive: Archive, census: Census) -> list[Finding]:
    subjects = archive.table("subjects")
    unborn = subjects["birth"].null_count()
    return [
        *finding("note", subjects.height - census.patients, "patients have no events"),
        *finding("note", unborn, "patients have no date of birth, and so no age"),
    ]


def _codes(archive: Archive, census: Census) -> list[Finding]:
    """Codes that no model can learn from, and values that nobody can compare."""
    codes = census.codes.join(archive.codes(), on="code", how="left")
    measured = codes.filter(pl.col("mode") == "measurement")
    valued = measured.filter(pl.col("numbers") > 0)
    constant = valued.filter((pl.col("low") == pl.col("high")) & (pl.col("numbers") > 1))
    return [
        *finding("warning", measured.height - valued.height, "measurements have no number in any event"),
        *finding("note", constant.height, "measurements have the same value in every event"),
        *finding("note", valued["unit"].null_count(), "measurements have values in no known unit"),
        *finding("note", codes.filter(pl.col("patients") == 1).height, "codes occur in one patient only"),
    ]


def _sites(census: Census) -> list[Finding]:
    """Share of events that the source could not map, by site, largest first."""
    shares = census.sites.filter(pl.col("unmapped") > 0).with_columns(share=pl.col("unmapped") / pl.col("events"))
    shares = shares.sort("share", "site", descending=[True, False])
    listed = [
        Finding("warning", f"events of {row['site']} ({row['share']:.1%}) are unmapped", row["unmapped"])
        for row in shares.head(_MOST_SITES).iter_rows(named=True)
    ]
    return [*listed, *finding("warning", shares.height - len(listed), "further sites have unmapped events")]
