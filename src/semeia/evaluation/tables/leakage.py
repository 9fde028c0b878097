"""Tell what a table of predictions alone says of leakage; the audit of a run adds to the table what it knows."""

import polars as pl

from semeia.evaluation.judged import Judged
from semeia.evaluation.tables.columns import TABLES, Row


def leakage_row(
    check: str,
    *,
    words: str,
    found: bool | None,
    where: str = "",
    count: int | None = None,
    of: int | None = None,
    value: tuple[float, float, float] | None = None,
) -> Row:
    """One check of the audit: what was looked at (`words`), and whether something leaked (None: not checked).

    `where` is the arm, seed or cohort, `count` how many were found among `of`, `value` an estimate with its ends.
    """
    state = "unknown" if found is None else "found" if found else "clear"
    estimate, low, high = value or (None, None, None)
    row: Row = {"check": check, "where": where, "state": state, "count": count, "of": of, "words": words}
    return row | {"value": estimate, "low": low, "high": high}


def leakage(judged: Judged) -> pl.DataFrame:
    """Checks that need nothing but the predictions."""
    rows = [_shared_patients(judged.table), _same_scores(judged.table)]
    return pl.DataFrame(rows, schema=TABLES["leakage"])


def _shared_patients(table: pl.DataFrame) -> Row:
    name, words = "Patients in two cohorts", "patients by their subject_id; cohorts should have none in common"
    if table["cohort"].n_unique() < 2:
        return leakage_row(name, found=None, words="there is one cohort only")
    cohorts = table.group_by("subject_id").agg(pl.col("cohort").n_unique())
    shared = cohorts.filter(pl.col("cohort") > 1).height
    return leakage_row(name, found=shared > 0, count=shared, of=cohorts.height, words=words)


def _same_scores(table: pl.DataFrame) -> Row:
    """Units of two patients that every arm scores exactly alike are probably one image, or one patient, twice."""
    name = "Identical scores under two patients"
    cell = pl.struct("study", "outcome", "arm", "mode", "fraction", "seed")
    # an arm with few distinct scores (a grade, a count) says nothing.
    rich = table.group_by(cell.alias("cell")).agg((pl.col("score").n_unique() / pl.len()).alias("distinct"))
    continuous = rich.filter(pl.col("distinct") > 0.9).select("cell")
    rows = table.with_columns(cell.alias("cell")).join(continuous, on="cell", how="semi")
    if rows["cell"].n_unique() < 2:
        return leakage_row(name, found=None, words="needs two arms or seeds whose scores are seldom tied")
    scores = rows.sort("cell").group_by("subject_id", "unit_id", "cohort").agg(pl.col("cell").len(), pl.col("score"))
    scores = scores.filter(pl.col("cell") > 1)
    groups = scores.group_by("cell", "score").agg(pl.col("subject_id").n_unique(), pl.len())
    alike = int(groups.filter(pl.col("subject_id") > 1)["len"].sum())
    words = "units of different patients to which all arms and seeds give exactly the same scores"
    return leakage_row(name, found=alike > 0, count=alike, of=scores.height, words=words)
