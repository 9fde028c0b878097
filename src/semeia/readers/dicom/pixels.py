"""The values of one DICOM file in their unit: a header goes in; slope and intercept applied, frames come out."""

from typing import TYPE_CHECKING

import numpy as np

from semeia.errors import InputError
from semeia.readers.dicom.codestream import claimed_size
from semeia.readers.dicom.header import Header, Plane, quietly

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

UNDECODED = "pixels cannot be decoded"


def stored_frames(header: Header) -> np.ndarray:
    """Decode all frames of a file.

    Returns:
        Stored values [frame, row, column], whole or real.

    Raises:
        InputError: They cannot be decoded, or are not what the header says.
    """
    from pydicom import dcmread

    try:
        with quietly():
            found = dcmread(header.path, force=True)
            _refuse_larger(found, header)
            stored = found.pixel_array
    except InputError:
        raise
    except Exception as error:  # decoders of a dozen codes, each with errors of its own
        raise InputError(UNDECODED) from error
    shape = (len(header.planes), header.rows, header.columns)
    if stored.size != np.prod(shape):
        raise InputError(UNDECODED)
    return stored.reshape(shape)


def _refuse_larger(found: "Dataset", header: Header) -> None:
    """Refuse a file of which a compressed frame claims another size than the header: a decoder would believe it."""
    from pydicom.encaps import generate_frames
    from pydicom.uid import ImplicitVRLittleEndian

    if not found.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian).is_encapsulated:
        return
    for frame in generate_frames(found.PixelData, number_of_frames=len(header.planes)):
        if claimed_size(frame) not in (None, (header.rows, header.columns)):
            raise InputError(UNDECODED)


def in_unit(stored: np.ndarray, plane: Plane) -> np.ndarray:
    """Apply slope and intercept: int16 or int32 where both are whole numbers and the values fit, else float32."""
    if stored.dtype.kind in "iu" and float(plane.slope).is_integer() and float(plane.intercept).is_integer():
        slope, intercept = int(plane.slope), int(plane.intercept)
        ends = [int(end) * slope + intercept for end in (stored.min(), stored.max())]
        for dtype in (np.int16, np.int32):
            limits = np.iinfo(dtype)
            if limits.min <= min(ends) and max(ends) <= limits.max and max(abs(slope), abs(intercept)) < 2**31:
                values = stored.astype(np.int32)  # beyond its range numbers go round, and come back where they fit
                values = values if slope == 1 else values * slope
                return (values + intercept).astype(dtype)
    return (stored.astype(np.float64) * plane.slope + plane.intercept).astype(np.float32)


def inverted(stored: np.ndarray, header: Header) -> np.ndarray:
    """Turn stored values in which the highest is dark (MONOCHROME1) into ones in which the highest is bright."""
    if stored.dtype.kind == "f":
        return stored.max() + stored.min() - stored
    ends = (-(2 ** (header.bits - 1)), 2 ** (header.bits - 1) - 1) if header.signed else (0, 2**header.bits - 1)
    return (sum(ends) - stored.astype(np.int64)).astype(stored.dtype)
