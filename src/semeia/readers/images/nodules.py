"""Ingest the LIDC layout: a folder of nodule crops and `nodules.csv`.

Each nodule was rated by up to four readers. One of them, drawn by a hash, is the *input* reader, whose eight
characteristics a model may see; the median malignancy of the *others* is the label. No reader is both.

The img8 crops carry no direction of their own: their headers claim RAS, yet their voxels lie in the order of
the hu crop of the same nodule (L, P, S for almost every patient). They are turned by the patient's hu header,
or as LPS where there is none, so that img8 and hu of one nodule agree.
"""

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import TypeVar

from semeia.archive import PRIVACY, Privacy, Summary, Writer, writing
from semeia.archive.column_names import shown
from semeia.archive.identity import canonical
from semeia.errors import InputError
from semeia.progress import each
from semeia.readers.images.nifti import Volume, read_nifti
from semeia.readers.rows import LEFT_OUT, Faults, Row, folder_given, read_rows

Fact = TypeVar("Fact", str, float)

CHARACTERISTICS = (
    "subtlety",
    "internalStructure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
)
_HIGHEST = {"internalStructure": 4, "calcification": 6}
_REQUIRED = ("patient_id", "nodule", "malignancies", *CHARACTERISTICS, "diameter_mm")
_NUMBERS = ("diameter_mm", "volume_mm3", "slice_spacing", "pixel_spacing", "kvp")
_WORDS = ("model", "kernel")
_FURTHER = ("manufacturer", "contrast", "dx")
_MAKERS = {"GE MEDICAL SYSTEMS": "GE"}
_LABELLED_READINGS = (3, 4)
_DIAGNOSES = {0: None, 1: 0.0, 2: 1.0, 3: 1.0}
_USUAL_AXES = "LPS"


def input_reader(patient_id: str, nodule: int, n_readings: int) -> int:
    """Which of the readings is the model's input: SHA-256 of "patient/nodule" modulo their number."""
    digest = hashlib.sha256(f"{patient_id}/{nodule}".encode()).digest()
    return int.from_bytes(digest, "big") % n_readings


def others_malignancy(ratings: list[int], reader: int) -> float | None:
    """Median malignancy of the readers other than `reader`.

    None unless there are 3 or 4 readings: fewer leave no two others, with more a reader has read twice.
    """
    if len(ratings) not in _LABELLED_READINGS:
        return None
    return float(median(ratings[:reader] + ratings[reader + 1 :]))


def malignancy_label(others: float | None) -> float | None:
    """1 from a median of 4 up, 0 from 2 down, None (indeterminate) between or unknown."""
    if others is None or 2 < others < 4:
        return None
    return 1.0 if others >= 4 else 0.0


def ingest_nodules(
    folder: str | Path,
    *,
    into: str | Path,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    skip_bad_rows: int = 0,
) -> Summary:
    """Read a folder in the LIDC layout into an archive.

    Args:
        folder: Holds `nodules.csv` and `<patient>/<patient>_n<NN>_img8.nii.gz`, optionally `..._hu.nii.gz`.
        skip_bad_rows: How many nodules may be left out because of a fault in their row or file; by default none.

    Returns:
        What was added. Outcomes: `malignancy` on the nodule, and `diagnosis` on the patient where there is a
            column `dx` (0 unknown, 1 benign, 2 malignant, 3 metastatic).

    Raises:
        InputError: Names up to ten rows with column or file, never the patient. Nothing is written then.
    """
    source = folder_given(folder)
    known = (*_NUMBERS, *_WORDS, *_FURTHER)
    rows = read_rows(source / "nodules.csv", required=_REQUIRED, known=known)
    faults = Faults(skip=skip_bad_rows)
    patients = _by_patient(rows, faults)
    faults.settle()
    if not patients:
        raise InputError(f"{rows[0].table}: no row is left; nothing to ingest.")
    with writing(into, source="nodules in the LIDC layout", key=key, privacy=settings) as draft:
        subjects = {
            patient: draft.subject(patient, site=_known(members, lambda nodule: nodule.maker))
            for patient, members in patients.items()
        }
        draft.refuse_known(
            [_unit_id(subjects[patient][1], nodule) for patient, members in patients.items() for nodule in members]
        )
        for patient in each(list(patients), "Reading patients"):
            _patient(draft, source, patients[patient], *subjects[patient], faults=faults)
            if faults.full:
                break
        draft.count(LEFT_OUT, faults.settle(whole=not faults.full))
        if unread := sorted(set(rows[0].cells) - {*_REQUIRED, *known}):
            draft.notes["columns not read"] = shown(unread)
    return draft.summary


