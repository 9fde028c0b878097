"""The columns of the further tables, as outside users and the page read them."""

import polars as pl

from semeia.evaluation.cells import Cell
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
# By the name of the file, tables/<name>.csv.
TABLES: dict[str, Columns] = {
    "comparisons": {
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
    },
    "operating_points": PLACE_COLUMNS | _texts("metric") | _numbers("at", "value") | ENDS,
    "calibration_curves": PLACE_COLUMNS | _numbers("predicted", "observed") | ENDS,
    "calibration": PLACE_COLUMNS | METRIC,
    "recalibration": PLACE_COLUMNS | _texts("method") | METRIC,
    "decision_curves": PLACE_COLUMNS | _texts("strategy", "reference") | _numbers("threshold", "net_benefit") | ENDS,
    "transport": {
        **PLACE_COLUMNS,
        **_texts("reference", "metric", "home"),
        **_numbers("inside", "inside_low", "inside_high", "outside", "outside_low", "outside_high", "gap"),
        **INTERVAL_COLUMNS,
        **_numbers("detectable"),
        **COUNT_COLUMNS,
    },
    "sites": {
        **PLACE_COLUMNS,
        **_texts("kind", "site", "metric"),
        **_numbers("value"),
        **INTERVAL_COLUMNS,
        **_numbers("weight", "predict_low", "predict_high", "between_site_sd", "inconsistency"),
        **_counts("sites"),
        **COUNT_COLUMNS,
    },
    "subgroups": PLACE_COLUMNS | _texts("column", "level", "state") | METRIC,
    "interactions": {
        **PLACE_COLUMNS,
        **_texts("column", "metric"),
        **_counts("levels"),
        **_numbers("chi_square"),
        **_counts("degrees"),
        **_numbers("p", "p_holm"),
    },
    "case_mix": {
        **PLACE_COLUMNS,
        **_texts("characteristic", "level", "measure", "compared_with"),
        **_numbers("value"),
        **INTERVAL_COLUMNS,
    },
    "validation_size": {
        **PLACE_COLUMNS,
        **_texts("criterion"),
        **_numbers("target_width", "expected_width"),
        **_counts("needed"),
        **_texts("reached", "assumed_from"),
        **_numbers("assumed_auroc", "assumed_prevalence", "assumed_sd", "threshold"),
        **COUNT_COLUMNS,
    },
    "confusion": {
        **PLACE_COLUMNS,
        **_counts("label", "called"),
        **_texts("state"),
        **_numbers("share"),
        **INTERVAL_COLUMNS,
        **_numbers("count"),
        **_counts("n_patients"),
    },
    "leakage": {
        **_texts("check", "where", "state"),
        **_counts("count", "of"),
        **_numbers("value", "low", "high"),
        **_texts("words"),
    },
    # Of studies of records: how much of each hospital's records the signatures do not know.
    "unmapped": _texts("cohort", "site") | _counts("patients", "events") | _numbers("share"),
}


def place_columns(place: Place, cell: Cell) -> Row:
    """study, outcome, cohort, stratum, arm, mode, fraction."""
    where = {"study": place.study, "outcome": place.outcome, "cohort": place.cohort, "stratum": place.base.text}
    return where | cell._asdict()
