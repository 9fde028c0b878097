"""What the page says against itself: limits of any run, those of the nodule study, what was left out."""

from semeia.report.estimates import Estimate, find
from semeia.report.figures import DataTable, Palette
from semeia.report.names import place
from semeia.report.numbers import listed, number
from semeia.report.run_folder import Run
from semeia.report.sections import Section, TitledTable

NODULE = (
    "This is an open reconstruction of the question that arXiv 2509.15470 asks. The text and code of that "
    "study were not available; its published AUCs are context only and are not reproduced here, since its "
    "cohorts are private.",
    "The label malignancy is an opinion of radiologists who read the scan, not a diagnosis, and it is "
    "nearly a function of size: the diameter alone predicts it well. What counts is what a model adds to "
    "the diameter.",
    "The crops hold only the slices that a nodule spans, and each slice was stretched to full contrast by "
    "itself: intensities are not Hounsfield units and cannot be compared between slices or scanners.",
    "A diagnosis belongs to a patient, not to a nodule. Where diagnosis is the outcome, a patient\u2019s "
    "score is the maximum over the patient\u2019s nodules.",
    "Other scanner makers stand in for other institutions: the external patients come from the same public collection.",
)
GENERAL = (
    "Intervals come from resampling patients. They hold for patients like these and say nothing of how the "
    "choice of another archive, label or protocol would move the results.",
    "This page describes an experiment. It is no medical device, and no score in it should guide the care "
    "of a patient.",
)


def limits_section(run: Run, palette: Palette, *, outcome: str) -> Section:
    """The limits; no page goes without."""
    left_out = TitledTable(
        f"What was left out of the evaluation, and why ({len(run.notes)})",
        "",
        DataTable(["Note"], [[note] for note in run.notes]),
        folded=True,
    )
    points = limits_of(run)
    return Section("limits", "Limits", points=points, tables=[left_out] if run.notes else [])


def limits_of(run: Run) -> list[str]:
    """The limits in the order in which they matter."""
    special = list(NODULE) if run.study == "nodule" else run.limits
    return [*special, *power(run.estimates), *GENERAL]


def power(estimates: list[Estimate]) -> list[str]:
    """The smallest difference that the tested patients can show; an empty list when none was computed."""
    metrics = ("auroc_detectable_difference", "macro_auroc_detectable_difference")
    found = [e for metric in metrics for e in find(estimates, metric=metric, differences=True)]
    if not found:
        return []
    parts = []
    for cohort in dict.fromkeys(e.cohort for e in found):
        values = [number(e.value, 3) for e in found if e.cohort == cohort]
        span = listed(list(dict.fromkeys([min(values), max(values)])), last="to")
        parts.append(f"{span} {place(cohort)}")
    return [
        "Power: the smallest difference in AUROC that a comparison on this page would find in four of five "
        f"repetitions (two-sided 5\u00a0%) is {listed(parts)}. Where an interval holds zero, differences up "
        "to its ends are not ruled out."
    ]
