"""The section on other cohorts and sites: says what the tables hold, and is left out with them."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from prediction_tables import view_of
from run_folder import fabricate_evaluation, fabricate_run
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.evaluation.tables.case_mix import case_mix
from semeia.evaluation.tables.validation_size import validation_size
from semeia.report.content import Section
from semeia.report.numbers import number
from semeia.report.result_tables import write_tables
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.transport import transport_section

TABLES = {
    "transport": partial(view_of, "transport"),
    "case_mix": case_mix,
    "sites": partial(view_of, "sites"),
    "validation_size": validation_size,
}
REFERENCES = ("multimodal_scratch", "image_scratch")


def with_tables(folder: Path, predictions: pl.DataFrame | None = None) -> Run:
    """The folder's own predictions (or others), analysed, written and read back."""
    run = read_run(folder)
    table = run.predictions if predictions is None else predictions
    assert table is not None
    table = table.filter(
        (pl.col("fraction") == 1) & ~pl.col("mode").is_in(["frozen", "none"]) | (pl.col("arm") == "model")
    )
    references = REFERENCES if "multimodal_jepa" in table["arm"].to_list() else ()
    judged = judge(table, settings=EvaluationSettings(draws=100, references=references))
    write_tables(folder, {name: made for name, analyse in TABLES.items() if not (made := analyse(judged)).is_empty()})
    return read_run(folder)


def section(run: Run) -> Section | None:
    return transport_section(run)


def table_of(made: Section, start: str) -> list[list[str]]:
    return next(t.table.rows for t in made.tables if t.title.startswith(start))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = fabricate_run(tmp_path_factory.mktemp("run"))
    predictions = read_run(folder).predictions
    assert predictions is not None
    # two sites outside.
    south = pl.col("subject_id").str.extract(r"(\d+)$").cast(pl.Int64) % 2 == 0
    away = pl.when(south).then(pl.lit("south")).otherwise(pl.lit("north"))
    site = pl.when(cohort="internal").then(pl.lit("GE")).otherwise(away)
    return with_tables(folder, predictions.with_columns(site=site))


@pytest.fixture(scope="module")
def made(run: Run) -> Section:
    found = section(run)
    assert found is not None
    return found


def test_the_lead_is_the_gap_of_the_first_arm(run: Run, made: Section):
    row = run.tables["transport"].filter(
        pl.col("reference").fill_null("") == "", metric="auroc", arm="multimodal_jepa", mode="finetune"
    )
    assert made.heading == "From one cohort to another"
    assert f"a gap of {number(row['gap'].item(), 3, sign=True)}" in made.lead
    assert ("may be chance" in made.lead) == (row["detectable"].item() is not None)


def test_pretraining_is_asked_whether_it_loses_more(made: Section):
    asked = [point for point in made.points if "difference of gaps" in point]
    assert len(asked) == 3
    assert all("than Multimodal from scratch" in p or "than Image only from scratch" in p for p in asked)


def test_both_cohorts_stand_side_by_side(run: Run, made: Section):
    rows = table_of(made, "Who is in each cohort")
    assert rows[0] == ["Units", "60", "60", ""]
    assert rows[1] == ["Patients", "30", "30", ""]
    diameter = next(row for row in rows if row[0] == "Diameter (mm), median (quartiles)")
    apart = run.tables["case_mix"].filter(measure="standardised mean difference")["value"].item()
    assert diameter[-1] == number(apart, 2, sign=True)
    site = [row for row in rows if row[0].startswith("Site: ")]
    assert [row[-1] for row in site] == ["1.00", "", ""]


def test_figures_have_their_numbers(made: Section):
    gap, site = made.figures
    assert {row.group for row in gap.panels[0].rows} == {"Other scanners minus GE scanners"}
    assert len(gap.panels[0].rows) == 4
    # The one site of the home cohort is that cohort.
    assert {row.group for row in site.panels[0].rows} == {"Other scanners"}
    assert [row.name for row in site.panels[0].rows] == ["north", "south", "Mean over sites"]
    assert all(len(row) == len(t.table.columns) for t in made.tables for row in t.table.rows)


def test_two_sites_promise_nothing_of_a_third(made: Section):
    assert any("two sites cannot say what a third will do" in point for point in made.points)


def test_sizes_say_what_is_lacking(run: Run, made: Section):
    rows = table_of(made, "How many units a validation of Multimodal JEPA (fine-tuned) needs")
    sizes = run.tables["validation_size"].filter(arm="multimodal_jepa", mode="finetune", fraction=1.0)
    assert len(rows) == sizes.height == 8
    lacking = sizes.filter(reached="no", cohort="external")["needed"].to_list()
    said = next(point for point in made.points if point.startswith("Other scanners: 60 units are too few"))
    assert all(f"({needed:,})" in said for needed in lacking)


def test_a_single_cohort_is_described_without_a_gap(tmp_path: Path):
    run = with_tables(fabricate_evaluation(tmp_path))
    made = section(run)
    assert made is not None
    assert made.heading == "Cohort and sites"
    assert made.lead == ""
    assert [t.title for t in made.tables] == [
        "Who was tested",
        "How many units a validation of model needs",
    ]


def test_without_tables_or_for_another_outcome_there_is_no_section(run: Run):
    assert section(replace(run, tables={})) is None
    other = [replace(e, outcome="survival") for e in run.estimates]
    assert section(replace(run, estimates=other)) is None