@dataclass(frozen=True)
class _Nodule:
    """One checked row of nodules.csv."""

    row: Row
    patient: str  # in its canonical form
    number: int
    malignancies: list[int]
    characteristics: dict[str, list[int]]
    maker: str | None
    diagnosis: float | None

    @property
    def reader(self) -> int:
        return input_reader(self.patient, self.number, len(self.malignancies))


def _checked(row: Row) -> _Nodule:
    patient = row.identity("patient_id")
    if not re.fullmatch(r"\w[\w.\-]*", patient):  # it becomes part of a path
        raise row.error("patient_id", "must be letters, digits, dots, hyphens and underscores.")
    number = row.number_or_none("nodule")
    if number is None or number < 0 or number != int(number):
        raise row.error("nodule", "must be a whole number from 0.")
    for column in _NUMBERS:
        value = row.number_or_none(column)
        if value is not None and value <= 0:
            raise row.error(column, "must be above 0.")
    row.text("diameter_mm")
    malignancies = _ratings(row, "malignancies")
    characteristics = {item: _ratings(row, item) for item in CHARACTERISTICS}
    for item, ratings in characteristics.items():
        if len(ratings) != len(malignancies):
            raise row.error(item, f"has {len(ratings)} ratings where malignancies has {len(malignancies)}.")
    maker = row.cells.get("manufacturer")
    diagnosis = row.number_or_none("dx") or 0
    if diagnosis not in _DIAGNOSES:
        raise row.error("dx", "must be 0 (unknown), 1 (benign), 2 (malignant) or 3 (metastatic).")
    return _Nodule(
        row=row,
        patient=canonical(patient),
        number=int(number),
        malignancies=malignancies,
        characteristics=characteristics,
        maker=None if maker is None else _MAKERS.get(maker, maker),
        diagnosis=_DIAGNOSES[int(diagnosis)],
    )


def _ratings(row: Row, column: str) -> list[int]:
    """The readers' ratings of one item, written as 3|4|5."""
    highest = _HIGHEST.get(column, 5)
    ratings = []
    for text in row.text(column).split("|"):
        if not re.fullmatch(r"[0-9]+(\.0)?", text) or not 1 <= float(text) <= highest:
            raise row.error(column, f"each rating must be a whole number from 1 to {highest}, separated by |.")
        ratings.append(int(float(text)))
    return ratings


def _by_patient(rows: list[Row], faults: Faults) -> dict[str, list[_Nodule]]:
    """Nodules of each patient, sorted by original id so that numbering does not depend on the key."""
    seen: dict[tuple[str, int], _Nodule] = {}
    facts: dict[tuple[str, str], tuple[Row, object]] = {}

    def once(nodule: _Nodule) -> _Nodule:
        first = seen.setdefault((nodule.patient, nodule.number), nodule)
        if first is not nodule:
            raise nodule.row.error("nodule", f"repeats the nodule of row {first.row.number}; keep one.")
        for column, fact in (("manufacturer", nodule.maker), ("dx", nodule.diagnosis)):
            if fact is None:
                continue
            row, known = facts.setdefault((nodule.patient, column), (nodule.row, fact))
            if known != fact:
                words = f"contradicts row {row.number} of the same patient; settle which is right."
                raise nodule.row.error(column, words)
        return nodule

    nodules = faults.keep(faults.keep(rows, _checked), once)
    nodules.sort(key=lambda nodule: (nodule.patient, nodule.number))
    return {patient: list(members) for patient, members in groupby(nodules, key=lambda nodule: nodule.patient)}


def _known(members: list[_Nodule], fact: Callable[[_Nodule], Fact | None]) -> Fact | None:
    """The one known value of a patient-level fact; None when no row knows it."""
    return next((value for nodule in members if (value := fact(nodule)) is not None), None)


