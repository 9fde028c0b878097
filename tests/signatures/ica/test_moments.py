import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planted_sources import planted
from semeia.errors import InputError
from semeia.signatures.ica.blocks import ArraySamples
from semeia.signatures.ica.moments import moments


@given(block=st.integers(1, 400), seed=st.integers(0, 5))
@settings(deadline=None, max_examples=30)
def test_moments_are_numpys_whatever_the_blocks(block, seed):
    values, _ = planted(300, sources=4, channels=6, seed=seed)
    found = moments(ArraySamples(values + 1e4), block=block, threads=1 + seed % 2)

    np.testing.assert_allclose(found.mean, (values + 1e4).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(values.T, ddof=0), rtol=1e-9, atol=1e-9)


def test_many_channels_are_summed_in_place():
    values = np.random.default_rng(0).standard_normal((60, 1030))
    found = moments(ArraySamples(values), block=17)

    np.testing.assert_allclose(found.mean, values.mean(axis=0), atol=1e-14)
    np.testing.assert_allclose(found.covariance, np.cov(values.T, ddof=0), atol=1e-13)


def test_threads_change_no_bit():
    values, _ = planted(3000, sources=4, channels=6)
    one, three = (moments(ArraySamples(values), block=97, threads=threads) for threads in (1, 3))

    np.testing.assert_array_equal(one.covariance, three.covariance)
    np.testing.assert_array_equal(one.mean, three.mean)


def test_float32_is_summed_in_float64():
    values = planted(20_000, sources=4, channels=6)[0].astype(np.float32)
    found = moments(ArraySamples(values))

    np.testing.assert_allclose(found.covariance, np.cov(values.T.astype(np.float64), ddof=0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((1, 3)), "at least two rows"),
        (np.zeros((5, 0)), "covariance"),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), "not a finite number"),
        (np.array([[1.0, 2.0], [np.inf, 1.0]]), "not a finite number"),
    ],
    ids=["one row", "no channel", "nan", "infinite"],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_refuses_rows_without_a_covariance(values, words):
    with pytest.raises(InputError, match=words):
        moments(ArraySamples(values))
