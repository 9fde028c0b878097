"""Moments from what differs from the fill row: those of the full rows."""

from pathlib import Path

import numpy as np
import pytest

from semeia.signatures import sparse_moments as module
from semeia.signatures.matrix import build_matrix
from semeia.signatures.moments import moments
from semeia.signatures.sparse_moments import section_moments, sparse_moments
from signatures_values import CHANNELS, random_values


@pytest.mark.parametrize("rows", [7, 100, 10_000])
def test_are_those_of_the_full_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int):
    monkeypatch.setattr(module, "_ROWS", rows)
    matrix = build_matrix([random_values(np.random.default_rng(0))], CHANNELS, into=tmp_path)

    found, full = sparse_moments(matrix), moments(matrix)

    dense = np.concatenate(list(matrix.blocks(100, "float64")))
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
