"""The further columns of a table of predictions, as what describes its units: numbers, or few values.

Nothing that goes out can name a patient: numbers are rounded to three digits, values that few patients share are
pooled, dates and columns of many words are left out.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from semeia.evaluation.notes import Notes
from semeia.evaluation.schema import PREDICTION_COLUMNS
from semeia.evaluation.strata import MOST_LEVELS
from semeia.evaluation.tables.bands import FEW_VALUES, MISSING
from semeia.evaluation.tables.suppression import FEWEST, SHOWN, suppress

RARE, OTHER = "other (fewer than 10)", "other"


@dataclass(frozen=True)
class Covariate:
    """One column over the rows of the table: numbers (NaN where missing), or words."""

    name: str
    numbers: Float[np.ndarray, "n"] | None
    words: pl.Series | None


def covariates_of(table: pl.DataFrame, notes: Notes) -> list[Covariate]:
    """The site and every further column that can be shown."""
    names = [name for name in table.columns if name == "site" or name not in PREDICTION_COLUMNS]
    found: list[Covariate] = []
    for name in names:
        if name.startswith(("_", "score_")) or table[name].is_null().all():
            continue
        covariate = _covariate(name, table[name])
        if covariate is None:
            notes.add("column left out of the case mix, it holds dates, lists or too many values", name)
        else:
            found.append(covariate)
    return found


def _covariate(name: str, values: pl.Series) -> Covariate | None:
    if values.dtype.is_temporal() or values.dtype.is_nested() or values.dtype == pl.Object:
        return None
    if values.dtype.is_float():
        values = values.fill_nan(None)
    distinct = values.n_unique()
    if values.dtype.is_numeric() and distinct > FEW_VALUES:
        numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return Covariate(name, np.where(np.isinf(numbers), np.nan, numbers), None)
    if distinct > MOST_LEVELS:
        return None
    return Covariate(name, None, values.cast(pl.String).fill_null(MISSING))


def pooled_names(patients: Int[np.ndarray, "levels cohorts"], names: list[str]) -> list[str]:
    """What each level is called once those that could give few patients away are one.

    Those are the levels whose counts are not shown (`suppress`) in any of the cohorts, so that this table and that of
    the subgroups hide the same.

    Args:
        patients: patients of each level in each cohort.
        names: of the levels.
    """
    hidden = np.zeros(len(names), dtype=bool)
    for count in patients.T:
        present = np.flatnonzero(count)
        hidden[present] |= np.array([state != SHOWN for state in suppress(count[present, None])], dtype=bool)
    few = ((patients > 0) & (patients < FEWEST)).any(axis=1)
    name = RARE if np.array_equal(hidden, few) else OTHER
    return [name if pooled else level for level, pooled in zip(names, hidden.tolist(), strict=True)]
