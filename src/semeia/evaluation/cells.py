"""Cut a table into arrays: for each study and outcome a `Block`, in it a `Fold` for each cell, cohort and seed.

Patients are numbered within their cohort in the order of `subject`, units in that of the table.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Int, Int8

from semeia.evaluation.class_scores import probabilities
from semeia.evaluation.schema import DEFAULTS, EVERY_ROW, UNIT, time_to_event
from semeia.evaluation.shapes import Mask, Matrix, Numbers, Reals
from semeia.evaluation.statistics.discrimination import Ranking, ranking


class Cell(NamedTuple):
    """What was trained: an arm, how it was adapted, on what fraction of the labels."""

    arm: str
    mode: str
    fraction: float

    def __str__(self) -> str:
        """Name the cell in a note; a mode or fraction that no table need name is left out."""
        mode = "" if self.mode == DEFAULTS["mode"] else f"/{self.mode}"
        return f"{self.arm}{mode}" + ("" if self.fraction == DEFAULTS["fraction"] else f" at {self.fraction:g}")

    def within(self, outcome: str, cohort: str, stratum: str) -> str:
        """Name the cell and where it is judged in a note: everywhere, unless a cohort or a stratum is named."""
        place = "" if cohort == DEFAULTS["cohort"] else f", {cohort}"
        return f"{outcome}, {self}{place}" + ("" if stratum == EVERY_ROW else f" [{stratum}]")


@dataclass(frozen=True, eq=False)
class Fold:
    """What one seed of one cell predicted in one cohort: arrays over its rows. It equals itself alone."""

    label: Int8[np.ndarray, "n"]
    score: Reals  # NaN where the outcome has several classes
    classes: Matrix  # probabilities of the k classes; k is 0 for a binary outcome
    covariate: Reals  # on the log scale when it is always positive; NaN where missing
    time: Reals  # to the event or the end of follow-up; NaN where the outcome has none
    event: Reals  # 1 where the event came then; NaN likewise
    patient: Numbers
    unit: Numbers
    row: Numbers  # position in the whole table, by which strata are known
    # fitted on other patients by cross_fit.py; NaN until then
    called: Reals  # 1 when at or above the cross-fitted threshold
    combined: Reals  # score with the covariate
    alone: Reals  # the covariate by itself
    part: Numbers  # rows of one part met the same fit; 0 where all of them did

    def take(self, keep: Mask | Int[np.ndarray, "m"]) -> "Fold":
        """The rows that are kept, in the order given."""
        return Fold(**{field.name: getattr(self, field.name)[keep] for field in fields(self)})

    @cached_property
    def ranking(self) -> Ranking:
        """The rows by their scores: sorted once for all analyses."""
        return ranking(self.label, self.score)

    @cached_property
    def with_covariate(self) -> "Fold":
        """The rows of which it is known what the covariate adds; the fold itself where that is every row."""
        unknown = np.isnan(self.combined) | np.isnan(self.alone)
        return self.take(~unknown) if unknown.any() else self

    def one_class(self) -> bool:
        """Whether AUROC is undefined here: no rows, or labels all the same."""
        return not len(self.label) or bool(self.label.min() == self.label.max())


Folds = dict[Cell, dict[str, dict[int, Fold]]]
Kind = Literal["binary", "classes", "survival"]


@dataclass(frozen=True)
class Block:
    """One study and outcome."""

    study: str
    outcome: str
    folds: Folds  # folds[cell][cohort][seed]
    strata: dict[str, Int8[np.ndarray, "_"]]  # of each cohort's patients, in which they are drawn: one for all of them
    kind: Kind  # binary (two classes and one score), classes (several and their probabilities) or survival (a time)


def concatenate(folds: list[Fold]) -> Fold:
    """The rows of several folds of one cohort as one."""
    return Fold(**{f.name: np.concatenate([getattr(fold, f.name) for fold in folds]) for f in fields(Fold)})


def counts(folds: Iterable[Fold]) -> dict[str, int]:
    """Distinct units, patients, and of those with a label above 0 units and patients, in the rows of several folds."""
    every = list(folds)
    numbers = {
        "n": [fold.unit for fold in every],
        "n_patients": [fold.patient for fold in every],
        "n_positive": [fold.unit[fold.label > 0] for fold in every],
        "n_positive_patients": [fold.patient[fold.label > 0] for fold in every],
    }
    # counted by number and not sorted: this is asked for every row of every table.
    return {name: int(np.count_nonzero(np.bincount(np.concatenate(each)))) for name, each in numbers.items()}


def restrict(folds: dict[int, Fold], rows: Mask) -> dict[int, Fold]:
    """The folds' rows that lie in a stratum (a mask over the whole table); emptied folds are dropped."""
    kept = {seed: fold.take(rows[fold.row]) for seed, fold in folds.items()}
    return {seed: fold for seed, fold in kept.items() if len(fold.label)}


