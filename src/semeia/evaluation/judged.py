"""Prepare a table of predictions for every analysis: checked, sorted, cut into arrays, with draws of its patients.

There is one `Place` for each study, outcome and cohort; what is fitted inside is cross-fitted before it (cross_fit.py).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from jaxtyping import Int

from semeia.archive.column_names import quoted
from semeia.archive.keys import PSEUDONYM
from semeia.errors import InputError
from semeia.evaluation.cells import Block, Cell, Fold, Folds, Kind, blocks, restrict
from semeia.evaluation.contrasts import check_references
from semeia.evaluation.cross_fit import cross_fit_cell
from semeia.evaluation.notes import Notes, covariate_conflicts, note_table
from semeia.evaluation.resampling import Draws
from semeia.evaluation.schema import BLOCK, CELL, FOLD, PREDICTION_COLUMNS, UNIT, check_predictions, time_to_event
from semeia.evaluation.settings import EvaluationSettings
from semeia.evaluation.strata import Stratum, strata, subgroup_columns

INTERNAL = "internal"


@dataclass(frozen=True)
class Place:
    """One cohort of one study's outcome."""

    study: str
    outcome: str
    cohort: str
    folds: dict[Cell, dict[int, Fold]]  # folds[cell][seed], every row of the cohort
    base: Stratum  # the rows the evaluation speaks of
    draws: Draws  # of the cohort's patients, the same for every arm, seed and metric
    cross_fitted: bool  # whether there is a cohort on which thresholds and combiners could be fitted
    inside: bool  # whether this is the cohort on which they are
    kind: Kind  # of the outcome: binary, classes or survival

    @cached_property
    def cells(self) -> dict[Cell, dict[int, Fold]]:
        """cells[cell][seed]: the rows the evaluation speaks of; a cell without any is left out."""
        return _restricted(self.folds, self.base)

    @cached_property
    def full(self) -> dict[Cell, dict[int, Fold]]:
        """Of `cells` those at the largest label fraction of their arm and mode."""
        largest = {(cell.arm, cell.mode): cell.fraction for cell in sorted(self.cells, key=lambda cell: cell.fraction)}
        return {cell: folds for cell, folds in self.cells.items() if cell.fraction == largest[cell.arm, cell.mode]}

    def within(self, part: Stratum) -> dict[Cell, dict[int, Fold]]:
        """The rows that lie in a part of the table."""
        return self.cells if part is self.base else _restricted(self.folds, part)

    def name(self, cell: Cell, part: str | None = None) -> str:
        """Name a cell in a note."""
        return cell.within(self.outcome, self.cohort, part or self.base.text)


def _restricted(folds: dict[Cell, dict[int, Fold]], part: Stratum) -> dict[Cell, dict[int, Fold]]:
    kept = {cell: restrict(by_seed, part.rows) for cell, by_seed in folds.items()}
    return {cell: by_seed for cell, by_seed in kept.items() if by_seed}


@dataclass(frozen=True)
class Judged:
    """What every analysis takes."""

    table: pl.DataFrame  # checked predictions with all their columns, sorted; `Fold.row` is the place of a row in it
    subject: Int[np.ndarray, "rows"]  # the patient of each row of the table as a number, over all cohorts
    places: tuple[Place, ...]  # of one study and outcome after each other
    parts: tuple[Stratum, ...]  # the rows the evaluation speaks of, then one part for each value of the column `by`
    covariate: str | None  # the covariate whose added value is asked, or None
    settings: EvaluationSettings
    notes: Notes  # analyses add what they leave out

    def of_kind(self, kind: Kind) -> "Judged":
        """The same with only the places of outcomes of one kind."""
        return replace(self, places=tuple(place for place in self.places if place.kind == kind))

    @cached_property
    def subgroups(self) -> dict[str, list[Stratum]]:
        """The levels of each column whose subgroups are asked for; InputError for one that cannot be."""
        return subgroup_columns(self.table, self.settings.subgroups, self.notes)

    @cached_property
    def several_sites(self) -> bool:
        """Whether the table tells two sites apart."""
        return self.table["site"].drop_nulls().n_unique() > 1

    def outcomes(self) -> dict[tuple[str, str], list[Place]]:
        """The places of each study and outcome."""
        found: dict[tuple[str, str], list[Place]] = {}
        for place in self.places:
            found.setdefault((place.study, place.outcome), []).append(place)
        return found


