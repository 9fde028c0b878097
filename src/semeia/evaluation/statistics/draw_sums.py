"""The sums that every draw needs, compiled where numba is installed; imported where called: numba is slow to load."""

import numpy as np
from jaxtyping import Shaped

from semeia.evaluation.shapes import Weights

try:
    from semeia.evaluation.statistics.draw_loops import add_concordant, add_ranked, add_sums, first_passing
except ImportError:  # `pip install semeia` brings no compiler
    from semeia.evaluation.statistics.draw_arrays import add_concordant, add_ranked, add_sums, first_passing

__all__ = ["add_concordant", "add_ranked", "add_sums", "first_passing", "rows_first"]


def rows_first(weights: Weights) -> Shaped[np.ndarray, "n draws"]:
    """Weights as the loops want them: contiguous, in 16-bit counts as `Draws.apply` gives them or else as floats."""
    return np.ascontiguousarray(weights.T, dtype=np.int16 if weights.dtype == np.int16 else np.float64)
