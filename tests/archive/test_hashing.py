"""Exact hashes see every change, perceptual hashes only those an eye would see."""

import hashlib
from pathlib import Path

import numpy as np

from semeia.archive.hashing import array_sha256, file_sha256, middle_slice, perceptual_hash

SMOOTH = np.cos(np.linspace(0, 7, 60))[:, None] * np.sin(np.linspace(0, 9, 70))[None]


def _bits_apart(first: str, second: str) -> int:
    return (int(first, 16) ^ int(second, 16)).bit_count()


def test_exact_hash_ignores_layout_but_not_type_shape_or_value():
    array = np.arange(24, dtype=np.int16).reshape(4, 6)
    same = [np.asfortranarray(array), array.astype(">i2"), array[:, :]]
    other = [array.astype(np.uint16), array.reshape(6, 4), array + np.int16(1)]
    assert {array_sha256(each) for each in same} == {array_sha256(array)}
    assert len({array_sha256(each) for each in [array, *other]}) == 4


def test_file_hash(tmp_path: Path):
    (tmp_path / "f").write_bytes(b"x" * 3_000_000)
    assert file_sha256(tmp_path / "f") == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_perceptual_hash_survives_brightness_and_scale_but_not_another_image():
    code = perceptual_hash(SMOOTH)
    assert len(code) == 16
    assert perceptual_hash(100 + 50 * SMOOTH) == code
    assert _bits_apart(perceptual_hash(np.kron(SMOOTH, np.ones((2, 2)))), code) <= 2
    assert _bits_apart(perceptual_hash(SMOOTH[::-1, ::-1]), code) > 10
    assert perceptual_hash(np.zeros((5, 5))) == "0" * 16


def test_middle_slice():
    volume = np.arange(2 * 3 * 5).reshape(2, 3, 5)
    assert (middle_slice(volume) == volume[:, :, 2]).all()
    assert middle_slice(np.ones((4, 5, 3)), colour=True).shape == (4, 5)
    assert middle_slice(np.ones((4, 5))).shape == (4, 5)
