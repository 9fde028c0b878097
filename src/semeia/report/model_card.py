"""Write the model card of an exported model in Markdown, from what the run says; what it does not say stays open."""

from dataclasses import dataclass
from pathlib import Path

from semeia.report.checklists.facts_of_run import exclusions, sources
from semeia.report.estimates import MACRO, Estimate
from semeia.report.names import ALL
from semeia.report.numbers import estimate
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.answer import EXPERIMENT
from semeia.report.sections.limits import limits_of
from semeia.report.sections.model_facts import OPEN, Label, label_of


@dataclass(frozen=True)
class Exported:
    """What the exported folder itself knows of the model."""

    arm: str  # as tables name it
    mode: str  # how it met the labels
    fraction: float  # share of the labels
    outcome: str  # that it predicts
    reads: str  # what it reads, in words
    prepared: dict[str, str]  # what was done to each modality before a network saw it, by name
    seeds: int  # how many models there are
    patients: int  # that they were fitted on, all seeds together
    files: tuple[tuple[str, str], ...] = ()  # what lies in the folder, as (file, words)
    licence: str = ""  # of the data; empty where nobody said
    # of pretraining on the encoders they began with, each once; empty where there was none
    verdicts: tuple[str, ...] = ()


def model_card(path: Path, model: Exported) -> str:
    """Write the card of one model of a run folder, in Markdown."""
    run = read_run(path) if (path / "results.csv").exists() else None
    rows = [e for e in _of_model(run, model) if not e.reference]
    label = label_of(run, model.arm, model.mode, rows) if run is not None and rows else None
    parts = [
        f"# {label.name if label else f'{model.arm}, {model.mode}'}\n",
        _facts(model, label),
        _items("Intended use", [EXPERIMENT, *(f"Open, for its authors to say: {words}." for words in OPEN)]),
        _training(run, model),
        _items("Preprocessing", [f"{name}: {words}." for name, words in model.prepared.items()] or ["none"]),
        _performance(run, model, label),
        _items("What pretraining did", _pretraining(run, model)),
        _items("Limits", _limits(run, label)),
        _items("Files", [f"`{name}`: {words}" for name, words in model.files]),
        f"## Licence of the data\n\n{model.licence or 'Not known to the run: ask whoever gave the archive.'}\n",
    ]
    return "\n".join(part for part in parts if part)


def _of_model(run: Run | None, model: Exported) -> list[Estimate]:
    """The results of the model, on all that were tested."""
    asked = (model.arm, model.mode, model.fraction, model.outcome, ALL)
    every = run.estimates if run else []
    return [e for e in every if (e.arm, e.mode, e.fraction, e.outcome, e.stratum) == asked]


def _facts(model: Exported, label: Label | None) -> str:
    tested = dict(label.mechanism).get("Tested at", "") if label else ""
    facts = {
        "Predicts": f"`{model.outcome}`",
        "Output": "a probability, as the model itself says it; a calibration stands under Files where one is stored",
        "Reads": model.reads,
        "Models": f"{model.seeds}, one a seed; `semeia predict` and `semeia serve` give the mean of their scores",
        "Tested at": tested,
    }
    made = f"\n\n{label.made}" if label and label.made else ""
    return "\n".join(f"- **{name}**: {words}" for name, words in facts.items() if words) + made + "\n"


def _training(run: Run | None, model: Exported) -> str:
    words = [
        f"Fitted on {model.patients} patients, all seeds together, with {model.fraction:.0%} of the labelled training "
        "patients for each seed. Known patients are refused by `semeia predict`: the files carry marks of them, from "
        "which nobody can be named."
    ]
    if run is not None:
        words += [words for words in (sources(run), exclusions(run)) if words]
    return _items("What it was trained on", words)


def _performance(run: Run | None, model: Exported, label: Label | None) -> str:
    if run is None or label is None:
        return _items("Performance", ["This run holds no results of it: judge it by `semeia evaluate` before any use."])
    head = ["", *label.cohorts]
    lines = [head, ["---"] * len(head), *([name, *values] for name, values in label.measures)]
    cells = [[" ".join(words.split()).replace("|", "\\|") for words in line] for line in lines]
    table = "\n".join(f"| {' | '.join(line)} |" for line in cells)
    words = "Each number with its 95 % interval, of single seeds' models averaged over seeds; patients are resampled."
    return f"## Performance\n\n{words}\n\n{table}\n"


def _pretraining(run: Run | None, model: Exported) -> list[str]:
    """The verdict of pretraining itself, and what the same network without it came to."""
    told = [f"Verdict on the encoder that it began with: {verdict}" for verdict in model.verdicts]
    if run is None:
        return told or ["Not told by this run."]
    gains = [
        f"{run.names.arm(e.arm, e.mode)} less {run.names.reference(e.reference)}, {run.names.place(e.cohort)}: AUROC "
        f"{estimate(e.value, e.low, e.high, sign=True)}{e.tested_words}."
        for e in _of_model(run, model)
        if e.reference and e.metric in ("auroc", MACRO) and run.names.is_pretraining(e.arm, e.reference)
    ]
    return [*told, *gains] or [
        "This run did not pretrain it, and did not compare it with a network without pretraining."
    ]


def _limits(run: Run | None, label: Label | None) -> list[str]:
    warnings = [words for words in label.warnings if words != EXPERIMENT] if label else []
    limits = [words for words in limits_of(run) if words != EXPERIMENT] if run else []
    unknown = "It was not validated for clinical use, and patients unlike those above may be scored wrongly."
    return [*warnings, *limits, unknown]


def _items(title: str, words: list[str]) -> str:
    return f"## {title}\n\n" + "\n".join(f"- {item}" for item in words) + "\n" if words else ""
