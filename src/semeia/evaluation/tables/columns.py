"""The columns of the further tables, as outside users and the page read them."""

import polars as pl

from semeia.evaluation.cells import Cell
from semeia.evaluation.judged import Place

Row = dict[str, str | float | int | None]
# not type[pl.DataType]: the run-time type checks of the tests cannot read it
Columns = dict[str, type]

# A column has one type in all tables; what is neither text nor whole is a number.
TEXTS = {
    *("study", "outcome", "cohort", "stratum", "arm", "mode", "reference", "home", "site", "metric", "interval_method"),
    *("family", "method", "strategy", "kind", "column", "level", "state", "characteristic", "measure", "compared_with"),
    *("criterion", "reached", "assumed_from", "check", "where", "words"),
}
WHOLE = {
    *("n", "n_patients", "n_positive", "seeds", "family_tests", "sites", "levels", "degrees", "needed", "label"),
    *("called", "of", "patients", "events"),
}
PLACE = ("study", "outcome", "cohort", "stratum", "arm", "mode", "fraction")
ENDS = ("low", "high", "interval_method")
COUNTS = ("n", "n_patients", "n_positive")
BOUNDED = ("value", *ENDS, *COUNTS)
SIDES = ("inside", "inside_low", "inside_high", "outside", "outside_low", "outside_high")


def columns_of(*names: str) -> Columns:
    """Return the columns of a table with their types."""
    return {name: pl.String if name in TEXTS else pl.Int64 if name in WHOLE else pl.Float64 for name in names}


_TESTS = ("se", "z", "p", "p_holm", "family", "family_tests", "detectable_difference", "relevant_difference", "power")
_OF_SITES = ("weight", "predict_low", "predict_high", "between_site_sd", "inconsistency", "sites")
_WIDTHS = ("criterion", "target_width", "expected_width", "needed", "reached")
_ASSUMED = ("assumed_from", "assumed_auroc", "assumed_prevalence", "assumed_sd", "threshold")
# By the name of the file, tables/<name>.csv.
TABLES: dict[str, Columns] = {
    "comparisons": columns_of(*PLACE, "reference", "difference", *ENDS, *_TESTS, *COUNTS, "seeds"),
    "operating_points": columns_of(*PLACE, "metric", "at", *BOUNDED),
    "calibration_curves": columns_of(*PLACE, "predicted", "observed", *ENDS, *COUNTS),
    "calibration": columns_of(*PLACE, "metric", *BOUNDED),
    "recalibration": columns_of(*PLACE, "method", "metric", *BOUNDED),
    "decision_curves": columns_of(*PLACE, "strategy", "reference", "threshold", "net_benefit", *ENDS, *COUNTS),
    "transport": columns_of(*PLACE, "reference", "metric", "home", *SIDES, "gap", *ENDS, "detectable", *COUNTS),
    "sites": columns_of(*PLACE, "kind", "site", "metric", "value", *ENDS, *_OF_SITES, *COUNTS),
    "subgroups": columns_of(*PLACE, "column", "level", "state", "metric", *BOUNDED),
    "interactions": columns_of(*PLACE, "column", "metric", "levels", "chi_square", "degrees", "p", "p_holm"),
    "case_mix": columns_of(*PLACE, "characteristic", "level", "measure", "compared_with", "value", *ENDS),
    "validation_size": columns_of(*PLACE, *_WIDTHS, *_ASSUMED, *COUNTS),
    "confusion": columns_of(*PLACE, "label", "called", "state", "share", *ENDS, "count", "n_patients"),
    # here it is counted, in a confusion a mean over seeds
    "leakage": columns_of("check", "where", "state", "count", "of", "value", "low", "high", "words")
    | {"count": pl.Int64},
    # Of studies of records: how much of each hospital's records the signatures do not know.
    "unmapped": columns_of("cohort", "site", "patients", "events", "share"),
}


def place_columns(place: Place, cell: Cell) -> Row:
    """study, outcome, cohort, stratum, arm, mode, fraction."""
    where = {"study": place.study, "outcome": place.outcome, "cohort": place.cohort, "stratum": place.base.text}
    return where | cell._asdict()
