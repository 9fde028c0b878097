"""Evaluate predictions, and cut results and tables out of the tidy table under the names that outside users read."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Protocol, runtime_checkable

import polars as pl

from semeia.evaluation.estimands import FAMILIES, PARTS
from semeia.evaluation.estimate import DELONG, estimate
from semeia.evaluation.judged import judge
from semeia.evaluation.recalibrate import recalibrated_rows
from semeia.evaluation.rows import ESTIMATE_COLUMNS, GAP_MINUS_GAP, KEYS, LEVEL, MINUS_HOME, MINUS_REFERENCE
from semeia.evaluation.schema import RESULT_COLUMNS
from semeia.evaluation.settings import Evaluation, EvaluationSettings
from semeia.evaluation.statistics.intervals import detectable_difference, power_at
from semeia.evaluation.tables.case_mix import case_mix
from semeia.evaluation.tables.columns import COUNTS, ENDS, PLACE, TABLES, Columns, columns_of
from semeia.evaluation.tables.confusion import confusion
from semeia.evaluation.tables.interactions import interactions
from semeia.evaluation.tables.leakage import leakage
from semeia.evaluation.tables.sites import site_summaries
from semeia.evaluation.tables.validation_size import validation_size

_BY_PARTS = [one.name for family in FAMILIES for one in family.estimands if PARTS in one.asked]
_ALL_ROWS = (pl.col("subgroup") == "") & (pl.col("site") == "")
_BY_DELONG = pl.col("method").str.contains(DELONG, literal=True)
_DETECTABLE = detectable_difference(1.0)

# Columns of a table that the tidy table calls by another name, or has not.
Own = dict[str, str | pl.Expr]
View = Callable[[pl.DataFrame, EvaluationSettings], pl.DataFrame]


@runtime_checkable
class ArrowTable(Protocol):
    """A table of any library that gives its columns as Arrow does: pandas, pyarrow, polars, duckdb."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the columns."""
        ...


def evaluate(predictions: ArrowTable, *, settings: EvaluationSettings | None = None) -> Evaluation:
    """Evaluate a table of predictions: every estimand of estimands.py, in every group, with every contrast.

    For each study, outcome and cohort the patients are drawn once, and every arm, seed, metric and stratum is evaluated
    in the same draws. Seed s tests fold s inside (other patients for each seed) and all patients of the other cohorts;
    a metric is averaged over seeds inside each draw. A stratum restricts the rows that are judged, not the draws, and
    not the rows on which thresholds and combiners are fitted (cross_fit.py). The order of the rows changes nothing.

    Args:
        predictions: of pandas, polars or pyarrow; see `check_predictions`; only `subject_id, label, score` are needed.
        settings: see `EvaluationSettings`.

    Raises:
        InputError: for predictions, a reference or an expression that cannot be used.
    """
    if not isinstance(predictions, pl.DataFrame):
        predictions = pl.DataFrame(predictions)
    judged = judge(predictions, settings=settings or EvaluationSettings())
    binary, classes = judged.of_kind("binary"), judged.of_kind("classes")
    tidy = estimate(judged)
    tidy = pl.concat([tidy, pl.DataFrame([*recalibrated_rows(binary)], schema=ESTIMATE_COLUMNS)])
    tables = {name: view(tidy, judged.settings) for name, view in VIEWS.items()}
    results = tables.pop("results")
    tables |= {
        "sites": site_summaries(binary, tables["sites"]),
        "case_mix": case_mix(binary),
        "validation_size": validation_size(binary),
        "interactions": interactions(binary),
        "leakage": leakage(binary),
        "confusion": confusion(classes),
    }
    tables = {name: table for name, table in tables.items() if not table.is_empty()}
    added = [_added(tables[name], own) for name, own in _ADDED.items() if name in tables]
    return Evaluation(results, judged.notes.lines(), tables, pl.concat([tidy, *added]))


def _named(tidy: pl.DataFrame, names: Iterable[str]) -> pl.Expr:
    """Whether the estimand is one of the names; * stands for anything."""
    known = tidy["estimand"].unique().to_list()
    return pl.col("estimand").is_in([name for name in known if any(fnmatchcase(name, one) for one in names)])


