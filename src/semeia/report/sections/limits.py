"""Say what speaks against the run: its own limits, its power, what was left out."""

from collections.abc import Iterator

from semeia.report.content import DataTable, Section, TitledTable
from semeia.report.names import ALL
from semeia.report.numbers import listed, number, span
from semeia.report.run_folder import Run
from semeia.report.sections.answer import EXPERIMENT

LEAD = "What speaks against these results, the weightiest first."
RESAMPLED = (
    "Intervals come from resampling patients. They hold for patients like these and say nothing of how the "
    "choice of another archive, label or protocol would move the results."
)


def limits_section(run: Run) -> Section:
    """Show the limits; no page goes without."""
    notes = DataTable(["Note"], [[note] for note in run.notes])
    title = f"What was left out of the evaluation, and why ({len(run.notes)})"
    tables = [TitledTable(title, "", notes, folded=True)] if run.notes else []
    return Section("limits", "Limits", LEAD, limits_of(run), tables=tables)


def limits_of(run: Run) -> list[str]:
    """Return the limits in the order in which they matter."""
    resampled = any("bootstrap" in e.interval_method for e in run.estimates)
    return [*run.limits, *power(run), *([RESAMPLED] if resampled else []), EXPERIMENT]


def power(run: Run) -> Iterator[str]:
    """Say the smallest difference that the tested patients can show, where one was computed."""
    found = [e for e in run.estimates if e.metric.endswith("auroc_detectable_difference") and e.stratum == ALL]
    values = {
        cohort: [e.value for e in found if e.cohort == cohort] for cohort in dict.fromkeys(e.cohort for e in found)
    }
    parts = [f"{span(v, lambda value: number(value, 3))} {run.names.place(cohort)}" for cohort, v in values.items()]
    if parts:
        yield (
            "Power: the smallest difference in AUROC that a comparison on this page would find in four of five "
            f"repetitions (two-sided 5\u00a0%) is {listed(parts)}. Where an interval holds zero, differences up "
            "to its ends are not ruled out."
        )
