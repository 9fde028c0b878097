"""Whose an error is to mend, in one line of words."""

import errno

import pytest

from semeia.errors import InputError, how_to_mend, how_to_report


class OutOfMemoryError(RuntimeError):
    """Called as the one of torch is, which is not imported for this."""


class TerminatedWorkerError(RuntimeError):
    """Called as the one of joblib is."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InputError("row 3: is empty"), "row 3: is empty"),
        (OSError(errno.ENOSPC, "No space left on device", "run"), "run: No space left on device."),
        (PermissionError(errno.EACCES, "Permission denied"), "a file: Permission denied."),
        (OutOfMemoryError(), "there is not enough memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
            "there is not enough memory",
        ),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), "there is not enough memory"),
        (TerminatedWorkerError(), "a worker process was ended by the system"),
    ],
)
def test_what_the_user_can_mend(error: Exception, words: str):
    assert how_to_mend(error).startswith(words)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        RuntimeError("mat1 and mat2 shapes"),
        OSError(errno.EIO, "Input/output error"),
        OSError("no number"),
    ],
)
def test_what_is_ours(error: Exception):
    assert how_to_mend(error) == ""


def test_a_report_names_the_place_and_no_words_of_the_error():
    try:
        raise KeyError("CANARY")
    except KeyError as error:
        words = how_to_report(error, "9.9")

    assert "Semeia 9.9" in words
    assert "KeyError at test_errors.py:" in words
    assert "CANARY" not in words
