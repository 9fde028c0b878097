"""Check predictions; the columns of results.

A stranger's file needs only `subject_id, label, score` (or score_0, score_1, ..., see class_scores.py). Rows are one
prediction each: of one unit, by one arm trained with one seed at one label fraction, tested in one cohort. The unit is
known by the pair (subject_id, unit_id), so unit ids that merely count within a patient are fine.
"""

from pathlib import Path

import polars as pl

from semeia.archive.column_names import there_are
from semeia.archive.identity import ROUNDED, canonical_ids
from semeia.archive.table_file import LABEL_WORDS, inferred, read_table
from semeia.errors import InputError
from semeia.evaluation.class_scores import (
    BLOCK,
    binary_of_two,
    check_class_scores,
    check_labels,
    class_columns,
    class_counts,
    refuse_rows,
)

PREDICTION_COLUMNS: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("study", "outcome", "arm", "mode"), pl.String),
    "fraction": pl.Float64,
    "seed": pl.Int64,
    **dict.fromkeys(("cohort", "site", "subject_id", "unit_id"), pl.String),
    "label": pl.Int8,
    "score": pl.Float64,
}
RESULT_COLUMNS: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("study", "outcome", "arm", "reference", "mode"), pl.String),
    "fraction": pl.Float64,
    **dict.fromkeys(("cohort", "stratum", "metric"), pl.String),
    **dict.fromkeys(("value", "low", "high"), pl.Float64),
    "interval_method": pl.String,
    **dict.fromkeys(("n", "n_patients", "n_positive", "n_positive_patients", "seeds"), pl.Int64),
}
DEFAULTS: dict[str, str | float | int | None] = {
    "study": "predictions",
    "outcome": "label",
    "arm": "model",
    "mode": "none",
    "fraction": 1.0,
    "seed": 0,
    "cohort": "all",
    "site": None,
}
EVERY_ROW = "all"  # the stratum without a restriction
CELL = [*BLOCK, "arm", "mode", "fraction"]
FOLD = [*CELL, "seed", "cohort"]
UNIT = ["subject_id", "unit_id"]
MOST_CLASSES = 100
MISSING_LABELS = ["", "na", "n/a", "nan", "null", "none"]


def read_predictions(path: str | Path, *, named: tuple[str, ...] = ()) -> pl.DataFrame:
    """Read a table of predictions (.parquet, .csv, .tsv; see `read_table`) and check it.

    Rows without a label are kept, so that `evaluate` can say how many it left out. `named` says what columns are called
    in this table where they are not called as here: "score=Risk", ...
    """
    known = (*PREDICTION_COLUMNS, *(f"score_{k}" for k in range(MOST_CLASSES)))
    table = read_table(path, known=known, named=named)
    # ids such as 007 stay as written, and labels are read when they are checked.
    frame = inferred(table, texts=("study", "outcome", "arm", "mode", "cohort", "site", "label", *UNIT))
    if "subject_id" in frame.columns:
        frame = frame.with_columns(subject_id=canonical_ids(frame["subject_id"]))
    try:
        _refuse_rounded(frame)
        return check_predictions(frame, keep_unlabelled=True)
    except InputError as error:
        hint = " --map NAME=COLUMN says which is which." if "There are:" in str(error) else ""
        raise InputError(f"{path}: {error}{hint}") from error


def _refuse_rounded(frame: pl.DataFrame) -> None:
    """Refuse ids that a spreadsheet has rounded: neighbours would be one patient, and the intervals too wide."""
    for name in (name for name in UNIT if frame.schema.get(name) == pl.String):
        rounded = frame[name].str.contains(f"^(?:{ROUNDED})$").fill_null(False)
        refuse_rows(rounded, name, "is an id that a spreadsheet has rounded (as in 1.2E+11); export it again as text")


def check_predictions(predictions: pl.DataFrame, *, keep_unlabelled: bool = False) -> pl.DataFrame:
    """Fill absent columns with defaults, cast, and refuse what cannot be evaluated.

    Args:
        predictions: at least `subject_id`, `label` (0, 1 or null) and `score` (a probability); or, for an outcome of
            k classes, `label` (0 to k - 1 or null) and `score_0` to `score_{k-1}` (probabilities that sum to 1), and
            then `score` may be absent and becomes null; or, for a time to an event, `time`, `event` (1, or 0 where it
            was not seen) and no other label, and `score` is the probability of the event by the horizon, or another
            number from 0 to 1 that is higher where it comes earlier. Further columns are kept.
        keep_unlabelled: keep the rows whose label is null (they are dropped otherwise).

    Returns:
        PREDICTION_COLUMNS in order, then the further columns. An absent `unit_id` becomes the count of the
        row within its subject (and arm, mode, fraction, seed, cohort), which pairs the arms of a file written
        in one order.

    Raises:
        InputError: naming the column and the first offending row (the first row of data is row 1).
    """
    several = class_columns(predictions.columns)
    timed = {"time", "event"} <= set(predictions.columns)
    if timed and "label" not in predictions.columns:
        predictions = predictions.with_columns(label=pl.col("event"))
    needed = ("subject_id", "label") if several else ("subject_id", "label", "score")
    absent = [name for name in needed if name not in predictions.columns]
    if absent:
        there = there_are(predictions.columns, absent, known=tuple(PREDICTION_COLUMNS))
        raise InputError(f"column {', '.join(absent)} is missing. {there}")
    if predictions.is_empty():
        raise InputError("the table of predictions has no rows.")
    defaults = DEFAULTS | {"score": None}
    fills = [pl.lit(value).alias(name) for name, value in defaults.items() if name not in predictions.columns]
    frame = predictions.with_columns(fills)
    if "unit_id" not in frame.columns:
        frame = frame.with_columns(unit_id=pl.int_range(pl.len()).over([*FOLD, "subject_id"]))
    columns = PREDICTION_COLUMNS | dict.fromkeys(several, pl.Float64)
    # a table of two classes may have a time and an event of its own, of whatever kind.
    if timed and (frame["label"].cast(pl.String).eq_missing(frame["event"].cast(pl.String))).all():
        columns |= {"time": pl.Float64, "event": pl.Float64}
    frame = binary_of_two(frame.with_columns(_cast(frame, name, dtype) for name, dtype in columns.items()))
    frame = _check_values(frame)
    if time_to_event(frame):
        bad = frame["time"].is_null() | ~frame["time"].is_finite() | (frame["time"] < 0)
        refuse_rows(bad.fill_null(True), "time", "is not a time from 0 on")
    _check_units(frame)
    frame = frame.select([*PREDICTION_COLUMNS, *(c for c in frame.columns if c not in PREDICTION_COLUMNS)])
    if keep_unlabelled:
        return frame
    frame = frame.filter(pl.col("label").is_not_null())
    if frame.is_empty():
        raise InputError("column label is null in every row; nothing can be evaluated.")
    return frame


