"""A run folder in, one HTML page out: everything inline, nothing fetched, no script, every text escaped.

Sections for which the run has nothing are left out.
"""

import json
from collections.abc import Callable
from pathlib import Path

from semeia.archive.atomic import write_text
from semeia.report.answer import answer_of
from semeia.report.calibration_plot import calibration_figure
from semeia.report.comparisons import (
    against_scratch,
    gain_figure,
    pretraining_figure,
    reference_figure,
    stratum_figures,
)
from semeia.report.estimates import outcomes_of
from semeia.report.examples import Example, read_examples, write_examples
from semeia.report.figures import Figure, Palette, palette_of
from semeia.report.flow import read_flow
from semeia.report.fraction_plot import fraction_figure
from semeia.report.learning_plot import learning_figures
from semeia.report.limits import limits_of
from semeia.report.names import covariate_title, stratum_title
from semeia.report.numbers import count, duration, memory, number
from semeia.report.pretraining import diagnostics_table, pretrained_arms
from semeia.report.roc_plot import roc_figure
from semeia.report.run_folder import Run, read_run
from semeia.report.sections import Section
from semeia.report.style import swatch
from semeia.report.tables import results_tables, sizes

# A section of its own file is one line here: `<name>_section(run, palette, *, outcome) -> Section | None`.
SECTIONS: tuple[Callable[..., Section | None], ...] = ()

HEADINGS = {
    "answer": "The answer",
    "flow": "Who was studied",
    "pretraining": "What was pretrained on what",
    "results": "Results",
    "figures": "Figures",
    "learning": "Learning curves",
    "examples": "Examples",
    "limits": "Limits",
    "made": "How this was made",
}


def write_report(run: Path, *, examples: list[Example] | None = None) -> Path:
    """Write RUN/report.html from what the run folder holds.

    Args:
        run: a run folder, or the folder of an evaluation: at least results.csv. examples: units to show; they
        are written into the run (see `write_examples`). Without them the page shows
            those that the run already has.

    Returns:
        The path of the page.

    Raises:
        InputError: results.csv is absent, or a file of the run cannot be read or written.
    """
    if examples is not None:
        write_examples(run, examples)
    path = run / "report.html"
    write_text(path, render(read_run(run)))
    return path


def render(run: Run) -> str:
    """The page of a run as HTML text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("semeia.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"swatch": swatch, "count": count, "number": number, "words": covariate_title}
    return environment.get_template("page.html.j2").render(**_content(run)) + "\n"


def _content(run: Run) -> dict[str, object]:
    """Everything that the template shows, by name."""
    palette = palette_of(run.estimates, run.pretrained)
    outcome = next(iter(outcomes_of(run.estimates)), "")
    study = str(run.record.get("study") or next((e.study for e in run.estimates), ""))
    notes = run.record.get("notes")
    asked = bool(against_scratch(run.estimates, palette, outcome=outcome))
    content: dict[str, object] = {
        "answer": answer_of(run.estimates, palette),
        "flow": read_flow(run.record.get("flow")),
        "pretraining": pretrained_arms(run.records("pretraining")),
        "results": results_tables(run.estimates, palette),
        "figures": _figures(run, palette, outcome),
        "learning": learning_figures(run.metrics, palette),
        "examples": read_examples(run.path),
        "limits": limits_of(study, run.estimates, [str(n) for n in notes] if isinstance(notes, list) else []),
        "made": _made(run),
    }
    made = [section(run, palette, outcome=outcome) for section in SECTIONS]
    shown = [section for section in made if section is not None]
    before, after = list(HEADINGS)[:5], list(HEADINGS)[5:]
    return content | {
        "more": shown,
        "title": _title(study, outcome, asked=asked),
        "diagnostics": diagnostics_table(run.records("pretraining")),
        "compared": asked,
        "several_seeds": len({str(r.get("seed")) for r in run.records("pretraining")}) > 1,
        "restriction": stratum_title(run.restriction) if run.restriction else "",
        "sizes": sizes(run.estimates, outcome=outcome),
        "methods": list(dict.fromkeys(e.interval_method for e in run.estimates if e.low is not None)),
        "config": _folded(run.record.get("config")),
        "sections": [
            *((key, HEADINGS[key]) for key in before if content[key]),
            *((section.key, section.heading) for section in shown),
            *((key, HEADINGS[key]) for key in after if content[key]),
        ],
        "headings": HEADINGS,
        "outcome": outcome,
    }


def _title(study: str, outcome: str, *, asked: bool) -> str:
    name = "" if study == "predictions" else study.replace("_", " ").strip()
    start = f"{name[:1].upper()}{name[1:]}" if name else "Evaluation"
    return f"{start}: does pretraining help to predict {outcome}?" if asked else f"{start}: predicting {outcome}"


def _figures(run: Run, palette: Palette, outcome: str) -> list[Figure]:
    predictions = run.predictions
    plots: list[Callable[[], Figure | None]] = [
        lambda: fraction_figure(run.estimates, palette, outcome=outcome),
        lambda: pretraining_figure(run.estimates, palette, outcome=outcome),
        lambda: gain_figure(run.estimates, palette, outcome=outcome),
    ]
    drawn = [plot() for plot in plots]
    drawn += stratum_figures(run.estimates, palette, outcome=outcome)
    drawn.append(reference_figure(run.estimates, palette, outcome=outcome))
    if predictions is not None:
        drawn.append(roc_figure(run.estimates, predictions, palette, outcome=outcome))
        drawn.append(calibration_figure(run.estimates, predictions, palette, outcome=outcome))
    return [figure for figure in drawn if figure is not None]


def _made(run: Run) -> list[tuple[str, str]]:
    """Names and words of what made the run; what the record does not hold is left out."""
    record = run.record
    facts = [("Semeia", str(record.get("semeia_version") or ""))]
    versions = record.get("versions")
    if isinstance(versions, dict):
        facts.append(("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())))
    archive = record.get("archive")
    if isinstance(archive, dict):
        facts.append(("Fingerprint of the archive", str(archive.get("fingerprint") or "")))
    seeds = record.get("seeds")
    if isinstance(seeds, list):
        facts.append(("Seeds", ", ".join(str(seed) for seed in seeds)))
    for name, key, said in (("Time", "wall_seconds", duration), ("Peak memory", "peak_rss_mb", memory)):
        value = record.get(key)
        if isinstance(value, int | float):
            facts.append((name, said(value)))
    return [(name, words) for name, words in facts if words]


def _folded(config: object) -> str:
    return json.dumps(config, indent=2, ensure_ascii=False, default=str) if config else ""
