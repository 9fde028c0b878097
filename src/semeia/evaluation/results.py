"""Predictions in, results out: every arm's metrics and paired differences, with honest intervals.

For each study, outcome and cohort the patients are drawn once, and every arm, seed, metric and stratum is evaluated
in the same draws. Seed s tests fold s inside (other patients for each seed) and all patients of the other cohorts; a
metric is averaged over seeds inside each draw. A stratum restricts the rows that are judged, not the draws, and not the
rows on which thresholds and combiners are fitted (carry.py).
"""

from typing import Protocol, runtime_checkable

import polars as pl

from semeia.evaluation.judged import judge
from semeia.evaluation.settings import Evaluation, EvaluationSettings
from semeia.evaluation.views import evaluated


@runtime_checkable
class ArrowTable(Protocol):
    """A table of any library that gives its columns as Arrow does: pandas, pyarrow, polars, duckdb."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the columns."""
        ...


def evaluate(predictions: ArrowTable, *, settings: EvaluationSettings | None = None) -> Evaluation:
    """Evaluate a table of predictions: every estimand of estimands.py, in every group, with every contrast.

    Args:
        predictions: of pandas, polars or pyarrow; see `check_predictions`; only `subject_id, label, score` are needed.
        settings: see `EvaluationSettings`.

    Returns:
        The tidy table of estimates (ESTIMATE_COLUMNS), and as views of it the results (RESULT_COLUMNS; `n`,
        `n_patients`, `n_positive` count distinct units, patients and units with a label above 0 over the seeds) and
        the further tables; and notes on everything that was left out.

    Raises:
        InputError: for predictions, a reference or an expression that cannot be used.
    """
    if not isinstance(predictions, pl.DataFrame):
        predictions = pl.DataFrame(predictions)
    judged = judge(predictions, settings=settings or EvaluationSettings())
    estimates, results, tables = evaluated(judged)
    return Evaluation(results, judged.notes.lines(), tables, estimates)
