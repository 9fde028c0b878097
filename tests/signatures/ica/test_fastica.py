import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import FastICA

from planted_sources import planted
from semeia.errors import InputError
from semeia.signatures.ica import fastica as stages
from semeia.signatures.ica.blocks import ArraySamples, open_samples
from semeia.signatures.ica.components import amari_index, canonical
from semeia.signatures.ica.fastica import decorrelate, fast_ica
from semeia.signatures.ica.moments import moments
from semeia.signatures.ica.settings import IcaSettings, initial
from semeia.signatures.ica.whitening import whiten, whitened

DOUBLE = IcaSettings(dtype="float64", threads=1)


def white_rows(rows: int = 4000, *, sources: int = 6, seed: int = 0, dtype: str = "float64"):
    """White rows, the whitening, and the true mixing."""
    values, mixing = planted(rows, sources=sources, channels=sources + 3, seed=seed)
    samples = ArraySamples(values)
    whitening = whiten(moments(samples), components=sources)
    return whitened(samples, whitening, dtype=dtype), whitening, mixing


def alike(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """`two` in the order and with the signs of `one`: rows of rotations."""
    cosines = one @ two.T
    best = np.abs(cosines).argmax(axis=1)
    assert sorted(best) == list(range(len(one)))
    return two[best] * np.sign(cosines[np.arange(len(one)), best])[:, None]


@pytest.mark.parametrize(("name", "fun"), [("tanh", "logcosh"), ("cube", "cube"), ("exp", "exp")])
def test_equals_scikit_learn_from_the_same_start(name, fun):
    values, _ = planted(3000, sources=7, channels=7, seed=4)
    samples = ArraySamples(values)
    whitening = whiten(moments(samples), components=7)
    theirs = FastICA(7, whiten_solver="eigh", fun=fun, max_iter=400, tol=1e-6, w_init=initial(7, seed=0)).fit(values)
    # Eigenvectors have no sign: theirs may be ours turned round, and the start is turned with them.
    turned = np.sign(np.einsum("ij,ij->i", theirs.whitening_, whitening.matrix))
    ours = fast_ica(
        whitened(samples, whitening, dtype="float64"),
        replace(DOUBLE, nonlinearity=name, tolerance=1e-6, subsample=1.0),
        start=initial(7, seed=0) * turned,
    )

    assert ours.iterations == theirs.n_iter_
    found = ours.rotation @ whitening.matrix
    their_unmixing = theirs.components_ / (theirs.transform(values).std(axis=0))[:, None]
    np.testing.assert_allclose(found, their_unmixing, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_planted_sources_are_recovered(seed):
    values, mixing = planted(20_000, sources=64, channels=200, seed=seed)
    samples = ArraySamples(values.astype(np.float32))
    whitening = whiten(moments(samples), components=64)
    found = fast_ica(whitened(samples, whitening), IcaSettings(seed=seed, threads=1))

    assert found.converged
    assert amari_index(canonical(found.rotation, whitening).unmixing, mixing) < 0.01


@pytest.mark.parametrize("name", ["tanh", "cube", "exp"])
def test_blocks_threads_and_file_change_nothing(tmp_path, name):
    white, _, _ = white_rows()
    settings = replace(DOUBLE, nonlinearity=name)
    whole = fast_ica(white, replace(settings, block=10**6))
    np.save(tmp_path / "white.npy", white.values)
    blocked = fast_ica(white, replace(settings, block=173))
    threaded = fast_ica(open_samples(tmp_path / "white.npy"), replace(settings, block=173, threads=3))

    assert whole.converged
    np.testing.assert_allclose(blocked.rotation, whole.rotation, atol=1e-6, rtol=0)
    np.testing.assert_array_equal(threaded.rotation, blocked.rotation)


def test_float32_finds_what_float64_finds():
    white, _, _ = white_rows()
    precise = fast_ica(white, replace(DOUBLE, tolerance=1e-6))
    quick = fast_ica(ArraySamples(white.values.astype(np.float32)), replace(DOUBLE, tolerance=1e-6))

    assert quick.rotation.dtype == np.float64
    np.testing.assert_allclose(quick.rotation, precise.rotation, atol=1e-4)


def test_rotation_is_orthogonal_and_a_function_of_the_seed():
    white, _, _ = white_rows()
    first, again, other = (fast_ica(white, replace(DOUBLE, seed=seed)) for seed in (0, 0, 1))

    np.testing.assert_allclose(first.rotation @ first.rotation.T, np.eye(6), atol=1e-12)
    np.testing.assert_array_equal(first.rotation, again.rotation)
    assert np.abs(first.rotation - other.rotation).max() > 0.1
    np.testing.assert_allclose(alike(first.rotation, other.rotation), first.rotation, atol=1e-2)


def test_not_converged_is_a_state():
    white, _, _ = white_rows()
    found = fast_ica(white, replace(DOUBLE, most_iterations=2, subsample=1.0))

    assert not found.converged
    assert found.iterations == 2
    assert found.last_change == found.history[-1].change > DOUBLE.tolerance


def test_history_tells_every_iteration():
    white, _, _ = white_rows()
    told = []
    found = fast_ica(white, replace(DOUBLE, subsample=0.25), report=told.append)

    assert tuple(told) == found.history
    assert [step.number for step in told] == list(range(1, found.iterations + 1))
    stages = [step.stage for step in told]
    assert stages == sorted(stages, reverse=True)  # subsample, then full
    assert set(stages) == {"subsample", "full"}
    assert told[-1].change == found.last_change


@pytest.mark.parametrize(
    "early",
    [{}, {"subsample": 0.2}, {"subsample": 1.0, "products": "bf16"}, {"products": "bf16"}],
    ids=["auto", "subsample", "bf16", "both"],
)
def test_early_stages_save_iterations_and_end_at_the_same_place(early):
    white, _, _ = white_rows(6000, sources=8)
    plain = fast_ica(white, replace(DOUBLE, tolerance=1e-7, subsample=1.0))
    staged = fast_ica(white, replace(DOUBLE, tolerance=1e-7, **early))
    full = [step for step in staged.history if step.stage == "full"]

    assert staged.converged
    assert len(full) < plain.iterations
    np.testing.assert_allclose(alike(plain.rotation, staged.rotation), plain.rotation, atol=1e-4)


def test_warm_start_from_other_rows_of_the_same_channels():
    white, whitening, mixing = white_rows(seed=1)
    cold = fast_ica(white, DOUBLE)
    components = canonical(cold.rotation, whitening)
    rng = np.random.default_rng(9)
    samples = ArraySamples(rng.laplace(size=(4000, 6)) / 2**0.5 @ mixing.T)
    other = whiten(moments(samples), components=6)
    start = components.unmixing @ other.colouring
    warm = fast_ica(whitened(samples, other, dtype="float64"), DOUBLE, start=start)

    assert warm.converged
    assert warm.iterations <= 3 < cold.iterations
    np.testing.assert_allclose(
        np.abs(canonical(warm.rotation, other).unmixing @ components.mixing), np.eye(6), atol=0.1
    )


def test_decorrelate_is_the_polar_factor():
    matrix = initial(9, seed=3)
    left, _, right = np.linalg.svd(matrix)

    np.testing.assert_allclose(decorrelate(torch.from_numpy(matrix)).numpy(), left @ right, atol=1e-12)


def test_few_rows_are_used_at_once_and_so_is_a_start():
    white, _, _ = white_rows(500)
    for found in (fast_ica(white, DOUBLE), fast_ica(white_rows()[0], DOUBLE, start=np.eye(6))):
        assert {step.stage for step in found.history} == {"full"}


def test_a_direction_the_first_rows_hardly_have_does_no_harm():
    values, mixing = planted(20_000, sources=4, channels=4)
    rare = np.zeros(20_000)
    rare[7777:7790] = 5.0
    samples = ArraySamples(np.column_stack([values, rare]))
    whitening = whiten(moments(samples))
    found = fast_ica(whitened(samples, whitening, dtype="float64"), DOUBLE)
    unmixing = canonical(found.rotation, whitening).unmixing

    assert found.converged
    assert amari_index(unmixing, np.block([[mixing, np.zeros((4, 1))], [np.zeros((1, 4)), 1]])) < 0.01


def test_a_start_of_another_size_is_refused():
    white, _, _ = white_rows(500)
    with pytest.raises(InputError, match="start: is 5 x 5, but 6 components"):
        fast_ica(white, DOUBLE, start=np.eye(5))


def test_read_only_rows_do_not_warn():
    white, _, _ = white_rows(500)
    white.values.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast_ica(white, DOUBLE)


def test_auto_takes_bf16_only_where_it_is_native_and_components_are_many(monkeypatch: pytest.MonkeyPatch):
    white, _, _ = white_rows(500)
    assert "bf16" not in {step.stage for step in fast_ica(white, DOUBLE).history}
    monkeypatch.setattr(stages, "WIDE", 2)
    taken = {step.stage for step in fast_ica(white, DOUBLE).history}
    assert ("bf16" in taken) == stages.has_bf16(torch.device("cpu"))


@pytest.mark.parametrize(
    "wrong", [{"tolerance": 0.0}, {"subsample": 1.5}, {"threads": 0}, {"block": 0}, {"most_iterations": 0}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        replace(DOUBLE, **wrong)
