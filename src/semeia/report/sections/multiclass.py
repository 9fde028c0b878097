"""Show outcomes of several classes: what was called what by the headline arm, and the recall of each class."""

from collections.abc import Iterator

import polars as pl

from semeia.report.asked import headline
from semeia.report.content import Figure, Section
from semeia.report.estimates import Estimate, cohorts_of, full_labels, pairs_of
from semeia.report.names import Names, Pair
from semeia.report.numbers import count, estimate, listed, sentence, share
from semeia.report.plots.forest import forests_by_cohort
from semeia.report.plots.matrix import Matrix, MatrixCell
from semeia.report.run_folder import Run

RECALL = "recall_"
MOST_ARMS = 3
READING = (
    "Each line is 100\u00a0% of a true class, the darker the more; under each share the number of units. A cell of one "
    "to nine patients is not shown, nor are the counts from which it would follow."
)


def multiclass_section(run: Run) -> Section | None:
    """Make the section of an outcome of several classes; None for a binary one."""
    names = run.names
    levels = full_labels(run.levels)
    recalls = [e for e in levels if e.metric.startswith(RECALL)]
    pair = headline(run)
    if not recalls or pair is None:
        return None
    noun = "grade" if any(e.metric == "grade_error" for e in levels) else "class"
    mine = [e for e in recalls if (e.arm, e.mode) == pair]
    own = run.table("confusion").filter(arm=pair[0], mode=pair[1])
    return Section(
        key="classes",
        heading="Grade by grade" if noun == "grade" else "Class by class",
        lead=" ".join(_found(names, mine, cohort, noun) for cohort in cohorts_of(mine)),
        points=[*_off(names, levels, pair), *_confused(names, own, noun), *_absent(names, own, noun)],
        figures=[*_matrices(names, own, names.arm(*pair), noun), _recall_figure(recalls, names, noun)],
        files=run.files("confusion"),
    )


def _found(names: Names, rows: list[Estimate], cohort: str, noun: str) -> str:
    """How many of each class were found in a cohort: the least and the most."""
    here = sorted((e for e in rows if e.cohort == cohort), key=lambda e: e.value)
    start = f"{names.arm(here[0].arm, here[0].mode)} finds, {names.place(cohort)},"
    if len(here) == 1:
        return f"{start} {share(here[0].value)} of the units of {noun} {_number(here[0])}."
    low, high = (f"{share(e.value)} of {noun} {_number(e)}" for e in (here[0], here[-1]))
    return f"{start} from {low} to {high}."


def _off(names: Names, levels: list[Estimate], pair: Pair) -> list[str]:
    """How far off the called grades are, where there is an order."""
    at = {(e.cohort, e.metric): estimate(e.value, e.low, e.high) for e in levels if (e.arm, e.mode) == pair}
    return [
        f"{sentence(names.place(cohort))} the called grade is {at[cohort, 'grade_error']} grades off on average; "
        f"quadratic-weighted kappa is {at[cohort, 'quadratic_kappa']}."
        for cohort in cohorts_of(levels)
        if {(cohort, "grade_error"), (cohort, "quadratic_kappa")} <= at.keys()
    ]


def _confused(names: Names, table: pl.DataFrame, noun: str) -> list[str]:
    """The most frequent mistake of each cohort, among the cells that are shown."""
    wrong = table.filter(pl.col("label") != pl.col("called"), pl.col("share") > 0).sort("share", descending=True)
    return [
        f"The most frequent mistake {names.place(cohort)}: {noun} {row['label']} is called {noun} {row['called']} in "
        f"{share(row['share'])} of its units."
        for cohort in table["cohort"].unique(maintain_order=True)
        for row in wrong.filter(cohort=cohort).head(1).iter_rows(named=True)
    ]


def _absent(names: Names, table: pl.DataFrame, noun: str) -> Iterator[str]:
    """Classes without a unit, said for each cohort."""
    for cohort in table["cohort"].unique(maintain_order=True):
        here = table.filter(pl.col("cohort") == cohort)
        absent = sorted({*here["called"].to_list()} - {*here["label"].to_list()})
        if absent:
            classes = listed([f"{noun} {number}" for number in absent])
            yield f"No unit of {classes} was tested {names.place(cohort)}: means over classes leave it out."


def _recall_figure(recalls: list[Estimate], names: Names, noun: str) -> Figure:
    arms = names.headlines(pairs_of(recalls), most=MOST_ARMS)
    shown = [e for e in recalls if (e.arm, e.mode) in arms]
    shown.sort(key=lambda e: (_number(e), arms.index((e.arm, e.mode))))
    several = len(arms) > 1
    lead = f"Recall: of the units of a {noun}, how many are called so. The {noun} called is the most probable one."
    if names.several_seeds:
        lead += " A mean over seeds, which may differ a little from the matrices, where seeds are added up."
    panels = forests_by_cohort(
        shown,
        names,
        name=lambda e: names.arm(e.arm, e.mode) if several else f"{noun.capitalize()} {_number(e)}",
        group=lambda e: f"{noun.capitalize()} {_number(e)}" if several else "",
        axis="Recall",
    )
    return Figure("recall", f"Share of each {noun} that is found", lead, [*panels])


def _matrices(names: Names, table: pl.DataFrame, arm: str, noun: str) -> list[Figure]:
    """One matrix a cohort, of the rows of one arm."""
    matrices = []
    for cohort in table["cohort"].unique(maintain_order=True):
        here = table.filter(pl.col("cohort") == cohort)
        rows = [
            (f"{noun.capitalize()} {label}", [_cell(row) for row in here.filter(label=label).iter_rows(named=True)])
            for label in here["label"].unique(maintain_order=True)
        ]
        classes = [f"{number}" for number in here["called"].unique(maintain_order=True)]
        matrices.append(Matrix(names.cohort(cohort), f"True {noun}, called \u2192", classes, rows))
    return [Figure("confusion", f"{arm}: what was called what", READING, [*matrices])] if matrices else []


def _cell(row: dict) -> MatrixCell:
    part, units = row["share"], row["count"]
    return MatrixCell("") if part is None else MatrixCell(share(part), "" if units is None else count(units), part)


def _number(e: Estimate) -> int:
    return int(e.metric.removeprefix(RECALL))
