"""What was left out and why, and what in a table changes how its numbers are to be read: few lines, no identifier."""

import polars as pl

from semeia.archive.identity import spelling
from semeia.archive.keys import PSEUDONYM
from semeia.evaluation.cells import Cell
from semeia.evaluation.class_scores import loosely_summed
from semeia.evaluation.schema import BLOCK, CELL, FOLD, UNIT
from semeia.evaluation.statistics.calibration import CLIP

NAMED = 6


class Notes:
    """Reasons, each with the cells it concerns; `lines` gives one line a reason."""

    def __init__(self) -> None:
        self._cells: dict[str, list[str]] = {}

    def add(self, reason: str, cell: str = "") -> None:
        """Record a reason, once or for a named cell."""
        cells = self._cells.setdefault(reason, [])
        if cell and cell not in cells:
            cells.append(cell)

    def lines(self) -> tuple[str, ...]:
        """One line a reason, naming the first cells and counting the others."""
        out = []
        for reason, cells in self._cells.items():
            more = f"; and {len(cells) - NAMED} more" if len(cells) > NAMED else ""
            out.append(f"{reason}: {'; '.join(cells[:NAMED])}{more}" if cells else reason)
        return tuple(out)


# Columns by which others weight rows.
WEIGHTS = {"weight", "weights", "sample_weight", "sample_weights", "case_weight", "sampling_weight", "ipw", "iptw"}
# Columns by which others say what a row was used for, and how they call what a model was fitted on.
SPLITS = {"split", "set", "subset", "partition"}
_FITTED = ["train", "training", "fit", "derivation", "development"]
# An arm with fewer distinct scores than this share of its rows has ties by nature: a grade, a count.
SELDOM_TIED = 0.9


def note_table(table: pl.DataFrame, notes: Notes) -> None:
    """Add what strikes in a checked table: clipped scores, repeated rows, weights, patients in two cohorts."""
    _note_clipped(table, notes)
    _note_repeated(table, notes)
    _note_spelled_alike(table, notes)
    if rounded := loosely_summed(table):
        notes.add(
            f"the class probabilities of {rounded} of {table.height} rows sum to 1 only roughly, as rounded ones do; "
            "they are taken as they are"
        )
    _note_columns(table, notes)
    cohorts = table.group_by([*BLOCK, "subject_id"]).agg(pl.col("cohort").n_unique())
    shared = cohorts.filter(pl.col("cohort") > 1)["subject_id"].n_unique()
    if shared:
        notes.add(f"{shared} subjects are in more than one cohort; cohorts should not share patients")


def _note_columns(table: pl.DataFrame, notes: Notes) -> None:
    """Columns that others would have used: weights, and what a row was used for when the model was made."""
    for name in table.columns:
        if name.lower() in WEIGHTS:
            notes.add(f"column {name} is not used: every row counts once, as if there were no weights")
        if name.lower() in SPLITS:
            fitted = int(table[name].cast(pl.String).str.to_lowercase().is_in(_FITTED).sum())
            if fitted:
                words = f"{fitted} of {table.height} rows are of training patients (column {name})"
                notes.add(f"{words} and are counted like the others; --where leaves them out")


def _note_spelled_alike(table: pl.DataFrame, notes: Notes) -> None:
    """Patients whose ids one slip of the hand tells apart: as two clusters they make the intervals too narrow."""
    ids = table["subject_id"].unique()
    if ids.str.contains(PSEUDONYM).all():
        return
    spelled = pl.Series([spelling(original) for original in ids], dtype=pl.String)
    if alike := len(ids) - spelled.n_unique():
        notes.add(
            f"{alike} of {len(ids)} patients have ids that differ only in case, spaces, separators or leading zeros "
            "from others; they count as patients of their own: write each id in one way if they are not"
        )


def covariate_conflicts(table: pl.DataFrame, covariate: str) -> int:
    """How many units have several values of a covariate: then it is no property of theirs."""
    values = table.group_by([*BLOCK, "cohort", *UNIT]).agg(
        pl.col(covariate).cast(pl.Float64).fill_nan(None).drop_nulls().n_unique()
    )
    return values.filter(pl.col(covariate) > 1).height


def _note_clipped(table: pl.DataFrame, notes: Notes) -> None:
    """Scores without finite log-odds, an arm at a time."""
    beyond = (pl.col("score") < CLIP) | (pl.col("score") > 1 - CLIP)
    counted = table.group_by(CELL, maintain_order=True).agg(beyond.sum().alias("clipped"), pl.len().alias("rows"))
    for *_, outcome, arm, mode, fraction, clipped, rows in counted.filter(pl.col("clipped") > 0).iter_rows():
        reason = (
            f"scores of 0 or 1 have no log-odds and are taken as {CLIP:g} and 1 - {CLIP:g} for calibration "
            "(intercept, slope, curve, recalibration), which a few of them can turn"
        )
        notes.add(reason, f"{outcome}, {Cell(arm, mode, fraction)} ({clipped} of {rows})")


def _note_repeated(table: pl.DataFrame, notes: Notes) -> None:
    """Rows that are as another of the same patient but for their unit_id: a join that fanned out makes such."""
    plain = [name for name, kind in table.schema.items() if name != "unit_id" and not kind.is_nested()]
    scores = [name for name in table.columns if name.startswith("score")]
    once = table.select(plain).unique()
    if once.height == table.height:
        return
    rich = once.group_by(FOLD).agg((pl.struct(scores).n_unique() / pl.len()).alias("distinct"))
    continuous = rich.filter(pl.col("distinct") > SELDOM_TIED).drop("distinct")
    before = table.join(continuous, on=FOLD, how="semi").height
    repeated = before - once.join(continuous, on=FOLD, how="semi").height
    if repeated:
        notes.add(
            f"{repeated} of {table.height} rows repeat another of the same patient in everything but unit_id and are "
            "counted as units of their own; leave them out if a join made them"
        )
