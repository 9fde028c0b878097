"""Predictions in, results out: every arm's metrics and paired differences, with honest intervals.

For each study, outcome and cohort the patients are drawn once, and every arm, seed, metric and stratum is
evaluated in the same draws. Seed s tests fold s inside (other patients for each seed) and all patients of the
other cohorts; a metric is averaged over seeds inside each draw (summary.py says what happens where it is
undefined). A stratum restricts the rows that are judged, not the draws, and not the rows on which thresholds
and combiners are fitted (carry.py). The further tables are those of analyses.py.
"""

from typing import Protocol, runtime_checkable

import polars as pl

from semeia.evaluation.analyses import ANALYSES, CLASS_ANALYSES
from semeia.evaluation.cells import Cell
from semeia.evaluation.judged import Judged, Place, judge
from semeia.evaluation.measures import measures_of
from semeia.evaluation.references import is_reference, reference_cell
from semeia.evaluation.schema import RESULT_COLUMNS
from semeia.evaluation.settings import Evaluation, EvaluationSettings
from semeia.evaluation.strata import Stratum
from semeia.evaluation.summary import Row, Scope, Summarised, summarise_difference, summarise_levels


@runtime_checkable
class ArrowTable(Protocol):
    """A table of any library that gives its columns as Arrow does: pandas, pyarrow, polars, duckdb."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the columns."""
        ...


def evaluate(predictions: ArrowTable, *, settings: EvaluationSettings | None = None) -> Evaluation:
    """Evaluate a table of predictions.

    Metrics of a binary outcome: auroc, auprc, brier, calibration_intercept, calibration_slope, sensitivity and
    specificity at the carried threshold, and, given the covariate, auroc_with_<covariate> and
    auroc_gain_over_<covariate>. For each reference: differences of auroc, auprc, brier, and
    auroc_detectable_difference (80 % power, two-sided 5 %; it has no interval).

    Metrics of an outcome of several classes: see class_metrics.py. For each reference: differences of macro_auroc,
    balanced_accuracy and, where classes are grades, quadratic_kappa; and macro_auroc_detectable_difference.

    Args:
        predictions: of pandas, polars or pyarrow; see `check_predictions`; only `subject_id, label, score` are needed.
        settings: see `EvaluationSettings`.

    Returns:
        The results (RESULT_COLUMNS; `n`, `n_patients`, `n_positive` count distinct units, patients and units with
        a label above 0 over the seeds), the further tables, and notes on everything that was left out.

    Raises:
        InputError: for predictions, a reference or an expression that cannot be used.
    """
    if not isinstance(predictions, pl.DataFrame):
        predictions = pl.DataFrame(predictions)
    judged = judge(predictions, settings=settings or EvaluationSettings())
    rows = [row for place in judged.places for part in judged.parts for row in _evaluate(place, part, judged)]
    binary, several = (judged.of_kind(binary=binary) for binary in (True, False))
    tables = {name: analyse(binary) for name, analyse in ANALYSES.items()}
    tables |= {name: analyse(several) for name, analyse in CLASS_ANALYSES.items()}
    tables = {name: table for name, table in tables.items() if not table.is_empty()}
    return Evaluation(pl.DataFrame(rows, schema=RESULT_COLUMNS), judged.notes.lines(), tables)


def _evaluate(place: Place, part: Stratum, judged: Judged) -> list[Row]:
    """Levels and differences of one place, within one part of the table."""
    scope = Scope(
        study=place.study,
        outcome=place.outcome,
        cohort=place.cohort,
        stratum=part.text,
        draws=place.draws,
        covariate=judged.covariate,
        measures=measures_of(binary=place.binary, ordinal=judged.settings.ordinal),
        carried=place.carried,
        notes=judged.notes,
    )
    rows: list[Row] = []
    summarised: dict[Cell, Summarised] = {}
    present = place.within(part)
    if not present:
        scope.notes.add("no rows in", f"{scope.outcome}, {scope.cohort} [{scope.stratum}]")
    # what is subtracted comes after what it is subtracted from, whatever the order of the table's rows.
    for cell in sorted(present, key=lambda cell: is_reference(cell, judged.settings.references)):
        folds = present[cell]
        summarised[cell], levels = summarise_levels(scope, cell, folds)
        rows += levels
    for reference in judged.settings.references:
        for cell, one in summarised.items():
            subtracted = reference_cell(reference, cell, list(present))
            if subtracted is not None and one.folds and summarised[subtracted].folds:
                rows += summarise_difference(scope, one, summarised[subtracted], reference)
    return rows
