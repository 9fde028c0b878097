"""A received run folder: nothing in it is evaluated, what cannot be a result is refused, control characters shown."""

import json
from pathlib import Path

import polars as pl
import pytest

from kills import survives_kills
from prediction_tables import predictions
from run_folder import fabricate_run
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.report import evaluation_folder, page
from semeia.report.content import Section
from semeia.report.evaluation_folder import evaluate_table
from semeia.report.html import Page, to_html
from semeia.report.result_tables import marks_of
from semeia.report.run_folder import read_run

WHERE = EvaluationSettings(draws=100, where="diameter_mm > 8", covariate=None)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    made = predictions(seeds=1, arms={"model": 1.0}, cohorts=("all",), patients=40)
    made.write_csv(tmp_path / "p.csv")
    return tmp_path / "p.csv"


@pytest.fixture
def folder(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an evaluation with --where, without its page."""
    monkeypatch.setattr(page, "render", lambda run: {"report.html": "page"})
    evaluate_table(table, out=tmp_path / "out", settings=WHERE)
    return tmp_path / "out"


def rewrite(folder: Path, **columns: pl.Expr) -> None:
    results = pl.read_csv(folder / "results.csv", infer_schema=False)
    results.with_columns(**columns).write_csv(folder / "results.csv")
    sign(folder)


def sign(folder: Path) -> None:
    """Let run.json say that the tables were written so, as whoever sends a folder may."""
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "tables": marks_of(folder)}))


def test_a_restriction_is_known_by_the_rows_that_were_marked(folder: Path, table: Path):
    run = read_run(folder)
    inside = pl.read_csv(table).filter(pl.col("diameter_mm") > 8)

    assert run.restriction == "diameter_mm > 8"
    assert run.predictions is not None
    assert 0 < run.predictions.height == inside.height < pl.read_csv(table).height
    assert "in_where" not in run.predictions.columns


def test_an_expression_of_a_file_is_never_evaluated(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def evaluated(*_: object) -> None:
        raise AssertionError("an expression was evaluated")

    for name in ("sql_expr", "sql"):
        monkeypatch.setattr(pl, name, evaluated)
    monkeypatch.setattr(pl.SQLContext, "execute", evaluated)
    (tmp_path / "secret.csv").write_text("subject_id\ns1\n")
    hostile = f"subject_id IN (SELECT subject_id FROM read_csv('{tmp_path / 'secret.csv'}'))"
    rewrite(folder, stratum=pl.lit(hostile))

    run = read_run(folder)

    assert run.restriction == hostile
    marks = pl.read_parquet(folder / "predictions.parquet")["in_where"]
    assert run.predictions is not None
    assert run.predictions.height == marks.sum()


@pytest.mark.parametrize("marks", [None, pl.lit("true"), pl.lit(1)])
def test_without_marks_there_are_no_curves(folder: Path, marks: pl.Expr | None):
    path = folder / "predictions.parquet"
    kept = pl.read_parquet(path)
    (kept.drop("in_where") if marks is None else kept.with_columns(in_where=marks)).write_parquet(path)
    sign(folder)

    assert read_run(folder).predictions is None


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"n": pl.lit("-1")}, "row 2, n, n_patients, n_positive"),
        ({"fraction": pl.lit("7")}, "row 2, fraction"),
        ({"low": pl.lit("0.9"), "high": pl.lit("0.1")}, "row 2, low, high"),
        ({"value": pl.lit("inf")}, "row 2, value, low, high"),
        ({"arm": pl.lit(None, pl.String)}, "row 2, outcome, arm, mode"),
        ({"n": pl.lit("many")}, "n"),
    ],
)
def test_what_cannot_be_a_result_is_refused(folder: Path, columns: dict[str, pl.Expr], words: str):
    rewrite(folder, **columns)
    with pytest.raises(InputError, match=rf"results\.csv: .*{words}"):
        read_run(folder)


@pytest.mark.parametrize("name", ["results.csv", "predictions.parquet", "tables/calibration.csv"])
def test_a_table_that_was_damaged_since_is_named(folder: Path, name: str):
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: is damaged, or was changed after it was written"):
        read_run(folder)


@pytest.mark.parametrize("content", ["null", "[]", "{", "[" * 100_000, "\ufeff\ufeff"])
def test_a_spoilt_record_is_one_line(folder: Path, content: str):
    (folder / "run.json").write_text(content)
    with pytest.raises(InputError, match=r"run\.json: "):
        read_run(folder)


@pytest.mark.parametrize("name", ["results.csv", "run.json", "metrics.jsonl", "tables/subgroups.csv"])
def test_a_device_in_place_of_a_file_is_not_read(tmp_path: Path, name: str):
    run = fabricate_run(tmp_path / "run")
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to("/dev/zero")
    with pytest.raises(InputError, match=f"{name}: is a device or a pipe"):
        read_run(run)


@pytest.mark.parametrize("table", ["leakage", "comparisons"])
def test_a_table_that_lacks_its_columns_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str):
    monkeypatch.setattr(page, "SECTIONS", ((page.leakage_section, page.OPEN), (page.comparisons_section, page.OPEN)))
    run = fabricate_run(tmp_path / "run")
    (run / "tables").mkdir()
    (run / "tables" / f"{table}.csv").write_text("study\nx\n")
    with pytest.raises(InputError, match="a table in it lacks columns"):
        page.write_report(run)


def test_control_characters_are_written_out_on_a_page():
    text = to_html(Page("title \x1b]0;owned\x07", [Section("a", "\x1b[31mred", lead="line\nbreak \u202e")]))
    assert "\x1b" not in text
    assert "\\x1b]0;owned\\x07" in text
    assert "line\nbreak \\u202e" in text


def test_an_evaluation_that_was_stopped_is_no_evaluation(folder: Path):
    record = json.loads((folder / "run.json").read_text())
    assert "state" not in record
    (folder / "run.json").write_text(json.dumps({**record, "state": "running"}))
    with pytest.raises(InputError, match="its evaluation was stopped; give the same `semeia evaluate` again"):
        read_run(folder)


def test_an_evaluation_killed_at_any_write_ends_in_the_same_bytes(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found = evaluation_folder.evaluate(evaluation_folder.read_predictions(table), settings=WHERE)
    monkeypatch.setattr(evaluation_folder, "evaluate", lambda table, settings: found)
    monkeypatch.setattr(page, "render", lambda run: {"report.html": f"page of {len(run.estimates)} results"})

    moments = survives_kills(
        lambda out: evaluate_table(table, out=out, settings=WHERE), tmp_path / "killed", monkeypatch, at=("replace",)
    )

    assert moments >= 2 * 10


def test_another_table_or_other_settings_do_not_take_over_a_folder(folder: Path, table: Path):
    evaluate_table(table, out=folder, settings=WHERE)  # the same again is done already
    with pytest.raises(InputError, match=r"already holds run\.json"):
        evaluate_table(table, out=folder, settings=EvaluationSettings(draws=101))
    pl.read_csv(table).reverse().write_csv(table)
    with pytest.raises(InputError, match=r"already holds run\.json"):
        evaluate_table(table, out=folder, settings=WHERE)
