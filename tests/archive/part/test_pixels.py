"""Arrays stream to one file, aligned, and a file that is not wanted goes away with its folder."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from semeia.archive.part.pixels import PixelFile
from semeia.errors import InputError


def test_offsets_are_aligned_and_the_hash_is_of_the_file(tmp_path: Path):
    pixels = PixelFile(tmp_path / "pixels" / "0001.bin")
    arrays = [np.arange(5, dtype=np.uint8), np.arange(6, dtype=">i2").reshape(2, 3)]
    offsets = [pixels.append(array) for array in arrays]
    digest = pixels.place()
    content = (tmp_path / "pixels" / "0001.bin").read_bytes()
    assert offsets == [0, 64]
    assert digest == hashlib.sha256(content).hexdigest()
    assert np.frombuffer(content, "<i2", 6, 64).tolist() == [0, 1, 2, 3, 4, 5]


def test_nothing_written_is_nothing_placed(tmp_path: Path):
    assert PixelFile(tmp_path / "pixels" / "0001.bin").place() is None
    assert not list(tmp_path.iterdir())


def test_a_discarded_file_leaves_nothing(tmp_path: Path):
    pixels = PixelFile(tmp_path / "pixels" / "0001.bin")
    pixels.append(np.zeros(5, np.uint8))
    pixels.discard()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_is_named(tmp_path: Path):
    (tmp_path / "pixels").write_text("")
    with pytest.raises(InputError, match=r"0001.bin: cannot be written"):
        PixelFile(tmp_path / "pixels" / "0001.bin").append(np.zeros(5, np.uint8))
