"""The section on calibration: its words follow the tables, its figure has a table behind, old runs go without."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from prediction_tables import view_of
from run_folder import fabricate_run
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.report.content import Section
from semeia.report.result_tables import write_tables
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.calibration import calibration_section

TABLES = {
    "calibration_curves": partial(view_of, "calibration_curves"),
    "calibration": partial(view_of, "calibration"),
    "recalibration": partial(view_of, "recalibration"),
}
ARMS = ["multimodal_jepa", "multimodal_scratch", "diameter"]


def section(run: Run) -> Section | None:
    return calibration_section(run)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder: Path = fabricate_run(tmp_path_factory.mktemp("run"))
    predictions = read_run(folder).predictions
    assert predictions is not None
    some = predictions.filter(pl.col("arm").is_in(ARMS), pl.col("mode").is_in(["finetune", "none"]), fraction=1.0)
    judged = judge(some, settings=EvaluationSettings(draws=100))
    write_tables(folder, {name: analyse(judged) for name, analyse in TABLES.items()})
    return read_run(folder)


@pytest.fixture(scope="module")
def made(run: Run) -> Section:
    found = section(run)
    assert found is not None
    return found


def test_a_curve_for_each_trained_arm_and_cohort_with_its_numbers(made):
    (figure,) = made.figures
    assert [panel.title for panel in figure.panels] == [
        "GE scanners: Multimodal JEPA (fine-tuned)",
        "Other scanners: Multimodal JEPA (fine-tuned)",
        "GE scanners: Multimodal from scratch",
        "Other scanners: Multimodal from scratch",
    ]
    assert len(figure.table.rows) == 4 * 9
    first = figure.table.rows[0]
    assert f"predicted {first[2]}, observed {first[3]}" in figure.panels[0].svg


def test_the_headline_arms_are_in_the_tables_and_all_in_the_files(made):
    tables = {table.title: table for table in made.tables}
    assert [row[:2] for row in tables["How far off"].table.rows][::2] == [
        ["Multimodal JEPA (fine-tuned)", "GE scanners"],
        ["Multimodal from scratch", "GE scanners"],
    ]
    assert made.files == ("tables/calibration_curves.csv", "tables/calibration.csv", "tables/recalibration.csv")
    assert all(len(row) == len(t.table.columns) for t in made.tables for row in t.table.rows)


def test_words_say_whether_chance_could_have_done_it(run, made):
    measures = run.tables["calibration"]

    def lead(metric: str, value: float, column: str) -> str:
        at = pl.col("metric") == metric
        changed = measures.with_columns(pl.when(at).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))
        found = section(replace(run, tables=run.tables | {"calibration": changed}))
        assert found is not None
        return found.lead

    assert lead("ici_by_chance", 0.9, "high").count("no more than chance") == 2
    assert lead("ici_by_chance", 0.0, "high").count("more than chance") == 2
    assert "no more than chance" not in lead("ici_by_chance", 0.0, "high")
    assert made.lead.startswith("On GE scanners the scores of Multimodal JEPA")


def test_words_say_which_way_it_is_wrong_and_what_mending_does(run):
    measures, after = run.tables["calibration"], run.tables["recalibration"]
    fewer = measures.with_columns(high=pl.when(metric="observed_expected").then(0.9).otherwise(pl.col("high")))
    worse = after.with_columns(value=pl.when(method="none").then(0.0).otherwise(pl.col("value")))
    found = section(replace(run, tables=run.tables | {"calibration": fewer, "recalibration": worse}))
    assert found is not None
    assert sum("fewer were positive than" in point for point in found.points) == 2
    assert sum("do not lower its ICI" in point for point in found.points) == 2


def test_an_old_run_has_no_such_section(run):
    assert section(replace(run, tables={})) is None
