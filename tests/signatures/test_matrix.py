"""The matrix on disk: its blocks are the dense standardised rows, whatever the block; damage is one clear line."""

from pathlib import Path

import numpy as np
import pytest

from record_archive import random_rows, record_archive
from semeia.errors import InputError
from semeia.signatures.channels import channels_of
from semeia.signatures.ica.blocks import Samples, blocks
from semeia.signatures.matrix import build_matrix, open_matrix
from semeia.signatures.sections import sample_sections
from semeia.signatures.streaming import section_values
from semeia.signatures.window import Window
from signatures_values import CHANNELS, cut, dense, fit_scaling, random_values


@pytest.mark.parametrize("size", [1, 64, 1000])
def test_blocks_are_the_dense_rows(tmp_path: Path, size: int):
    values = random_values(np.random.default_rng(0))
    whole = dense(fit_scaling([values], CHANNELS), values)

    build_matrix(iter(cut(values, 5)), CHANNELS, into=tmp_path / "m")
    matrix = open_matrix(tmp_path / "m")

    assert isinstance(matrix, Samples)
    assert matrix.shape == whole.shape
    found = list(blocks(matrix, size))
    assert {block.dtype for block in found} == {np.dtype(np.float32)}
    assert np.concatenate(found) == pytest.approx(whole, rel=1e-5, abs=1e-5)
    assert matrix.rows(0, len(whole), "float64") == pytest.approx(whole, rel=1e-5, abs=1e-5)


def test_deviations_and_the_fill_row_make_the_rows(tmp_path: Path):
    values = random_values(np.random.default_rng(1))
    matrix = build_matrix([values], CHANNELS, into=tmp_path)

    rows = np.tile(matrix.fill_row, (matrix.shape[0], 1))
    for start in range(0, len(rows), 33):
        row, channel, deviation = matrix.deviations(start, min(start + 33, len(rows)))
        rows[start + row, channel] += deviation

    assert rows == pytest.approx(matrix.rows(0, len(rows), "float64"), abs=1e-12)


def test_the_scaling_is_kept(tmp_path: Path):
    values = random_values(np.random.default_rng(2))
    scaling = fit_scaling([values], CHANNELS)

    build_matrix([values], CHANNELS, into=tmp_path)

    assert open_matrix(tmp_path).scaling.as_json() == scaling.as_json()


def test_from_an_archive_by_any_number_of_processes(tmp_path: Path):
    archive = record_archive(tmp_path / "a", random_rows(12, 80), patients=12)
    channels = channels_of(archive, range(1, 13), least_patients=3)
    sections = sample_sections(archive, range(1, 13), window=Window(), seed=0, at_least=120)
    for workers in (1, 2):
        stream = section_values(archive, sections, channels, window=Window(), seed=0, workers=workers, size=30)
        build_matrix(stream, channels, into=tmp_path / str(workers))

    for name in ("row_ends.npy", "channel.npy", "value.npy", "scaling.json"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_nothing_is_left_of_a_matrix_that_broke_off(tmp_path: Path):
    def broken():
        yield random_values(np.random.default_rng(0))
        raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        build_matrix(broken(), CHANNELS, into=tmp_path)

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match=r"no matrix of sections; its scaling\.json is missing or damaged"):
        open_matrix(tmp_path)


@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_a_damaged_column(tmp_path: Path, damage: str):
    build_matrix([random_values(np.random.default_rng(0))], CHANNELS, into=tmp_path)
    path = tmp_path / "value.npy"
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    else:
        np.save(path, np.zeros(3, int))

    with pytest.raises(InputError, match=r"value\.npy: .*damaged; build the matrix again"):
        list(blocks(open_matrix(tmp_path), 10))