def blocks(
    frame: pl.DataFrame, *, covariate: str | None, horizon: float | None = None, subject: pl.Series | None = None
) -> list[Block]:
    """Cut a checked table (with a column `_row`, its row numbers) into blocks, in its order.

    Args:
        covariate: a numeric column, or None.
        subject: numbers of the patients, which say in what order they are drawn; None: the order of their ids.
        horizon: of an outcome with times: events after it are not counted as positive; None: all are.
    """
    values = covariate_values(frame, covariate)
    timed = time_to_event(frame)
    own = {f"_{name}": pl.col(name).cast(pl.Float64) if timed else pl.lit(float("nan")) for name in ("time", "event")}
    if timed and horizon is not None:
        # a case has had the event by the horizon; who was censored before is none, and enters by its weight.
        by_then = (pl.col("event") > 0) & (pl.col("time") <= horizon)
        frame = frame.with_columns(label=by_then.cast(pl.Int8))
    number = pl.col("subject_id").rank("dense") if subject is None else subject
    parts = frame.with_columns(_covariate=values, _subject=number, **own).partition_by(
        ["study", "outcome"], maintain_order=True
    )
    return [_block(part, timed=timed) for part in parts]


def covariate_values(frame: pl.DataFrame, covariate: str | None) -> pl.Series:
    """The covariate as numbers (NaN where missing), on the log scale when all of it is positive."""
    if covariate is None:
        return pl.Series("_covariate", np.full(frame.height, np.nan))
    values = frame[covariate].cast(pl.Float64).fill_null(float("nan"))
    values = values.set(values.is_infinite(), float("nan"))
    present = values.filter(values.is_not_nan())
    positive = len(present) > 0 and bool((present > 0).all())
    return values.log() if positive else values


def _block(part: pl.DataFrame, *, timed: bool) -> Block:
    patient, strata = _patients(part)
    classes = probabilities(part)
    keys = part.select("cohort", *UNIT).unique(maintain_order=True).with_row_index("_unit")
    unit = part.join(keys, on=["cohort", *UNIT], how="left", maintain_order="left")["_unit"]
    empty = np.full(part.height, np.nan)
    whole = Fold(
        label=part["label"].to_numpy(),
        score=part["score"].to_numpy(),
        classes=classes,
        covariate=part["_covariate"].to_numpy(),
        time=part["_time"].to_numpy(),
        event=part["_event"].to_numpy(),
        patient=patient,
        unit=unit.cast(pl.Int64).to_numpy(),
        row=part["_row"].cast(pl.Int64).to_numpy(),
        called=empty,
        combined=empty,
        alone=empty,
        part=np.zeros(part.height, dtype=np.int64),
    )
    names = ["arm", "mode", "fraction", "cohort", "seed"]
    members = part.with_columns(_at=pl.int_range(pl.len())).group_by(names, maintain_order=True).agg("_at")
    folds: Folds = {}
    for arm, mode, fraction, cohort, seed, at in members.iter_rows():
        cohorts = folds.setdefault(Cell(arm, mode, fraction), {})
        cohorts.setdefault(cohort, {})[seed] = whole.take(np.array(at, dtype=np.int64))
    kind: Kind = "survival" if timed else "classes" if classes.shape[1] else "binary"
    return Block(part["study"][0], part["outcome"][0], folds, strata, kind)


def _patients(part: pl.DataFrame) -> tuple[Numbers, dict[str, Int8[np.ndarray, "_"]]]:
    """Number the patients of each cohort from 0."""
    number = part.select(pl.col("_subject").rank("dense").over("cohort").cast(pl.Int64) - 1).to_series()
    sizes = part.group_by("cohort", maintain_order=True).agg(pl.col("_subject").n_unique())
    return number.to_numpy(), {cohort: np.zeros(size, dtype=np.int8) for cohort, size in sizes.iter_rows()}
