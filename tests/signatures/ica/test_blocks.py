import os

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semeia.errors import InputError
from semeia.signatures.ica.blocks import (
    ArraySamples,
    LeadingRows,
    RepeatedRows,
    Samples,
    block_rows,
    blocks,
    open_samples,
)


def rows(n: int = 23, p: int = 3) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, p))


@pytest.mark.parametrize("size", [1, 5, 23, 100])
def test_blocks_are_all_rows_in_order(tmp_path, size):
    values = rows()
    np.save(tmp_path / "rows.npy", values)

    for samples in (ArraySamples(values), open_samples(tmp_path / "rows.npy")):
        assert isinstance(samples, Samples)
        found = list(blocks(samples, size))
        assert samples.shape == (23, 3)
        assert [len(block) for block in found[:-1]] == [size] * (len(found) - 1)
        np.testing.assert_array_equal(np.concatenate(found), values)


def test_what_is_written_to_a_block_never_reaches_the_file(tmp_path):
    np.save(tmp_path / "rows.npy", rows())
    open_samples(tmp_path / "rows.npy").rows(0, 4)[:] = 7

    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy"), rows())


def test_a_file_takes_no_more_memory_than_a_block(tmp_path):
    values = np.ones((2**16, 256), dtype=np.float32)  # 64 MiB
    np.save(tmp_path / "rows.npy", values)
    del values
    samples, process = open_samples(tmp_path / "rows.npy"), psutil.Process(os.getpid())
    before = process.memory_info().rss
    most = 0
    for block in blocks(samples, 2**12):
        block.sum()
        most = max(most, process.memory_info().rss - before)

    assert most < 16 * 2**20


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (np.zeros(4), "two-dimensional"),
        (np.zeros((2, 2), dtype=np.int64), "float32 or float64"),
        (np.asfortranarray(np.zeros((3, 2))), "column by column"),
        (np.array([[{}]], dtype=object), "cannot be read"),
    ],
    ids=["vector", "whole numbers", "fortran", "objects"],
)
def test_refuses_other_files(tmp_path, content, words):
    np.save(tmp_path / "rows.npy", content, allow_pickle=content.dtype == object)

    with pytest.raises(InputError, match=words):
        open_samples(tmp_path / "rows.npy")


def test_refuses_what_is_no_npy_file(tmp_path):
    (tmp_path / "rows.npy").write_bytes(b"\x93NUMPY cut short")
    for path in (tmp_path / "rows.npy", tmp_path / "none.npy"):
        with pytest.raises(InputError, match="cannot be read"):
            open_samples(path)


@given(counts=st.lists(st.integers(0, 6), min_size=1, max_size=30), size=st.integers(1, 12))
@settings(deadline=None, max_examples=60)
def test_repeated_rows_are_the_repeated_matrix(counts, size):
    values = rows(len(counts))
    samples = RepeatedRows(ArraySamples(values), np.array(counts))
    found = list(blocks(samples, size))
    repeated = np.repeat(values, counts, axis=0)

    assert samples.shape == repeated.shape
    assert all(len(block) == size for block in found[:-1])
    assert all(0 < len(block) <= size for block in found)
    np.testing.assert_array_equal(np.concatenate([*found, np.empty((0, 3))]), repeated)


@given(n=st.integers(1, 40), piece=st.integers(1, 15), taken=st.integers(1, 15), size=st.integers(1, 12))
@settings(deadline=None, max_examples=60)
def test_leading_rows_are_the_first_of_every_piece(n, piece, taken, size):
    values = rows(n)
    samples = LeadingRows(ArraySamples(values), piece, min(taken, piece))
    found = list(blocks(samples, size))
    expected = values[np.arange(n) % piece < min(taken, piece)]

    assert samples.shape == expected.shape
    assert all(len(block) == size for block in found[:-1])
    np.testing.assert_array_equal(np.concatenate(found), expected)


def test_blocks_shrink_with_columns_within_bounds():
    assert block_rows(1, 4) == 65536
    assert block_rows(64, 4) == 4096
    assert block_rows(10_000, 4) == 2048
