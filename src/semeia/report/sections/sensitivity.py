"""Show ROC curves, and what is found when false alarms, or misses, are held to a limit."""

import polars as pl

from semeia.evaluation import roc_curve
from semeia.report.content import DataTable, Figure, Section, TitledTable
from semeia.report.estimates import cohorts_of, full_labels, pairs_of
from semeia.report.names import Names, Pair
from semeia.report.numbers import estimate, number, percent
from semeia.report.plots.curve import PANEL, Axes, Drawing, Line, curve
from semeia.report.run_folder import Run

FIXED = {
    "sensitivity_at_specificity": "Sensitivity at {at} specificity",
    "specificity_at_sensitivity": "Specificity at {at} sensitivity",
}
CALLS = {"ppv": "Positive predictive value", "npv": "Negative predictive value"}
LEAD = "What the arms find when false alarms, or misses, are held to a limit: the higher the curve, the more."
NOTE = (
    "The threshold is found anew on the patients that are judged: what the score can do at best, "
    "not what a rule fixed beforehand does."
)
NOTE_CALLS = "Of the calls at the threshold that was chosen, by Bayes' theorem, if {at} of the units were positive."
MARKS = (0.05, 0.1, 0.2, 0.3, 0.5)  # false positive rates in the words of a curve
Rows = list[tuple[str, float, str]]


def sensitivity_section(run: Run) -> Section | None:
    """Make the section; None when the run has neither predictions of both classes nor the table."""
    figure = None if run.predictions is None else _roc(run, run.names)
    tables = _points(run, run.table("operating_points"))
    if figure is None and not tables:
        return None
    return Section(
        key="curves",
        heading="Sensitivity and specificity",
        lead=LEAD,
        figures=[figure] if figure else [],
        tables=tables,
        files=run.files("operating_points"),
    )


def _roc(run: Run, names: Names) -> Figure | None:
    """The ROC curves of the headline arms, a panel a cohort; intervals stand in the table of operating points."""
    levels = full_labels(run.find("auroc"))
    arms = names.headlines(pairs_of(levels))
    panels, rows, drawn = [], [], []
    for cohort in cohorts_of(levels):
        curves = {pair: points for pair in arms if not (points := _curve(run, pair, cohort)).is_empty()}
        lines = [Line(*_axes(points), names.style(*pair), width=1.7) for pair, points in curves.items()]
        if lines:
            cells = [[names.cohort(cohort), names.arm(*pair), *_at(points)] for pair, points in curves.items()]
            panels.append(_draw(lines, names.cohort(cohort), f"roc{len(panels)}", cells))
            rows += cells
            drawn += curves
    if not panels:
        return None
    lead = f"Sensitivity against false positive rate{names.all_labels}{names.over_seeds}. The diagonal is chance."
    heads = ["Cohort", "Arm", *(f"Sensitivity at {percent(1 - mark)} specificity" for mark in MARKS)]
    return Figure("roc", "ROC curves", lead, panels, DataTable(heads, rows), names.legend(dict.fromkeys(drawn)))


def _curve(run: Run, pair: Pair, cohort: str) -> pl.DataFrame:
    """The curve of one arm and mode in one cohort, at its largest label fraction; without rows where it has none."""
    assert run.predictions is not None
    rows = run.predictions.filter(outcome=run.outcome, arm=pair[0], mode=pair[1], cohort=cohort)
    return roc_curve(rows.filter(pl.col("fraction") == pl.col("fraction").max()))


def _axes(points: pl.DataFrame) -> tuple[list[float], list[float]]:
    return points["false_positive_rate"].to_list(), points["true_positive_rate"].to_list()


def _at(points: pl.DataFrame) -> list[str]:
    x, y = _axes(points)
    return [number(y[min(range(len(x)), key=lambda at: abs(x[at] - mark))]) for mark in MARKS]


def _draw(lines: list[Line], title: str, key: str, cells: list[list[str]]) -> Drawing:
    said = [f"{arm}: sensitivity {values[1]} at 90\u00a0% specificity" for _, arm, *values in cells]
    ends = (-0.01, 1.01)
    axes = Axes("False positive rate (1 \u2212 specificity)", "Sensitivity", ends, ends, diagonal=True)
    return curve(lines, axes, key=key, title=title, alt=f"ROC curves, {title}. {'; '.join(said)}", height=PANEL * 0.9)


def _points(run: Run, points: pl.DataFrame) -> list[TitledTable]:
    """Operating points of the headline arms; all others are in the file."""
    fixed = [
        (metric, at, words.format(at=percent(at))) for metric, words in FIXED.items() for at in _ats(points, metric)
    ]
    tables = _table("Fixed operating points", NOTE, fixed, points, run)
    for at in dict.fromkeys(at for metric in CALLS for at in _ats(points, metric)):
        share = percent(round(at, 3))
        calls = [(metric, at, words) for metric, words in CALLS.items()]
        title = f"Predictive values at a prevalence of {share}"
        tables += _table(title, NOTE_CALLS.format(at=share), calls, points, run)
    return tables


def _ats(points: pl.DataFrame, metric: str) -> list[float]:
    return points.filter(metric=metric)["at"].unique().sort().to_list()


def _table(title: str, note: str, metrics: Rows, points: pl.DataFrame, run: Run) -> list[TitledTable]:
    names = run.names
    keys, ends = ("cohort", "arm", "mode", "metric", "at"), ("value", "low", "high")
    found = {tuple(row[k] for k in keys): estimate(*(row[e] for e in ends)) for row in points.iter_rows(named=True)}
    rows = [
        [names.cohort(cohort), names.arm(*pair), *cells]
        for cohort in run.cohorts
        for pair in run.arms
        if any(cells := [found.get((cohort, *pair, metric, at), "") for metric, at, _ in metrics])
    ]
    heads = ["Cohort", "Arm", *(words for _, _, words in metrics)]
    return [TitledTable(title, note, DataTable(heads, rows), folded=True)] if rows else []
