"""The section on subgroups: tests in words, suppressed cells said to be, no small count."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from prediction_tables import view_of
from run_folder import fabricate_run
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.evaluation.tables.interactions import interactions
from semeia.report.content import Section
from semeia.report.result_tables import write_tables
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.subgroups import subgroup_section


def analysed(folder: Path) -> Run:
    predictions = read_run(folder).predictions
    assert predictions is not None
    number = pl.col("subject_id").str.extract(r"(\d+)$").cast(pl.Int64)
    sex = pl.when(number < 3).then(pl.lit("X")).when(number % 2 == 0).then(pl.lit("F")).otherwise(pl.lit("M"))
    settings = EvaluationSettings(draws=100, subgroups=("sex", "diameter_mm"))
    full = predictions.filter((pl.col("fraction") == 1) & (pl.col("mode") == "finetune"))
    judged = judge(full.with_columns(sex=sex), settings=settings)
    write_tables(folder, {"subgroups": view_of("subgroups", judged), "interactions": interactions(judged)})
    return read_run(folder)


def section(run: Run) -> Section | None:
    return subgroup_section(run)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return analysed(fabricate_run(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def made(run: Run) -> Section:
    found = section(run)
    assert found is not None
    return found


def test_the_figure_has_a_panel_a_column_and_cohort(run: Run, made: Section):
    (figure,) = made.figures
    assert [panel.title for panel in figure.panels][:2] == ["Sex, GE scanners", "Sex, Other scanners"]
    alone = [row for row in figure.panels[0].rows if row.group == "X"]
    assert [(row.name, row.words, row.value) for row in alone] == [("every arm", "suppressed: fewer than 10", None)]


def test_suppressed_groups_are_counted_in_words(run: Run, made: Section):
    cells = run.tables["subgroups"]
    groups = cells.select("cohort", "column", "level").unique().height
    hidden = cells.filter(state="suppressed").select("cohort", "column", "level").unique().height
    assert any(f"{hidden} of {groups} groups are too small to be shown" in point for point in made.points)


def test_the_lead_follows_the_tests(run: Run):
    tests = run.tables["interactions"]
    assert not tests.is_empty()
    for p, words in ((0.001, "differs between levels of sex"), (0.6, "was not shown to differ between levels of")):
        tables = run.tables | {"interactions": tests.with_columns(p_holm=pl.lit(p))}
        found = section(replace(run, tables=tables))
        assert found is not None
        assert words in found.lead
    alone = section(replace(run, tables=run.tables | {"interactions": tests.clear()}))
    assert alone is not None
    assert "too few patients in the subgroups to test" in alone.lead


def test_without_its_table_there_is_no_section(run: Run):
    assert section(replace(run, tables={})) is None
    other = [replace(e, outcome="survival") for e in run.estimates]
    assert section(replace(run, estimates=other)) is None
