import numpy as np
import pytest

from planted_sources import planted
from semeia.errors import InputError
from semeia.signatures.ica.blocks import ArraySamples, blocks
from semeia.signatures.ica.moments import moments
from semeia.signatures.ica.whitening import whiten, whitened


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 3])
def test_white_rows_are_white_and_the_same_in_memory_and_file(tmp_path, dtype, threads):
    values, _ = planted(5000, sources=8, channels=12, noise=0.1)
    samples = ArraySamples(values)
    whitening = whiten(moments(samples), components=7)
    memory = whitened(samples, whitening, dtype=dtype, block=700, threads=threads)
    file = whitened(samples, whitening, path=tmp_path / "white.npy", dtype=dtype, block=700, threads=threads)
    white = np.concatenate(list(blocks(memory, 5000)))

    assert white.dtype == dtype
    np.testing.assert_array_equal(np.load(tmp_path / "white.npy"), white)
    np.testing.assert_array_equal(np.concatenate(list(blocks(file, 333))), white)
    tolerance = 1e-5 if dtype == "float32" else 1e-11
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=tolerance)
    np.testing.assert_allclose(np.cov(white.T, ddof=0), np.eye(7), atol=tolerance)


def test_directions_are_principal_components():
    values, _ = planted(2000, sources=5, channels=9, noise=0.2)
    whitening = whiten(moments(ArraySamples(values)), components=5)
    _, singular, directions = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)

    np.testing.assert_allclose(whitening.variances, singular[:5] ** 2 / 2000, rtol=1e-9)
    np.testing.assert_allclose(
        np.abs(whitening.matrix @ directions[:5].T * singular[:5] / 2000**0.5), np.eye(5), atol=1e-7
    )
    np.testing.assert_allclose(whitening.matrix @ whitening.colouring, np.eye(5), atol=1e-10)
    assert whitening.total_variance == pytest.approx(values.var(axis=0).sum())
    assert (whitening.matrix[np.arange(5), np.abs(whitening.matrix).argmax(axis=1)] > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rank_leaves_out_constant_repeated_and_summed_channels(dtype):
    values, _ = planted(500, sources=6, channels=6)
    wide = np.column_stack([values, np.full(500, 3.7), values[:, 0], values[:, 1] + values[:, 2] / 3]).astype(dtype)
    found = moments(ArraySamples(wide))

    assert found.covariance[6, 6] == 0
    assert len(whiten(found).variances) == 6
    assert len(whiten(found, components=8, trim=True).variances) == 6
    with pytest.raises(
        InputError, match=r"components: 7 were asked for.*\(1 constant\) have rank 6; ask for at most 6"
    ):
        whiten(found, components=7)


def test_fewer_rows_than_channels_have_one_direction_less_than_rows():
    values, _ = planted(10, sources=20, channels=20)

    assert len(whiten(moments(ArraySamples(values))).variances) == 9


def test_refuses_rows_that_never_vary():
    with pytest.raises(InputError, match="nothing varies"):
        whiten(moments(ArraySamples(np.ones((5, 3)))))
    with pytest.raises(InputError, match="one or more"):
        whiten(moments(ArraySamples(np.eye(3))), components=0)


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    samples = ArraySamples(planted(50, sources=3, channels=3)[0])
    missing = tmp_path / "nowhere" / "white.npy"

    with pytest.raises(InputError, match="nowhere"):
        whitened(samples, whiten(moments(samples)), path=missing)