def judge(predictions: pl.DataFrame, *, settings: EvaluationSettings) -> Judged:
    """Check a table of predictions, cut it into places, and cross-fit what is fitted inside."""
    notes = Notes()
    checked = check_predictions(predictions)
    if checked.height < predictions.height:
        notes.add(f"{predictions.height - checked.height} of {predictions.height} rows have no label; left out")
    checked, subject = in_canonical_order(checked)
    cells = [Cell(*cell[2:]) for cell in checked.select(CELL).unique(maintain_order=True).iter_rows()]
    check_references(settings.references, cells)
    parts = tuple(strata(checked, where=settings.where, by=settings.by))
    covariate = _covariate(checked, settings, notes)
    places: list[Place] = []
    rows = checked.with_row_index("_row")
    for block in blocks(rows, covariate=covariate, horizon=settings.horizon, subject=subject):
        places += _places(block, parts[0], settings, notes)
    note_table(checked, notes)
    if time_to_event(checked) and settings.horizon is None:
        notes.add("what is asked at a horizon left out, none is given; name one with --horizon")
    return Judged(checked, subject.to_numpy(), tuple(places), parts, covariate, settings, notes)


def _places(block: Block, base: Stratum, settings: EvaluationSettings, notes: Notes) -> list[Place]:
    cohorts = list(block.strata)
    inside = INTERNAL if INTERNAL in cohorts else cohorts[0]
    # what is cross-fitted needs one score: outcomes of several classes have none.
    known = block.kind != "classes" and (inside == INTERNAL or len(cohorts) == 1)
    cross_fitted = known and block.kind == "binary"
    folds: Folds = block.folds
    if cross_fitted:
        folds = {
            cell: cross_fit_cell(by_cohort, inside=inside, target=settings.sensitivity_target, seed=settings.seed)
            for cell, by_cohort in folds.items()
        }
    elif block.kind == "binary":
        notes.add(
            f"threshold and covariate metrics left out, no cohort is named '{INTERNAL}' to fit them on", block.outcome
        )
    return [
        Place(
            study=block.study,
            outcome=block.outcome,
            cohort=cohort,
            folds={cell: by_cohort[cohort] for cell, by_cohort in folds.items() if cohort in by_cohort},
            base=base,
            draws=Draws(block.strata[cohort], settings.draws, settings.seed, settings.interval, settings.level),
            cross_fitted=cross_fitted,
            inside=known and cohort == inside,
            kind=block.kind,
        )
        for cohort in cohorts
    ]


def _covariate(checked: pl.DataFrame, settings: EvaluationSettings, notes: Notes) -> str | None:
    name = settings.covariate
    if name is None:
        return None
    if name not in checked.columns:
        there = quoted([column for column in checked.columns if column not in PREDICTION_COLUMNS])
        raise InputError(f"covariate {name} is not a column of the predictions; there are: {there}.")
    if checked[name].is_null().all():
        notes.add(f"gain over {name} left out, the column is empty")
        return None
    if not checked[name].dtype.is_numeric():
        raise InputError(f"covariate {name} holds {checked[name].dtype}, not numbers.")
    conflicts = covariate_conflicts(checked, name)
    if conflicts:
        notes.add(f"gain over {name} left out, {conflicts} units have several values of it; give each unit one")
        return None
    missing = checked[name].cast(pl.Float64).fill_nan(None).is_null().sum()
    if missing:
        notes.add(f"{name} is missing in {missing} of {checked.height} rows; they do not enter the gain over {name}")
    return name


def in_canonical_order(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Sort a checked table by cell, seed, cohort (the internal one first), patient and unit; number the patients.

    What follows then depends on no order of the rows: neither draws, nor folds, nor the last bits of a sum. Patients
    are numbered, outcome by outcome, in the order of what the rows say of them beside the arms' scores, so that further
    arms, or pseudonyms made with another key, change no interval. Where the same is said of two their ids decide, or
    their scores where ids are pseudonyms.
    """
    who, predicted = [*BLOCK, "subject_id"], {"arm", "mode", "fraction", "seed"}
    plain = [name for name, kind in table.schema.items() if not kind.is_nested() and kind != pl.Object]
    scores = [name for name in sorted(plain) if name in predicted or name.startswith("score")]
    beside = [name for name in sorted(plain) if name not in (*scores, *UNIT)]
    pseudonyms = bool(table["subject_id"].str.contains(PSEUDONYM).all())
    rows = table.select(*who, beside=_words(beside), tied=_words(scores) if pseudonyms else pl.lit(""))
    patients = rows.group_by(who).agg(pl.col("beside", "tied").unique().sort().str.join("\n"))
    ordered = patients.sort(*BLOCK, "beside", "tied", "subject_id").with_row_index("number")
    number = rows.join(ordered.select(*who, "number"), on=who, how="left", maintain_order="left")["number"]
    keys = [*FOLD[:-1], pl.col("cohort") != INTERNAL, "cohort", number, rows["beside"], "unit_id"]
    order = table.select(pl.arg_sort_by(keys)).to_series()
    return table[order], number[order].cast(pl.Int64)


def _words(names: list[str]) -> pl.Expr:
    return pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in names], separator="|")