def _patient(
    draft: Writer, source: Path, members: list[_Nodule], subject_id: int, pseudonym: str, *, faults: Faults
) -> None:
    """Units, images, readings and outcomes of one patient."""
    folder = source / members[0].row.text("patient_id")
    axes = _stored_axes(folder, members)
    for nodule in members:
        try:
            crops = _crops(folder, nodule, axes)
        except InputError as error:
            faults.add(error)
            continue
        _nodule(draft, nodule, crops, _unit_id(pseudonym, nodule), subject_id)
    diagnosis = _known(members, lambda nodule: nodule.diagnosis)
    if diagnosis is not None:
        patient_unit = draft.patient_unit(subject_id, pseudonym)
        draft.outcome("diagnosis", patient_unit, subject_id, value=diagnosis)


def _crops(folder: Path, nodule: _Nodule, axes: str) -> dict[str, Volume]:
    """A nodule's images by their kind."""
    crops = {"img8": read_nifti(_file(folder, nodule, "img8"), name=_called(nodule, "img8"), axes=axes)}
    if _file(folder, nodule, "hu").exists():
        crops["hu"] = read_nifti(_file(folder, nodule, "hu"), name=_called(nodule, "hu"))
    return crops


def _nodule(draft: Writer, nodule: _Nodule, crops: dict[str, Volume], unit_id: str, subject_id: int) -> None:
    """The unit of a nodule with its images, readings and label."""
    others = others_malignancy(nodule.malignancies, nodule.reader)
    extent = crops["img8"].array.shape[2] * crops["img8"].spacing[2]
    covariates = _covariates(nodule) | {"z_extent_mm": extent, "malignancy_others": others}
    draft.unit(unit_id, subject_id, "nodule", region="lung", covariates=covariates)
    for kind, crop in crops.items():
        _image(draft, crop, unit_id, subject_id, kind)
    for item, ratings in nodule.characteristics.items():
        draft.reading(unit_id, subject_id, reader="input", item=item, value=ratings[nodule.reader])
    opinion = nodule.malignancies[nodule.reader]
    draft.reading(unit_id, subject_id, reader="input_opinion", item="malignancy", value=opinion)
    label = malignancy_label(others)
    if label is not None:
        draft.outcome("malignancy", unit_id, subject_id, value=label)


def _image(draft: Writer, volume: Volume, unit_id: str, subject_id: int, kind: str) -> None:
    draft.image(
        volume.array,
        unit_id=unit_id,
        subject_id=subject_id,
        kind=kind,
        intensity="hu" if kind == "hu" else "per_slice_stretched",
        spacing=volume.spacing,
        orientation=volume.orientation,
        affine=volume.affine if kind == "hu" else None,  # an img8 crop does not know where it lay
    )


def _covariates(nodule: _Nodule) -> dict[str, str | float | int | bool | None]:
    row = nodule.row
    contrast = {"true": True, "1": True, "false": False, "0": False}.get((row.cells.get("contrast") or "").lower())
    return {
        **{column: row.number_or_none(column) for column in _NUMBERS},
        **{column: row.cells.get(column) for column in _WORDS},
        "contrast": contrast,
        "manufacturer": nodule.maker,
        "n_readings": len(nodule.malignancies),
    }


def _stored_axes(folder: Path, members: list[_Nodule]) -> str:
    """The voxel order of the patient's img8 crops: that of any hu crop of the scan, else the usual."""
    for nodule in members:
        if _file(folder, nodule, "hu").exists():
            with suppress(InputError):  # told where the crop itself is read
                return read_nifti(_file(folder, nodule, "hu"), name=_called(nodule, "hu")).stored_axes or _USUAL_AXES
    return _USUAL_AXES


def _unit_id(pseudonym: str, nodule: _Nodule) -> str:
    return f"{pseudonym}/n{nodule.number:02d}"


def _file(folder: Path, nodule: _Nodule, kind: str) -> Path:
    return folder / f"{folder.name}_n{nodule.number:02d}_{kind}.nii.gz"


def _called(nodule: _Nodule, kind: str) -> str:
    """What to call a crop in messages: its path carries the patient's id."""
    return f"{nodule.row.table}, row {nodule.row.number}: its file <patient>_n{nodule.number:02d}_{kind}.nii.gz"
