"""Restricted cubic splines: a smooth curve that is a straight line beyond its outer knots.

Values `[n]` and knots go in; the columns of the basis `[n, k - 1]` come out (Harrell, Regression Modeling
Strategies, 2nd edition, section 2.4.5: the linear term, then one term for each knot but the last two).
"""

import numpy as np
from jaxtyping import Float

# Quantiles at which Harrell places the knots (his table 2.3).
QUANTILES = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
}


def spline_knots(x: Float[np.ndarray, "n"], *, count: int) -> Float[np.ndarray, "_"] | None:
    """The 3, 4 or 5 knots, at fixed quantiles of `x`; None when values are so tied that knots coincide."""
    knots = np.quantile(x, QUANTILES[count])
    return knots if (np.diff(knots) > 1e-6 * np.ptp(x)).all() else None


def spline_basis(x: Float[np.ndarray, "n"], knots: Float[np.ndarray, "_"]) -> Float[np.ndarray, "n columns"]:
    """The columns of the spline, without the constant."""
    *_, before, last = knots

    def cube(knot: float) -> Float[np.ndarray, "n"]:
        return np.maximum(x - knot, 0.0) ** 3

    terms = [
        cube(knot) - cube(before) * (last - knot) / (last - before) + cube(last) * (before - knot) / (last - before)
        for knot in knots[:-2]
    ]
    return np.column_stack([x, *(term / (last - knots[0]) ** 2 for term in terms)])
