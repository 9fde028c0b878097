import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planted_sources import planted
from semeia.signatures.ica.blocks import ArraySamples
from semeia.signatures.ica.components import amari_index, canonical
from semeia.signatures.ica.moments import moments
from semeia.signatures.ica.settings import initial
from semeia.signatures.ica.whitening import Whitening, whiten

VALUES, _ = planted(800, sources=5, channels=7, noise=0.3)


def rotated(seed: int = 0, components: int = 5) -> tuple[np.ndarray, Whitening]:
    whitening = whiten(moments(ArraySamples(VALUES)), components=components)
    return np.linalg.qr(initial(components, seed=seed))[0], whitening


def test_scale_sign_order_and_reconstruction():
    rotation, whitening = rotated(components=7)
    found = canonical(rotation, whitening)
    expressions = (VALUES - found.mean) @ found.unmixing.T

    np.testing.assert_allclose(expressions.std(axis=0), 0.5, rtol=1e-10)
    np.testing.assert_allclose(expressions.mean(axis=0), 0, atol=1e-12)
    assert (found.mixing[np.abs(found.mixing).argmax(axis=0), np.arange(7)] > 0).all()
    assert (np.diff(found.explained) <= 0).all()
    np.testing.assert_allclose(expressions @ found.mixing.T + found.mean, VALUES, atol=1e-10)


def test_explained_variance_is_what_each_component_alone_explains():
    rotation, whitening = rotated()
    found = canonical(rotation, whitening)
    expressions = (VALUES - found.mean) @ found.unmixing.T
    total = VALUES.var(axis=0).sum()
    alone = [np.outer(expressions[:, k], found.mixing[:, k]).var(axis=0).sum() / total for k in range(5)]

    np.testing.assert_allclose(found.explained, alone, rtol=1e-9)
    assert found.explained.sum() == pytest.approx(whitening.variances.sum() / total)


@given(
    order=st.permutations(range(5)),
    scale=st.lists(st.floats(0.01, 100), min_size=5, max_size=5),
    signs=st.lists(st.sampled_from([-1.0, 1.0]), min_size=5, max_size=5),
)
@settings(deadline=None, max_examples=50)
def test_order_sign_and_length_of_the_rows_do_not_matter(order, scale, signs):
    rotation, whitening = rotated(seed=1)
    plain = canonical(rotation, whitening)
    other = canonical((rotation * np.array(scale)[:, None] * np.array(signs)[:, None])[order], whitening)

    np.testing.assert_allclose(other.unmixing, plain.unmixing, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(other.mixing, plain.mixing, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(other.explained, plain.explained, rtol=1e-9)


@pytest.mark.parametrize("off", [1e-9, -1e-9])
def test_rounding_does_not_choose_the_sign_of_a_channel_and_its_complement(off: float):
    both = np.stack([VALUES[:, 0], -VALUES[:, 0] * (1 + off)], axis=1)
    mixing = canonical(np.eye(1), whiten(moments(ArraySamples(both)), components=1)).mixing
    assert mixing[0, 0] > 0 > mixing[1, 0]


def test_mixing_undoes_unmixing_for_rows_that_are_not_orthogonal():
    _, whitening = rotated()
    found = canonical(initial(5, seed=2), whitening)

    np.testing.assert_allclose(found.unmixing @ found.mixing, np.eye(5), atol=1e-10)


def test_amari_index():
    mixing = initial(6, seed=0)
    unmixing = np.linalg.inv(mixing)
    permuted = (np.diag([1, -2, 3, 0.1, 5, 7]) @ unmixing)[[3, 1, 0, 5, 4, 2]]

    assert amari_index(permuted, mixing) == pytest.approx(0, abs=1e-12)
    assert amari_index(np.ones((6, 6)), np.eye(6)) == pytest.approx(1)
    assert 0.1 < amari_index(initial(6, seed=5), mixing) < 1
