"""What can be wrong with a health record: an archive and the census of its events go in, findings come out."""

import polars as pl

from semeia.archive.audit.census import MOST_YEARS, Census
from semeia.archive.audit.findings import Finding, Severity, finding
from semeia.archive.identity import NEAR
from semeia.archive.store import Archive

_MOST_SITES = 20


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
