"""Read what is needed of one DICOM file's header, or why it is left out; pixels stay unread.

A header is a stranger's claim: a value that is no number, or that contradicts another, is a reason to leave the file
out, in words that name neither the file nor the patient.
"""

import datetime as dt
import math
import tomllib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from semeia.archive.identity import canonical
from semeia.bounds import most
from semeia.readers.dicom.moment import date_of, moment_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Value = TypeVar("Value")
Point = tuple[float, float, float]

VOLUMES, FILMS = ("CT", "MR", "PT"), ("CR", "DX", "MG")

DAMAGED = "files look like DICOM and cannot be read"
FOREIGN = "files are not DICOM"
NO_IMAGE = "DICOM objects have no image (reports, plans, structures, directories)"
NO_PIXELS = "image headers come without pixels"
SCREEN = "pictures of a screen (secondary captures, dose reports)"
LOCALIZER = "localizers"
COLOUR = "colour images"
OTHER = "images of a modality that is not read ({})"
NOBODY = "images name no patient"
BURNED_IN = "images say that text is burned into them"
FACES = "images say that a person can be recognised in them"
UNLISTED = "images are of a class of DICOM object that is not on the allow-list"
ABSURD = "images claim an absurd size (SEMEIA_MOST_VOXELS and SEMEIA_MOST_FRAMES move the bounds)"
DEFLATED = "files are deflated as a whole and may grow without bound"
NO_SCALE = "images have a slope that is zero or no number"

_DEFLATED = "1.2.840.10008.1.2.1.99"
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# The allow-list: what is read of a header, by its class.
ALLOWED = tomllib.loads(Path(__file__).with_name("allowed.toml").read_text(encoding="utf-8"))
_CLASSES: dict[str, tuple[str, str]] = {uid: (modality, form) for uid, (modality, form) in ALLOWED["classes"].items()}
TAGS = tuple(name for part in ("common", "volume", "film") for names in ALLOWED[part].values() for name in names)
# What may tell planes at one place apart: repeats of an acquisition, echoes, phases, weightings.
_REPEATS = (
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "EchoNumbers",
    "EchoTime",
    "TriggerTime",
    "DiffusionBValue",
    "AcquisitionTime",
    "ContentTime",
)


@dataclass(frozen=True)
class Plane:
    """One image plane of a file.

    Attributes:
        frame: its number in the file, from 0.
        position: mm to the left, back and head of the patient (LPS), of the middle of the first pixel.
        along: direction of growing columns and of growing rows, 6 numbers in the same coordinates.
        pixel_mm: distance of rows and of columns.
        slope: stored values times this,
        intercept: plus this are in their unit.
        repeats: what may tell planes at one place apart.
    """

    frame: int
    position: Point | None
    along: tuple[float, ...] | None
    pixel_mm: tuple[float, float] | None
    slope: float
    intercept: float
    repeats: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """What is known of one file with an image; `patient` and the UIDs never reach a message or an archive."""

    path: Path
    patient: str
    sex: str | None
    birth: dt.date | None
    study: str
    series: str
    instance: str
    modality: str
    maker: str
    when: dt.datetime | None
    rows: int
    columns: int
    bits: int
    signed: bool
    dark_is_high: bool
    planes: tuple[Plane, ...]

    @property
    def is_film(self) -> bool:
        """Whether it is a radiograph."""
        return self.modality in FILMS


def read_header(path: Path) -> Header | str:
    """Read what is needed of a file's header, or say why the file is left out."""
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info

    try:
        if not path.is_file():  # a pipe would wait for ever
            return FOREIGN
        with path.open("rb") as stream:
            start = stream.read(132)
            # A file of the time before there was a preamble begins with its group 0008.
            if start[128:] != b"DICM" and not (start[:2] == b"\x08\x00" and start[3:4] == b"\0"):
                return FOREIGN
            with quietly():
                if start[128:] == b"DICM" and read_file_meta_info(path).get("TransferSyntaxUID") == _DEFLATED:
                    return DEFLATED
                stream.seek(0)
                found = dcmread(stream, stop_before_pixels=True, force=True, specific_tags=[*TAGS])
                _keep_allowed(found)
                return _left_out(found, has_pixels=len(stream.read(4)) == 4) or _header(path, found)
    except OSError:
        return DAMAGED
    except Exception:  # a stranger's bytes make pydicom stumble in ways it does not list
        return DAMAGED


def _keep_allowed(found: "Dataset") -> None:
    """Drop what is not read of the file's class; a file that does not tell its class is known by its modality."""
    _, form = _CLASSES.get(str(found.get("SOPClassUID", "")), ("", ""))
    form = form or ("film" if _modality(found) in FILMS else "volume")
    allowed = {name for part in ("common", form) for names in ALLOWED[part].values() for name in names}
    for element in [element for element in found if element.keyword not in allowed]:
        del found[element.tag]


@contextmanager
def quietly() -> Iterator[None]:
    """Keep pydicom from complaining of values: what it prints of them may name a patient."""
    from pydicom import config

    with warnings.catch_warnings(), config.disable_value_validation():
        warnings.simplefilter("ignore")
        yield


