"""The columns of the further tables, as outside users and the page read them."""

from collections.abc import Iterable

import polars as pl

from semeia.evaluation.cells import Cell, Fold, counts
from semeia.evaluation.judged import Place

Row = dict[str, str | float | int | None]
# not type[pl.DataType]: the run-time type checks of the tests cannot read it
Columns = dict[str, type]


def _texts(*names: str) -> Columns:
    return dict.fromkeys(names, pl.String)


def _numbers(*names: str) -> Columns:
    return dict.fromkeys(names, pl.Float64)


def _counts(*names: str) -> Columns:
    return dict.fromkeys(names, pl.Int64)


PLACE_COLUMNS: Columns = _texts("study", "outcome", "cohort", "stratum", "arm", "mode") | _numbers("fraction")
INTERVAL_COLUMNS: Columns = _numbers("low", "high") | _texts("interval_method")
COUNT_COLUMNS: Columns = _counts("n", "n_patients", "n_positive")
ENDS = INTERVAL_COLUMNS | COUNT_COLUMNS
METRIC = _texts("metric") | _numbers("value") | ENDS
COMPARISON_COLUMNS = {
    **PLACE_COLUMNS,
    **_texts("reference"),
    **_numbers("difference"),
    **INTERVAL_COLUMNS,
    **_numbers("se", "z", "p", "p_holm"),
    **_texts("family"),
    **_counts("family_tests"),
    **_numbers("detectable_difference", "relevant_difference", "power"),
    **COUNT_COLUMNS,
    **_counts("seeds"),
}
OPERATING_COLUMNS = PLACE_COLUMNS | _texts("metric") | _numbers("at", "value") | ENDS
CURVE_COLUMNS = PLACE_COLUMNS | _numbers("predicted", "observed") | ENDS
MEASURE_COLUMNS = PLACE_COLUMNS | METRIC
RECALIBRATION_COLUMNS = PLACE_COLUMNS | _texts("method") | METRIC
DECISION_COLUMNS = PLACE_COLUMNS | _texts("strategy", "reference") | _numbers("threshold", "net_benefit") | ENDS
TRANSPORT_COLUMNS = {
    **PLACE_COLUMNS,
    **_texts("reference", "metric", "home"),
    **_numbers("inside", "inside_low", "inside_high", "outside", "outside_low", "outside_high", "gap"),
    **INTERVAL_COLUMNS,
    **_numbers("detectable"),
    **COUNT_COLUMNS,
}
SITE_COLUMNS = {
    **PLACE_COLUMNS,
    **_texts("kind", "site", "metric"),
    **_numbers("value"),
    **INTERVAL_COLUMNS,
    **_numbers("weight", "predict_low", "predict_high", "between_site_sd", "inconsistency"),
    **_counts("sites"),
    **COUNT_COLUMNS,
}
SUBGROUP_COLUMNS = PLACE_COLUMNS | _texts("column", "level", "state") | METRIC
INTERACTION_COLUMNS = {
    **PLACE_COLUMNS,
    **_texts("column", "metric"),
    **_counts("levels"),
    **_numbers("chi_square"),
    **_counts("degrees"),
    **_numbers("p", "p_holm"),
}
CASE_MIX_COLUMNS = {
    **PLACE_COLUMNS,
    **_texts("characteristic", "level", "measure", "compared_with"),
    **_numbers("value"),
    **INTERVAL_COLUMNS,
}
SIZE_COLUMNS = {
    **PLACE_COLUMNS,
    **_texts("criterion"),
    **_numbers("target_width", "expected_width"),
    **_counts("needed"),
    **_texts("reached", "assumed_from"),
    **_numbers("assumed_auroc", "assumed_prevalence", "assumed_sd", "threshold"),
    **COUNT_COLUMNS,
}
CONFUSION_COLUMNS = {
    **PLACE_COLUMNS,
    **_counts("label", "called"),
    **_texts("state"),
    **_numbers("share"),
    **INTERVAL_COLUMNS,
    **_numbers("count"),
    **_counts("n_patients"),
}
LEAKAGE_COLUMNS = {
    **_texts("check", "where", "state"),
    **_counts("count", "of"),
    **_numbers("value", "low", "high"),
    **_texts("words"),
}
# Of studies of records: how much of each hospital's records the signatures do not know.
UNMAPPED_COLUMNS = _texts("cohort", "site") | _counts("patients", "events") | _numbers("share")
# By the name of the file, tables/<name>.csv.
TABLES: dict[str, Columns] = {
    "comparisons": COMPARISON_COLUMNS,
    "operating_points": OPERATING_COLUMNS,
    "calibration_curves": CURVE_COLUMNS,
    "calibration": MEASURE_COLUMNS,
    "recalibration": RECALIBRATION_COLUMNS,
    "decision_curves": DECISION_COLUMNS,
    "transport": TRANSPORT_COLUMNS,
    "sites": SITE_COLUMNS,
    "subgroups": SUBGROUP_COLUMNS,
    "interactions": INTERACTION_COLUMNS,
    "case_mix": CASE_MIX_COLUMNS,
    "validation_size": SIZE_COLUMNS,
    "confusion": CONFUSION_COLUMNS,
    "leakage": LEAKAGE_COLUMNS,
    "unmapped": UNMAPPED_COLUMNS,
}


def place_columns(place: Place, cell: Cell) -> Row:
    """study, outcome, cohort, stratum, arm, mode, fraction."""
    where = {"study": place.study, "outcome": place.outcome, "cohort": place.cohort, "stratum": place.base.text}
    return where | cell._asdict()


def count_columns(folds: dict[int, Fold] | Iterable[Fold]) -> dict[str, int]:
    """n, n_patients, n_positive: distinct units, patients and positive units over the seeds."""
    return counts(folds.values() if isinstance(folds, dict) else folds)
