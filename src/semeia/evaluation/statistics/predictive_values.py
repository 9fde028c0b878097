"""What a call means where the disease is as common as stated: predictive values by Bayes' theorem."""

import numpy as np
from jaxtyping import Float


def predictive_values(
    sensitivity: Float[np.ndarray, "draws"],
    specificity: Float[np.ndarray, "draws"],
    *,
    prevalence: float | Float[np.ndarray, "draws"],
) -> tuple[Float[np.ndarray, "draws"], Float[np.ndarray, "draws"]]:
    """Positive and negative predictive value of every draw.

    Args:
        sensitivity: of each draw.
        specificity: of each draw.
        prevalence: share of positives where the calls are to be used, between 0 and 1: one that is stated, or that of
            each draw where it is estimated, too.

    Returns:
        P(positive | called) and P(negative | not called); NaN where nobody is called, or everybody.
    """
    found, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    cleared, missed = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    return _share(found, false), _share(cleared, missed)


def _share(right: Float[np.ndarray, "draws"], wrong: Float[np.ndarray, "draws"]) -> Float[np.ndarray, "draws"]:
    total = right + wrong
    return np.divide(right, total, out=np.full(len(total), np.nan), where=total > 0)
