"""What a model adds to something simple: combining a score with one covariate (a lesion's diameter).

The combiner is a logistic regression on [covariate, logit(score)], both standardised, with a ridge of one (as
scikit-learn's C = 1; the intercept is free). It is fitted on other patients than those it is judged on (see
carry.py), and AUROC(combiner) - AUROC(covariate alone) is the gain. Where fits are crossed over parts of one cohort,
both AUROCs are of pairs within a part. A covariate added to itself gains exactly 0.
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.cells import Fold
from semeia.evaluation.statistics.calibration import clipped_logit
from semeia.evaluation.statistics.logistic import fit_logistic


def combined_score(fit: Fold, use: Fold) -> Float[np.ndarray, "n"]:
    """Log-odds by the combiner fitted on `fit`, for each row of `use`; NaN where the covariate is missing."""
    fit = fit.take(~np.isnan(fit.covariate))
    if fit.one_class():
        return np.full(len(use.label), np.nan)
    if _same_order(fit, use):
        return covariate_score(fit, use)
    raw, wanted = (np.column_stack([fold.covariate, clipped_logit(fold.score)]) for fold in (fit, use))
    centre, spread = raw.mean(axis=0), raw.std(axis=0)
    spread[spread == 0] = 1.0
    features = np.column_stack([np.ones(len(raw)), (raw - centre) / spread])
    coefficients = fit_logistic(features, fit.label, penalty=np.array([0.0, 1.0, 1.0]))
    return coefficients[0] + ((wanted - centre) / spread) @ coefficients[1:]


def covariate_score(fit: Fold, use: Fold) -> Float[np.ndarray, "n"]:
    """The covariate of each row of `use`, turned so that in `fit` the positives have more of it."""
    fit = fit.take(~np.isnan(fit.covariate))
    if fit.one_class():
        return np.full(len(use.label), np.nan)
    return use.covariate * direction(fit.label, fit.covariate)


def _same_order(fit: Fold, use: Fold) -> bool:
    """Whether the scores order all rows just as the covariate does, or in reverse: then they add nothing to it."""
    covariate, score = (np.concatenate([getattr(one, name) for one in (fit, use)]) for name in ("covariate", "score"))
    known = ~np.isnan(covariate)
    ranks = [np.unique(values[known], return_inverse=True)[1] for values in (covariate, score)]
    return any(np.array_equal(ranks[0], order) for order in (ranks[1], ranks[1].max(initial=0) - ranks[1]))


def direction(label: Shaped[np.ndarray, "n"], value: Float[np.ndarray, "n"]) -> float:
    """1 when the mean of `value` is as high among positives as among negatives or higher, else -1."""
    positive = label.astype(bool)
    return 1.0 if value[positive].mean() >= value[~positive].mean() else -1.0
