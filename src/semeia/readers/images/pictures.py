"""Ingest pictures and volumes listed in a table.

PNG, JPEG and NIfTI, told apart by their content. File names often carry the patient's id, so they are kept
nowhere: a unit is named by the pseudonym and a keyed hash.
"""

import datetime as dt
import re
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from semeia.archive import PRIVACY, Privacy, Summary, Writer, writing
from semeia.archive.column_names import shown
from semeia.errors import InputError
from semeia.progress import each
from semeia.readers.covariates import Fact, covariates_of, refuse_names
from semeia.readers.images.image_file import INTENSITY, Remarks, add_image, read_image, require_table
from semeia.readers.images.listed import Listed, listed_images
from semeia.readers.images.pairs import COPIES, Pairing, Taken, by_patient, taken, without_copies
from semeia.readers.rows import LEFT_OUT, Faults, Row, day_of, folder_given, odd_labels, read_rows


def ingest_images(
    folder: str | Path,
    *,
    into: str | Path,
    table: str | Path | None = None,
    image: str | None = None,
    subject: str | None = None,
    unit: str | None = None,
    label: str | None = None,
    split: str | None = None,
    site: str | None = None,
    time: str | None = None,
    day_zero: str | None = None,
    history: bool = False,
    outcome: str | None = None,
    classes: tuple[str, ...] = (),
    modality: str | None = None,
    channels: tuple[str, ...] = (),
    first: str = "",
    covariates: tuple[str, ...] = (),
    kind: str | None = None,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    skip_bad_rows: int = 0,
) -> Summary:
    """Read the images a table lists into an archive.

    Args:
        folder: What the paths in the table start from.
        table: CSV, TSV or parquet, one row an image; see docs/how-to/bring-your-own-images.md for what is read.
        image: Column with the path of the image, a PNG, JPEG or NIfTI.
        subject: Column with the patient's id, which is hashed.
        unit: Column that says which rows are of one thing predicted on; by default every image is its own.
            The subject column again makes it the patient.
        label: Column with the label, 0 or 1 (or true/false, yes/no) or a grade; empty cells and NA are unlabelled.
        split: Column with a fixed split: train, val (or valid, validation), test. May be left out.
        site: Column with the hospital. The same id at two sites is two patients; where it is empty, the patient's
            other rows tell it.
        time: Column with the date of the image, in ISO; a date without a time of day is the start of that day. What is
            predicted on has the date of its last image, and nothing after it is ever shown to a model.
        day_zero: A date, where the column of dates counts days instead (of a study, since admission): day 0.
        history: Let the earlier images of a patient be seen with each of the later ones; needs `time`.
        outcome: What the label is called in the archive; by default as its column, in lower case.
        classes: Names that the label column holds instead of numbers, such as [cecum,polyp]: the first becomes 0.
        modality: Column that names the modality of each image (white light, narrow band); rows of one unit are a pair.
        channels: Names of three modalities that are the colour channels of each picture, such as [t1,flair,t1c].
        first: Modality that is real where two of a patient show the same pixels; the others are stored as missing.
        covariates: Columns kept with what is predicted on (age, sex, slice_position), to be tested as shortcuts.
        kind: What the numbers mean: `hu` (Hounsfield units), `mri` (no unit: MRI, ultrasound), `img8`, `mask` or
            `picture`; by default `picture` for PNG and JPEG, `hu` for NIfTI.

    Raises:
        InputError: Names up to ten rows and columns, never the patient. Nothing is written then.
    """
    if kind is not None and kind not in INTENSITY:
        raise InputError(f"kind is '{kind}'; it must be one of {', '.join(INTENSITY)}.")
    source = folder_given(folder)
    require_table(source, table=table, image=image, subject=subject)
    columns = {"image": image, "subject": subject, "unit": unit, "label": label, "split": split, "site": site}
    given = {role: column for role, column in {**columns, "time": time}.items() if column is not None}
    if time is None and (history or day_zero is not None):
        raise InputError(f"{'history' if history else 'day_zero'} needs a column of dates; name it with --time.")
    refuse_names(covariates, label=label)
    further = [*covariates, *filter(None, (modality,))]
    rows = read_rows(str(table), required=[*given.values(), *further])
    faults = Faults(skip=skip_bad_rows)
    if classes:
        rows = numbered(rows, label, classes, faults)
    naming = Naming(
        outcome=outcome or _as_outcome(label),
        of_patient=unit == subject,
        unit_kind="image" if unit is None else "unit",
        covariates=covariates,
        other=tuple(filter(None, (modality,))),
        classes=classes,
        day_zero=day_of(day_zero),
        history=history,
    )
    pairing = Pairing(modality or "", channels, first) if modality or channels else None
    return ingest_rows(
        rows,
        source,
        columns=given,
        naming=naming,
        into=into,
        kind=kind,
        key=key,
        settings=settings,
        faults=faults,
        pairing=pairing,
    )


def _as_outcome(label: str | None) -> str:
    """Call an outcome as its column, in the letters that an archive takes: "Malignant (0/1)" as malignant_0_1."""
    name = re.sub(r"[^a-z0-9]+", "_", (label or "").lower()).strip("_")
    return name if name[:1].isalpha() else f"label_{name}".rstrip("_")


def numbered(rows: list[Row], label: str | None, classes: tuple[str, ...], faults: Faults) -> list[Row]:
    """Write the place of each class for its name; empty cells stay empty."""
    if label is None or len(set(classes)) < len(classes):
        raise InputError(f"classes {list(classes)}: give --label, the column that holds them, and name each once.")

    def as_number(row: Row) -> Row:
        cell = row.cells[label]
        if cell is not None and cell not in classes:
            raise row.error(label, f"is none of the classes {', '.join(classes)}.")
        return replace(row, cells={**row.cells, label: None if cell is None else str(classes.index(cell))})

    return faults.keep(rows, as_number)


