"""Say what went wrong, and whose it is to mend, in one line.

`InputError` means that the person at the keyboard can mend it. The command line prints its message as one line and
exits with code 2; anything else that escapes is our bug (code 1).
"""

import difflib
import errno
import os
import traceback
from collections.abc import Sequence
from pathlib import Path

# What a user can mend about a file or a disk; any other refusal of the operating system is ours to look into.
_PATHS = {errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
_RIGHTS = {errno.EACCES, errno.EPERM, errno.EROFS}
_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE}


# What `pip install semeia` leaves out, by the extra that brings it; tables are evaluated and reported without any.
EXTRAS = {
    "train": (
        *("torch", "monai", "einops", "sklearn", "numba", "nibabel", "safetensors", "tokenizers", "psutil"),
        "threadpoolctl",
    ),
    "records": ("duckdb",),
    "dicom": ("pydicom", "pylibjpeg", "jpeg_ls", "gdcm"),
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "serve": ("fastapi", "uvicorn"),
    "text": ("transformers",),
    "picard": ("picard",),
    "ray": ("ray",),
    "tracking": ("tensorboard", "mlflow"),
}


# What a terminal or a browser would obey instead of showing: control characters, and marks that turn text around.
_UNSEEN = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_UNSEEN |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


class InputError(ValueError):
    """What was given cannot be used. The message names the file, row or field and says what to do."""


def printable(text: str) -> str:
    """The text with every character that could steer a terminal or turn a line around written out, as in \\x1b."""
    return text.translate(_UNSEEN)


def how_to_mend(error: BaseException) -> str:
    """What the user can do about an error; empty when it is our bug."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and (extra := missing_extra(error)):
        return extra
    if isinstance(error, OSError) and error.errno in _PATHS | _RIGHTS | _ROOM:
        return f"{error.filename or 'a file'}: {error.strerror}. Check the path, its permissions and free space."
    if type(error).__name__ == "TerminatedWorkerError":  # joblib's, of a process that the system ended
        return (
            "a worker process was ended by the system, most often for want of memory; use fewer workers or a smaller "
            "batch. The same command goes on with what is finished."
        )
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or _no_memory(error):
        return "there is not enough memory; use fewer workers, a smaller batch, or a larger machine."
    return ""


def missing_extra(error: ModuleNotFoundError) -> str:
    """What to install for a library that `pip install semeia` leaves out; empty for any other."""
    library = (error.name or "").partition(".")[0]
    extra = next((name for name, libraries in EXTRAS.items() if library in libraries), "")
    return f'this needs {library}, which is not installed: pip install "semeia[{extra}]"' if extra else ""


def _no_memory(error: BaseException) -> bool:
    """PyTorch has no class of its own for a processor's or a library's want of memory."""
    said = str(error)
    return isinstance(error, RuntimeError) and any(
        words in said for words in ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
    )


def how_to_report(error: BaseException, version: str) -> str:
    """Words on a bug of ours. Type and place only: the error's own message may hold a patient's id."""
    if os.environ.get("SEMEIA_DEBUG") == "1":
        traceback.print_exception(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"this is a bug in Semeia {version}, not your mistake: {type(error).__name__} at "
        f"{Path(place.filename).name}:{place.lineno}. Please report it where you got Semeia, with the command; "
        "SEMEIA_DEBUG=1 shows the traceback (it may hold patient ids: read it before you send it)."
    )


def nearest(typed: str, known: Sequence[str], before: str = "") -> str:
    """Ask whether the nearest known words were meant; empty where none is near.

    Of options of settings, `--optimiser.steps`, all that end alike are named: the right one may be of another group.
    """
    ending = typed.rpartition(".")[2]
    near = [name for name in known if "." in typed and name.rpartition(".")[2] == ending][:3]
    near = near or difflib.get_close_matches(typed, known, n=1)
    *first, last = [f"'{before}{name}'" for name in near] or [""]
    return f" Did you mean {', '.join(first)}{' or ' if first else ''}{last}?" if near else ""
