"""Several classes on the page: which numbers stand where, what is hidden, and what a binary outcome has: nothing."""

import re
from pathlib import Path

import polars as pl
import pytest

from grade_tables import grade_predictions
from run_folder import fabricate_run
from semeia.evaluation import EvaluationSettings, evaluate
from semeia.report.content import Section
from semeia.report.html import Page, to_html
from semeia.report.plots.matrix import Matrix
from semeia.report.result_tables import write_tables
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.multiclass import multiclass_section


def run_of(folder: Path, predictions: pl.DataFrame, *, ordinal: bool = True) -> Run:
    references = ("baseline",) if "baseline" in predictions["arm"] else ()
    settings = EvaluationSettings(draws=100, references=references, covariate=None, ordinal=ordinal)
    found = evaluate(predictions, settings=settings)
    folder.mkdir(exist_ok=True)
    found.results.write_csv(folder / "results.csv")
    write_tables(folder, found.tables)
    return read_run(folder)


def section_of(run: Run) -> Section:
    section = multiclass_section(run)
    assert section is not None
    return section


def html(section: Section) -> str:
    return to_html(Page(title="Page", sections=[section]))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("grades") / "run", grade_predictions(k=3, patients=120, seeds=2))


@pytest.fixture(scope="module")
def section(run: Run) -> Section:
    return section_of(run)


def test_the_matrices_are_those_of_the_headline_arm(run: Run, section: Section):
    figure = section.figures[0]
    assert figure.title == "model (fine-tuned): what was called what"
    assert [matrix.title for matrix in figure.panels] == ["Internal", "External"]
    table = run.tables["confusion"].filter(arm="model", cohort="external")
    matrix = figure.panels[1]
    assert isinstance(matrix, Matrix)
    assert (matrix.corner, matrix.columns) == ("True grade, called \u2192", ["0", "1", "2"])
    for (name, cells), label in zip(matrix.rows, range(3), strict=True):
        assert name == f"Grade {label}"
        for cell, row in zip(cells, table.filter(label=label).iter_rows(named=True), strict=True):
            if row["state"] == "suppressed":
                assert (cell.words, cell.below, cell.shade) == ("", "", 0)
            else:
                assert cell.words == f"{100 * row['share']:.0f}\u00a0%"
                assert cell.shade == pytest.approx(row["share"])
                assert bool(cell.below) == (row["state"] == "shown")


def test_the_lead_and_the_points_say_what_the_results_hold(run: Run, section: Section):
    mine = [e for e in run.estimates if (e.arm, e.cohort) == ("model", "internal")]
    recalls = [e.value for e in mine if e.metric.startswith("recall_")]
    low, high = (f"{100 * pick(recalls):.0f}\u00a0%" for pick in (min, max))
    assert section.lead.startswith(f"model (fine-tuned) finds, in the internal cohort, from {low} of grade")
    assert f"to {high} of grade" in section.lead
    assert any("grades off on average; quadratic-weighted kappa is" in point for point in section.points)
    assert any(point.startswith("The most frequent mistake in the external cohort: grade") for point in section.points)


def test_the_forest_has_every_class(section: Section):
    figure = section.figures[1]
    assert [panel.title for panel in figure.panels] == ["Internal", "External"]
    assert {row.group for row in figure.panels[0].rows} == {"Grade 0", "Grade 1", "Grade 2"}
    assert section.files == ("tables/confusion.csv",)


def test_the_html_is_a_table_a_screen_reader_reads(section: Section):
    page = html(section)
    assert page.count('<table class="matrix">') == 2
    matrix = page[page.index('<table class="matrix">') : page.index("</table>")]
    assert matrix.count('scope="row"') == 3
    assert matrix.count('scope="col"') == 4
    assert matrix.count("<td") == 9
    assert max(int(shade) for shade in re.findall(r"#0b5a8a (\d+)%", page)) > 20


def test_classes_without_an_order_are_called_classes(tmp_path: Path):
    section = section_of(run_of(tmp_path / "run", grade_predictions(k=3, seeds=1, patients=40), ordinal=False))
    assert section.heading == "Class by class"
    assert "of class " in section.lead
    assert not any("kappa" in point for point in section.points)


def test_an_absent_grade_is_said(tmp_path: Path):
    made = grade_predictions(k=4, seeds=1, patients=40, cohorts=("all",)).filter(pl.col("label") != 3)
    section = section_of(run_of(tmp_path / "run", made))
    assert "No unit of grade 3 was tested over all patients: means over classes leave it out." in section.points


def test_without_the_table_the_recalls_remain(run: Run, tmp_path: Path):
    section = section_of(Run(run.path, run.record, run.estimates, None, []))
    assert [figure.key for figure in section.figures] == ["recall"]
    assert "matrix" not in html(section).partition("<main")[2]


def test_a_binary_outcome_has_no_such_section(tmp_path: Path):
    run = read_run(fabricate_run(tmp_path / "run"))
    assert multiclass_section(run) is None


def test_hostile_names_are_escaped(tmp_path: Path):
    made = grade_predictions(k=3, seeds=1, patients=40, arms={"<script>alert(1)</script>": 1.0})
    assert "<script>" not in html(section_of(run_of(tmp_path / "run", made)))
