"""A run folder in, one HTML page out, section by section; a section for which the run has nothing is left out."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from semeia.archive.atomic import write_text
from semeia.errors import InputError
from semeia.report.answer import answer_section
from semeia.report.calibration_section import calibration_section
from semeia.report.checklists import checklists_section
from semeia.report.comparison_tests import comparisons_section
from semeia.report.comparisons import against_scratch, differences_section
from semeia.report.decision_section import decision_section
from semeia.report.embedding_section import embedding_section
from semeia.report.estimates import outcomes_of
from semeia.report.examples import Example, examples_section, write_examples
from semeia.report.figures import Palette, palette_of
from semeia.report.flow import flow_section
from semeia.report.fraction_plot import fraction_section
from semeia.report.html import Page, to_html
from semeia.report.leakage_section import leakage_section
from semeia.report.learning_plot import learning_section
from semeia.report.limits import limits_section
from semeia.report.made import made_section
from semeia.report.model_facts import model_facts_section
from semeia.report.multiclass_section import multiclass_section
from semeia.report.names import outcome_title, stratum_title
from semeia.report.operating_section import operating_section
from semeia.report.pictures_section import pictures_section
from semeia.report.pretraining import pretraining_section
from semeia.report.roc_plot import roc_section
from semeia.report.run_folder import Run, read_run
from semeia.report.sections import Section
from semeia.report.signatures_section import signatures_section
from semeia.report.subgroup_section import subgroup_section
from semeia.report.tables import results_section, sizes
from semeia.report.transport_section import transport_section

# In the order of the page. A new section is one file and one line here:
# `<name>_section(run: Run, palette: Palette, *, outcome: str) -> Section | None`.
SECTIONS: tuple[Callable[..., Section | None], ...] = (
    answer_section,
    model_facts_section,
    flow_section,
    pretraining_section,
    signatures_section,
    embedding_section,
    results_section,
    multiclass_section,
    fraction_section,
    differences_section,
    comparisons_section,
    roc_section,
    operating_section,
    calibration_section,
    decision_section,
    transport_section,
    subgroup_section,
    leakage_section,
    learning_section,
    examples_section,
    pictures_section,
    limits_section,
    checklists_section,
    made_section,
)

# How a study is called in the title, where not by its own name.
STUDIES = {"predictions": "", "ehr": "health records", "knee": "knee radiographs"}


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
    palette = palette_of(run.estimates, run.pretrained)
    outcome = next(iter(outcomes_of(run.estimates)), "")
    try:
        made = [section(run, palette, outcome=outcome) for section in SECTIONS]
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{run.path}: a table in it lacks columns or holds others; evaluate again") from error
    remark = f"Everything here is restricted to {stratum_title(run.restriction)}." if run.restriction else ""
    return to_html(
        Page(
            title=_title(run, palette, outcome),
            sections=[section for section in made if section is not None],
            remark=remark,
            sizes=sizes(run.estimates, outcome=outcome),
        )
    )


def _title(run: Run, palette: Palette, outcome: str) -> str:
    name = STUDIES.get(run.study, run.study).replace("_", " ").strip()
    start = f"{name[:1].upper()}{name[1:]}" if name else "Evaluation"
    asked = against_scratch(run.estimates, palette, outcome=outcome)
    predicted = outcome_title(outcome)
    return f"{start}: does pretraining help to predict {predicted}?" if asked else f"{start}: predicting {predicted}"
