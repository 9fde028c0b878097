"""Operating points and ROC curves: what is fixed is in the heading, a call's meaning under its prevalence."""

from dataclasses import replace
from pathlib import Path

import pytest

from prediction_tables import view_of
from run_folder import fabricate_run
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.report.result_tables import write_tables
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.sensitivity import sensitivity_section


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder: Path = fabricate_run(tmp_path_factory.mktemp("run"))
    predictions = read_run(folder).predictions
    assert predictions is not None
    settings = EvaluationSettings(draws=100, prevalence=0.02)
    write_tables(folder, {"operating_points": view_of("operating_points", judge(predictions, settings=settings))})
    return read_run(folder)


def test_headline_arms_are_tabulated_and_all_are_in_the_file(run: Run):
    made = sensitivity_section(run)
    assert made is not None
    fixed, calls = made.tables
    assert fixed.table.columns[2:] == [
        "Sensitivity at 90\u00a0% specificity",
        "Sensitivity at 95\u00a0% specificity",
        "Specificity at 90\u00a0% sensitivity",
        "Specificity at 95\u00a0% sensitivity",
    ]
    assert calls.title == "Predictive values at a prevalence of 2\u00a0%"
    assert len(fixed.table.rows) == len(calls.table.rows) == 12
    values = run.tables["operating_points"].filter(cohort="internal", arm="diameter")
    row = next(row for row in fixed.table.rows if row[:2] == ["GE scanners", "Diameter alone"])
    value, low, high = values.select("value", "low", "high").row(0)
    assert row[2] == f"{value:.2f} ({low:.2f} to {high:.2f})"
    assert made.files == ("tables/operating_points.csv",)


def test_a_curve_a_cohort_with_sensitivities_beside_it(run: Run):
    made = sensitivity_section(replace(run, tables={}))
    assert made is not None
    (figure,) = made.figures
    assert [panel.title for panel in figure.panels] == ["GE scanners", "Other scanners"]
    assert figure.table is not None
    for row in figure.table.rows:
        rising = [float(cell) for cell in row[2:]]
        assert rising == sorted(rising)


def test_without_table_and_predictions_there_is_no_section(run: Run):
    assert sensitivity_section(replace(run, tables={}, predictions=None)) is None
