"""Predictions in, results out: every arm's metrics and paired differences, with honest intervals.

For each study, outcome and cohort the patients are drawn once, and every arm, seed, metric and stratum is
evaluated in the same draws. Seed s tests fold s inside (other patients for each seed) and all patients of the
other cohorts; a metric is averaged over seeds inside each draw (summary.py says what happens where it is
undefined). A stratum restricts the rows that are judged, not the draws, and not the rows on which thresholds
and combiners are fitted (carry.py).
"""

import numpy as np
import polars as pl
from jaxtyping import Shaped

from semeia.errors import InputError
from semeia.evaluation.carry import carry_cell
from semeia.evaluation.cells import Block, Cell, Folds, blocks
from semeia.evaluation.notes import Notes
from semeia.evaluation.references import check_references, reference_cell
from semeia.evaluation.resampling import draw_patients
from semeia.evaluation.schema import CELL, RESULT_COLUMNS, check_predictions
from semeia.evaluation.settings import Evaluation, EvaluationSettings
from semeia.evaluation.strata import Stratum, strata
from semeia.evaluation.summary import Row, Scope, Summarised, restrict, summarise_difference, summarise_levels

INTERNAL = "internal"


def evaluate(predictions: pl.DataFrame, *, settings: EvaluationSettings | None = None) -> Evaluation:
    """Evaluate a table of predictions.

    Metrics: auroc, auprc, brier, calibration_intercept, calibration_slope, sensitivity and specificity at the
    carried threshold, and, given the covariate, auroc_with_<covariate> and auroc_gain_over_<covariate>. For
    each reference: differences of auroc, auprc, brier, and auroc_detectable_difference (80 % power, two-sided
    5 %; it has no interval).

    Args:
        predictions: see `check_predictions`; only `subject_id, label, score` are needed.
        settings: see `EvaluationSettings`.

    Returns:
        The results (RESULT_COLUMNS; `n`, `n_patients`, `n_positive` count distinct units and patients over
        the seeds) and notes on everything that was left out.

    Raises:
        InputError: for predictions, a reference or an expression that cannot be used.
    """
    settings = EvaluationSettings() if settings is None else settings
    notes = Notes()
    checked = check_predictions(predictions)
    if checked.height < predictions.height:
        notes.add(f"{predictions.height - checked.height} of {predictions.height} rows have no label; left out")
    cells = [Cell(*cell[2:]) for cell in checked.select(CELL).unique(maintain_order=True).iter_rows()]
    check_references(settings.references, cells)
    parts = strata(checked, where=settings.where, by=settings.by)
    covariate = _covariate(checked, settings, notes)
    rows: list[Row] = []
    for block in blocks(checked.with_row_index("_row"), covariate=covariate):
        rows += _evaluate_block(block, parts, settings, covariate, notes)
    _note_shared_subjects(checked, notes)
    return Evaluation(pl.DataFrame(rows, schema=RESULT_COLUMNS), notes.lines())


def _evaluate_block(
    block: Block, parts: list[Stratum], settings: EvaluationSettings, covariate: str | None, notes: Notes
) -> list[Row]:
    cohorts = list(block.has_positive)
    inside = INTERNAL if INTERNAL in cohorts else cohorts[0]
    carried = inside == INTERNAL or len(cohorts) == 1
    folds = block.folds
    if carried:
        folds = {
            cell: carry_cell(by_cohort, inside=inside, target=settings.sensitivity_target, seed=settings.seed)
            for cell, by_cohort in folds.items()
        }
    else:
        notes.add(
            f"threshold and covariate metrics left out, no cohort is named '{INTERNAL}' to fit them on",
            block.outcome,
        )
    rows: list[Row] = []
    for cohort in cohorts:
        weights = _weights(block.has_positive[cohort], settings)
        for part in parts:
            scope = Scope(
                study=block.study,
                outcome=block.outcome,
                cohort=cohort,
                stratum=part.text,
                weights=weights,
                settings=settings,
                covariate=covariate,
                carried=carried,
                notes=notes,
            )
            rows += _evaluate_scope(scope, folds, part)
    return rows


def _evaluate_scope(scope: Scope, folds: Folds, part: Stratum) -> list[Row]:
    rows: list[Row] = []
    summarised: dict[Cell, Summarised] = {}
    present = {cell: restrict(by_cohort.get(scope.cohort, {}), part.rows) for cell, by_cohort in folds.items()}
    present = {cell: kept for cell, kept in present.items() if kept}
    if not present:
        scope.notes.add("no rows in", f"{scope.outcome}, {scope.cohort} [{scope.stratum}]")
    for cell, kept in present.items():
        summarised[cell], levels = summarise_levels(scope, cell, kept)
        rows += levels
    for reference in scope.settings.references:
        for cell, one in summarised.items():
            subtracted = reference_cell(reference, cell, list(present))
            if subtracted is not None and one.folds and summarised[subtracted].folds:
                rows += summarise_difference(scope, one, summarised[subtracted], reference)
    return rows


def _weights(
    has_positive: Shaped[np.ndarray, "patients"], settings: EvaluationSettings
) -> Shaped[np.ndarray, "draws patients"]:
    """Draw weights of a cohort's patients, after a first row of ones: the cohort as it is."""
    drawn = draw_patients(has_positive, draws=settings.draws, seed=settings.seed)
    # patients first in memory, as draw_patients has it.
    return np.vstack([np.ones(len(has_positive)), drawn]).T.copy().T


def _covariate(checked: pl.DataFrame, settings: EvaluationSettings, notes: Notes) -> str | None:
    name = settings.covariate
    if name is None:
        return None
    if name not in checked.columns or checked[name].is_null().all():
        notes.add(f"gain over {name} left out, there is no column {name} in the predictions")
        return None
    if not checked[name].dtype.is_numeric():
        raise InputError(f"covariate {name} holds {checked[name].dtype}, not numbers.")
    missing = checked[name].cast(pl.Float64).fill_nan(None).is_null().sum()
    if missing:
        notes.add(f"{name} is missing in {missing} of {checked.height} rows; they do not enter the gain over {name}")
    return name


def _note_shared_subjects(checked: pl.DataFrame, notes: Notes) -> None:
    keys = ["study", "outcome", "subject_id"]
    cohorts = checked.group_by(keys).agg(pl.col("cohort").n_unique())
    shared = cohorts.filter(pl.col("cohort") > 1)["subject_id"].n_unique()
    if shared:
        notes.add(f"{shared} subjects are in more than one cohort; cohorts should not share patients")
