"""Pictures and volumes listed in a table: a folder and a table go in; one part of an archive comes out.

PNG, JPEG and NIfTI, told apart by their content. File names often carry the patient's id, so they are kept
nowhere: a unit is named by the pseudonym and a keyed hash.
"""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from semeia.archive import Summary, Writer, writing
from semeia.archive.schema import SPLITS
from semeia.errors import InputError
from semeia.readers.image_file import INTENSITY, Image, Remarks, add_image, read_image, require_table
from semeia.readers.rows import Row, folder_given, progress, read_rows

_SPLIT_NAMES = {name: name for name in SPLITS} | {"valid": "val", "validation": "val"}


@dataclass(frozen=True)
class _Listed:
    """One checked row of the table."""

    row: Row
    path: Path
    patient: tuple[str, str]  # original id and site, site "" when unknown
    unit: str
    label: float | None
    split: str | None


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
    outcome: str = "label",
    kind: str | None = None,
    key: str | Path | None = None,
) -> Summary:
    """Read the images a table lists into an archive.

    Args:
        folder: What the paths in the table start from.
        table: CSV, TSV or parquet, one row an image.
        image: Column with the path of the image, a PNG, JPEG or NIfTI.
        subject: Column with the patient's id, which is hashed.
        into: The archive, new or to be extended.
        unit: Column that says which rows are of one thing predicted on; by default every image is its own.
            The subject column again makes it the patient.
        label: Column with the label, 0 or 1 or a grade; empty cells are unlabelled.
        split: Column with a fixed split: train, val (or valid, validation), test.
        site: Column with the hospital. The same id at two sites is two patients.
        outcome: What the label is called in the archive.
        kind: What the numbers mean: `hu` (Hounsfield units), `mri` (no unit: MRI, ultrasound), `img8`, `mask` or
            `picture`; by default `picture` for PNG and JPEG, `hu` for NIfTI.
        key: File with the pseudonym key, when the archive is not to keep its own.

    Returns:
        What was added.

    Raises:
        InputError: Names the row and column, never the patient. Nothing is written then.
    """
    if kind is not None and kind not in INTENSITY:
        raise InputError(f"kind is '{kind}'; it must be one of {', '.join(INTENSITY)}.")
    source = folder_given(folder)
    require_table(source, table=table, image=image, subject=subject)
    columns = {"image": image, "subject": subject, "unit": unit, "label": label, "split": split, "site": site}
    given = {role: column for role, column in columns.items() if column is not None}
    rows = read_rows(str(table), required=list(given.values()))
    naming = Naming(outcome=outcome, of_patient=unit == subject, unit_kind="image" if unit is None else "unit")
    return ingest_rows(rows, source, columns=given, naming=naming, into=into, kind=kind, key=key)


@dataclass(frozen=True)
class Naming:
    """What things are called in the archive.

    Attributes:
        outcome: name of the label.
        unit_kind: kind of the units.
        of_patient: whether a unit is a whole patient.
        covariates: columns kept with each unit, as text.
        source: what the part comes from.
    """

    outcome: str
    unit_kind: str
    of_patient: bool = False
    covariates: tuple[str, ...] = ()
    source: str = "images listed in a table"


def ingest_rows(
    rows: list[Row],
    folder: Path,
    *,
    columns: dict[str, str],
    naming: Naming,
    into: str | Path,
    kind: str | None = None,
    key: str | Path | None = None,
) -> Summary:
    """Read the images of rows that another reader has made ready; see `ingest_images`.

    Args:
        rows: One an image.
        folder: What the paths start from.
        columns: Column of each role: image, subject, and where given unit, label, split, site.
        naming: What things are called in the archive.
        into: The archive.
        kind: What the numbers of an image mean.
        key: File with the pseudonym key.

    Returns:
        What was added.

    Raises:
        InputError: Names the row and column, never the patient. Nothing is written then.
    """
    listed = sorted((_checked(row, folder, columns) for row in rows), key=lambda entry: (*entry.patient, entry.unit))
    _refuse_contradictions(listed, columns)
    with writing(into, source=naming.source, key=key) as draft:
        units = _subjects_and_units(draft, listed, naming)
        if "label" in columns:
            labels = {units[entry.patient, entry.unit]: entry.label for entry in listed if entry.label is not None}
            for (unit_id, subject_id), value in labels.items():
                draft.outcome(naming.outcome, unit_id, subject_id, value=value)
        remarks = Remarks()
        for entry in progress(listed, "Reading images"):
            image, unit = _read(entry, image=columns["image"], kind=kind), units[entry.patient, entry.unit]
            add_image(draft, image, unit_id=unit[0], subject_id=unit[1])
            remarks.add(image, row=entry.row.number, subject_id=unit[1])
        remarks.note(draft)
    return draft.summary


