"""Restricted cubic splines: straight beyond the outer knots, smooth at all of them, Harrell's formula."""

import numpy as np
import pytest
from patsy import dmatrix  # pyright: ignore[reportAttributeAccessIssue]

from semeia.evaluation.statistics.calibration_curve import QUANTILES, spline_basis, spline_knots


@pytest.mark.parametrize("count", QUANTILES)
def test_spans_the_natural_splines_of_patsy(count):
    x = np.random.default_rng(0).normal(size=200)
    knots = spline_knots(x, count=count)
    assert knots is not None
    ours = np.column_stack([np.ones(200), spline_basis(x, knots)])
    inner, ends = list(knots[1:-1]), (knots[0], knots[-1])
    text = "cr(x, knots=inner, lower_bound=ends[0], upper_bound=ends[1])"
    theirs = np.asarray(dmatrix(text, {"x": x, "inner": inner, "ends": ends}))
    inside = (x >= knots[0]) & (x <= knots[-1])
    fitted = ours[inside] @ np.linalg.lstsq(ours[inside], theirs[inside], rcond=None)[0]
    np.testing.assert_allclose(fitted, theirs[inside], atol=1e-8)
    assert ours.shape[1] == count


def test_is_straight_beyond_the_outer_knots():
    knots = np.array([-1.0, 0.0, 0.5, 2.0])
    for x in (np.linspace(-9, -1, 20), np.linspace(2, 9, 20)):
        np.testing.assert_allclose(np.diff(spline_basis(x, knots), n=2, axis=0), 0, atol=1e-9)


def test_tied_values_have_no_knots():
    assert spline_knots(np.array([0.0] * 50 + [1.0]), count=3) is None
