"""Which cells of a table are too small to be shown: nobody is to be found again in a count.

A level of a column with fewer than ten patients, or units of either class, is "suppressed": neither its counts nor a
value is shown. What the total and the other levels would still give away is the sum over the hidden levels: while that
is the count of one level, or below ten, the smallest of the others keeps its value but not its counts ("counts
withheld").
"""

import numpy as np
from jaxtyping import Int

FEWEST = 10
SHOWN, WITHHELD, SUPPRESSED = "shown", "counts withheld", "suppressed"


def suppress(counts: Int[np.ndarray, "levels kinds"]) -> list[str]:
    """The state of each level, from its counts in each of the kinds (patients first) that must not be small."""
    small = counts.min(axis=1) < FEWEST
    states = [SUPPRESSED if one else SHOWN for one in small]
    for level in np.argsort(counts[:, 0], kind="stable"):
        hidden = [state != SHOWN for state in states]
        if not any(hidden) or (sum(hidden) > 1 and counts[hidden].sum(axis=0).min() >= FEWEST):
            break
        if states[level] == SHOWN:
            states[level] = WITHHELD
    return states
