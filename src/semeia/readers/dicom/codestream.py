"""How large a picture a compressed frame claims to be: bytes go in; rows and columns come out, nothing is decoded.

A decoder believes the frame, not the DICOM header, and would allocate whatever it claims.
Sources: ITU-T T.81 (JPEG) B.2.2, T.87 (JPEG-LS), T.800 (JPEG 2000) A.5.1.
"""

_NO_FRAME = {0xC4, 0xC8, 0xCC}  # in the range of frame headers, and none: tables
_JPEG_LS = 0xF7
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length


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
