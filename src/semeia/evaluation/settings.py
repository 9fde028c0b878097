"""How predictions are evaluated, and what an evaluation gives back."""

from dataclasses import dataclass, field
from math import inf
from typing import Literal

import polars as pl

from semeia.errors import InputError


@dataclass(frozen=True)
class EvaluationSettings:
    """Settings of `evaluate`.

    Attributes:
        draws: bootstrap draws of patients.
        seed: of the draws (and of dealing patients into parts where one seed is cross-fitted).
        by: a column; adds one stratum for each of its values.
        where: a condition on the table's columns, such as "age >= 60 AND site IN ('A', 'B')" (see where.py); only rows
            where it holds are evaluated.
        references: arms (`arm` or `arm/mode`) to subtract from every other arm, paired.
        covariate: numeric column whose added value is asked (AUROC of score and covariate, less that of the
            covariate), such as a lesion's diameter. None leaves these metrics out.
        level: of the intervals.
        interval: how intervals are made from the draws: percentile or bca.
        subgroups: columns whose levels are compared; () takes those it knows among the columns.
        family: columns of the table of comparisons; tests that share their values are one family for Holm.
        relevant_difference: in AUROC, one that would matter; the table of comparisons says the power to find it.
        fixed_points: specificities at which sensitivity is stated, and sensitivities at which specificity is.
        ordinal: whether the several classes of an outcome are grades in an order (it adds quadratic-weighted kappa,
            the error in grades and the AUROC of each grade or more).
        horizon: time up to which events of an outcome with the columns time and event are predicted; in their unit.
        thresholds: of the decision curves: the first, the last and the step.
        prevalence: at which predictive values are stated; None: that of the cohort the threshold is chosen on.
        sensitivity_target: the cross-fitted threshold reaches it on the predictions it is chosen on; None: Youden's.
    """

    draws: int = 2000
    seed: int = 0
    by: str | None = None
    where: str | None = None
    references: tuple[str, ...] = ()
    covariate: str | None = None
    level: float = 0.95
    interval: Literal["percentile", "bca"] = "percentile"
    subgroups: tuple[str, ...] = ()
    family: tuple[str, ...] = ("outcome", "cohort", "stratum", "reference")
    relevant_difference: float = 0.05
    fixed_points: tuple[float, ...] = (0.9, 0.95)
    ordinal: bool = False
    horizon: float | None = None
    thresholds: tuple[float, float, float] = (0.01, 0.99, 0.01)
    prevalence: float | None = None
    sensitivity_target: float | None = 0.9

    def __post_init__(self) -> None:
        """Refuse what no evaluation could use."""
        target, prevalence, horizon = self.sensitivity_target, self.prevalence, self.horizon
        first, last, step = self.thresholds
        rules = {
            "draws": (self.draws >= 100, "an interval needs at least 100 (2000 is usual)"),
            "level": (0.5 <= self.level < 1, "give a number from 0.5 to below 1, such as 0.95"),
            "sensitivity_target": (target is None or 0 < target <= 1, "give a number in (0, 1]"),
            "prevalence": (prevalence is None or 0 < prevalence < 1, "give a number between 0 and 1"),
            "relevant_difference": (0 < self.relevant_difference < 1, "give a number between 0 and 1"),
            "horizon": (horizon is None or 0 < horizon < inf, "give a time above 0, in the unit of the column time"),
            "fixed_points": (all(0 < at <= 1 for at in self.fixed_points), "give numbers in (0, 1], such as 0.9 0.95"),
            "thresholds": (0 < first < last < 1 and 0 < step < 1, "give first, last and step, all above 0 and below 1"),
        }
        for name, (holds, words) in rules.items():
            if not holds:
                raise InputError(f"{name} is {getattr(self, name)}; {words}.")


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation gives back.

    Attributes:
        results: levels and paired differences (RESULT_COLUMNS).
        notes: what was left out and why, one line each, naming no patient.
        tables: further tables by name (see views.py); those that would be empty are not there.
        estimates: every estimate of the results and tables in one tidy table (ESTIMATE_COLUMNS, see estimate.py).
    """

    results: pl.DataFrame
    notes: tuple[str, ...]
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    estimates: pl.DataFrame = field(default_factory=pl.DataFrame)

    def _repr_html_(self) -> str:
        """Show in a notebook: AUROC and what is subtracted from it, then what was left out."""
        from html import escape

        shown = self.results.filter(pl.col("metric").str.contains("^(macro_)?auroc$"))
        columns = ("cohort", "arm", "mode", "fraction", "reference", "metric", "value", "low", "high", "n_patients")
        return shown.select(columns)._repr_html_() + "".join(f"<p>{escape(note)}</p>" for note in self.notes)