def _select(rows: pl.DataFrame, own: Own, columns: Columns) -> pl.DataFrame:
    """The rows under the columns of a table, which are those of the tidy table but for the ones given."""
    from_tidy: Own = {name: name for name in columns} | {"interval_method": pl.col("method").replace("", None)} | own
    kept = {name: from_tidy[name] for name in columns}
    return rows.select(
        (pl.col(c) if isinstance(c, str) else c).cast(columns[name]).alias(name) for name, c in kept.items()
    )


def _results(tidy: pl.DataFrame, _: EvaluationSettings) -> pl.DataFrame:
    """Levels and differences from references in every part of the table, at every label fraction."""
    names = [*_BY_PARTS, "*_detectable_difference"]
    kept = tidy.filter(_ALL_ROWS, pl.col("contrast").is_in([LEVEL, MINUS_REFERENCE]), ~_BY_DELONG, _named(tidy, names))
    return _select(kept, {"metric": "estimand", "interval_method": "method"}, RESULT_COLUMNS)


def _comparisons(tidy: pl.DataFrame, settings: EvaluationSettings) -> pl.DataFrame:
    """The paired tests of AUROC by DeLong, with Holm's p over the family, and what the cohort could have shown."""
    tests = tidy.filter(_BY_DELONG)
    power = power_at(settings.relevant_difference, tests["se"].to_numpy())
    tests = tests.with_columns(power=pl.Series(power, dtype=pl.Float64))
    own: Own = {
        "difference": "value",
        "z": pl.col("value") / pl.col("se"),
        "p_holm": "p_adjusted",
        "family_tests": pl.len().over("family").cast(pl.Int64),
        "detectable_difference": pl.col("se") * _DETECTABLE,
        "relevant_difference": pl.lit(settings.relevant_difference),
    }
    return _select(tests, own, TABLES["comparisons"])


def _levels(name: str, own: Own, *, only: tuple[str, ...], bounded: bool = False) -> View:
    """A view of levels of all rows of some estimands; `bounded` keeps those that have an interval."""

    def view(tidy: pl.DataFrame, _: EvaluationSettings) -> pl.DataFrame:
        kept = tidy.filter(_ALL_ROWS, pl.col("contrast") == LEVEL, _named(tidy, only))
        return _select(kept.filter(pl.col("low").is_not_null()) if bounded else kept, own, TABLES[name])

    return view


def _decision_curves(tidy: pl.DataFrame, _: EvaluationSettings) -> pl.DataFrame:
    """Net benefit of every arm, of treating all (over every unit once) and nobody, and what it is above these."""
    name = pl.col("estimand").str.replace("_at_horizon", "")
    kept = tidy.filter(_ALL_ROWS, pl.col("contrast").is_in([LEVEL, MINUS_REFERENCE]), _named(tidy, ("net_benefit*",)))
    kept = kept.filter(pl.col("low").is_not_null())
    over_all = name == "net_benefit_over_treat_all"
    kept = kept.with_columns(
        strategy=pl.when(name == "net_benefit_treat_all").then(pl.lit("treat_all")).otherwise(pl.lit("model")),
        reference=pl.when(over_all).then(pl.lit("treat_all")).otherwise("reference"),
    )
    zeros = [pl.lit(0.0).alias(name) for name in ("value", "low", "high")]
    nobody = kept.filter(pl.col("strategy") == "treat_all").with_columns(
        *zeros, strategy=pl.lit("treat_none"), method=pl.lit("exact: zero by definition")
    )
    own: Own = {"threshold": "at", "net_benefit": "value"}
    return _select(pl.concat([kept, nobody]), own, TABLES["decision_curves"])


def _transport(tidy: pl.DataFrame, _: EvaluationSettings) -> pl.DataFrame:
    """Of each gap between cohorts the value at home and away, which are rows of their own, and what it could show."""
    gaps = tidy.filter(pl.col("contrast").is_in([MINUS_HOME, GAP_MINUS_GAP]))
    keys = [*(name for name in KEYS if name != "cohort"), "reference", "estimand"]
    known = tidy.filter(
        _ALL_ROWS, pl.col("contrast").is_in([LEVEL, MINUS_REFERENCE]), pl.col("at").is_null(), ~_BY_DELONG
    )
    for side, cohort in (("inside", "home"), ("outside", "cohort")):
        named = {"value": side, "low": f"{side}_low", "high": f"{side}_high", "cohort": f"_{side}"}
        at = known.select(*keys, *(pl.col(name).alias(new) for name, new in named.items()))
        gaps = gaps.join(at, left_on=[*keys, cohort], right_on=[*keys, f"_{side}"], how="left", maintain_order="left")
    own: Own = {
        "metric": "estimand",
        "gap": "value",
        "detectable": pl.when((pl.col("low") <= 0) & (pl.col("high") >= 0)).then(pl.col("se") * _DETECTABLE),
    }
    return _select(gaps, own, TABLES["transport"])