def _left_out(found: "Dataset", *, has_pixels: bool) -> str:
    """Why a file is no image that is read; empty where it is one."""
    kinds = [str(value).upper() for value in _values(found, "ImageType")]
    modality = _modality(found)
    if "Rows" not in found or "Columns" not in found:
        return LOCALIZER if "LOCALIZER" in kinds else NO_IMAGE
    if str(found.get("SOPClassUID", "")).startswith(_CAPTURE) or "SCREEN SAVE" in kinds:
        return SCREEN
    if "LOCALIZER" in kinds or "SCOUT" in kinds:
        return LOCALIZER
    if modality not in (*VOLUMES, *FILMS):
        return OTHER.format(modality if modality.isalnum() and len(modality) <= 8 else "?")
    if "SOPClassUID" in found and str(found["SOPClassUID"].value or "") not in ("", *_CLASSES):
        return UNLISTED
    if str(found.get("BurnedInAnnotation") or "").strip().upper() == "YES":
        return BURNED_IN
    if str(found.get("RecognizableVisualFeatures") or "").strip().upper() == "YES":
        return FACES
    if int(found.get("SamplesPerPixel") or 1) != 1:
        return COLOUR
    frames, rows, columns = (int(found.get(name) or 1) for name in ("NumberOfFrames", "Rows", "Columns"))
    absurd = frames > most("SEMEIA_MOST_FRAMES") or frames * rows * columns > most("SEMEIA_MOST_VOXELS")
    if min(frames, rows, columns) < 1 or absurd:
        return ABSURD
    return "" if has_pixels else NO_PIXELS


def _header(path: Path, found: "Dataset") -> Header | str:
    planes = tuple(_planes(found))
    if not all(math.isfinite(plane.slope) and plane.slope and math.isfinite(plane.intercept) for plane in planes):
        return NO_SCALE
    patient = canonical(str(found.get("PatientID") or ""))
    return (
        Header(
            path=path,
            patient=patient,
            sex={"M": "male", "F": "female"}.get(str(found.get("PatientSex") or "").strip().upper()),
            birth=date_of(str(found.get("PatientBirthDate") or "")),
            study=str(found.get("StudyInstanceUID") or ""),
            series=str(found.get("SeriesInstanceUID") or ""),
            instance=str(found.get("SOPInstanceUID") or ""),
            modality=_modality(found),
            maker=str(found.get("Manufacturer") or "").strip(),
            when=moment_of(found),
            rows=int(found["Rows"].value),
            columns=int(found["Columns"].value),
            bits=int(found.get("BitsStored") or found.get("BitsAllocated") or 16),
            signed=bool(found.get("PixelRepresentation") or 0),
            dark_is_high=str(found.get("PhotometricInterpretation") or "").strip() == "MONOCHROME1",
            planes=planes,
        )
        if patient
        else NOBODY
    )


def _modality(found: "Dataset") -> str:
    named = str(found.get("Modality") or "").strip().upper()
    return named or _CLASSES.get(str(found.get("SOPClassUID", "")), ("?", ""))[0]


def _planes(found: "Dataset") -> list[Plane]:
    """The planes of a file; an enhanced object says of each frame, or of all, where it lies (PS3.3 C.7.6.16)."""
    shared = _items(found, "SharedFunctionalGroupsSequence")[:1]
    each = _items(found, "PerFrameFunctionalGroupsSequence")
    count = int(found.get("NumberOfFrames") or 1)
    if not each:
        return [_plane(frame, [*shared, found]) for frame in range(count)]
    if len(each) < count:
        raise ValueError("fewer groups than frames")
    return [_plane(frame, [each[frame], *shared, found]) for frame in range(count)]


def _plane(frame: int, places: list["Dataset"]) -> Plane:
    def first(sequence: str, name: str, read: Callable[[object], Value]) -> Value | None:
        for place in places:
            for group in (*_items(place, sequence)[:1], place):
                value = group.get(name)
                if value is not None and value != "":
                    return read(value)
        return None

    slope = first("PixelValueTransformationSequence", "RescaleSlope", _real)
    intercept = first("PixelValueTransformationSequence", "RescaleIntercept", _real)
    spacing = first("PixelMeasuresSequence", "PixelSpacing", _reals) or first("", "ImagerPixelSpacing", _reals)
    position = first("PlanePositionSequence", "ImagePositionPatient", _reals)
    along = first("PlaneOrientationSequence", "ImageOrientationPatient", _reals)
    groups = {
        "EchoTime": "MREchoSequence",
        "TemporalPositionIdentifier": "FrameContentSequence",
        "DiffusionBValue": "MRDiffusionSequence",
    }
    repeats = tuple(str(first(groups.get(name, ""), name, str)) for name in _REPEATS)
    stack = first("FrameContentSequence", "StackID", str)
    temporal = first("FrameContentSequence", "TemporalPositionIndex", str)
    return Plane(
        frame=frame,
        position=(position[0], position[1], position[2]) if position and len(position) == 3 else None,
        along=along if along and len(along) == 6 else None,
        pixel_mm=(spacing[0], spacing[1]) if spacing and len(spacing) == 2 else None,
        slope=1.0 if slope is None else slope,
        intercept=0.0 if intercept is None else intercept,
        repeats=(*repeats, str(stack), str(temporal)),
    )


def _items(found: "Dataset", name: str) -> list["Dataset"]:
    return list(found.get(name) or []) if name else []


def _values(found: "Dataset", name: str) -> list[object]:
    """The values of an element that may have one, several or none."""
    value = found.get(name)
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) else list(value)


def _real(value: object) -> float:
    return float(str(value))


def _reals(value: object) -> tuple[float, ...]:
    numbers = tuple(float(str(one)) for one in value)  # pyright: ignore[reportGeneralTypeIssues]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("not a number")
    return numbers
