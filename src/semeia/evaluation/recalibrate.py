"""Recalibrate each arm, cross-fitted inside, and judge the calibration left: estimands `<name>_after_<method>`.

Anybody who is in both cohorts is left out of the fit.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from semeia.evaluation.cells import Fold
from semeia.evaluation.cross_fit import Rule, cross_fit
from semeia.evaluation.estimands import FULL, RECALIBRATED
from semeia.evaluation.judged import Judged
from semeia.evaluation.measured import Context
from semeia.evaluation.rows import Group, Row, level_rows
from semeia.evaluation.shapes import Reals
from semeia.evaluation.statistics.recalibration import METHODS, Method, fit_recalibration, recalibrated


def recalibrated_rows(judged: Judged) -> Iterator[Row]:
    """Rows of the calibration that is left after each way of recalibrating (none, intercept, logistic, isotonic)."""
    patient = judged.subject
    for places in judged.outcomes().values():
        inside = next((place.cohort for place in places if place.inside), None)
        if inside is None:
            judged.notes.add("recalibration left out, no cohort is named 'internal' to fit it on", places[0].outcome)
            continue
        for cell in dict.fromkeys(cell for place in places for cell in place.full):
            cohorts = {place.cohort: place.folds[cell] for place in places if cell in place.folds}
            for method in ("none", *METHODS):
                scores = judged.table["score"].to_numpy()
                if method != "none":
                    values = cross_fit(_rule(method, patient), cohorts, inside=inside, seed=judged.settings.seed)
                    scores = np.full(len(scores), np.nan)
                    for cohort, seeds in cohorts.items():
                        for seed, fold in seeds.items():
                            scores[fold.row] = values[cohort][seed]
                for place in [place for place in places if cell in place.full]:
                    folds = {seed: replace(fold, score=scores[fold.row]) for seed, fold in place.full[cell].items()}
                    if any(np.isnan(fold.score).any() for fold in folds.values()):
                        why = f"{method} recalibration left out, there is no fit inside"
                        judged.notes.add(why, place.name(cell))
                        continue
                    group = Group(judged, place, Context(place.draws, judged.settings), place.base.text)
                    yield from level_rows(group, cell, RECALIBRATED, folds, where=FULL, suffix=f"_after_{method}")


def _rule(method: Method, patient: Int[np.ndarray, "rows"]) -> Rule:
    def rule(fit: Fold, use: Fold) -> Reals:
        # cross_fit.py parts the patients of one cohort; this also parts those who are in both.
        fit = fit.take(~np.isin(patient[fit.row], patient[use.row]))
        if fit.one_class():
            return np.full(len(use.label), np.nan)
        fitted = fit_recalibration(method, fit.label, fit.score, patient=patient[fit.row])
        return recalibrated(fitted, use.score, patient=patient[use.row])

    return rule