def _subgroups(tidy: pl.DataFrame, _: EvaluationSettings) -> pl.DataFrame:
    """Levels within the subgroups; of suppressed ones neither value nor counts."""
    split = pl.col("subgroup").str.splitn("=", 2).struct
    own: Own = {
        "column": split.field("field_0"),
        "level": split.field("field_1"),
        "state": pl.col("note").replace("", "shown"),
        "metric": "estimand",
    }
    return _select(
        tidy.filter(pl.col("subgroup") != "", pl.col("estimand") != "auroc_heterogeneity"), own, TABLES["subgroups"]
    )


def _sites(tidy: pl.DataFrame, _: EvaluationSettings) -> pl.DataFrame:
    """The AUROC of each site, to which site_summaries adds what follows for the next one."""
    columns = columns_of(*PLACE, "site", "metric", "value", "se", *ENDS, *COUNTS)
    return _select(tidy.filter(pl.col("site") != ""), _METRIC, columns)


_METRIC: Own = {"metric": "estimand"}
_AT_POINTS = ("sensitivity_at_specificity", "specificity_at_sensitivity", "ppv", "npv")
_MEASURES = ("ici", "e50", "e90", "ici_by_chance", "pooled_brier", "scaled_brier", "reliability", "resolution")
_MEASURES += ("uncertainty", "within_variance", "within_covariance", "observed_expected")
_BRIER: Own = {"metric": pl.col("estimand").replace("pooled_brier", "brier")}
_AFTER = pl.col("estimand").str.splitn("_after_", 2).struct
_RECALIBRATED: Own = {"method": _AFTER.field("field_1"), "metric": _AFTER.field("field_0"), "interval_method": "method"}
VIEWS: dict[str, View] = {
    "results": _results,
    "comparisons": _comparisons,
    "operating_points": _levels("operating_points", _METRIC, only=_AT_POINTS),
    "calibration_curves": _levels(
        "calibration_curves", {"predicted": "at", "observed": "value"}, only=("calibration_curve",), bounded=True
    ),
    "calibration": _levels("calibration", _BRIER, only=_MEASURES, bounded=True),
    "recalibration": _levels("recalibration", _RECALIBRATED, only=("*_after_*",)),
    "decision_curves": _decision_curves,
    "transport": _transport,
    "sites": _sites,
    "subgroups": _subgroups,
}

# What further tables have that is an estimate, under the names of the tidy table.
_ADDED: dict[str, dict[str, pl.Expr]] = {
    "sites": {"estimand": pl.lit("auroc_over_sites"), "site": pl.lit(""), "_kept": pl.col("kind") == "summary"},
    "interactions": {
        "estimand": pl.lit("auroc_heterogeneity"),
        "subgroup": pl.col("column"),
        "value": pl.col("chi_square"),
        "p_adjusted": pl.col("p_holm"),
        "family": pl.format("subgroups of {} in {}", "arm", "cohort"),
        "interval_method": pl.format("Wald chi square, {} degrees of freedom", "degrees"),
    },
    "confusion": {
        "estimand": pl.format("called_{}_of_{}", "called", "label"),
        "value": pl.col("share"),
        "note": pl.col("state").replace("shown", ""),
    },
}


def _added(table: pl.DataFrame, own: dict[str, pl.Expr]) -> pl.DataFrame:
    table = table.filter(own.get("_kept", pl.lit(True))).with_columns(
        expression.alias(name) for name, expression in own.items() if name != "_kept"
    )
    given = {"contrast": pl.lit(LEVEL), "method": pl.col("interval_method")}
    given |= {name: pl.lit("") for name in ("subgroup", "site", "reference", "home", "family", "note")}
    given |= {name: pl.col(name) for name in ESTIMATE_COLUMNS if name in table.columns}
    return table.select(given.get(name, pl.lit(None)).cast(kind).alias(name) for name, kind in ESTIMATE_COLUMNS.items())
