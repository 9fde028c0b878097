"""Several tests, one family: Holm's step-down p-values, which hold the chance of any false finding at 5 %."""

import numpy as np
from jaxtyping import Float


def holm(p: Float[np.ndarray, "tests"]) -> Float[np.ndarray, "tests"]:
    """Adjusted p-values of one family (Holm 1979), in the order given."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