@dataclass(frozen=True)
class Naming:
    """What things are called in the archive.

    Attributes:
        covariates: columns kept with each unit; numbers, where every cell is one.
        other: further columns that another reader has used.
        classes: names of the label's values, from 0 on.
        day_zero: the day that whole numbers in the column of dates count from.
        history: whether images belong to the patient, to be seen by all units from their date on.
    """

    outcome: str
    unit_kind: str
    of_patient: bool = False
    covariates: tuple[str, ...] = ()
    source: str = "images listed in a table"
    other: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    day_zero: dt.date | None = None
    history: bool = False


def ingest_rows(
    rows: list[Row],
    folder: Path,
    *,
    columns: dict[str, str],
    naming: Naming,
    into: str | Path,
    kind: str | None = None,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    faults: Faults | None = None,
    pairing: Pairing | None = None,
) -> Summary:
    """Read the images of rows, one an image, that another reader has made ready; see `ingest_images`.

    Args:
        columns: Column of each role: image, subject, and where given unit, label, split, site, time.
        faults: What was found wrong with rows so far, and how many rows may be left out.
        pairing: How modalities are told apart, where units have several.
    """
    faults = faults or Faults()
    listed = listed_images(rows, folder, columns=columns, faults=faults, day_zero=naming.day_zero)
    facts = covariates_of(listed, rows, naming.covariates, faults)
    faults.settle()
    if not listed:
        raise InputError(f"{rows[0].table}: no row is left; nothing to ingest.")
    with writing(into, source=naming.source, key=key, privacy=settings) as draft:
        if unused := sorted(set(rows[0].cells) - set(columns.values()) - set(naming.covariates) - set(naming.other)):
            draft.notes["columns not read"] = shown(unused)
        units, last = _units(draft, listed, naming), _last(listed)
        added: set[str] = set()
        remarks = Remarks()
        copies = 0
        for entries in each(by_patient(listed, pairing is not None), "Reading images"):
            read = faults.keep(entries, lambda entry: _read(entry, columns["image"], kind, pairing))
            if faults.full:
                break
            images = [one for group in read for one in group]
            kept = images if pairing is None else without_copies(images, pairing.first.lower())
            copies += len(images) - len(kept)
            for one in kept:
                unit = units[one.entry.patient, one.entry.unit]
                if unit[0] not in added:  # a unit may have several images
                    entry = last[one.entry.patient, one.entry.unit]
                    _add_unit(draft, entry, *unit, naming=naming, covariates=facts[entry.row.number])
                    added.add(unit[0])
                add_image(
                    draft,
                    one.image,
                    unit_id=None if naming.history else unit[0],
                    subject_id=unit[1],
                    called=one.modality,
                    time=one.entry.time,
                )
                remarks.add(one.image, row=one.entry.row.number, subject_id=unit[1])
        draft.count(COPIES, copies)
        remarks.note(draft)
        draft.count(LEFT_OUT, faults.settle(whole=not faults.full))
        _note_labels(draft, naming)
    return draft.summary


def _units(draft: Writer, listed: list[Listed], naming: Naming) -> dict[tuple[tuple[str, str], str], tuple[str, int]]:
    """Number the patients in order of their original ids; unit_id and subject_id of each (patient, unit)."""
    units: dict[tuple[tuple[str, str], str], tuple[str, int]] = {}
    for patient, entries in groupby(listed, key=lambda entry: entry.patient):
        members = list(entries)
        subject_id, pseudonym = draft.subject(patient[0], site=patient[1] or None, split=members[0].split)
        for entry in members:
            unit_id = pseudonym if naming.of_patient else f"{pseudonym}/{draft.keyed(entry.unit)}"
            units[patient, entry.unit] = (unit_id, subject_id)
    if not naming.of_patient:  # patients may be there already; their images are held against the archive at the commit
        draft.refuse_known([unit_id for unit_id, _ in units.values()])
    return units


def _last(listed: list[Listed]) -> dict[tuple[tuple[str, str], str], Listed]:
    """The last image of each (patient, unit): its date and covariates are the unit's."""
    ordered = sorted(listed, key=lambda entry: entry.time or dt.datetime.min)
    return {(entry.patient, entry.unit): entry for entry in ordered}


def _add_unit(
    draft: Writer, entry: Listed, unit_id: str, subject_id: int, *, naming: Naming, covariates: dict[str, Fact]
) -> None:
    """Add the unit of an image, with its label."""
    if naming.of_patient:
        draft.patient_unit(subject_id, unit_id, time=entry.time, covariates=covariates)
    else:
        draft.unit(unit_id, subject_id, naming.unit_kind, time=entry.time, covariates=covariates)
    if entry.label is not None:
        draft.outcome(naming.outcome, unit_id, subject_id, value=entry.label, prediction_time=entry.time)


def _note_labels(draft: Writer, naming: Naming) -> None:
    """Put on record what the labels mean, or which there are, where a model of two classes could not take them."""
    if naming.classes:
        draft.notes["classes"] = [f"{place}: {name}" for place, name in enumerate(naming.classes)]
        return
    if words := odd_labels(naming.outcome, draft.labels(naming.outcome)):
        draft.notes["labels"] = words


def _read(entry: Listed, column: str, kind: str | None, pairing: Pairing | None) -> list[Taken]:
    """The image of a row; of each of its modalities, where there are several."""
    called = f"{entry.row.table}, row {entry.row.number}, column {column}: the file"
    image = read_image(entry.path, called=called, kind=kind)
    return [Taken(entry, image.kind, image)] if pairing is None else taken(entry, image, pairing)
