"""Operating points on the page: what is fixed is in the heading, a call's meaning under its prevalence."""

from dataclasses import replace
from pathlib import Path

import pytest

from run_folder import fabricate_run
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.evaluation.tables.operating_metrics import operating_points
from semeia.report.result_tables import write_tables
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.operating import operating_section


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder: Path = fabricate_run(tmp_path_factory.mktemp("run"))
    predictions = read_run(folder).predictions
    assert predictions is not None
    settings = EvaluationSettings(draws=100, prevalence=0.02)
    write_tables(folder, {"operating_points": operating_points(judge(predictions, settings=settings))})
    return read_run(folder)


def test_headline_arms_in_the_open_and_the_others_folded(run: Run):
    made = operating_section(run)
    assert made is not None
    fixed, others, calls, other_calls = made.tables
    assert fixed.table.columns[2:] == [
        "Sensitivity at 90\u00a0% specificity",
        "Sensitivity at 95\u00a0% specificity",
        "Specificity at 90\u00a0% sensitivity",
        "Specificity at 95\u00a0% sensitivity",
    ]
    assert [t.folded for t in made.tables] == [False, True, False, True]
    assert calls.title == "Predictive values at a prevalence of 2\u00a0%"
    assert len(fixed.table.rows) == 12
    values = run.tables["operating_points"].filter(cohort="internal", arm="diameter")
    row = next(row for row in fixed.table.rows if row[:2] == ["GE scanners", "Diameter alone"])
    value, low, high = values.select("value", "low", "high").row(0)
    assert row[2] == f"{value:.2f} ({low:.2f} to {high:.2f})"
    assert len(calls.table.rows) + len(other_calls.table.rows) == len(fixed.table.rows) + len(others.table.rows)


def test_without_the_table_there_is_no_section(run: Run):
    assert operating_section(replace(run, tables={})) is None
