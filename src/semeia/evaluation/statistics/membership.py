"""How well can the cohort a unit comes from be told? The c-statistic of a membership model (Debray et al. 2015).

A logistic regression of the cohort on what is known of the units (covariates and the model's linear predictor), judged
on patients it was not fitted on: 0.5 where the cohorts cannot be told apart, so that a gap between them is not one of
case mix; near 1 where they hold other patients. Only units judged by the same fit are compared: a part that holds more
of one cohort is judged by a model that saw less of it, which over parts would push the statistic below 0.5.
"""

import numpy as np
import polars as pl

from semeia.evaluation.resampling import PARTS, deal_patients
from semeia.evaluation.shapes import Column, Matrix, Numbers, Reals
from semeia.evaluation.statistics.logistic import fit_logistic
from semeia.evaluation.tables.characteristics import Covariate

# Rows on which one part's model is fitted: more change nothing but the time it takes.
MOST_ROWS = 20_000


def features_of(covariates: list[Covariate], rows: Numbers, member: Column) -> tuple[Matrix, list[str]]:
    """Columns for the model, and the names of the covariates that were left out.

    Numbers have a second column where some are missing. Words become a column a value; a covariate of which the cohorts
    share no value is left out, as it is another name for the cohort.

    Args:
        covariates: over the rows of the table.
        rows: of the units in the table.
        member: 1 for units of the other cohort.
    """
    columns: list[np.ndarray] = []
    left_out: list[str] = []
    for covariate in covariates:
        if covariate.numbers is not None:
            value = covariate.numbers[rows]
            missing = np.isnan(value)
            known = value[~missing]
            columns.append(np.where(missing, known.mean() if len(known) else 0.0, value))
            columns += [missing.astype(np.float64)] if missing.any() else []
        elif covariate.words is not None:
            words = covariate.words.gather(pl.Series(rows))
            values = words.unique().sort()
            each = [(words == value).to_numpy() for value in values]
            if any(one[member == 1].any() and one[member == 0].any() for one in each):
                columns += [one.astype(np.float64) for one in each[1:]]
            else:
                left_out.append(covariate.name)
    return np.column_stack(columns) if columns else np.empty((len(rows), 0)), left_out


def membership_score(features: Matrix, member: Column, subject: Numbers, *, seed: int) -> tuple[Reals, Numbers]:
    """Log-odds of each unit being of the other cohort, by a model (ridge of one) fitted on other parts; the parts.

    Args:
        features: see `features_of`.
        member: 1 for units of the other cohort.
        subject: the patient of each unit, over both cohorts: one in both is in one part.
        seed: deals the patients into five parts.
    """
    part = deal_patients(subject, member, seed=seed)
    out = np.full(len(member), np.nan)
    shuffled = np.random.default_rng(seed).permutation(len(member))
    for number in range(PARTS):
        fit, use = shuffled[part[shuffled] != number][:MOST_ROWS], part == number
        if not use.any() or len(np.unique(member[fit])) < 2:
            continue
        centre, spread = features[fit].mean(axis=0), features[fit].std(axis=0)
        scaled = (features - centre) / np.where(spread > 0, spread, 1.0)
        design = np.column_stack([np.ones(len(scaled)), scaled])
        penalty = np.append(0.0, np.ones(scaled.shape[1]))
        out[use] = design[use] @ fit_logistic(design[fit], member[fit], penalty=penalty)
    return out, part
