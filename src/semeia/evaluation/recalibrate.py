"""How much of an arm's miscalibration a simple mending takes away: rows of the tidy table, `<estimand>_after_<method>`.

A rule is fitted inside on patients other than those it is judged on: on the internal predictions of the other seeds, or
by cross-fitting over the patients of a single one (carry.py); anybody who is in both cohorts is left out of the fit.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from semeia.evaluation.carry import Rule, carry
from semeia.evaluation.cells import Fold
from semeia.evaluation.estimands import FULL, MENDED
from semeia.evaluation.judged import Judged
from semeia.evaluation.measured import Context
from semeia.evaluation.rows import Group, Row, level_rows
from semeia.evaluation.shapes import Reals, Rows
from semeia.evaluation.statistics.recalibration import METHODS, Method, fit_recalibration, recalibrated


def recalibrated_rows(judged: Judged) -> list[Row]:
    """Rows of the calibration that is left after each way of mending (none, intercept, logistic, isotonic)."""
    patient = judged.subject
    rows: list[Row] = []
    for places in judged.outcomes().values():
        inside = next((place.cohort for place in places if place.inside), None)
        if inside is None:
            judged.notes.add("recalibration left out, no cohort is named 'internal' to fit it on", places[0].outcome)
            continue
        for cell in dict.fromkeys(cell for place in places for cell in place.full):
            cohorts = {place.cohort: place.folds[cell] for place in places if cell in place.folds}
            for method in ("none", *METHODS):
                mended = judged.table["score"].to_numpy()
                if method != "none":
                    values = carry(_rule(method, patient), cohorts, inside=inside, seed=judged.settings.seed)
                    mended = _by_row(cohorts, values, len(mended))
                for place in [place for place in places if cell in place.full]:
                    folds = {seed: replace(fold, score=mended[fold.row]) for seed, fold in place.full[cell].items()}
                    if any(np.isnan(fold.score).any() for fold in folds.values()):
                        why = f"{method} recalibration left out, there is no fit inside"
                        judged.notes.add(why, place.name(cell))
                        continue
                    group = Group(judged, place, Context(place.draws, judged.settings), place.base.text)
                    rows += level_rows(group, cell, MENDED, folds, where=FULL, suffix=f"_after_{method}")
    return rows


def _rule(method: Method, patient: Int[np.ndarray, "rows"]) -> Rule:
    def rule(fit: Fold, use: Fold) -> Reals:
        # carry.py parts the patients of one cohort; this also parts those who are in both.
        fit = fit.take(~np.isin(patient[fit.row], patient[use.row]))
        if fit.one_class():
            return np.full(len(use.label), np.nan)
        fitted = fit_recalibration(method, fit.label, fit.score, patient=patient[fit.row])
        return recalibrated(fitted, use.score, patient=patient[use.row])

    return rule


def _by_row(
    cohorts: dict[str, dict[int, Fold]], values: dict[str, dict[int, Float[np.ndarray, "_"]]], rows: int
) -> Rows:
    out = np.full(rows, np.nan)
    for cohort, folds in cohorts.items():
        for seed, fold in folds.items():
            out[fold.row] = values[cohort][seed]
    return out
