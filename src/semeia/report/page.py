"""Write the page of a run folder, section by section; a section for which the run has nothing is left out."""

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from semeia.archive.atomic import write_text
from semeia.errors import InputError
from semeia.progress import say
from semeia.report.checklists.section import checklists_section
from semeia.report.content import Section
from semeia.report.flow import flow_section
from semeia.report.html import Page, to_html
from semeia.report.numbers import sentence
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.answer import answer_of, answer_section
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
from semeia.report.sections.modalities import modalities_section
from semeia.report.sections.model_facts import model_facts_section
from semeia.report.sections.multiclass import multiclass_section
from semeia.report.sections.paired_tests import comparisons_section
from semeia.report.sections.pictures import pictures_section
from semeia.report.sections.pretraining import pretraining_section
from semeia.report.sections.results import results_section, sizes
from semeia.report.sections.sensitivity import sensitivity_section
from semeia.report.sections.signatures import signatures_section
from semeia.report.sections.subgroups import subgroup_section
from semeia.report.sections.transport import transport_section

OPEN, FOLDED = False, True
# In the order of the page. A new section is one file and one line here: `<name>_section(run: Run) -> Section | None`,
# and whether it is folded. Ten at most are open.
SECTIONS: tuple[tuple[Callable[..., Section | None], bool], ...] = (
    (answer_section, OPEN),
    (results_section, OPEN),
    (multiclass_section, OPEN),
    (differences_section, OPEN),
    (calibration_section, OPEN),
    (decision_section, OPEN),
    (transport_section, OPEN),
    (leakage_section, OPEN),
    (limits_section, OPEN),
    (model_facts_section, FOLDED),
    (flow_section, FOLDED),
    (fraction_section, FOLDED),
    (comparisons_section, FOLDED),
    (sensitivity_section, FOLDED),
    (subgroup_section, FOLDED),
    (pretraining_section, FOLDED),
    (signatures_section, FOLDED),
    (embedding_section, FOLDED),
    (learning_section, FOLDED),
    (examples_section, FOLDED),
    (pictures_section, FOLDED),
    (modalities_section, FOLDED),
    (made_section, FOLDED),
)

REPORT, CHECKLISTS = "report.html", "checklists.html"
UNNAMED = "predictions"  # the study of a table that names none


def write_report(run: Path) -> Path:
    """Write RUN/report.html, and RUN/checklists.html beside it, from what the run folder holds: at least results.csv.

    InputError when that is absent, or a file of the run cannot be read or written.
    """
    return write_pages(run, read_run(run))


def write_pages(folder: Path, run: Run) -> Path:
    """Write the pages of a run that was read, the report last, and say its answer."""
    for name, text in render(run).items():
        write_text(folder / name, text)
    if answer := answer_of(run):
        say(answer.lead)
    return folder / REPORT


def render(run: Run) -> dict[str, str]:
    """Return the pages of a run by the names of their files, the report last."""
    names, about = run.names, run.names.description
    try:
        made = [(section(run), folded) for section, folded in SECTIONS]
        lists = checklists_section(run)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{run.path}: a table in it lacks columns or holds others; evaluate again") from error
    shown = [(section, folded) for section, folded in made if section is not None]
    study = "" if run.study == UNNAMED else run.study.replace("_", " ")
    question = sentence(about.question) or f"How well can {names.outcome(run.outcome)} be predicted?"
    page = Page(
        title=question,
        about=about.title or sentence(study) or "Evaluation",
        sections=[section for section, _ in shown],
        folded=frozenset(section.key for section, folded in shown if folded),
        remark=" ".join(remarks(run)),
        sizes=sizes(run),
        links=[(CHECKLISTS, "Reporting checklists")],
    )
    beside = Page(f"Checklists: {question}", [lists], about=page.about, links=[(REPORT, "Back to the report")])
    return {CHECKLISTS: to_html(beside), REPORT: to_html(page)}


def remarks(run: Run) -> Iterator[str]:
    """What holds for everything on the page."""
    archive = run.record.get("archive")
    if isinstance(archive, dict) and archive.get("simulated"):
        yield "Simulated patients throughout: nothing here is a result about people."
    if run.restriction:
        yield f"Everything here is restricted to {run.names.stratum(run.restriction)}."
