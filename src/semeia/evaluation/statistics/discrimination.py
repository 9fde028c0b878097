"""AUROC, AUPRC and Brier score of one set of predictions, and of all its bootstrap draws at once.

Labels and scores `[n]` go in; a number comes out, or, given `weights [draws, n]` (how often each row was
drawn), one number a draw. Scores are sorted once; a draw costs cumulative sums. Ties are exact: a tied pair
counts one half (AUROC, Hanley and McNeil 1982), tied scores enter the precision together (AUPRC, as average
precision).
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Shaped

from semeia.errors import InputError

# Elements of one [n, draws] temporary: small enough to stay in the processor's cache.
BLOCK_ELEMENTS = 2**19


def auroc(label: Shaped[np.ndarray, "n"], score: Shaped[np.ndarray, "n"]) -> float:
    """Area under the ROC curve. `label` is 0/1 or boolean. InputError when only one class is there."""
    _need_both(label, "AUROC")
    return float(auroc_draws(label, score, np.ones((1, len(label))))[0])


def auprc(label: Shaped[np.ndarray, "n"], score: Shaped[np.ndarray, "n"]) -> float:
    """Area under the precision-recall curve as average precision. InputError when only one class is there."""
    _need_both(label, "AUPRC")
    return float(auprc_draws(label, score, np.ones((1, len(label))))[0])


def brier(label: Shaped[np.ndarray, "n"], score: Shaped[np.ndarray, "n"]) -> float:
    """Mean squared difference between probability and label; lower is better."""
    return float(brier_draws(label, score, np.ones((1, len(label))))[0])


def auroc_draws(
    label: Shaped[np.ndarray, "n"], score: Shaped[np.ndarray, "n"], weights: Shaped[np.ndarray, "draws n"]
) -> Float[np.ndarray, "draws"]:
    """Weighted AUROC of every draw; NaN for a draw that holds one class only."""
    positive = np.asarray(label, dtype=bool)
    negatives = np.flatnonzero(~positive)[np.argsort(score[~positive], kind="stable")]
    positives = np.flatnonzero(positive)[np.argsort(score[positive], kind="stable")]
    below = np.searchsorted(score[negatives], score[positives], side="left")
    up_to = np.searchsorted(score[negatives], score[positives], side="right")
    tied = bool((below != up_to).any())
    exact = _exact(weights)
    out = np.full(len(weights), np.nan)
    for block in _blocks(weights):
        weight = weights[block].T
        drawn = weight[positives].astype(exact)
        cumulative = _cumulative(weight[negatives], exact)
        beaten = cumulative[below]
        beaten += cumulative[up_to] if tied else beaten
        beaten *= drawn
        pairs = 2.0 * drawn.sum(axis=0, dtype=np.float64) * cumulative[-1]
        np.divide(beaten.sum(axis=0, dtype=np.float64), pairs, out=out[block], where=pairs > 0)
    return out


def auprc_draws(
    label: Shaped[np.ndarray, "n"], score: Shaped[np.ndarray, "n"], weights: Shaped[np.ndarray, "draws n"]
) -> Float[np.ndarray, "draws"]:
    """Weighted average precision of every draw; NaN for a draw that holds one class only."""
    positive = np.asarray(label, dtype=bool)
    negatives = np.flatnonzero(~positive)[np.argsort(score[~positive], kind="stable")]
    positives = np.flatnonzero(positive)[np.argsort(score[positive], kind="stable")]
    false = np.searchsorted(score[negatives], score[positives], side="left")
    true = np.searchsorted(score[positives], score[positives], side="left")
    out = np.full(len(weights), np.nan)
    for block in _blocks(weights):
        weight = weights[block].T
        drawn = weight[positives].astype(np.float64)
        cumulative_true, cumulative_false = _cumulative(drawn), _cumulative(weight[negatives])
        total_true, total_false = cumulative_true[-1], cumulative_false[-1]
        true_above = total_true - cumulative_true[true]
        called = true_above + (total_false - cumulative_false[false])
        precision = np.divide(true_above, called, out=np.zeros_like(called), where=called > 0)
        both = (total_true > 0) & (total_false > 0)
        np.divide(np.einsum("pd,pd->d", drawn, precision), total_true, out=out[block], where=both)
    return out


def brier_draws(
    label: Shaped[np.ndarray, "n"], score: Shaped[np.ndarray, "n"], weights: Shaped[np.ndarray, "draws n"]
) -> Float[np.ndarray, "draws"]:
    """Weighted Brier score of every draw; NaN for a draw that holds none of these rows."""
    return weighted_mean((score - label) ** 2.0, weights)


def weighted_mean(value: Shaped[np.ndarray, "n"], weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws"]:
    """Mean of `value` in every draw; NaN for a draw that holds none of these rows."""
    total = weights.sum(axis=1, dtype=np.float64)
    sums = weights @ value.astype(np.float64)
    return np.divide(sums, total, out=np.full(len(weights), np.nan), where=total > 0)


def weighted_sums(
    values: Shaped[np.ndarray, "n k"], weights: Shaped[np.ndarray, "draws n"]
) -> Float[np.ndarray, "draws k"]:
    """Sums of several values in every draw, by one product: cheaper than as many means."""
    return weights.astype(np.float64) @ values.astype(np.float64)


def ratio(above: Float[np.ndarray, "*shape"], below: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """`above / below`; NaN where there is nothing below."""
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _cumulative(weight: Shaped[np.ndarray, "n draws"], kind: type = np.float64) -> Float[np.ndarray, "m draws"]:
    out = np.zeros((len(weight) + 1, weight.shape[1]), dtype=kind)
    np.cumsum(weight, axis=0, out=out[1:])
    return out


def _exact(weights: Shaped[np.ndarray, "draws n"]) -> type:
    """Single precision is twice as fast, and exact for counts whose products stay below 2**24."""
    few = np.issubdtype(weights.dtype, np.integer) and weights.shape[1] < 2**15
    return np.float32 if few else np.float64


def _blocks(weights: Shaped[np.ndarray, "draws n"]) -> Iterator[slice]:
    step = max(16, BLOCK_ELEMENTS // max(1, weights.shape[1]))
    return (slice(start, start + step) for start in range(0, len(weights), step))


def _need_both(label: Shaped[np.ndarray, "n"], name: str) -> None:
    positive = np.asarray(label, dtype=bool)
    if positive.all() or not positive.any():
        raise InputError(f"{name} needs predictions of both classes; all {len(label)} labels are the same.")
