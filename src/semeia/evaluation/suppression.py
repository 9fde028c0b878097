"""Which cells of a table are too small to be shown: nobody is to be found again in a count.

Counts of the levels of one column go in (patients, and units of either class); a state for each level comes out.
A level with fewer than ten of any of them is "suppressed": neither its counts nor a value is shown. Where exactly one
level is, its counts would follow from the total and the other levels; the smallest of the others then keeps its value
but not its counts ("counts withheld"), so that only the sum of two levels can be worked out.
"""

import numpy as np
from jaxtyping import Int

FEWEST = 10
SHOWN, WITHHELD, SUPPRESSED = "shown", "counts withheld", "suppressed"


def suppress(counts: Int[np.ndarray, "levels kinds"], *, fewest: int = FEWEST) -> list[str]:
    """The state of each level.

    Args:
        counts: of each level, in each of the kinds (patients first) that must not be small.
        fewest: what may still be shown.
    """
    small = counts.min(axis=1) < fewest
    states = [SUPPRESSED if one else SHOWN for one in small]
    if small.sum() == 1 and len(counts) > 1:
        others = np.where(small, np.iinfo(np.int64).max, counts[:, 0])
        states[int(others.argmin())] = WITHHELD
    return states
