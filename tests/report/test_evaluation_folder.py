"""A table in, a folder of results out: what is in it, what is refused, and that no stranger's id survives."""

import json
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from grade_tables import grade_predictions
from prediction_tables import predictions
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings, check_results, evaluate, read_predictions
from semeia.report.evaluation_folder import evaluate_table, without_ids

FEW = EvaluationSettings(draws=100, covariate="diameter_mm", by="site")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A stranger's table: no arms, ids and a name that must not be passed on."""
    made = predictions(seeds=1, arms={"model": 1.0}, cohorts=("all",), patients=30)
    path = tmp_path / "stranger.csv"
    kept = made.select(
        "subject_id", "unit_id", "label", "score", "diameter_mm", "site", pl.col("subject_id").alias("name")
    )
    kept.with_columns(pl.col("subject_id", "unit_id", "name").str.replace("all", "CANARY")).write_csv(path)
    return path


def test_folder_holds_what_a_run_does(table: Path, tmp_path: Path):
    found = evaluate_table(table, out=tmp_path / "deep" / "out", settings=FEW)

    out = tmp_path / "deep" / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "checklists.html",
        "estimates.csv",
        "predictions.parquet",
        "report.html",
        "results.csv",
        "run.json",
        "tables",
    ]
    assert check_results(pl.read_csv(out / "results.csv", infer_schema=False)).equals(found.results)
    record = json.loads((out / "run.json").read_text())
    assert (record["kind"], record["config"]["draws"]) == ("evaluation", 100)
    assert record["notes"] == list(found.notes)


def test_no_id_of_a_stranger_is_passed_on(table: Path, tmp_path: Path):
    evaluate_table(table, out=tmp_path / "out", settings=FEW)

    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert all(b"CANARY" not in path.read_bytes() for path in written)
    kept = pl.read_parquet(tmp_path / "out" / "predictions.parquet")
    assert "name" not in kept.columns
    assert "diameter_mm" in kept.columns


def test_what_nobody_asked_for_is_not_described(table: Path, tmp_path: Path):
    rows = pl.read_csv(table).with_row_index()
    doctor = pl.when(pl.col("index") % 2 == 0).then(pl.lit("Dr CANARY")).otherwise(pl.lit("Dr Other"))
    rows.with_columns(doctor=doctor, ward=doctor, age=60 + pl.col("index") % 20).drop("index").write_csv(table)
    found = evaluate_table(table, out=tmp_path / "out", settings=replace(FEW, subgroups=("ward",)))
    assert set(found.tables["case_mix"]["characteristic"]) >= {"ward", "age", "diameter_mm"}
    assert "doctor" not in found.tables["case_mix"]["characteristic"].to_list()
    assert found.notes[-1].endswith("(--subgroups does): columns doctor, name")


def test_numbered_patients_give_the_same_results():
    made = predictions(seeds=2, patients=30)
    numbered = without_ids(made, FEW)

    assert numbered["subject_id"].n_unique() == made["subject_id"].n_unique()
    columns = ["arm", "cohort", "stratum", "metric", "value", "n", "n_patients"]
    one, other = (evaluate(table, settings=FEW).results.select(columns) for table in (made, numbered))
    assert one.equals(other)


def test_our_pseudonyms_stay():
    made = predictions(seeds=1, patients=30).with_columns(
        subject_id="p" + pl.col("subject_id").hash().mod(2**31).cast(pl.String).str.zfill(12), note=pl.lit("kept")
    )

    assert without_ids(made, FEW).equals(made)


def test_columns_of_a_restriction_are_kept():
    made = predictions(seeds=1, patients=30).with_columns(kvp=pl.lit(120), secret=pl.lit("x"))

    kept = without_ids(made, EvaluationSettings(where="kvp > 100 AND diameter_mm > 3"))

    assert {"kvp", "diameter_mm"} <= set(kept.columns)
    assert "secret" not in kept.columns


@pytest.mark.parametrize("name", ["run.json", "results.csv", "predictions.parquet", "report.html"])
def test_results_are_not_overwritten(name: str, table: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("kept")

    with pytest.raises(InputError, match=f"already holds {name}"):
        evaluate_table(table, out=tmp_path / "out", settings=FEW)

    assert (tmp_path / "out" / name).read_text() == "kept"


def test_a_table_of_grades_gives_the_same_pages(tmp_path: Path):
    path = tmp_path / "grades.csv"
    made = grade_predictions(k=3, patients=60).with_columns(subject_id="CANARY" + pl.col("subject_id"))
    made.drop("study").write_csv(path)

    settings = EvaluationSettings(draws=100, references=("baseline",), ordinal=True)
    found = evaluate_table(path, out=tmp_path / "out", settings=settings)

    assert {"macro_auroc", "quadratic_kappa", "recall_2"} <= set(found.results["metric"])
    assert pl.read_csv(tmp_path / "out" / "tables" / "confusion.csv").height == 2 * 2 * 9
    kept = read_predictions(tmp_path / "out" / "predictions.parquet")
    assert {"score_0", "score_1", "score_2"} <= set(kept.columns)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Grade by grade" in page
    assert "Macro AUROC" in page
    assert "CANARY" not in page


@pytest.mark.parametrize("spoilt", ["ten", "absent", "constant"])
def test_few_patients_absent_grades_and_constant_scores_give_words(spoilt: str, tmp_path: Path):
    made = grade_predictions(k=4, patients=5 if spoilt == "ten" else 40, cohorts=("all",), seeds=1, arms={"m": 1.0})
    if spoilt == "absent":
        made = made.filter(pl.col("label") != 2)
    if spoilt == "constant":
        made = made.with_columns(pl.lit(0.25).alias(f"score_{grade}") for grade in range(4))
    path = tmp_path / "grades.parquet"
    made.write_parquet(path)

    found = evaluate_table(path, out=tmp_path / "out", settings=EvaluationSettings(draws=100, ordinal=True))

    page = (tmp_path / "out" / "report.html").read_text()
    assert "Grade by grade" in page
    tables = [found.results, *found.tables.values()]
    assert not any(table.select(pl.selectors.float().is_nan().any()).row(0).count(True) for table in tables)
    words = {
        "ten": "not shown",
        "absent": "No unit of grade 2 was tested over all patients: means over classes leave it out.",
        "constant": "no interval, the same in every draw: macro_auroc",
    }
    assert words[spoilt] in page
    assert not re.search(r"\bnan\b", page.lower())


def test_one_class_is_refused(table: Path, tmp_path: Path):
    pl.read_csv(table).with_columns(label=pl.lit(1)).write_csv(table)

    with pytest.raises(InputError, match="nothing can be evaluated"):
        evaluate_table(table, out=tmp_path / "out", settings=FEW)

    assert not (tmp_path / "out").exists()
