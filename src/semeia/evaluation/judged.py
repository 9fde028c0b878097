"""A table of predictions as every analysis meets it: checked, cut into arrays, with the draws of its patients.

There is one `Place` for each study, outcome and cohort. Thresholds and combiners are fitted inside and carried
(carry.py) before anything is judged.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from jaxtyping import Int

from semeia.errors import InputError
from semeia.evaluation.carry import carry_cell
from semeia.evaluation.cells import Block, Cell, Fold, Folds, Kind, blocks, restrict
from semeia.evaluation.contrasts import check_references
from semeia.evaluation.notes import Notes, covariate_conflicts, note_table
from semeia.evaluation.resampling import Draws
from semeia.evaluation.schema import CELL, PREDICTION_COLUMNS, check_predictions, time_to_event
from semeia.evaluation.settings import EvaluationSettings
from semeia.evaluation.strata import Stratum, strata
from semeia.evaluation.tables.bands import subgroup_columns

INTERNAL = "internal"


@dataclass(frozen=True)
class Place:
    """One cohort of one study's outcome.

    Attributes:
        folds: folds[cell][seed], every row of the cohort.
        base: the rows the evaluation speaks of.
        draws: of the cohort's patients, the same for every arm, seed and metric.
        carried: whether there is a cohort on which thresholds and combiners could be fitted.
        inside: whether this is the cohort on which they are.
        kind: of the outcome: binary, classes or survival.
    """

    study: str
    outcome: str
    cohort: str
    folds: dict[Cell, dict[int, Fold]]
    base: Stratum
    draws: Draws
    carried: bool
    inside: bool
    kind: Kind

    @cached_property
    def cells(self) -> dict[Cell, dict[int, Fold]]:
        """cells[cell][seed]: the rows the evaluation speaks of; a cell without any is left out."""
        kept = {cell: restrict(by_seed, self.base.rows) for cell, by_seed in self.folds.items()}
        return {cell: by_seed for cell, by_seed in kept.items() if by_seed}

    @cached_property
    def full(self) -> dict[Cell, dict[int, Fold]]:
        """Of `cells` those at the largest label fraction of their arm and mode."""
        largest: dict[tuple[str, str], float] = {}
        for cell in self.cells:
            largest[cell.arm, cell.mode] = max(cell.fraction, largest.get((cell.arm, cell.mode), 0.0))
        return {cell: folds for cell, folds in self.cells.items() if cell.fraction == largest[cell.arm, cell.mode]}

    def within(self, part: Stratum) -> dict[Cell, dict[int, Fold]]:
        """The rows that lie in a part of the table."""
        if part is self.base:
            return self.cells
        kept = {cell: restrict(by_seed, part.rows) for cell, by_seed in self.folds.items()}
        return {cell: by_seed for cell, by_seed in kept.items() if by_seed}

    def name(self, cell: Cell, part: str | None = None) -> str:
        """Name a cell in a note."""
        return cell.within(self.outcome, self.cohort, part or self.base.text)


@dataclass(frozen=True)
class Judged:
    """What every analysis takes.

    Attributes:
        table: checked predictions with all their columns; `Fold.row` is the place of a row in it.
        places: in order of appearance; places of one study and outcome follow each other.
        parts: the rows the evaluation speaks of, then one part for each value of the column `by`.
        covariate: the covariate whose added value is asked, or None.
        notes: analyses add what they leave out.
    """

    table: pl.DataFrame
    places: tuple[Place, ...]
    parts: tuple[Stratum, ...]
    covariate: str | None
    settings: EvaluationSettings
    notes: Notes

    @cached_property
    def subject(self) -> Int[np.ndarray, "rows"]:
        """The patient of each row of the table as a number, over all cohorts; see `numbered_by_content`."""
        return numbered_by_content(self.table)

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
    """Check a table of predictions, cut it into places, and carry what is fitted inside."""
    notes = Notes()
    checked = check_predictions(predictions)
    if checked.height < predictions.height:
        notes.add(f"{predictions.height - checked.height} of {predictions.height} rows have no label; left out")
    cells = [Cell(*cell[2:]) for cell in checked.select(CELL).unique(maintain_order=True).iter_rows()]
    check_references(settings.references, cells)
    parts = tuple(strata(checked, where=settings.where, by=settings.by))
    covariate = _covariate(checked, settings, notes)
    places: list[Place] = []
    for block in blocks(checked.with_row_index("_row"), covariate=covariate, horizon=settings.horizon):
        places += _places(block, parts[0], settings, notes)
    note_table(checked, notes)
    if time_to_event(checked) and settings.horizon is None:
        notes.add("what is asked at a horizon left out, none is given; name one with --horizon")
    return Judged(checked, tuple(places), parts, covariate, settings, notes)


def _places(block: Block, base: Stratum, settings: EvaluationSettings, notes: Notes) -> list[Place]:
    cohorts = list(block.strata)
    inside = INTERNAL if INTERNAL in cohorts else cohorts[0]
    # what is carried is fitted on one score: outcomes of several classes have none.
    known = block.kind != "classes" and (inside == INTERNAL or len(cohorts) == 1)
    carried = known and block.kind == "binary"
    folds: Folds = block.folds
    if carried:
        folds = {
            cell: carry_cell(by_cohort, inside=inside, target=settings.sensitivity_target, seed=settings.seed)
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
            carried=carried,
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
        there = ", ".join(column for column in checked.columns if column not in PREDICTION_COLUMNS)
        raise InputError(f"covariate {name} is not a column of the predictions; there are: {there or 'none'}.")
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


def numbered_by_content(table: pl.DataFrame) -> Int[np.ndarray, "rows"]:
    """The patient of each row as a number, in the order of what the rows say of each.

    Draws of patients follow this order. Ids decide between equal patients only, so that pseudonyms made with another
    key, or rows in another order, change no interval.
    """
    said = [name for name in sorted(table.columns) if name not in ("subject_id", "unit_id")]
    words = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in said], separator="|").alias("words")
    patients = table.select("subject_id", words).sort("words").group_by("subject_id", maintain_order=True)
    ordered = patients.agg(pl.col("words").str.join("\n")).sort("words", "subject_id").with_row_index("number")
    numbers = table.select("subject_id").join(ordered, on="subject_id", how="left", maintain_order="left")["number"]
    return numbers.cast(pl.Int64).to_numpy()
