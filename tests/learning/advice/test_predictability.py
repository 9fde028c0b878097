"""Predictability, shared directions and alignment against planted ones."""

import numpy as np
import pytest

from semeia.errors import InputError
from semeia.learning.advice.placing import place
from semeia.learning.advice.predictability import (
    PENALTIES,
    alignment,
    components,
    predictability,
    ridge,
    separability,
    shared_directions,
)

N = 600


def planted(seed: int = 0, *, shared: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two groups of 8 standardised features whose first ones correlate by .8; and the shared causes."""
    rng = np.random.default_rng(seed)
    causes = rng.standard_normal((N, shared))
    first, second = rng.standard_normal((2, N, 8))
    for side in (first, second):
        side[:, :shared] = np.sqrt(0.8) * causes + np.sqrt(0.2) * side[:, :shared]
    return first, second, causes


def test_components_are_white_and_a_missing_value_is_the_mean():
    values = planted()[0]
    values[:50, 3] = np.nan
    found = components(values)

    assert found.shape == (N, 8)
    np.testing.assert_allclose(np.cov(found.T), np.eye(8), atol=0.01)
    filled = np.where(np.isnan(values), np.nanmean(values, 0), values)
    np.testing.assert_allclose(np.abs(components(filled)), np.abs(found), atol=1e-6)
    with pytest.raises(InputError, match="do not vary"):
        components(np.ones((100, 3)))


def test_prediction_reaches_what_is_planted_and_no_more():
    first, second, _ = planted()
    patients = np.arange(N) // 2
    found = predictability(first, second, patients)

    # Two of eight columns are explained to .8 squared.
    assert found.paired == pytest.approx(2 * 0.64 / 8, abs=0.04)
    assert abs(found.shuffled) < 0.02
    assert found.gain.low < found.gain.value < found.gain.high
    assert found.gain.value == pytest.approx(found.paired - found.shuffled)
    apart = predictability(first, np.random.default_rng(9).standard_normal((N, 8)), patients)
    assert apart.gain.low < 0.01 < found.gain.low


def test_shared_directions_are_counted_by_patients_left_out():
    first, second, causes = planted()
    found = shared_directions(first, second, np.arange(N))

    assert found.directions == 2
    np.testing.assert_allclose(found.correlations[:2], 0.8, atol=0.06)
    assert found.variates.shape == (N, 8)  # half of the eight directions, of both sides
    assert found.rest.shape == (N, 8)
    assert abs(np.corrcoef(found.variates[:, 0], causes @ np.linalg.lstsq(causes, found.variates[:, 0])[0])[0, 1]) > 0.8
    none = shared_directions(first, np.random.default_rng(9).standard_normal((N, 8)), np.arange(N))
    assert none.directions == 0
    with pytest.raises(InputError, match="are needed"):
        shared_directions(first[:30], second[:30], np.arange(30))


@pytest.mark.parametrize("on_shared", [True, False])
def test_a_place_tells_where_the_label_lies(on_shared: bool):
    first, second, causes = planted()
    score = causes[:, 0] if on_shared else first[:, 2:].sum(1)
    labels = (score > 0).astype(float)
    labels[200:] = np.nan
    both = np.arange(N) >= 20
    found = place(first, second, labels, np.arange(N), both=both)

    at = found.place
    assert at is not None
    assert (at.paired, at.labels, at.directions) == (N - 20, 180, 2)
    assert at.rarer == min(labels[20:200].sum(), (1 - labels[20:200]).sum())
    assert (at.aligned > at.rest + 0.2) if on_shared else (at.aligned < at.rest)
    assert at.whole == pytest.approx(max(at.aligned, at.rest), abs=0.1)
    assert at.strength == pytest.approx(2 * 0.8**2, abs=0.2)
    assert at.told == pytest.approx(2 * 0.64 / 8, abs=0.04)
    terms = at.terms()
    sure = at.rarer / (at.rarer + 20)
    assert terms["saved"] == pytest.approx(sure * (at.aligned - at.whole))
    assert terms["carried"] == pytest.approx(sure * (at.aligned - 0.5) * at.fourth)
    labels[20:] = np.nan
    assert place(first, second, labels, np.arange(N), both=both).place is None


def test_of_several_classes_the_mean_is_given():
    first, _, causes = planted()
    grade = np.digitize(causes[:, 0], [-0.5, 0.5]).astype(float)
    each = [alignment(first, (grade == value).astype(float), np.arange(N)) for value in range(3)]

    assert alignment(first, grade, np.arange(N)) == pytest.approx(np.mean(each))
    assert each[1] < 0.6 < min(each[0], each[2])  # the middle one lies between two others


def test_ridge_regression_is_that_of_scikit_learn():
    from sklearn.linear_model import RidgeCV

    rng = np.random.default_rng(3)
    x, new = rng.standard_normal((2, 60, 12))
    y = x @ rng.standard_normal((12, 2)) + 3 * rng.standard_normal((60, 2))
    np.testing.assert_allclose(ridge(x, y)(new), RidgeCV(PENALTIES).fit(x, y).predict(new), atol=1e-8)
    alone = RidgeCV(PENALTIES).fit(x, y[:, 0]).predict(new)
    np.testing.assert_allclose(ridge(x, y[:, 0])(new), alone, atol=1e-8)
    wide = rng.standard_normal((20, 50))
    np.testing.assert_allclose(
        ridge(wide, y[:20, 0])(wide[:5]), RidgeCV(PENALTIES).fit(wide, y[:20, 0]).predict(wide[:5]), atol=1e-8
    )


def test_alignment_is_judged_in_patients_left_out():
    rng = np.random.default_rng(0)
    # Each patient has two units with the same features and label: seen twice, noise would look like signal.
    x, labels = np.repeat(rng.standard_normal((80, 20)), 2, axis=0), np.repeat(rng.integers(0, 2, 80), 2).astype(float)

    assert alignment(x, labels, np.repeat(np.arange(80), 2)) == pytest.approx(0.5, abs=0.12)
    with pytest.raises(InputError, match="too few patients"):
        alignment(x, np.eye(160)[0], np.arange(160))


def test_sites_are_told_apart_where_they_differ():
    first = planted()[0]
    site = np.where(np.arange(N) % 2, "a", "b")
    apart = separability(first + 2 * (site == "a")[:, None], site, np.arange(N))
    assert apart is not None
    assert apart > 0.9
    assert separability(first, np.full(N, "a"), np.arange(N)) is None
