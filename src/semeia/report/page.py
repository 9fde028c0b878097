"""Write the page of a run folder, section by section; a section for which the run has nothing is left out."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from semeia.archive.atomic import write_text
from semeia.errors import InputError
from semeia.report.checklists.section import checklists_section
from semeia.report.content import Section
from semeia.report.flow import flow_section
from semeia.report.html import Page, to_html
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.answer import answer_section
from semeia.report.sections.calibration import calibration_section
from semeia.report.sections.decision import decision_section
from semeia.report.sections.differences import differences_section
from semeia.report.sections.embedding import embedding_section
from semeia.report.sections.examples import examples_section
from semeia.report.sections.fractions import fraction_section
from semeia.report.sections.leakage import leakage_section
from semeia.report.sections.learning import learning_section
from semeia.report.sections.limits import limits_section
from semeia.report.sections.made import made_section
from semeia.report.sections.model_facts import model_facts_section
from semeia.report.sections.multiclass import multiclass_section
from semeia.report.sections.operating import operating_section
from semeia.report.sections.paired_tests import comparisons_section
from semeia.report.sections.pictures import pictures_section
from semeia.report.sections.pretraining import pretraining_section
from semeia.report.sections.results import results_section, sizes
from semeia.report.sections.roc import roc_section
from semeia.report.sections.signatures import signatures_section
from semeia.report.sections.subgroups import subgroup_section
from semeia.report.sections.transport import transport_section

# In the order of the page. A new section is one file and one line here:
# `<name>_section(run: Run) -> Section | None`.
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

UNNAMED = "predictions"  # the study of a table that names none


def write_report(run: Path) -> Path:
    """Write RUN/report.html from what the run folder holds.

    Args:
        run: a run folder, or the folder of an evaluation: at least results.csv.

    Returns:
        The path of the page.

    Raises:
        InputError: results.csv is absent, or a file of the run cannot be read or written.
    """
    path = run / "report.html"
    write_text(path, render(read_run(run)))
    return path


def render(run: Run) -> str:
    """Return the page of a run as HTML text."""
    names, about = run.names, run.names.description
    try:
        sections = [section(run) for section in SECTIONS]
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{run.path}: a table in it lacks columns or holds others; evaluate again") from error
    study = "" if run.study == UNNAMED else run.study.replace("_", " ")
    title = about.title or study[:1].upper() + study[1:] or "Evaluation"
    return to_html(
        Page(
            title=f"{title}: {about.question or f'predicting {names.outcome(run.outcome)}'}",
            sections=[section for section in sections if section is not None],
            remark=f"Everything here is restricted to {names.stratum(run.restriction)}." if run.restriction else "",
            sizes=sizes(names, run.estimates, outcome=run.outcome),
        )
    )
