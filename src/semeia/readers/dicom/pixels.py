"""Decode the values of one DICOM file in their unit.

A decoder believes the frame, not the DICOM header, and would allocate whatever it claims.
Sources: ITU-T T.81 (JPEG) B.2.2, T.87 (JPEG-LS), T.800 (JPEG 2000) A.5.1.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from semeia.errors import InputError
from semeia.processes import apart
from semeia.readers.dicom.header import Header, Plane, quietly

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

UNDECODED = "pixels cannot be decoded"
_LONGEST = 60.0  # seconds for a file
# Which plugin of pydicom decodes a transfer syntax.
_DECODERS = {
    "1.2.840.10008.1.2.4.50": "pillow",
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
    "1.2.840.10008.1.2.4.201": "pylibjpeg",
    "1.2.840.10008.1.2.4.202": "pylibjpeg",
    "1.2.840.10008.1.2.4.203": "pylibjpeg",
    "1.2.840.10008.1.2.5": "pylibjpeg",
}
# JPEG of 12 bits and lossless JPEG, which only gdcm reads: it ends its process over a damaged frame.
_FRAGILE = {"1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"}
_NO_FRAME = {0xC4, 0xC8, 0xCC}  # in the range of frame headers, and none: tables
_JPEG_LS = 0xF7
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length


def stored_frames(header: Header) -> np.ndarray:
    """Decode all frames of a file.

    Returns:
        Stored values [frame, row, column], whole or real.
    """
    try:
        syntax = _syntax(header)
        stored = apart(_decoded, header, seconds=_LONGEST) if syntax in _FRAGILE else _decoded(header)
    except (InputError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # decoders of a dozen codes, each with errors of its own; one in Rust panics
        raise InputError(UNDECODED) from error
    shape = (len(header.planes), header.rows, header.columns)
    if stored.size != np.prod(shape):
        raise InputError(UNDECODED)
    return stored.reshape(shape)


def _syntax(header: Header) -> str:
    from pydicom.filereader import read_file_meta_info

    with quietly(), suppress(Exception):  # a file of the time before there was a preamble is not compressed
        return str(read_file_meta_info(header.path).get("TransferSyntaxUID", ""))
    return ""


def _decoded(header: Header) -> np.ndarray:
    from pydicom import dcmread

    with quietly():
        found = dcmread(header.path, force=True)
        syntax = str(found.file_meta.get("TransferSyntaxUID", ""))
        if syntax in _FRAGILE or syntax in _DECODERS:
            _refuse_larger(found, header)
            found.pixel_array_options(decoding_plugin=_DECODERS.get(syntax, "gdcm"))
        return found.pixel_array


def _refuse_larger(found: "Dataset", header: Header) -> None:
    """Refuse a file of which a compressed frame claims another size than the header: a decoder would believe it."""
    from pydicom.encaps import generate_frames

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


def claimed_size(frame: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG, JPEG-LS or JPEG 2000 frame claims; None where nothing is found."""
    start = frame.find(b"\xff\x4f\xff\x51", 0, 4096)  # JPEG 2000, bare or in a JP2 box
    if start >= 0:
        right, bottom, left, top = (_number(frame, start + 8 + 4 * place, 4) for place in range(4))
        return bottom - top, right - left
    place = 2
    while frame[:2] == b"\xff\xd8" and place + 9 <= len(frame) and frame[place] == 0xFF:
        marker = frame[place + 1]
        if (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME) or marker == _JPEG_LS:
            return _number(frame, place + 5, 2), _number(frame, place + 7, 2)
        filling = marker == 0xFF
        place += 1 if filling else 2 + (0 if marker in _ALONE else _number(frame, place + 2, 2))
    return None


def _number(frame: bytes, start: int, length: int) -> int:
    return int.from_bytes(frame[start : start + length], "big")
