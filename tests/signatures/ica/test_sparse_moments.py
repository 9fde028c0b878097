"""Moments from what differs from the fill row: those of the full rows."""

from pathlib import Path

import numpy as np
import pytest

from semeia.signatures.curves import SectionValues
from semeia.signatures.ica import moments as module
from semeia.signatures.ica.blocks import RepeatedRows
from semeia.signatures.ica.moments import moments, section_moments, sparse_moments
from semeia.signatures.matrix import build_matrix
from signatures_values import CHANNELS, random_values


@pytest.mark.parametrize("rows", [7, 100, 10_000])
def test_are_those_of_the_full_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int):
    monkeypatch.setattr(module, "_ROWS", rows)
    matrix = build_matrix([random_values(np.random.default_rng(0))], CHANNELS, into=tmp_path)

    found, full = sparse_moments(matrix), moments(matrix)

    dense = matrix.rows(0, matrix.shape[0], "float64")
    assert found.rows == full.rows == len(dense)
    assert found.step == full.step
    assert found.mean == pytest.approx(dense.mean(0), abs=1e-12)
    assert found.covariance == pytest.approx(np.cov(dense.T, bias=True), abs=1e-12)
    assert full.covariance == pytest.approx(found.covariance, abs=1e-6)


@pytest.mark.parametrize(("worth", "sparse"), [(0, True), (100, False)])
def test_crowded_rows_go_by_whole_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worth: int, sparse: bool):
    matrix = build_matrix([random_values(np.random.default_rng(0))], CHANNELS, into=tmp_path)
    monkeypatch.setattr(module, "_WORTH", worth)

    expected = sparse_moments(matrix) if sparse else moments(matrix)

    assert section_moments(matrix).covariance.tobytes() == expected.covariance.tobytes()


def test_a_bootstrap_draw_has_the_moments_of_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    matrix = build_matrix([random_values(rng)], CHANNELS, into=tmp_path)
    monkeypatch.setattr(module, "_WORTH", 0)
    draw = RepeatedRows(matrix, rng.integers(0, 4, matrix.shape[0]))

    found, full = section_moments(draw), moments(draw)

    assert found.rows == full.rows == draw.shape[0]
    assert found.mean == pytest.approx(full.mean, abs=1e-6)
    assert found.covariance == pytest.approx(full.covariance, abs=1e-6)


def test_a_channel_that_all_rows_have_alike_has_a_variance_of_exactly_zero(tmp_path: Path):
    values = random_values(np.random.default_rng(0))
    drug = int(np.argmax(CHANNELS.of_mode("medication")))
    others = values.channel != drug
    row = np.concatenate([values.row[others], np.arange(values.rows)])
    channel = np.concatenate([values.channel[others], np.full(values.rows, drug, np.int32)])
    value = np.concatenate([values.value[others], np.full(values.rows, 0.3)])
    order = np.lexsort((channel, row))
    whole = SectionValues(row[order], channel[order], value[order], values.rows)

    found = sparse_moments(build_matrix([whole], CHANNELS, into=tmp_path))

    assert not found.covariance[drug].any()
    assert np.count_nonzero(found.covariance.diagonal()) == len(CHANNELS) - 1
