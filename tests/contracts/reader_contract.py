"""What every reader must do with a folder: a battery of checks, each a function of a `Case` and a folder.

What a reader leaves behind is one sound part of an archive; nothing of it names a patient; a second run is refused.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from archive_folder import listing
from semeia.archive import Archive, Summary, open_archive
from semeia.errors import InputError


@dataclass(frozen=True)
class Case:
    """A reader and its files.

    Attributes:
        write: makes the source folder.
        ingest: reads the source folder into an archive.
        damage: spoils one file of the source folder.
        names: what identifies patients in the source: ids, and names of files that hold them.
        told: what an error about the damage says of where it is.
    """

    write: Callable[[Path], None]
    ingest: Callable[[Path, Path], Summary]
    damage: Callable[[Path], None]
    names: tuple[str, ...]
    told: str = "row"


def _read(case: Case, folder: Path) -> Archive:
    case.write(folder / "source")
    case.ingest(folder / "source", folder / "archive")
    return open_archive(folder / "archive")


def _tables(archive: Archive) -> dict[str, pl.DataFrame]:
    tables = {name: archive.table(name) for name in ("subjects", "units", "images", "readings")}
    return tables | {f"outcome {name}": archive.outcome(name) for name in archive.outcomes()}


def _record(archive: Archive) -> tuple[pl.DataFrame, ...]:
    """The health record: codes, then batches of events; empty for a reader of images."""
    return archive.codes(), *archive.event_batches()


def what_it_leaves_is_sound(case: Case, folder: Path) -> None:
    case.write(folder / "source")
    summary = case.ingest(folder / "source", folder / "archive")
    archive = open_archive(folder / "archive")
    assert archive.verify() == []
    tables = _tables(archive)
    assert (summary.subjects, summary.units, summary.images) == tuple(
        tables[name].height for name in ("subjects", "units", "images")
    )
    codes, *batches = _record(archive)
    assert (summary.codes, summary.events) == (codes.height, sum(batch.height for batch in batches))
    for batch in batches:
        assert set(batch["subject_id"]) <= set(tables["subjects"]["subject_id"])
        assert set(batch["code"]) <= set(codes["code"])
    assert summary.subjects
    assert tables["subjects"]["subject_id"].to_list() == list(range(1, summary.subjects + 1))
    units = set(tables["units"]["unit_id"])
    for name, table in tables.items():
        assert set(table["subject_id"]) <= set(tables["subjects"]["subject_id"]), name
        assert name == "subjects" or set(table["unit_id"].drop_nulls()) <= units, name


def every_image_can_be_seen(case: Case, folder: Path) -> None:
    archive = _read(case, folder)
    for image in archive.table("images").iter_rows(named=True):
        pixels = archive.pixels(image)
        assert list(pixels.shape) == image["shape"]
        assert str(pixels.dtype) == image["dtype"]
        assert not pixels.flags.writeable


def the_same_again_has_nothing_to_do(case: Case, folder: Path) -> None:
    """As after a kill that came just behind the commit: no error, and no byte changes."""
    _read(case, folder)
    before = listing(folder / "archive")
    again = case.ingest(folder / "source", folder / "archive")
    assert again.repeated
    assert str(again).startswith("nothing to do")
    assert listing(folder / "archive") == before


def no_patient_is_named(case: Case, folder: Path) -> None:
    archive = _read(case, folder)
    texts = [str(path.relative_to(folder / "archive")) for path in (folder / "archive").rglob("*")]
    texts += [(folder / "archive" / "archive.json").read_text()]
    texts += [table.write_json() for table in (*_tables(archive).values(), *_record(archive))]
    for name in case.names:
        plain_hash = hashlib.sha256(name.encode()).hexdigest()[:12]  # anyone could undo a hash without a key
        for text in texts:
            assert name not in text
            assert plain_hash not in text


def damage_is_one_line_that_names_no_patient(case: Case, folder: Path) -> None:
    case.write(folder / "source")
    case.damage(folder / "source")
    with pytest.raises(InputError) as caught:
        case.ingest(folder / "source", folder / "archive")
    message = str(caught.value)
    assert "\n" not in message.strip()
    assert case.told in message
    assert not [name for name in case.names if name in message]
    assert not (folder / "archive" / "archive.json").exists()


def the_order_of_files_and_the_key_change_no_number(case: Case, folder: Path) -> None:
    case.write(folder / "source")
    for name in ("one", "two"):
        case.ingest(folder / "source", folder / name)
    one, two = (open_archive(folder / name) for name in ("one", "two"))
    assert one.key_fingerprint != two.key_fingerprint
    assert one.table("subjects")["subject_id"].equals(two.table("subjects")["subject_id"])
    assert sorted(one.table("images")["sha256"]) == sorted(two.table("images")["sha256"])
    first, second = (_record(archive) for archive in (one, two))
    assert len(first) == len(second)
    assert all(here.equals(there) for here, there in zip(first, second, strict=True))
    pairs = [sorted(archive.table("images").select("subject_id", "sha256").iter_rows()) for archive in (one, two)]
    assert pairs[0] == pairs[1]


CHECKS: tuple[Callable[[Case, Path], None], ...] = (
    what_it_leaves_is_sound,
    every_image_can_be_seen,
    the_same_again_has_nothing_to_do,
    no_patient_is_named,
    damage_is_one_line_that_names_no_patient,
    the_order_of_files_and_the_key_change_no_number,
)


def check_reader(case: Case, folder: Path) -> None:
    """All of it, each check in a folder of its own."""
    for check in CHECKS:
        check(case, folder / check.__name__)
