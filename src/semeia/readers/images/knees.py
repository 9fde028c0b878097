"""Ingest knee radiographs, `labels.csv` and a folder `images`, one unit a knee.

A knee whose side is known is found again from (patient, side) and the archive's key, so that reports and follow-up
can be joined later; one of unknown side from its image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from semeia.archive import PRIVACY, Archive, Privacy, Summary
from semeia.archive.identity import canonical
from semeia.archive.keys import keyed
from semeia.archive.register import Register, register_of
from semeia.errors import InputError
from semeia.readers.images.listed import image_name
from semeia.readers.images.pictures import Naming, ingest_rows
from semeia.readers.rows import Faults, Row, folder_given, read_rows

OUTCOME = "kl_grade"
SIDES = ("L", "R", "U")
_SIDES = {"l": "L", "left": "L", "r": "R", "right": "R", "u": "U", "unknown": "U"}
_HIGHEST_GRADE = 4
_COLUMNS = {"image": "image", "subject": "patient_id", "unit": "unit", "label": "grade", "split": "split"}


def knee_name(patient: str, side: str, image: str | None = None) -> str:
    """What a knee's unit is called before the name is hashed under the archive's key.

    Args:
        image: File of the image, read where the side is U: two such images of a patient are two units.

    Returns:
        The id and the side, such as `9001897L`; for U the file's name without its ending after `image `.
    """
    if side == "U":
        return f"image {Path(image or '').stem}"
    return f"{patient}{side}"


def ingest_knees(
    folder: str | Path,
    *,
    into: str | Path,
    site: str | None = None,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    skip_bad_rows: int = 0,
) -> Summary:
    """Read a folder of knee radiographs, one knee an image, into an archive.

    Args:
        folder: Holds `labels.csv` and `images/` with PNG or JPEG files. Columns: image, patient_id; where there
            are any side (L, R, U or empty for unknown), grade (Kellgren-Lawrence, 0 to 4, empty for unlabelled)
            and split (train, val, test).
        site: Hospital or study they all come from. The same id at two sites is two patients.

    Returns:
        What was added. Outcome: `kl_grade`; covariate: `side`.

    Raises:
        InputError: Names up to ten rows and columns, never the patient. Nothing is written then.
    """
    source = folder_given(folder)
    faults = Faults(skip=skip_bad_rows)
    rows = read_rows(source / "labels.csv", required=("image", "patient_id"), known=("side", "grade", "split"))
    rows = _knees(rows, site, faults)
    columns = {role: column for role, column in _COLUMNS.items() if column in rows[0].cells}
    if site is not None:
        columns["site"] = "site"
    naming = Naming(outcome=OUTCOME, unit_kind="knee", covariates=("side",), source="knee radiographs", other=("site",))
    images = folder_given(source / "images")
    return ingest_rows(
        rows,
        images,
        columns=columns,
        naming=naming,
        into=into,
        kind="picture",
        key=key,
        settings=settings,
        faults=faults,
    )


def side_of(row: Row) -> str:
    """The row's side: L, R, or U where it is empty or there is no such column."""
    side = _SIDES.get((row.cells.get("side") or "U").lower())
    if side is None:
        raise row.error("side", f"must be one of {', '.join(SIDES)} (U: unknown), left or right.")
    return side


def _knees(rows: Sequence[Row], site: str | None, faults: Faults) -> list[Row]:
    """The rows with side, unit and site filled in; one image a knee."""
    first: dict[tuple[str, str], Row] = {}

    def checked(row: Row) -> Row:
        patient, side = canonical(row.identity("patient_id")), side_of(row)
        grade = row.number_or_none("grade")
        if grade is not None and grade not in range(_HIGHEST_GRADE + 1):
            raise row.error("grade", f"must be a Kellgren-Lawrence grade, 0 to {_HIGHEST_GRADE}, or empty.")
        name = knee_name(patient, side, image_name(row.text("image")))
        other = first.setdefault((patient, name), row)
        if other is not row:
            if side == "U":
                raise row.error("image", f"has the name of row {other.number}'s; name images of one patient apart.")
            raise row.error("side", f"is the knee of row {other.number} again; keep one image, or call both sides U.")
        return replace(row, cells={**row.cells, "side": side, "unit": name, "site": site})

    knees = faults.keep(rows, checked)
    if not knees:
        faults.settle()
        raise InputError(f"{rows[0].table}: no row is left; nothing to ingest.")
    return knees


@dataclass(frozen=True)
class KneeUnits:
    """The units of an archive, to be found by what they were called before.

    Attributes:
        images: units by the hash at the end of their ids.
    """

    register: Register
    subjects: dict[str, int]
    images: dict[str, tuple[str, ...]]

    def of_knee(self, patient: str, side: str) -> tuple[str, ...]:
        """Units of a patient's left (L) or right (R) knee: none, one, or one a site."""
        secret = self.register.secret
        names = {keyed(secret, knee_name(form, side)) for form in (canonical(patient), patient)}
        patients = self.register.pseudonyms(patient)
        return tuple(unit for who in patients for name in names if (unit := f"{who}/{name}") in self.subjects)

    def of_image(self, image: str) -> tuple[str, ...]:
        """Units that are one image, by its path in the table they were read from: none, one, or one a patient."""
        forms = dict.fromkeys((image_name(image), image))
        spoken = [name for form in forms for name in (form, knee_name("", "U", form))]
        names = dict.fromkeys(keyed(self.register.secret, name) for name in spoken)
        return tuple(unit for name in names for unit in self.images.get(name, ()))


def knee_units(archive: Archive, *, key: str | Path | None = None) -> KneeUnits:
    """The units of an archive with images, to be found by their original names and the key."""
    register = register_of(archive, key=key)
    units = archive.table("units")
    images: dict[str, tuple[str, ...]] = {}
    for unit in units["unit_id"]:
        name = unit.rsplit("/", 1)[-1]
        images[name] = (*images.get(name, ()), unit)
    return KneeUnits(register, dict(units.select("unit_id", "subject_id").iter_rows()), images)
