"""Test whether the AUROC differs between the levels of a column: one Wald test a column, Holm over the columns.

Levels may share patients, so their covariance is that of shared draws. The test is made on the logit scale: on its own
scale the test of levels of unequal size rejects two to three times too often.
"""

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.special import chdtrc, logit

from semeia.evaluation.cells import Cell, Fold, restrict
from semeia.evaluation.estimate import states_of
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.statistics.discrimination import ranked_draws
from semeia.evaluation.statistics.intervals import holm
from semeia.evaluation.strata import MISSING
from semeia.evaluation.tables.across_seeds import across_seeds, mostly_defined
from semeia.evaluation.tables.columns import TABLES, Row, place_columns
from semeia.evaluation.tables.suppression import SUPPRESSED


def interactions(judged: Judged) -> pl.DataFrame:
    """The table "interactions": a row a cohort, arm and column of the subgroups with two levels or more shown.

    `p_holm` is adjusted over the columns of one arm in one cohort. "missing" and suppressed levels do not enter.
    """
    rows: list[Row] = []
    columns = judged.subgroups
    for place in judged.places:
        for cell, folds in place.full.items():
            found = []
            for column, parts in columns.items():
                within = {part.text: kept for part in parts if (kept := restrict(folds, part.rows))}
                values = _shown(judged, place, cell, within)
                if len(values) > 1:
                    chi_square, p = heterogeneity(values[:, 0], np.array([place.draws.drawn(v) for v in values]))
                    test: Row = {"levels": len(values), "chi_square": chi_square, "degrees": len(values) - 1, "p": p}
                    found.append(place_columns(place, cell) | {"column": column, "metric": "auroc"} | test)
            adjusted = holm(np.array([row["p"] for row in found], dtype=np.float64))
            rows += [row | {"p_holm": float(p)} for row, p in zip(found, adjusted, strict=True)]
    return pl.DataFrame(rows, schema=TABLES["interactions"])


def heterogeneity(value: Float[np.ndarray, "levels"], drawn: Float[np.ndarray, "levels draws"]) -> tuple[float, float]:
    """Wald chi square and p-value of the hypothesis that the AUROCs of levels (all within 0 and 1) are the same.

    Draws in which the AUROC of one level is undefined (NaN) are passed over.
    """
    slope = 1 / (value * (1 - value))
    covariance = np.cov(drawn[:, ~np.isnan(drawn).any(axis=0)]) * np.outer(slope, slope)
    apart = np.eye(len(value))[1:] - np.eye(len(value))[0]
    difference = apart @ logit(value)
    chi_square = float(difference @ np.linalg.solve(apart @ covariance @ apart.T, difference))
    return chi_square, float(chdtrc(len(value) - 1, chi_square))


def _shown(
    judged: Judged, place: Place, cell: Cell, by_level: dict[str, dict[int, Fold]]
) -> Float[np.ndarray, "k rows"]:
    """AUROC in every draw of each level that enters the test."""
    found = []
    for level, state in zip(by_level, states_of(by_level), strict=True):
        if state == SUPPRESSED or level == MISSING:
            continue
        values = across_seeds(by_level[level], place.draws, lambda f, w: ranked_draws(f.ranking, w)[0][:, None])[:, 0]
        if mostly_defined(values, place.draws) and 0 < values[0] < 1 and place.draws.error(values) > 0:
            found.append(values)
        else:
            judged.notes.add("level left out of an interaction test, its AUROC has no standard error", place.name(cell))
    return np.array(found).reshape(len(found), -1) if found else np.empty((0, 1))
