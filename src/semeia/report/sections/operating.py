"""Operating points on the page: fixed specificity, fixed sensitivity, and what a call means at a stated prevalence.

The table "operating_points" of a run comes in (evaluation/tables/operating_metrics.py); a section goes out.
"""

import polars as pl

from semeia.report.content import DataTable, Section, TitledTable
from semeia.report.estimates import cohorts_of, pairs_of
from semeia.report.names import ALL, Names
from semeia.report.numbers import estimate, percent
from semeia.report.run_folder import Run

FIXED = {
    "sensitivity_at_specificity": "Sensitivity at {at} specificity",
    "specificity_at_sensitivity": "Specificity at {at} sensitivity",
}
CALLS = {"ppv": "Positive predictive value", "npv": "Negative predictive value"}
LEAD = "What the arms find when false alarms, or misses, are held to a limit."
NOTE = (
    "The threshold is found anew on the patients that are judged: what the score can do at best, "
    "not what a rule fixed beforehand does."
)
NOTE_CALLS = "Of the calls at the threshold that was chosen, by Bayes' theorem, if {at} of the units were positive."
Key = tuple[str, str, str, str, float]


def operating_section(run: Run) -> Section | None:
    """Show operating points of one outcome at full labels; None when the run has none."""
    names = run.names
    table = run.tables.get("operating_points")
    if table is None or table.is_empty():
        return None
    table = table.with_columns(pl.col("outcome", "cohort", "stratum", "arm", "mode").cast(pl.String))
    points = table.filter(outcome=run.outcome, stratum=run.restriction or ALL)
    tables = []
    fixed = [
        (metric, at, words.format(at=percent(at))) for metric, words in FIXED.items() for at in _at(points, metric)
    ]
    tables += _tables("Fixed operating points", NOTE, fixed, points, run, names, run.outcome)
    for at in dict.fromkeys(at for metric in CALLS for at in _at(points, metric)):
        share = percent(round(at, 3))
        calls = [(metric, at, words) for metric, words in CALLS.items()]
        title = f"Predictive values at a prevalence of {share}"
        tables += _tables(title, NOTE_CALLS.format(at=share), calls, points, run, names, run.outcome)
    if not tables:
        return None
    return Section("operating", "Operating points", LEAD, tables=tables)


def _at(points: pl.DataFrame, metric: str) -> list[float]:
    return points.filter(metric=metric)["at"].unique().sort().to_list()


def _tables(
    title: str,
    note: str,
    metrics: list[tuple[str, float, str]],
    points: pl.DataFrame,
    run: Run,
    names: Names,
    outcome: str,
) -> list[TitledTable]:
    """The headline arms in the open, all others behind a fold."""
    estimates = [e for e in run.estimates if e.outcome == outcome]
    found: dict[Key, str] = {
        (row["cohort"], row["arm"], row["mode"], row["metric"], row["at"]): estimate(
            row["value"], row["low"], row["high"]
        )
        for row in points.iter_rows(named=True)
    }
    heads = ["Cohort", "Arm", *(words for _, _, words in metrics)]
    headline = names.headlines(pairs_of(estimates))
    others = [pair for pair in names.in_order(pairs_of(estimates)) if pair not in headline]
    tables = []
    for arms, name, folded in ((headline, title, False), (others, f"{title}: the other arms", True)):
        rows = []
        for cohort in cohorts_of(estimates):
            for arm, mode in arms:
                cells = [found.get((cohort, arm, mode, metric, at), "") for metric, at, _ in metrics]
                if any(cells):
                    rows.append([names.cohort(cohort), names.arm(arm, mode), *cells])
        if rows:
            tables.append(TitledTable(name, "" if folded else note, DataTable(heads, rows), folded=folded))
    return tables
