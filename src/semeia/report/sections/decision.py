"""Show usefulness on the page: at which thresholds acting on an arm's scores is better than treating all or nobody.

The table "decision_curves" of a run comes in; a section goes out.
"""

import polars as pl

from semeia.evaluation.tables.decision_curves import DECISION_COLUMNS
from semeia.report.content import DataTable, Section, TitledTable
from semeia.report.estimates import cohorts_of, pairs_of
from semeia.report.names import Names
from semeia.report.numbers import percent
from semeia.report.plots.decision import (
    MARKS,
    at_marks,
    beats_both,
    curve_of,
    decision_figure,
    gain_over_defaults_figure,
    range_words,
    ranges,
)
from semeia.report.run_folder import Run

Arms = list[tuple[str, str]]

MOST_DRAWN = 4
MEANING = (
    "A threshold of 20\u00a0% says that one case found is worth four needless treatments. Which thresholds matter is "
    "for those who treat to say; intervals are pointwise, not for a whole range at once."
)


def decision_section(run: Run) -> Section | None:
    """Make the section on usefulness; None when the run has no decision curves."""
    names = run.names
    table = run.table("decision_curves", DECISION_COLUMNS)
    if table.is_empty():
        return None
    estimates = [e for e in run.estimates if e.outcome == run.outcome]
    arms, cohorts = names.headlines(pairs_of(estimates)), cohorts_of(estimates)
    every = [*arms, *(pair for pair in names.in_order(pairs_of(estimates)) if pair not in arms)]
    trained = [p for p in arms if names.about(p[0]).role not in ("shortcut", "human")][:MOST_DRAWN]
    figures = [
        decision_figure(table, names, arms=arms, cohorts=cohorts),
        gain_over_defaults_figure(table, names, arms=trained or arms[:MOST_DRAWN], cohorts=cohorts),
    ]
    tables = [
        _ranges_table(names, table, arms, cohorts, "Where each arm beats both", folded=False),
        _ranges_table(
            names, table, every[len(arms) :], cohorts, "Where each arm beats both: the other arms", folded=True
        ),
        _differences_table(names, table, every, cohorts),
    ]
    return Section(
        key="usefulness",
        heading="Usefulness",
        lead=" ".join(_range_sentence(names, table, arms[0], cohort) for cohort in cohorts) if arms else "",
        points=[*_against_scratch(table, names, trained, cohorts), MEANING],
        figures=[figure for figure in figures if figure is not None],
        tables=[found for found in tables if found is not None],
    )


def _range_sentence(names: Names, table: pl.DataFrame, pair: tuple[str, str], cohort: str) -> str:
    found, start = beats_both(table, pair, cohort), names.place(cohort)
    start = start[0].upper() + start[1:]
    if not found:
        return f"{start}, acting on {names.arm(*pair)} was not shown to be better than treating all or nobody."
    words = range_words(found)
    return f"{start}, acting on {names.arm(*pair)} is better than treating all or nobody at thresholds {words}."


def _against_scratch(table: pl.DataFrame, names: Names, arms: Arms, cohorts: list[str]) -> list[str]:
    """Where a pretrained arm's net benefit differs from that of the same network without pretraining."""
    points = []
    for arm, mode in arms:
        for reference in table.filter(arm=arm, mode=mode)["reference"].unique(maintain_order=True):
            one, other = names.about(arm), names.about(reference.partition("/")[0])
            if (one.role, other.role) != ("pretrained", "scratch") or one.family != other.family:
                continue
            for cohort in cohorts:
                curve = curve_of(table, (arm, mode), cohort, reference=reference)
                if not curve.is_empty():
                    start = f"{names.cohort(cohort)}: net benefit of {names.arm(arm, mode)}"
                    points.append(f"{start} {_apart(curve)} {names.reference(reference)}.")
    return points


def _apart(curve: pl.DataFrame) -> str:
    thresholds = curve["threshold"].to_list()
    higher = ranges(thresholds, (curve["low"] > 0).fill_null(False).to_numpy())
    lower = ranges(thresholds, (curve["high"] < 0).fill_null(False).to_numpy())
    if not higher and not lower:
        return "was at no threshold shown to differ from that of"
    words = [f"higher {range_words(higher)}" if higher else "", f"lower {range_words(lower)}" if lower else ""]
    return f"is {' and '.join(word for word in words if word)} compared with"


def _ranges_table(
    names: Names, table: pl.DataFrame, arms: Arms, cohorts: list[str], title: str, *, folded: bool
) -> TitledTable | None:
    rows = []
    for pair in arms:
        for cohort in cohorts:
            curve = curve_of(table, pair, cohort)
            if not curve.is_empty():
                words = range_words(beats_both(table, pair, cohort)) or "nowhere shown"
                rows.append([names.arm(*pair), names.cohort(cohort), words, *at_marks(curve)])
    note = (
        "Thresholds at which the 95\u00a0% intervals of net benefit and of its gain over treating all both lie above "
        "zero; then the net benefit itself."
    )
    heads = ["Arm", "Cohort", "Better than both", *(f"At {percent(mark)}" for mark in MARKS)]
    return TitledTable(title, "" if folded else note, DataTable(heads, rows), folded=folded) if rows else None


def _differences_table(names: Names, table: pl.DataFrame, arms: Arms, cohorts: list[str]) -> TitledTable | None:
    references = [r for r in table["reference"].unique(maintain_order=True) if r not in ("", "treat_all")]
    rows = []
    for reference in references:
        for pair in arms:
            for cohort in cohorts:
                curve = curve_of(table, pair, cohort, reference=reference)
                if not curve.is_empty():
                    start = [names.arm(*pair), names.reference(reference), names.cohort(cohort)]
                    rows.append([*start, *at_marks(curve)])
    note = "Net benefit of the arm minus that of the reference, paired, the same patients in each draw."
    heads = ["Arm", "Minus", "Cohort", *(f"At {percent(mark)}" for mark in MARKS)]
    return TitledTable("Differences in net benefit", note, DataTable(heads, rows), folded=True) if rows else None
