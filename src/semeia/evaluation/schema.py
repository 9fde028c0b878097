"""Predictions in, checked; the columns of results.

A table of predictions passes through here before anything is computed on it. A stranger's file needs only
`subject_id, label, score`; the other columns get defaults. Rows are one prediction each: of one unit (a
nodule, a patient), by one arm trained with one seed at one label fraction, tested in one cohort. The unit is
known by the pair (subject_id, unit_id), so unit ids that merely count within a patient are fine.
"""

from pathlib import Path

import polars as pl

from semeia.errors import InputError

PREDICTION_COLUMNS: dict[str, type[pl.DataType]] = {
    "study": pl.String,
    "outcome": pl.String,
    "arm": pl.String,
    "mode": pl.String,
    "fraction": pl.Float64,
    "seed": pl.Int64,
    "cohort": pl.String,
    "site": pl.String,
    "subject_id": pl.String,
    "unit_id": pl.String,
    "label": pl.Int8,
    "score": pl.Float64,
}
RESULT_COLUMNS: dict[str, type[pl.DataType]] = {
    "study": pl.String,
    "outcome": pl.String,
    "arm": pl.String,
    "reference": pl.String,
    "mode": pl.String,
    "fraction": pl.Float64,
    "cohort": pl.String,
    "stratum": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "interval_method": pl.String,
    "n": pl.Int64,
    "n_patients": pl.Int64,
    "n_positive": pl.Int64,
    "seeds": pl.Int64,
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
BLOCK = ["study", "outcome"]
CELL = [*BLOCK, "arm", "mode", "fraction"]
FOLD = [*CELL, "seed", "cohort"]
UNIT = ["subject_id", "unit_id"]
MISSING_LABELS = ["", "NA", "NaN", "nan", "null", "None"]


def read_predictions(path: str | Path) -> pl.DataFrame:
    """Read a table of predictions (.parquet, .csv, .tsv) and check it.

    Rows without a label are kept, so that `evaluate` can say how many it left out.

    Raises:
        InputError: the file is absent, unreadable, of another kind, or fails `check_predictions`.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; give a table of predictions (.parquet, .csv or .tsv).")
    try:
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
        elif path.suffix in {".csv", ".tsv"}:
            frame = _read_text(path, "\t" if path.suffix == ".tsv" else ",")
        else:
            raise InputError(f"{path}: predictions are read from .parquet, .csv or .tsv, not '{path.suffix}'.")
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: cannot be read as a table ({reason}).") from error
    try:
        return check_predictions(frame, keep_unlabelled=True)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def check_predictions(predictions: pl.DataFrame, *, keep_unlabelled: bool = False) -> pl.DataFrame:
    """Fill absent columns with defaults, cast, and refuse what cannot be evaluated.

    Args:
        predictions: at least `subject_id`, `label` (0, 1 or null), `score` (a probability). Further columns
        are kept. keep_unlabelled: keep the rows whose label is null (they are dropped otherwise).

    Returns:
        PREDICTION_COLUMNS in order, then the further columns. An absent `unit_id` becomes the count of the
        row within its subject (and arm, mode, fraction, seed, cohort), which pairs the arms of a file written
        in one order.

    Raises:
        InputError: naming the column and the first offending row (the first row of data is row 1).
    """
    absent = [name for name in ("subject_id", "label", "score") if name not in predictions.columns]
    if absent:
        raise InputError(f"column {', '.join(absent)} is missing; there are: {', '.join(predictions.columns)}.")
    several = [name for name in predictions.columns if name.startswith("score_") and name[6:].isdigit()]
    if several:
        raise InputError(f"columns {', '.join(several)} look multiclass, which is not supported yet: give one `score`.")
    if predictions.is_empty():
        raise InputError("the table of predictions has no rows.")
    fills = [pl.lit(value).alias(name) for name, value in DEFAULTS.items() if name not in predictions.columns]
    frame = predictions.with_columns(fills)
    if "unit_id" not in frame.columns:
        frame = frame.with_columns(unit_id=pl.int_range(pl.len()).over([*FOLD, "subject_id"]))
    frame = frame.with_columns(_cast(frame, name, dtype) for name, dtype in PREDICTION_COLUMNS.items())
    _check_values(frame)
    _check_units(frame)
    frame = frame.select([*PREDICTION_COLUMNS, *(c for c in frame.columns if c not in PREDICTION_COLUMNS)])
    if keep_unlabelled:
        return frame
    frame = frame.filter(pl.col("label").is_not_null())
    if frame.is_empty():
        raise InputError("column label is null in every row; nothing can be evaluated.")
    return frame


def check_results(results: pl.DataFrame) -> pl.DataFrame:
    """Return `results` with exactly RESULT_COLUMNS, in order and cast; InputError when one is missing."""
    absent = [name for name in RESULT_COLUMNS if name not in results.columns]
    if absent:
        raise InputError(f"results: column {', '.join(absent)} is missing; there are: {', '.join(results.columns)}.")
    frame = results.with_columns(pl.col("reference").cast(pl.String).fill_null(""))
    return frame.select(_cast(frame, name, dtype) for name, dtype in RESULT_COLUMNS.items())


def _read_text(path: Path, separator: str) -> pl.DataFrame:
    header = pl.read_csv(path, separator=separator, n_rows=0).columns
    # ids such as 007 stay as written, and labels may hold R's NA: read as text, cast when checked.
    texts = {name: pl.String for name in (*PREDICTION_COLUMNS, *UNIT) if name in header}
    return pl.read_csv(path, separator=separator, schema_overrides=texts, infer_schema_length=None)


def _cast(frame: pl.DataFrame, name: str, dtype: type) -> pl.Series:
    series = frame[name]
    if name == "label" and series.dtype == pl.String:
        series = series.set(series.str.strip_chars().is_in(MISSING_LABELS), None)
    wanted = pl.Float64 if name == "label" and series.dtype != pl.Boolean else dtype
    cast = series.cast(wanted, strict=False)
    _refuse(cast.is_null() & series.is_not_null(), name, f"cannot be read as {dtype.__name__}")
    if name == "label":
        cast = cast.cast(pl.Float64).fill_nan(None)
        wrong = cast.is_not_null() & ~cast.is_in([0.0, 1.0])
        _refuse(wrong, name, "is neither 0 nor 1 (multiclass outcomes are not supported yet)")
        cast = cast.cast(pl.Int8)
    return cast.alias(name)


def _check_values(frame: pl.DataFrame) -> None:
    for name in PREDICTION_COLUMNS:
        if name not in {"site", "label"}:
            _refuse(frame[name].is_null(), name, "is missing")
    _refuse(frame["score"].is_nan(), "score", "is missing")
    _refuse(~frame["score"].is_between(0.0, 1.0), "score", "is not a probability between 0 and 1")
    _refuse(~frame["fraction"].is_between(0.0, 1.0, closed="right"), "fraction", "is not in (0, 1]")


def _check_units(frame: pl.DataFrame) -> None:
    twice = frame.select(pl.struct([*FOLD, *UNIT]).is_first_distinct().not_()).to_series()
    _refuse(twice, "unit_id", "was already predicted by the same arm, mode, fraction and seed")
    labels = frame.group_by([*BLOCK, "cohort", *UNIT]).agg(pl.col("label").drop_nulls().n_unique().alias("labels"))
    conflicts = labels.filter(pl.col("labels") > 1).height
    if conflicts:
        raise InputError(
            f"column label: {conflicts} units are 0 in one row and 1 in another of one outcome and cohort; "
            "mend the labels, or give a unit_id that tells the units of a subject apart."
        )


def _refuse(bad: pl.Series, name: str, words: str) -> None:
    count = int(bad.sum())
    if count:
        raise InputError(f"column {name}, row {bad.arg_true()[0] + 1}: {words} ({count} of {len(bad)} rows).")
