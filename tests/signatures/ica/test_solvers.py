import sys

import numpy as np
import pytest

from planted_sources import planted
from semeia.errors import InputError
from semeia.signatures.ica.blocks import ArraySamples
from semeia.signatures.ica.components import amari_index
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.ica.solvers import SOLVERS, separate

SETTINGS = IcaSettings(threads=1)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_solver_recovers_planted_sources(solver, dtype):
    pytest.importorskip("picard", reason="python-picard is not installed")
    values, mixing = planted(20_000, sources=8, channels=12)
    found = separate(ArraySamples(values), IcaSettings(dtype=dtype, threads=1), components=8, solver=solver)

    assert found.unmixing.converged
    assert amari_index(found.components.unmixing, mixing) < 0.01
    expressions = (values - found.components.mean) @ found.components.unmixing.T
    np.testing.assert_allclose(expressions.std(axis=0), 0.5, rtol=1e-5)


def test_solvers_agree():
    pytest.importorskip("picard", reason="python-picard is not installed")
    values, _ = planted(5000, sources=6, channels=6)
    settings = IcaSettings(dtype="float64", tolerance=1e-9, threads=1)
    ours, theirs = (separate(ArraySamples(values), settings, components=6, solver=name) for name in SOLVERS)

    np.testing.assert_allclose(ours.components.mixing, theirs.components.mixing, atol=1e-4)


def test_picard_tells_that_it_did_not_converge():
    pytest.importorskip("picard", reason="python-picard is not installed")
    values, _ = planted(2000, sources=6, channels=6)
    found = separate(ArraySamples(values), IcaSettings(most_iterations=1, threads=1), components=6, solver="picard")

    assert not found.unmixing.converged
    assert (found.unmixing.iterations, found.unmixing.last_change) == (1, None)


def test_picard_that_is_not_installed_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "picard", None)
    with pytest.raises(InputError, match="pip install python-picard"):
        separate(ArraySamples(planted(50, sources=3, channels=3)[0]), SETTINGS, components=3, solver="picard")


def test_scratch_is_left_empty(tmp_path):
    values, _ = planted(500, sources=4, channels=4)
    separate(ArraySamples(values), SETTINGS, components=4, scratch=tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError):
        separate(ArraySamples(values), SETTINGS, components=5, scratch=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_constant_channel_and_more_channels_than_rows():
    values, _ = planted(40, sources=30, channels=60)
    values[:, 3] = 2.0
    with pytest.raises(InputError, match=r"rank 30; ask for at most 30"):
        separate(ArraySamples(values), SETTINGS, components=50)
    found = separate(ArraySamples(values), SETTINGS, components=50, trim=True)

    assert found.components.mixing.shape == (60, 30)
    np.testing.assert_array_equal(found.components.mixing[3], 0)
    with pytest.raises(InputError, match="rank 9"):
        separate(ArraySamples(values[:10]), SETTINGS, components=10)
