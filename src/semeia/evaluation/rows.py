"""Rows of the tidy table: its columns, the group that a row speaks of, and the row of one estimand there."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.evaluation.cells import Cell, Fold, counts
from semeia.evaluation.contrasts import Folds
from semeia.evaluation.estimands import FAMILIES, FULL, Estimand, Family
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.measured import Context, Key, Values
from semeia.evaluation.shapes import Rows
from semeia.evaluation.statistics.calibration_chance import SIMULATIONS, error_interval, errors_by_chance
from semeia.evaluation.statistics.intervals import LEAST_DEFINED, percentile_interval
from semeia.evaluation.tables.across_seeds import mean_over_seeds, pooled
from semeia.evaluation.tables.columns import Row
from semeia.evaluation.uncertainty import Interval, interval_of

KEYS = ("study", "outcome", "arm", "mode", "fraction", "cohort", "stratum", "subgroup", "site")
ESTIMATE_COLUMNS: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(KEYS, pl.String),
    "fraction": pl.Float64,
    **dict.fromkeys(("contrast", "reference", "home", "estimand"), pl.String),
    **dict.fromkeys(("at", "value", "low", "high", "se", "p", "p_adjusted"), pl.Float64),
    **dict.fromkeys(("family", "method"), pl.String),
    **dict.fromkeys(("n", "n_patients", "n_positive", "n_positive_patients", "seeds"), pl.Int64),
    "note": pl.String,
}
LEVEL, MINUS_REFERENCE, MINUS_HOME, GAP_MINUS_GAP = "level", "minus reference", "minus home", "gap minus gap"


@dataclass(frozen=True)
class Group:
    """Where rows of the table speak of, and what statistics may ask for there."""

    judged: Judged
    place: Place
    context: Context
    stratum: str
    subgroup: str = ""
    site: str = ""

    def name(self, cell: Cell) -> str:
        """Name a cell in a note."""
        within = ", ".join(part for part in (self.subgroup, self.site) if part)
        return self.place.name(cell, self.stratum) + (f" [{within}]" if within else "")

    def families(self, where: str) -> list[Family]:
        """The families that are asked for here."""
        return [family for family in FAMILIES if family.kind == self.place.kind and family.asked(where)]

    def wants(self, estimand: Estimand | None, where: str) -> bool:
        """Whether an estimand is asked for here, and what it needs is there."""
        if estimand is None or where not in estimand.asked:
            return False
        there = {"threshold": self.place.cross_fitted, "grades": self.context.settings.ordinal}
        return there.get(estimand.needs, True)


def values_of(family: Family, folds: Folds, context: Context) -> dict[int, Values]:
    """The values of a family of each seed, or of all seeds as one."""
    used = pooled(folds) if family.pooled else folds
    return {seed: family.values(fold, context) for seed, fold in used.items()}


def level_rows(
    group: Group, cell: Cell, family: Family, folds: Folds, *, where: str, shown: bool = True, suffix: str = ""
) -> Iterator[Row]:
    """Rows of the levels of one family in one cell, of the estimands that are asked for at `where`.

    Nothing is counted unless `shown`; `suffix` ends the estimands' names in the table. There must be a fold.
    """
    every = values_of(family, folds, group.context)
    used = list((pooled(folds) if family.pooled else folds).values())
    by_chance = errors_by_chance(used, seed=group.judged.settings.seed) if family.errors else None
    for key in next(iter(every.values())):
        if not group.wants(family.find(key[0]), where):
            continue
        mean, defined = _mean(group, cell, key, every, note=where != FULL)
        entering = [folds[seed] for seed in defined] if not family.pooled else list(folds.values())
        if mean is None:
            continue
        interval = None
        if by_chance is not None and key[0] in family.errors:
            interval = error_interval(group.context.draws, mean, used, by_chance[:, family.errors.index(key[0])])
        row = make_row(group, cell, key, mean, entering, interval=interval, shown=shown)
        yield {**row, "estimand": f"{row['estimand']}{suffix}"}
    if by_chance is not None and not suffix and np.isnan(by_chance[:, 0]).mean() <= 1 - LEAST_DEFINED:
        yield _chance_row(group, cell, by_chance[:, 0], list(folds.values()))


def make_row(
    group: Group,
    cell: Cell,
    key: Key,
    values: Rows,
    folds: Collection[Fold],
    *,
    contrast: str = LEVEL,
    reference: str = "",
    interval: Interval | None = None,
    shown: bool = True,
) -> Row:
    """One row: the value, its interval by draws unless another is given, and the counts."""
    draws, (name, at) = group.context.draws, key
    if interval is None:
        interval = interval_of(draws, values, folds, name, difference=contrast != LEVEL)
        if name.startswith("net_benefit") and interval.method == "none: the same in every draw":
            # nobody is treated, or the same patients by both: that is so by the rule, and not by chance.
            interval = Interval(float(values[0]), float(values[0]), "exact: the same patients are treated")
    undefined = int(np.isnan(draws.drawn(values)).sum())
    varies = len(values) > 1 and undefined < (1 - LEAST_DEFINED) * draws.number
    if interval.why_none:
        less = f" minus {reference}" if contrast != LEVEL else ""
        why = f"no interval, {interval.why_none.removeprefix('none: ')}"
        group.judged.notes.add(why, f"{name}{less}: {group.name(cell)}")
    elif undefined and interval.method == draws.words:
        group.judged.notes.add(f"{name}: draws dropped, it is undefined in them", f"{group.name(cell)} ({undefined})")
    return {
        "study": group.place.study,
        "outcome": group.place.outcome,
        **cell._asdict(),
        "cohort": group.place.cohort,
        "stratum": group.stratum,
        "subgroup": group.subgroup,
        "site": group.site,
        "contrast": contrast,
        "reference": reference,
        "home": "",
        "estimand": name,
        "at": at,
        "value": float(values[0]),
        "low": interval.low,
        "high": interval.high,
        "se": draws.error(values) if varies else None,
        "family": "",
        "method": interval.method,
        **(counts(folds) if shown else {}),
        "seeds": len(folds),
        "note": "" if shown else "counts withheld",
    }


def mean_of(each: list[Rows]) -> Rows:
    return mean_over_seeds(np.stack(each)[:, :, None])[:, 0]


def _mean(group: Group, cell: Cell, key: Key, every: dict[int, Values], *, note: bool) -> tuple[Rows | None, list[int]]:
    """The mean over the seeds for which it exists on their own rows, and those seeds."""
    defined = [seed for seed in sorted(every) if not np.isnan(every[seed][key][0])]
    if not defined:
        at = "" if key[1] is None else f" at {key[1]:.3g}"
        at = "" if key[0] == "calibration_curve" else at
        group.judged.notes.add(f"{key[0]}{at} left out, it is undefined on these rows", group.name(cell))
        return None, []
    if len(defined) < len(every) and note:
        lost = len(every) - len(defined)
        reason = f"{key[0]}: seeds left out, it is undefined on their rows"
        group.judged.notes.add(reason, f"{group.name(cell)} ({lost})")
    return mean_of([every[seed][key] for seed in defined]), defined


def _chance_row(group: Group, cell: Cell, errors: Float[np.ndarray, "simulations"], folds: list[Fold]) -> Row:
    """The ICI that scores that are right would show: an ICI cannot be below zero, so even they have one."""
    level = group.context.draws.level
    ends = Interval(
        *percentile_interval(errors, level=level), f"{level:.0%} of {SIMULATIONS} simulations of scores that are right"
    )
    row = make_row(group, cell, ("ici_by_chance", None), np.array([float(np.nanmean(errors))]), folds, interval=ends)
    return {**row, "se": None}