def time_to_event(frame: pl.DataFrame) -> bool:
    """Whether a checked table is of times to an event: it has both columns, and nothing else as its label."""
    if not {"time", "event"} <= set(frame.columns) or frame["time"].dtype != pl.Float64:
        return False
    return frame["event"].dtype == pl.Float64 and bool(frame["label"].cast(pl.Float64).eq_missing(frame["event"]).all())


def check_results(results: pl.DataFrame) -> pl.DataFrame:
    """Return `results` with exactly RESULT_COLUMNS, in order and cast; InputError when one is missing.

    Results of earlier versions do not count the patients with a positive unit: null.
    """
    if "n_positive_patients" not in results.columns:
        results = results.with_columns(n_positive_patients=None)
    absent = [name for name in RESULT_COLUMNS if name not in results.columns]
    if absent:
        there = there_are(results.columns, absent, known=tuple(RESULT_COLUMNS))
        raise InputError(f"results: column {', '.join(absent)} is missing. {there}")
    frame = results.with_columns(pl.col("reference").cast(pl.String).fill_null(""))
    return frame.select(_cast(frame, name, dtype) for name, dtype in RESULT_COLUMNS.items())


def _cast(frame: pl.DataFrame, name: str, dtype: type) -> pl.Series:
    """The column as it is to be; labels as real numbers until it is known of how many classes they are."""
    series = frame[name]
    number = dtype != pl.String
    if number and series.dtype == pl.String:
        series = series.str.strip_chars()
        series = series.set(series == "", None)
    if name in ("label", "event"):
        series = series.fill_nan(None) if series.dtype.is_float() else series
        if series.dtype == pl.String:
            words = series.str.to_lowercase()
            numbers = {word: str(label) for word, label in LABEL_WORDS.items()}
            series = words.set(words.is_in(MISSING_LABELS), None).replace(numbers)
        cast = series.cast(pl.Float64, strict=False).fill_nan(None)
        words = "is not a label: write 0 and 1 (or false and true, no and yes), or the number of its class"
        refuse_rows(cast.is_null() & series.is_not_null(), name, words)
        return cast
    if name.startswith("score") and series.dtype == pl.String and _decimal_commas(series):
        series = series.str.replace(",", ".", literal=True)
    cast = series.cast(dtype, strict=False)
    refuse_rows(cast.is_null() & series.is_not_null(), name, f"is not {'a number' if number else 'text'}")
    return cast


def _decimal_commas(series: pl.Series) -> bool:
    """Whether all cells are numbers, some with a decimal comma: in a probability it cannot part thousands."""
    cells = series.drop_nulls()
    return bool(cells.str.contains(r"^\d+(,\d+)?$").all() and cells.str.contains(",", literal=True).any())


def _check_values(frame: pl.DataFrame) -> pl.DataFrame:
    """The table with whole labels, and without a `score` where an outcome has several classes."""
    for name in PREDICTION_COLUMNS:
        if name not in {"site", "label", "score"}:
            refuse_rows(frame[name].is_null(), name, "is missing")
    refuse_rows(~frame["fraction"].is_between(0.0, 1.0, closed="right"), "fraction", "is not in (0, 1]")
    check_class_scores(frame)
    counts = class_counts(frame)
    check_labels(frame["label"], counts)
    frame = frame.with_columns(pl.col("label").cast(pl.Int8), score=frame["score"].set(counts > 0, None))
    refuse_rows((counts == 0) & (frame["score"].is_null() | frame["score"].is_nan()), "score", "is missing")
    outside = ~frame["score"].is_between(0.0, 1.0).fill_null(True)
    words = "is not a probability between 0 and 1 (divide percentages by 100, turn log-odds into probabilities)"
    refuse_rows(outside, "score", words)
    return frame


def _check_units(frame: pl.DataFrame) -> None:
    twice = frame.select(pl.struct([*FOLD, *UNIT]).is_first_distinct().not_()).to_series()
    refuse_rows(twice, "unit_id", "was already predicted by the same arm, mode, fraction and seed")
    labels = frame.group_by([*BLOCK, "cohort", *UNIT]).agg(pl.col("label").drop_nulls().n_unique().alias("labels"))
    conflicts = labels.filter(pl.col("labels") > 1).height
    if conflicts:
        raise InputError(
            f"column label: {conflicts} units have different labels in different rows of one outcome and cohort; "
            "mend the labels, or give a unit_id that tells the units of a subject apart."
        )
