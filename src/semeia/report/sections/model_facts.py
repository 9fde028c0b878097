"""Show the model-facts label, as Sendak et al. (npj Digit Med 2020;3:41) ask for; what is not known stays open."""

from dataclasses import dataclass

from semeia.report.asked import headline, headline_levels
from semeia.report.checklists.facts_of_run import fingerprint, output, sites
from semeia.report.content import Section
from semeia.report.estimates import Estimate, cohorts_of
from semeia.report.metrics import metric_title, positive_words
from semeia.report.numbers import count, estimate, listed, percent, sentence, share, span
from semeia.report.run_folder import Run
from semeia.report.sections.answer import EXPERIMENT, warnings

MOST_MEASURES = 8


@dataclass(frozen=True)
class Label:
    """The card."""

    name: str  # of the model
    mechanism: list[tuple[str, str]]  # what it does, as (name, words)
    cohorts: list[str]  # columns of the measures
    measures: list[tuple[str, list[str]]]  # name and a value with interval for each cohort
    warnings: list[str]  # what to beware of
    open: list[str]  # what the authors have to add
    made: str  # with what


OPEN = ["the patients it is meant for, who uses it, and when", "what to do with its output", "when not to use it"]


def model_facts_section(run: Run) -> Section | None:
    """Show the label of the headline arm; None when nothing was evaluated."""
    pair = headline(run)
    if pair is None:
        return None
    label = label_of(run, *pair, headline_levels(run))
    lead = f"{label.name} on one card: what it takes, what it gives, how well, and what to beware of."
    return Section("facts", "Model facts", lead, own=label)


def label_of(run: Run, arm: str, mode: str, rows: list[Estimate]) -> Label:
    """Fill the card of one arm from its levels, all with one share of the labels; there must be some."""
    names, cohorts, version = run.names, cohorts_of(rows), run.record.get("semeia_version")
    return Label(
        name=names.arm(arm, mode),
        mechanism=_mechanism(run, arm, max(e.fraction for e in rows)),
        cohorts=[names.cohort(cohort) for cohort in cohorts],
        measures=[*_sizes(rows, cohorts), *_measures(rows, cohorts)],
        warnings=[*warnings(run, rows), EXPERIMENT],
        open=OPEN,
        made=" ".join(words for words in (f"Semeia {version}." if version else "", fingerprint(run)) if words),
    )


def _mechanism(run: Run, arm: str, fraction: float) -> list[tuple[str, str]]:
    names = run.names
    reads = listed([*names.about(arm).modalities])
    facts = [
        ("Predicts", names.outcome(run.outcome)),
        ("Output", output(run)),
        ("Reads", reads),
        ("Trained on", _trained_on(run, arm, fraction)),
        ("Tested at", sites(run).removeprefix("Tested at ").rstrip(".")),
    ]
    return [(name, words) for name, words in facts if words]


def _trained_on(run: Run, arm: str, fraction: float) -> str:
    """How many patients it was pretrained on, and what share of the labels it was given."""
    if not run.trained_here:
        return ""
    counts = [record.get("patients") for record in run.records("pretraining") if record.get("arm") == arm]
    patients = [n for n in counts if isinstance(n, int)]
    before = f"{span(patients)} patients without their labels, then " if patients else ""
    return f"{before}{percent(fraction)} of the labelled training patients"


def _sizes(rows: list[Estimate], cohorts: list[str]) -> list[tuple[str, list[str]]]:
    first = {e.cohort: e for e in reversed(rows)}
    sizes = [f"{count(first[c].n_patients)} patients, {count(first[c].n)} units" for c in cohorts]
    shares = [f"{share(first[c].n_positive / first[c].n)}" if first[c].n else "" for c in cohorts]
    words = positive_words(rows[0].metric) if rows else ""
    positive = [(sentence(words), shares)] if any(e.n_positive for e in rows) else []
    return [("Tested on", sizes), *positive]


def _measures(rows: list[Estimate], cohorts: list[str]) -> list[tuple[str, list[str]]]:
    at = {(e.metric, e.cohort): estimate(e.value, e.low, e.high) for e in rows}
    shown = [metric for metric in dict.fromkeys(e.metric for e in rows) if not metric.startswith(("auroc_", "recall_"))]
    return [(metric_title(m), [at.get((m, c), "not computed") for c in cohorts]) for m in shown[:MOST_MEASURES]]
