"""How much a file may ask for before memory is taken for it: what it holds is a stranger's claim.

Each bound is a setting, an environment variable, since it belongs to a machine and not to a command: worker processes
inherit it, and a message that refuses a file names it.
"""

import os

from semeia.errors import InputError

# Variable: how much, and of what.
BOUNDS = {
    "SEMEIA_MOST_PIXELS": (2**26, "pixels of a PNG or JPEG"),
    "SEMEIA_MOST_VOXELS": (2**28, "voxels of a NIfTI file, pixels of a DICOM file over all its frames"),
    "SEMEIA_MOST_FRAMES": (2**16, "frames of a DICOM file"),
    "SEMEIA_MOST_GROWTH": (100, "times that a compressed file of over 256 MB may grow when unpacked"),
    "SEMEIA_MOST_TABLE_BYTES": (2**31, "bytes of a table that is read at once, unpacked"),
    "SEMEIA_MOST_TABLE_CELLS": (2**28, "rows times columns of such a table"),
    "SEMEIA_MOST_HEADER_BYTES": (2**20, "bytes of the first line of a table of a record; of what precedes voxels"),
    "SEMEIA_MOST_BODY_BYTES": (2**26, "bytes of one request to `semeia serve`"),
    "SEMEIA_MOST_UNPACKED_BYTES": (2**30, "bytes of the zip of DICOM files in such a request, unpacked"),
    "SEMEIA_MOST_SMALL_BYTES": (2**26, "bytes of a file of settings, a mapping, a record of a run (JSON, YAML)"),
}


def most(name: str) -> int:
    """The bound of a variable in `BOUNDS`.

    Raises:
        InputError: It is set to something else than a whole number of 1 or more.
    """
    given = os.environ.get(name, "").strip()
    if not given:
        return BOUNDS[name][0]
    if not given.isascii() or not given.isdigit() or int(given[:19]) < 1:
        raise InputError(f"{name}: must be a whole number of 1 or more ({BOUNDS[name][1]}); mend it, or unset it.")
    return int(given[:19])


def bounded(count: int, name: str, *, called: str, claim: str, advice: str) -> None:
    """Refuse more than a bound.

    Args:
        count: what is claimed.
        name: of the bound.
        called: what to call the file in the message.
        claim: what it claims, such as "claims 10 x 10 pixels".
        advice: what to do about it.

    Raises:
        InputError: It is more.
    """
    if count > (bound := most(name)):
        raise InputError(f"{called}: {claim}; at most {_spoken(bound)} are read: {advice}. ({name} moves the bound.)")


def _spoken(number: int) -> str:
    return f"{number / 1e6:.0f} million" if number >= 10**7 else str(number)
