"""Cross-fit the operating threshold, and the combiner of score and covariate, on the internal cohort.

Both are fitted on internal predictions of *other patients* than those they are judged on:

- several seeds, each testing its own fold: for seed s, the internal predictions of the other seeds, less the patients
  seed s tests (with k folds these are seed s's training patients, each predicted by a model that had not seen them);
- otherwise (one seed, or seeds that test the same patients): five-fold cross-fitting over the patients of the seed
  inside; the other cohorts get the fit on all its internal predictions.

Rows that met different fits are not ranked together (`Fold.part`): each fit has an intercept of its own, high where its
patients are seldom positive, so that ranks over all parts are biased downwards. Fits stay as they are in every
bootstrap draw and every stratum: intervals are those of a given rule, as they are of a given model.

The combiner is a logistic regression on [covariate, logit(score)], both standardised, with a ridge of one (as
scikit-learn's C = 1; the intercept is free); AUROC(combiner) - AUROC(covariate alone) is the gain.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np

from semeia.evaluation.cells import Fold, concatenate
from semeia.evaluation.resampling import PARTS, deal_patients
from semeia.evaluation.shapes import Column, Reals
from semeia.evaluation.statistics.calibration import clipped_logit
from semeia.evaluation.statistics.logistic import fit_logistic
from semeia.evaluation.statistics.operating_point import threshold_at_sensitivity, threshold_by_youden


def combined_score(fit: Fold, use: Fold) -> Reals:
    """Log-odds by the combiner fitted on `fit`, for each row of `use`; NaN where the covariate is missing."""
    fit = fit.take(~np.isnan(fit.covariate))
    if fit.one_class() or _same_order(fit, use):
        return covariate_score(fit, use)
    raw, wanted = (np.column_stack([fold.covariate, clipped_logit(fold.score)]) for fold in (fit, use))
    centre, spread = raw.mean(axis=0), raw.std(axis=0)
    spread[spread == 0] = 1.0
    features = np.column_stack([np.ones(len(raw)), (raw - centre) / spread])
    coefficients = fit_logistic(features, fit.label, penalty=np.array([0.0, 1.0, 1.0]))
    return coefficients[0] + ((wanted - centre) / spread) @ coefficients[1:]


def covariate_score(fit: Fold, use: Fold) -> Reals:
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


def direction(label: Column, value: Reals) -> float:
    """1 when the mean of `value` is as high among positives as among negatives or higher, else -1."""
    positive = label.astype(bool)
    return 1.0 if value[positive].mean() >= value[~positive].mean() else -1.0


Rule = Callable[[Fold, Fold], Reals]
Cohorts = dict[str, dict[int, Fold]]  # folds[cohort][seed] of one cell
# Fewer of either class than this and there is nothing to fit on.
FEWEST = 5


def cross_fit_cell(cohorts: Cohorts, *, inside: str, target: float | None, seed: int) -> Cohorts:
    """Fill `called`, `combined`, `alone` and `part` of every fold of one cell; NaN where nothing could be fitted.

    Args:
        inside: the cohort on which things are fitted.
        target: sensitivity the threshold must reach inside, or None for Youden's threshold.
        seed: deals the patients of a single seed into parts.
    """

    def called(fit: Fold, use: Fold) -> Reals:
        chosen = (
            threshold_by_youden(fit.label, fit.score)
            if target is None
            else threshold_at_sensitivity(fit.label, fit.score, target=target)
        )
        return (use.score >= chosen).astype(np.float64)

    def part(_: Fold, use: Fold) -> Reals:
        return np.full(len(use.label), float(next(numbers)))

    numbers = count()
    rules: dict[str, Rule] = {"called": called, "combined": combined_score, "alone": covariate_score, "part": part}
    values = {name: cross_fit(rule, cohorts, inside=inside, seed=seed) for name, rule in rules.items()}

    def filled(fold: Fold, cohort: str, number: int) -> Fold:
        found = {name: values[name][cohort][number] for name in rules}
        return replace(fold, **found | {"part": np.nan_to_num(found["part"]).astype(np.int64)})

    return {c: {number: filled(fold, c, number) for number, fold in folds.items()} for c, folds in cohorts.items()}


def cross_fit(rule: Rule, cohorts: Cohorts, *, inside: str, seed: int) -> dict[str, dict[int, Reals]]:
    """Give values[cohort][seed] of a rule fitted inside on other patients; NaN where nothing could be fitted.

    A rule goes from the rows to fit on and the rows to use it on to a value for each of the latter.
    """
    internal = cohorts.get(inside, {})

    def values(use: Fold, cohort: str, number: int) -> Reals:
        own, others = internal.get(number), _others(internal, number)
        if others is not None and _usable(others):
            return rule(others, use)
        if own is None or not _usable(own):
            return np.full(len(use.label), np.nan)
        return _in_parts(rule, own, seed) if cohort == inside else rule(own, use)

    return {c: {number: values(fold, c, number) for number, fold in folds.items()} for c, folds in cohorts.items()}


def _others(internal: dict[int, Fold], number: int) -> Fold | None:
    """Internal rows of the other seeds, without the patients that this seed tests."""
    rest = [fold for seed, fold in internal.items() if seed != number]
    if not rest:
        return None
    joined = concatenate(rest)
    return joined.take(~np.isin(joined.patient, internal[number].patient)) if number in internal else joined


def _in_parts(rule: Rule, fold: Fold, seed: int) -> Reals:
    part = deal_patients(fold.patient, -fold.label, seed=seed)
    out = np.full(len(fold.label), np.nan)
    for number in range(PARTS):
        fit, use = fold.take(part != number), part == number
        if use.any() and not fit.one_class():
            out[use] = rule(fit, fold.take(use))
    return out


def _usable(fold: Fold) -> bool:
    positives = int(fold.label.sum())
    return min(positives, len(fold.label) - positives) >= FEWEST
