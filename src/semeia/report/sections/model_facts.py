"""Show the model-facts label: one model on one card, as Sendak et al. (npj Digit Med 2020;3:41) ask for.

A run goes in; out comes what its headline arm predicts, from what, how well, and what to beware of. What the run does
not know, the intended use above all, stays open on the card.
"""

from dataclasses import dataclass

from semeia.report.checklists.facts_of_run import fingerprint, output, site_names, sites
from semeia.report.content import Section
from semeia.report.estimates import Estimate, cohorts_of, full_labels
from semeia.report.metrics import GAIN, OF_CLASS, covariate_title, metric_title, positive_words
from semeia.report.numbers import count, estimate, listed, lowered, percent, sentence, share
from semeia.report.run_folder import Run
from semeia.report.sections.answer import headline
from semeia.report.sections.differences import gain_metric
from semeia.report.sections.limits import EXPERIMENT

MOST_MEASURES = 8


@dataclass(frozen=True)
class Label:
    """The card.

    Attributes:
        name: of the model.
        mechanism: what it does, as (name, words).
        cohorts: columns of the measures.
        measures: name and a value with interval for each cohort.
        warnings: what to beware of.
        open: what the authors have to add.
        made: with what.
    """

    name: str
    mechanism: list[tuple[str, str]]
    cohorts: list[str]
    measures: list[tuple[str, list[str]]]
    warnings: list[str]
    open: list[str]
    made: str


OPEN = ["the patients it is meant for, who uses it, and when", "what to do with its output", "when not to use it"]


def model_facts_section(run: Run) -> Section | None:
    """Show the label of the headline arm; None when nothing was evaluated."""
    names = run.names
    pair = headline(run)
    if pair is None:
        return None
    rows = [
        e
        for e in full_labels([e for e in run.estimates if not e.reference and e.stratum == "all"])
        if (e.arm, e.mode, e.outcome) == (*pair, run.outcome)
    ]
    cohorts = cohorts_of(rows)
    label = Label(
        name=names.arm(*pair),
        mechanism=_mechanism(run, pair[0], max(e.fraction for e in rows)),
        cohorts=[names.cohort(cohort) for cohort in cohorts],
        measures=[*_sizes(rows, cohorts), *_measures(rows, cohorts)],
        warnings=[*warnings(run, rows), EXPERIMENT],
        open=OPEN,
        made=_made(run),
    )
    return Section("facts", "Model facts", own=label)


def warnings(run: Run, rows: list[Estimate]) -> list[str]:
    """Say what speaks against using one arm.

    Args:
        run: what it is an arm of.
        rows: the levels of the arm with all labels.
    """
    names, at = run.names, {(e.metric, e.cohort): e for e in rows}
    elsewhere = len(cohorts_of(rows)) > 1 or len(site_names(run)) > 1
    found = [] if elsewhere else ["It was tested in one cohort only: how it does elsewhere is unknown."]
    for (metric, cohort), e in at.items():
        if e.low is None or e.high is None:
            continue
        if metric == "auroc" and e.low <= 0.5:
            found.append(f"Its AUROC {names.place(cohort)} is not shown to differ from chance.")
        ideal = {"calibration_slope": 1.0, "calibration_intercept": 0.0}.get(metric)
        if ideal is not None and not e.low <= ideal <= e.high:
            found.append(
                f"Its probabilities are off {names.place(cohort)} ({lowered(metric_title(metric))} "
                f"{estimate(e.value, e.low, e.high)}, ideally {ideal:.0f}): recalibrate before reading them."
            )
    gain = gain_metric(run.estimates, outcome=rows[0].outcome) if rows else None
    over = [e for (metric, _), e in at.items() if metric == gain and e.direction != "better"]
    if gain and over:
        covariate = covariate_title(gain.removeprefix(GAIN))
        where = listed([names.place(e.cohort) for e in over])
        found.append(f"It was not shown to add to the {covariate} {where}.")
    return found


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
    patients = sorted({n for n in counts if isinstance(n, int)})
    ends = listed([count(n) for n in dict.fromkeys([*patients[:1], *patients[-1:]])], last="to")
    before = f"{ends} patients without their labels, then " if patients else ""
    return f"{before}{percent(fraction)} of the labelled training patients"


def _sizes(rows: list[Estimate], cohorts: list[str]) -> list[tuple[str, list[str]]]:
    first = {e.cohort: e for e in reversed(rows)}
    sizes = [f"{count(first[c].n_patients)} patients, {count(first[c].n)} units" for c in cohorts]
    shares = [f"{share(first[c].n_positive / first[c].n)}" if first[c].n else "" for c in cohorts]
    words = positive_words(rows[0].metric) if rows else ""
    positive = [(sentence(words), shares)] if any(e.n_positive for e in rows) else []
    return [("Tested on", sizes), *positive]


def _measures(rows: list[Estimate], cohorts: list[str]) -> list[tuple[str, list[str]]]:
    at = {(e.metric, e.cohort): e for e in rows}
    parts = ("auroc_", *OF_CLASS)
    shown = [metric for metric in dict.fromkeys(e.metric for e in rows) if not metric.startswith(parts)]
    found = []
    for metric in shown[:MOST_MEASURES]:
        values = [at.get((metric, cohort)) for cohort in cohorts]
        words = ["not computed" if e is None else estimate(e.value, e.low, e.high) for e in values]
        found.append((metric_title(metric), words))
    return found


def _made(run: Run) -> str:
    version = run.record.get("semeia_version")
    return " ".join(words for words in (f"Semeia {version}." if version else "", fingerprint(run)) if words)
