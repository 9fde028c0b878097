"""Hide cells of a table that are too small to be shown: levels with fewer than ten patients, or units of either class.

While the sum over the hidden levels gives one of them away, or is below ten, the smallest of the others keeps its value
but not its counts.
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
