"""How predictions are evaluated, and what an evaluation gives back."""

from dataclasses import dataclass

import polars as pl

from semeia.errors import InputError


@dataclass(frozen=True)
class EvaluationSettings:
    """Settings of `evaluate`.

    Attributes:
        draws: bootstrap draws of patients.
        seed: of the draws (and of dealing patients into parts where one seed is cross-fitted).
        by: a column; adds one stratum for each of its values.
        where: a polars SQL expression over the table's columns; only rows where it holds are evaluated.
        references: arms (`arm` or `arm/mode`) to subtract from every other arm, paired.
        covariate: numeric column whose added value is asked (AUROC of score and covariate, less that of the
            covariate). None leaves these metrics out.
        level: of the intervals.
        sensitivity_target: the carried threshold reaches it on the predictions it is chosen on; None: Youden's.
    """

    draws: int = 2000
    seed: int = 0
    by: str | None = None
    where: str | None = None
    references: tuple[str, ...] = ()
    covariate: str | None = "diameter_mm"
    level: float = 0.95
    sensitivity_target: float | None = 0.9

    def __post_init__(self) -> None:
        """Refuse what no evaluation could use."""
        if self.draws < 100:
            raise InputError(f"draws is {self.draws}; an interval needs at least 100 (2000 is usual).")
        if not 0.5 <= self.level < 1:
            raise InputError(f"level is {self.level}; give a number from 0.5 to below 1, such as 0.95.")
        if self.sensitivity_target is not None and not 0 < self.sensitivity_target <= 1:
            raise InputError(f"sensitivity_target is {self.sensitivity_target}; give a number in (0, 1].")


@dataclass(frozen=True)
class Evaluation:
    """Results (RESULT_COLUMNS) and notes: what was left out and why, one line each, naming no patient."""

    results: pl.DataFrame
    notes: tuple[str, ...]
