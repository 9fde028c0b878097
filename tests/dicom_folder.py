"""DICOM files for tests: a volume and how it lies go in, one file a slice comes out. Nobody in them exists."""

import base64
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom import config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

PATIENT, NAME = "MRN0042871", "Doe^Jane"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def header(**facts: object) -> Dataset:
    """A CT header without pixels; `facts` are elements by keyword, None takes one out."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    usual = {
        "SOPClassUID": CTImageStorage,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "Modality": "CT",
        "PatientID": PATIENT,
        "PatientName": NAME,
        "PatientSex": "F",
        "PatientBirthDate": "19500309",
        "AcquisitionDate": "20200131",
        "AcquisitionTime": "101530.25",
        "ImageOrientationPatient": list(AXIAL),
        "ImagePositionPatient": [0, 0, 0],
        "PixelSpacing": [1, 1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
    }
    with config.disable_value_validation():
        for keyword, value in (usual | facts).items():
            if value is not None:
                setattr(made, keyword, value)
    return made


def write(path: Path, stored: np.ndarray, **facts: object) -> Path:
    """Write one file of stored values [row, column] or [frame, row, column], int8 to uint16; gives its path."""
    made = header(**facts)
    bits = stored.dtype.itemsize * 8
    made.Rows, made.Columns = stored.shape[-2:]
    made.BitsAllocated, made.BitsStored, made.HighBit = bits, bits, bits - 1
    made.PixelRepresentation = int(stored.dtype.kind == "i")
    for keyword in ("BitsStored", "HighBit"):
        if keyword in facts:
            setattr(made, keyword, facts[keyword])
    made.PixelData = stored.tobytes() + b"\0" * (stored.nbytes % 2)
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    with config.disable_value_validation():
        pydicom.dcmwrite(path, made, enforce_file_format=True)
    return path


def write_series(
    folder: Path,
    stored: np.ndarray,
    *,
    positions: Sequence[Sequence[float]] | None = None,
    first: int = 0,
    each: Sequence[dict[str, object]] | None = None,
    **facts: object,
) -> None:
    """Write slices [slice, row, column] at positions (2 mm apart), under names in the reverse of their order.

    Args:
        folder: Where.
        stored: What is stored.
        positions: mm (LPS) of the first pixel of each slice.
        first: Number in the first file's name.
        each: Further elements of each slice.
        facts: Further elements of all.
    """
    positions = positions or [(0, 0, 2.0 * place) for place in range(len(stored))]
    for place, (plane, position) in enumerate(zip(stored, positions, strict=True)):
        own = each[place] if each else {}
        name = f"{first + len(stored) - place:04d}"
        write(folder / name, plane, ImagePositionPatient=list(map(float, position)), **{**facts, **own})


def packed(folder: Path) -> str:
    """The files of a folder as a zip in base64, under names that are of a patient and lead elsewhere."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
            file.write(path, f"../../{PATIENT}/{number}")
    return base64.b64encode(content.getvalue()).decode()
