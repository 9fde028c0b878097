"""Recognise an ingest that is given again, as after a kill just behind the commit, by what it would write.

A draft repeats a part when the part came from the same source and holds the same rows, events and pixels. Then there is
nothing to do, which is no error; whatever else is in the archive already is refused.
"""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from semeia.archive.events import repeated
from semeia.archive.part.record_draft import RecordDraft
from semeia.archive.schema import TABLES
from semeia.archive.store import Archive

_FACTS = ("subjects", "codes", "units")  # later parts may have changed or added to what a draft says of these


def repeated_part(
    archive: Archive, frames: dict[str, pl.DataFrame], recorded: Path | None, *, source: str
) -> int | None:
    """The number of the part that a draft repeats; None where there is none.

    Args:
        frames: the draft's tables by folder; `subjects` and `codes` hold only what the archive does not know.
        recorded: file of the draft's events, sorted and without copies; None where it has none.
    """
    new_facts = any(name in frames for name in ("subjects", "codes"))
    units = frames.get("units")
    if new_facts or (units is not None and _unlike(archive.table("units"), units, TABLES["units"].key)):
        return None
    payload = {name: frame for name, frame in frames.items() if name not in _FACTS}
    for number, part in enumerate(archive.parts, start=1):
        files: dict[str, str] = part["files"]
        held = {name.rpartition("/")[0] for name in files} - {*_FACTS, "pixels", "events"}
        theirs = archive.path / name if (name := f"events/{number:04d}.parquet") in files else None
        if (
            part["source"] == source
            and held == set(payload)
            and all(_same(archive.part_table(folder, number), frame) for folder, frame in payload.items())
            and _same_events(theirs, recorded)
        ):
            return number
    return None


def _same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Whether two tables hold the same rows, whatever part they are in: hashes of pixels are among the columns."""
    kept = [name for name in one.columns if name not in ("part", "array_id")]
    return set(one.columns) == set(other.columns) and one.select(kept).equals(other.select(kept))


def _same_events(one: Path | None, other: Path | None) -> bool:
    """Whether two sorted files hold the same events; how they are cut into groups of rows may differ."""
    if one is None or other is None:
        return one is other
    rows = [pl.scan_parquet(path, glob=False).select(pl.len()).collect().item() for path in (one, other)]
    return rows[0] == rows[1] == repeated([one], other)


def _unlike(there: pl.DataFrame, given: pl.DataFrame, key: tuple[str, ...]) -> bool:
    """Whether a given row is not in a table with just these values."""
    if not set(given.columns) <= set(there.columns):
        return True
    known = there.select(given.columns).join(given.select(key), on=key, how="semi")
    return not known.sort(key).equals(given.sort(key))


def rows_there(archive: Archive | None, folder: str, key: tuple[str, ...]) -> set[tuple]:
    """The keys of what the archive holds under `folder`."""
    if archive is None:
        return set()
    if folder.startswith("outcomes/"):
        name = folder.split("/")[1]
        return set(archive.outcome(name).select(key).rows()) if name in archive.outcomes() else set()
    return set(archive.table(folder).select(key).rows())


def known_rows(archive: Archive, frames: Mapping[str, pl.DataFrame], record: RecordDraft) -> list[str]:
    """What of the draft's tables and placed events the archive has already, in words."""
    found = []
    for folder, frame in frames.items():
        if folder not in ("subjects", "codes"):
            table = TABLES[folder.split("/")[0]]
            there = rows_there(archive, folder, table.identity)
            again = sum(row in there for row in frame.select(table.identity).rows())
            what = "units" if folder == "units" else f"rows of {folder}"
            found += [f"{again} of {frame.height} {what}"] if again else []
    again = record.again
    return [*found, f"{again} of {again} events"] if again and again == record.kept else found
