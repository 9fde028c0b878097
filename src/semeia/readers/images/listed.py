"""Hold a table of images against its folder: files, patients, labels and splits that fit together."""

import datetime as dt
import posixpath
import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from semeia.archive.identity import canonical
from semeia.archive.schema import SPLITS
from semeia.readers.images.image_format import SUFFIXES
from semeia.readers.rows import Faults, Row

ENDINGS = (".npy", *(ending for endings in SUFFIXES.values() for ending in endings))

CLASSES = " Names of classes become numbers with --classes, in the order given there."
SPLIT_NAMES = {name: name for name in SPLITS} | {
    "training": "train",
    "valid": "val",
    "validation": "val",
    "testing": "test",
}


@dataclass(frozen=True)
class Listed:
    """One checked row of a table of images."""

    row: Row
    path: Path
    patient: tuple[str, str]  # original id and site, site "" when unknown
    unit: str
    label: float | None
    split: str | None
    time: dt.datetime | None = None


def listed_images(
    rows: list[Row], folder: Path, *, columns: dict[str, str], faults: Faults, day_zero: dt.date | None = None
) -> list[Listed]:
    """Hold rows, one an image, against the folder and against one another; no image is opened.

    Args:
        columns: Column of each role: image, subject, and where given unit, label, split, site, time.
        day_zero: The day that whole numbers in the column `time` count days from.

    Returns:
        The rows without a fault, by patient and unit.
    """
    where = Folder(folder)
    listed = faults.keep(rows, lambda row: _checked(row, where, columns, day_zero))
    listed = _with_sites(listed, faults, columns)
    return sorted(_without_contradictions(listed, faults, columns), key=lambda entry: (*entry.patient, entry.unit))


@dataclass(frozen=True)
class Folder:
    """Where files are looked for; finds a name with accents written in another way, or without its ending, too."""

    path: Path

    def find(self, row: Row, column: str) -> Path:
        """The file that a cell names, inside the folder."""
        cell = row.text(column)
        plain = image_name(cell)
        with suppress(ValueError):  # a path from the root may lead into the folder
            plain = PurePosixPath(plain).relative_to(self.path.absolute().as_posix()).as_posix()
        if "\0" in cell or plain.startswith(("/", "../")) or re.match("[A-Za-z]:", plain):
            raise row.error(column, "leads out of the folder; give a path inside it.")
        forms = (plain, unicodedata.normalize("NFD", plain), *(() if ".." in cell else (cell,)))
        for path in dict.fromkeys(self.path / form for form in forms):
            if _there(path, Path.is_file):
                return path
            if _there(path, Path.is_symlink):
                raise row.error(column, "is a link to a file that is not there.")
            if _there(path, Path.exists):
                raise row.error(column, "is a folder, a device or a pipe; give a file.")
        ended = [path for ending in ENDINGS if _there(path := self.path / f"{plain}{ending}", Path.is_file)]
        if len(ended) > 1:
            raise row.error(column, f"fits {len(ended)} files that differ in their ending; name it, too.")
        if ended:
            return ended[0]
        raise row.error(column, f"there is no such file in the folder{self._hint(plain)}.")

    def _hint(self, plain: str) -> str:
        """What is there instead: the same name in another case."""
        try:
            names = [entry.name.casefold() for entry in (self.path / plain).parent.iterdir()]
        except (OSError, ValueError):
            return ""
        there = PurePosixPath(plain).name.casefold() in names
        return "; there is one whose name differs in upper and lower case" if there else ""


def _there(path: Path, kind: Callable[[Path], bool]) -> bool:
    """Whether there is a thing of some kind; not where the name cannot be one, such as one too long for the disk."""
    try:
        return kind(path)
    except (OSError, ValueError):
        return False


def image_name(cell: str) -> str:
    """The name of an image by its path in a table: with slashes, composed letters, and no detours such as `./`."""
    return posixpath.normpath(unicodedata.normalize("NFC", cell).replace("\\", "/"))


def _checked(row: Row, folder: Folder, columns: dict[str, str], day_zero: dt.date | None) -> Listed:
    """A row with everything about it found valid that can be without opening the image."""
    path = folder.find(row, columns["image"])
    split = (row.cells[columns["split"]] or "").lower() if "split" in columns else ""
    if split and split not in SPLIT_NAMES:
        words = f"must be one of {', '.join(SPLITS)}, or empty; the column may also be left out."
        raise row.error(columns["split"], words)
    return Listed(
        row=row,
        path=path,
        patient=(
            canonical(row.identity(columns["subject"])),
            canonical((row.cells[columns["site"]] or "") if "site" in columns else ""),
        ),
        unit=canonical(row.text(columns["unit"])) if "unit" in columns else image_name(row.text(columns["image"])),
        label=row.label_or_none(columns["label"], otherwise=CLASSES) if "label" in columns else None,
        split=SPLIT_NAMES[split] if split else None,
        time=row.time(columns["time"], day_zero=day_zero) if "time" in columns else None,
    )


def _with_sites(listed: list[Listed], faults: Faults, columns: dict[str, str]) -> list[Listed]:
    """The rows with the site filled in where only other rows of the patient tell it."""
    sites: dict[str, set[str]] = {}
    for entry in listed:
        sites.setdefault(entry.patient[0], set()).add(entry.patient[1])

    def told(entry: Listed) -> Listed:
        known = sites[entry.patient[0]] - {""}
        if entry.patient[1] or not known:
            return entry
        if len(known) > 1:
            raise entry.row.error(columns["site"], f"is empty, and this id is at {len(known)} sites; fill it in.")
        return replace(entry, patient=(entry.patient[0], *known))

    return faults.keep(listed, told)


def _without_contradictions(listed: list[Listed], faults: Faults, columns: dict[str, str]) -> list[Listed]:
    """One split a patient, one label a unit, one row an image; what a later row contradicts counts as its fault."""
    splits: dict[object, Listed] = {}
    labels: dict[object, Listed] = {}
    images: dict[object, Listed] = {}

    def agreed(entry: Listed) -> Listed:
        first = splits.setdefault(entry.patient, entry)
        if first.split != entry.split:
            raise entry.row.error(columns["split"], f"this patient is in another split in row {first.row.number}.")
        first = labels.setdefault((entry.patient, entry.unit), entry)
        if first.label != entry.label:
            raise entry.row.error(columns["label"], f"this unit has another label in row {first.row.number}.")
        first = images.setdefault(entry.path, entry)
        if first is not entry:
            raise entry.row.error(columns["image"], f"repeats the image of row {first.row.number}.")
        return entry

    return faults.keep(listed, agreed)
