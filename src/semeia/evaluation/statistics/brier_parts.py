"""The Brier score taken apart, and observed over expected, for all bootstrap draws at once.

Scores fall into bins of about equally many rows, the same in every draw. With bin k of weight n_k, mean score f_k,
share of positives o_k, and o the share of all (Murphy 1973):

    reliability = sum n_k (f_k - o_k)^2 / n    resolution = sum n_k (o_k - o)^2 / n    uncertainty = o (1 - o)

Scores differ within a bin, so these three leave a remainder; with Stephenson et al. (2008), equation 7, the
within-bin variance of the scores and twice their covariance with the labels, the parts add up exactly:

    Brier = reliability - resolution + uncertainty + within_variance - within_covariance
"""

import numpy as np
from jaxtyping import Float

from semeia.evaluation.shapes import Column, Numbers, Weights
from semeia.evaluation.statistics.group_sums import ratio, sums_by_group

BINS = 10
BRIER_PARTS = (
    "brier",
    "scaled_brier",
    "reliability",
    "resolution",
    "uncertainty",
    "within_variance",
    "within_covariance",
    "observed_expected",
)


def brier_parts_draws(
    label: Column, score: Column, weights: Weights, *, bin_of: Numbers | None = None
) -> Float[np.ndarray, "draws 8"]:
    """BRIER_PARTS of every draw; `bin_of` spares cutting the bins anew where `score_bins` has already.

    `scaled_brier` is 1 - Brier / uncertainty: 1 is perfect, 0 no better than giving everyone the share of
    positives. `observed_expected` is positives over the sum of scores. NaN where undefined: a draw without
    rows, a scaled Brier score of one class, a sum of scores of zero.
    """
    f, o = score.astype(np.float64), label.astype(np.float64)
    bin_of = score_bins(score) if bin_of is None else bin_of
    values = np.column_stack([np.ones(len(f)), f, o, f * f, f * o])
    count, sum_f, sum_o, sum_ff, sum_fo = sums_by_group(weights, bin_of, values, groups=BINS).transpose(1, 2, 0)
    n = count.sum(axis=1)
    mean_f, mean_o = ratio(sum_f, count, empty=0.0), ratio(sum_o, count, empty=0.0)
    observed, expected = sum_o.sum(axis=1), sum_f.sum(axis=1)
    share = ratio(observed, n)
    reliability = ratio((count * (mean_f - mean_o) ** 2).sum(axis=1), n)
    resolution = ratio((count * (mean_o - share[:, None]) ** 2).sum(axis=1), n)
    uncertainty = share * (1 - share)
    variance = ratio((sum_ff - mean_f * sum_f).sum(axis=1), n)
    covariance = ratio(2 * (sum_fo - mean_f * sum_o).sum(axis=1), n)
    brier = ratio((sum_ff - 2 * sum_fo + sum_o).sum(axis=1), n)
    scaled = 1 - ratio(brier, uncertainty)
    parts = [brier, scaled, reliability, resolution, uncertainty, variance, covariance, ratio(observed, expected)]
    return np.column_stack(parts)


def score_bins(score: Column) -> Numbers:
    """The bin of each row, 0 to BINS - 1, cut at quantiles of the scores; equal scores share a bin."""
    edges = np.unique(np.quantile(score, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.searchsorted(edges, score, side="right")