def _checked(row: Row, folder: Path, columns: dict[str, str]) -> _Listed:
    """A row with everything about it found valid that can be without opening the image."""
    image = row.text(columns["image"])
    path = folder / image
    if not path.resolve().is_relative_to(folder.resolve()):
        raise row.error(columns["image"], "leads out of the folder; give a path inside it.")
    if not path.is_file():
        raise row.error(columns["image"], "there is no such file in the folder.")
    label = row.number_or_none(columns["label"]) if "label" in columns else None
    if label is not None and (label < 0 or label != int(label)):
        raise row.error(columns["label"], "must be 0 or 1, or a whole grade from 0.")
    split = row.cells[columns["split"]] if "split" in columns else None
    if split is not None and split.lower() not in _SPLIT_NAMES:
        raise row.error(columns["split"], f"must be one of {', '.join(SPLITS)}.")
    return _Listed(
        row=row,
        path=path,
        patient=(
            row.text(columns["subject"]),
            (row.cells[columns["site"]] or "") if "site" in columns else "",
        ),
        unit=row.text(columns["unit"]) if "unit" in columns else image,
        label=label,
        split=None if split is None else _SPLIT_NAMES[split.lower()],
    )


def _refuse_contradictions(listed: list[_Listed], columns: dict[str, str]) -> None:
    """One split a patient, one label a unit, one row an image."""
    splits: dict[object, _Listed] = {}
    labels: dict[object, _Listed] = {}
    images: dict[object, _Listed] = {}
    for entry in listed:
        first = splits.setdefault(entry.patient, entry)
        if first.split != entry.split:
            raise entry.row.error(columns["split"], f"this patient is in another split in row {first.row.number}.")
        first = labels.setdefault((entry.patient, entry.unit), entry)
        if first.label != entry.label:
            raise entry.row.error(columns["label"], f"this unit has another label in row {first.row.number}.")
        first = images.setdefault(entry.path, entry)
        if first is not entry:
            raise entry.row.error(columns["image"], f"repeats the image of row {first.row.number}.")


def _subjects_and_units(
    draft: Writer, listed: list[_Listed], naming: Naming
) -> dict[tuple[tuple[str, str], str], tuple[str, int]]:
    """Number the patients in order of their original ids; unit_id and subject_id of each (patient, unit)."""
    units: dict[tuple[tuple[str, str], str], tuple[str, int]] = {}
    covariates: dict[str, dict[str, str | None]] = {}
    for patient, entries in groupby(listed, key=lambda entry: entry.patient):
        members = list(entries)
        subject_id, pseudonym = draft.subject(patient[0], site=patient[1] or None, split=members[0].split)
        for entry in members:
            unit_id = pseudonym if naming.of_patient else f"{pseudonym}/{draft.keyed(entry.unit)}"
            units[patient, entry.unit] = (unit_id, subject_id)
            covariates[unit_id] = {column: entry.row.cells[column] for column in naming.covariates}
    if not naming.of_patient:  # patients may be there already; their images are held against the archive at the commit
        draft.refuse_known([unit_id for unit_id, _ in units.values()])
    for unit_id, subject_id in dict.fromkeys(units.values()):
        if naming.of_patient:
            draft.patient_unit(subject_id, unit_id)
        else:
            draft.unit(unit_id, subject_id, naming.unit_kind, covariates=covariates[unit_id])
    return units


def _read(entry: _Listed, *, image: str, kind: str | None) -> Image:
    """The image of a row."""
    called = f"{entry.row.table}, row {entry.row.number}, column {image}: the file"
    return read_image(entry.path, called=called, kind=kind)
