"""Evaluate the curves of medications: whether the patient is on a drug.

On the whole record the curve is 1 where the drug is mentioned and 0 where another one is, nearest neighbour in between,
and every mention forces 1 for the next window. On a record cut at the date nothing lies ahead to be near to, so the
curve's value there needs two steps only: of the last mention and of the last mention of any drug.
"""

import numpy as np
from jaxtyping import Float64, Int64


def persistence_values(
    mentioned: Int64[np.ndarray, "n"],
    any_mentioned: Int64[np.ndarray, "n"],
    end: Int64[np.ndarray, "n"],
    *,
    window: int,
) -> Float64[np.ndarray, "n"]:
    """1 within `window` steps after the last mention, and until a list of drugs without it; otherwise 0.

    Args:
        mentioned: step of the drug's last mention by the section's time.
        any_mentioned: step of the last mention of any drug by the section's time.
        end: step of the section.
        window: number of steps a mention lasts.
    """
    return ((end - mentioned <= window) | (mentioned == any_mentioned)).astype(np.float64)
