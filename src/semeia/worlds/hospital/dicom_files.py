"""Write a simulated scan as DICOM: one file a slice, in no order.

As an imaging department has them: the patient's name and number in each header, a localizer beside the series at the
second site, file names that say nothing of the order.
"""

import datetime as dt
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from semeia.worlds.hospital.course import Course
from semeia.worlds.hospital.scan import Scanner

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

CANARY = "SIMULATED^PATIENT"


def uid(*names: object) -> "UID":
    """A DICOM UID that follows from names alone (2.25 and 128 bits, PS3.5 B.2)."""
    from pydicom.uid import UID

    digest = hashlib.sha256("/".join(str(name) for name in names).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")


def write_scan(
    folder: Path, volume: np.ndarray, course: Course, *, number: int, when: dt.datetime, scanner: Scanner, seed: int
) -> tuple[str, str]:
    """Write a scan.

    Args:
        folder: Of the study; must not exist.
        volume: Hounsfield units, int16 [slice, row, column], from the feet to the head.
        course: Whose.
        number: Which of the patient's scans.
        when: Of the acquisition.
        scanner: That took it.
        seed: Of the world, for the order of the files and the UIDs.

    Returns:
        The UIDs of the study and of the series.
    """
    import pydicom

    study, series = (uid(seed, course.number, number, level) for level in ("study", "series"))
    header = _header(course, scanner, study=study, series=series, when=when, seed=seed)
    header.Rows, header.Columns = volume.shape[1:]
    folder.mkdir(parents=True)
    order = np.random.default_rng([seed, course.number, number]).permutation(len(volume))
    low = (len(volume) - 1) / 2
    for place, plane in enumerate(volume):
        stored = plane.astype(np.int32) - scanner.intercept
        header.PixelData = stored.astype("<i2" if scanner.signed else "<u2").tobytes()
        header.InstanceNumber = place + 1
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = uid(series, place)
        corner = -(np.array(plane.shape[::-1]) - 1) / 2 * scanner.pixel_mm
        header.ImagePositionPatient = [*(float(mm) for mm in corner), (place - low) * scanner.slice_mm]
        pydicom.dcmwrite(folder / f"{order[place]:04d}", header, enforce_file_format=True)
    if scanner.signed:
        _localizer(header, volume, series=uid(study, "localizer"))
        pydicom.dcmwrite(folder / "scout", header, enforce_file_format=True)
    return study, series


def _header(course: Course, scanner: Scanner, *, study: str, series: str, when: dt.datetime, seed: int) -> "Dataset":
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header = Dataset()
    header.file_meta = meta
    header.SOPClassUID = CTImageStorage
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.StudyDate = header.SeriesDate = header.AcquisitionDate = f"{when:%Y%m%d}"
    header.StudyTime = header.SeriesTime = header.AcquisitionTime = f"{when:%H%M%S}"
    header.Modality = "CT"
    header.Manufacturer = scanner.maker
    header.SeriesDescription = "SIMULATED CT, NO PATIENT"
    header.PatientName = f"{CANARY}{course.number}"
    header.PatientID = course.hospital_number(seed)
    header.PatientBirthDate = f"{course.birth:%Y%m%d}"
    header.PatientSex = "F" if course.female else "M"
    header.StudyInstanceUID, header.SeriesInstanceUID = study, series
    header.FrameOfReferenceUID = uid(study, "frame")
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.PixelSpacing = [scanner.pixel_mm] * 2
    header.SliceThickness = scanner.slice_mm
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 16, 15
    header.PixelRepresentation = int(scanner.signed)
    header.RescaleSlope, header.RescaleIntercept, header.RescaleType = 1, scanner.intercept, "HU"
    return header


def _localizer(header: "Dataset", volume: np.ndarray, *, series: str) -> None:
    """Turn the header of a series into that of its localizer, seen from the front."""
    seen = volume.max(1).astype("<i2")
    header.PixelData, header.Rows = seen.tobytes(), seen.shape[0]
    header.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    header.ImageOrientationPatient = [1, 0, 0, 0, 0, 1]
    header.SeriesInstanceUID, header.InstanceNumber = series, 1
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = uid(series, 0)
