"""The section on usefulness: ranges and words follow the table; figures have their numbers; old runs go without."""

from dataclasses import replace

import polars as pl
import pytest

from prediction_tables import view_of
from run_folder import fabricate_run
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.report.content import Section
from semeia.report.result_tables import write_tables
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.decision import decision_section, range_words, ranges, useful_at

JEPA = ("multimodal_jepa", "finetune")
ARMS = ["multimodal_jepa", "multimodal_scratch", "diameter"]


def section(run: Run) -> Section | None:
    return decision_section(run)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = fabricate_run(tmp_path_factory.mktemp("run"))
    predictions = read_run(folder).predictions
    assert predictions is not None
    some = predictions.filter(pl.col("arm").is_in(ARMS), pl.col("mode").is_in(["finetune", "none"]), fraction=1.0)
    settings = EvaluationSettings(draws=100, references=("multimodal_scratch",), thresholds=(0.05, 0.95, 0.05))
    write_tables(folder, {"decision_curves": view_of("decision_curves", judge(some, settings=settings))})
    return read_run(folder)


@pytest.fixture(scope="module")
def made(run: Run) -> Section:
    found = section(run)
    assert found is not None
    return found


def changed(run: Run, condition: pl.Expr, **values: float) -> Run:
    table = run.tables["decision_curves"].with_columns(
        pl.when(condition).then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in values.items()
    )
    return replace(run, tables={"decision_curves": table})


def test_the_curves_have_their_numbers(made):
    (curves,) = made.figures
    assert [panel.title for panel in curves.panels] == ["GE scanners", "Other scanners"]
    assert [row[1] for row in curves.table.rows[:4]] == [
        "Multimodal JEPA (fine-tuned)",
        "Multimodal from scratch",
        "Diameter alone",
        "Treat all",
    ]
    assert [item.label for item in curves.legend][-2:] == ["Treat all", "Treat nobody"]
    for figure in made.figures:
        assert all(len(row) == len(figure.table.columns) for row in figure.table.rows)
        assert all("at 20" in panel.svg for panel in figure.panels)
    assert made.files == ("tables/decision_curves.csv",)


def test_an_arm_beats_both_only_where_both_intervals_are_above_zero(run):
    mine = (pl.col("arm") == JEPA[0]) & (pl.col("cohort") == "external")
    own, over_all = mine & (pl.col("reference") == "").fill_null(True), mine & (pl.col("reference") == "treat_all")
    high = changed(run, mine, low=0.1)
    low = changed(high, over_all & (pl.col("threshold") < 0.28), low=-0.1)
    low = changed(low, (own | pl.col("reference").is_null()) & mine & (pl.col("threshold") > 0.62), low=-0.1)
    table = low.tables["decision_curves"].with_columns(pl.col("reference").fill_null(""))
    assert useful_at(low.names, table, JEPA, "external").endswith("from 30\u00a0% to 60\u00a0%.")
    found = section(low)
    assert found is not None
    assert "from 30\u00a0% to 60\u00a0%" in found.lead


def test_no_range_is_said_to_be_none(run):
    found = section(changed(run, pl.lit(True), low=-1.0))
    assert found is not None
    assert found.lead.count("was not shown to be better than treating all or nobody") == 2


def test_ranges_are_cut_at_gaps_and_the_widest_are_named():
    thresholds = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    low = [1.0, 1.0, -1.0, 1.0, None, 1.0, 1.0]
    table = pl.DataFrame({"threshold": thresholds, "low": low})
    found = ranges(table, pl.col("low") > 0)
    assert found == [(0.1, 0.2), (0.4, 0.4), (0.6, 0.7)]
    assert range_words(found) == "from 10\u00a0% to 20\u00a0% and from 60\u00a0% to 70\u00a0%, and at scattered others"
    assert range_words(found[1:2]) == "at 40\u00a0%"
    assert ranges(table, pl.lit(False)) == []


def test_an_old_run_has_no_such_section(run):
    assert section(replace(run, tables={})) is None
