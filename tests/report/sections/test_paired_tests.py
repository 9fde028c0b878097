"""Paired tests on the page: the question's tests first, counts and Holm in words, power where nothing was shown."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from prediction_tables import view_of
from run_folder import fabricate_evaluation, fabricate_run
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.report.content import Section
from semeia.report.result_tables import write_tables
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.paired_tests import comparisons_section

REFERENCES = ("multimodal_scratch", "image_scratch", "diameter")


def _with_tests(folder: Path, *, references: tuple[str, ...] = REFERENCES) -> Run:
    """The folder's own predictions, tested, written and read back."""
    predictions = read_run(folder).predictions
    assert predictions is not None
    settings = EvaluationSettings(draws=100, references=references)
    write_tables(folder, {"comparisons": view_of("comparisons", judge(predictions, settings=settings))})
    return read_run(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return _with_tests(fabricate_run(tmp_path_factory.mktemp("run")))


def _section(run: Run, outcome: str = "malignancy") -> Section:
    made = comparisons_section(run)
    assert made is not None
    return made


def test_the_tests_that_are_spoken_of_are_those_of_the_question(run: Run):
    table = run.tables["comparisons"].with_columns(p_holm=pl.lit(0.001))
    points = _section(replace(run, tables={"comparisons": table})).points
    assert [point.partition(":")[0] for point in points[:4]] == [
        f"{cohort}, minus {reference}"
        for cohort in ("GE scanners", "Other scanners")
        for reference in ("Multimodal from scratch", "Image only from scratch")
    ]
    assert points[0].count("Multimodal JEPA") == 3
    assert _section(run).files == ("tables/comparisons.csv",)


def test_the_lead_counts_tests_families_and_what_stands(run: Run):
    table = run.tables["comparisons"]
    standing = table.filter(pl.col("p_holm") < 0.05).height
    lead = _section(run).lead
    assert lead.startswith(f"{table.height} paired tests")
    assert "in 6 families of" in lead
    assert f"{standing} differences stand" in lead


def test_what_stands_is_named_and_what_does_not_has_its_power(run: Run):
    table = run.tables["comparisons"]
    first = (pl.col("arm") == "image_jepa") & (pl.col("reference") == "image_scratch") & (pl.col("fraction") == 1)
    stands = first & (pl.col("cohort") == "external")
    table = table.with_columns(p_holm=pl.when(stands | (pl.col("arm") == "scanner")).then(0.001).otherwise(1.0))
    made = _section(replace(run, tables={"comparisons": table}))
    row = table.row(by_predicate=stands, named=True)
    named = f"Image-only JEPA (fine-tuned) ({row['difference']:+.3f})".replace("-0", "\u22120")
    assert made.points[0] == f"Other scanners, minus Image only from scratch: 1 difference stands: {named}."
    assert made.points[1].startswith("GE scanners: 4 tests without a difference that stands")
    assert "with 80\u00a0% power; its chance to find one of 0.05 was" in made.points[1]
    assert made.points[2].startswith("Other scanners: 3 tests without")
    others = table.height - 8
    assert made.points[3] == f"Of the {others} other tests, in the file below, 6 differences stand."


def test_nothing_stands(run: Run):
    table = run.tables["comparisons"].with_columns(p_holm=pl.lit(1.0))
    made = _section(replace(run, tables={"comparisons": table}))
    assert "no difference stands at 5" in made.lead
    assert len(made.points) == 2


def test_a_strangers_arms_are_shown(tmp_path: Path):
    folder = fabricate_evaluation(tmp_path)
    table = pl.read_parquet(folder / "predictions.parquet")
    arms = [table.with_columns(arm=pl.lit(a), score=pl.col("score") ** p) for a, p in (("7", 1), ("ours", 2))]
    arms[1] = arms[1].with_columns(score=1 - pl.col("score"))
    pl.concat(arms).write_parquet(folder / "predictions.parquet")
    results = pl.read_csv(folder / "results.csv")
    pl.concat([results.with_columns(arm=pl.lit(a)) for a in ("7", "ours")]).write_csv(folder / "results.csv")
    made = _section(_with_tests(folder, references=("7",)), outcome="label")
    assert made.lead.startswith("1 paired test of AUROC")
    assert "in one family" in made.lead


def test_without_tests_there_is_no_section(run: Run):
    assert comparisons_section(replace(run, tables={})) is None
