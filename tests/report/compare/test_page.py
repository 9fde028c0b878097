"""Runs side by side: values beside each other, what differs, and what speaks against comparing."""

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from prediction_tables import predictions
from run_folder import fabricate_evaluation, fabricate_run
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings, check_predictions
from semeia.report.compare.page import compare_runs, flatten, report, same_patients, settings_section, warnings_of
from semeia.report.evaluation_folder import evaluate_table
from semeia.report.run_folder import Run, read_run

HOSTILE = '<script>alert("x")</script>'
FAST = EvaluationSettings(draws=100, covariate=None)


def changed(folder: Path, **record: object) -> Path:
    found = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(found | record))
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two strangers' tables of the same patients, each with its own model."""
    folder = tmp_path_factory.mktemp("two")
    table = predictions(seeds=1, cohorts=("internal",))
    for arm in ("model", "baseline"):
        table.filter(pl.col("arm") == arm).write_csv(folder / f"{arm}.csv")
        evaluate_table(folder / f"{arm}.csv", out=folder / arm, settings=FAST)
    return folder / "model", folder / "baseline"


def test_the_same_patients_have_a_paired_difference(two: tuple[Path, Path], tmp_path: Path):
    text = compare_runs(two, out=tmp_path / "c.html").read_text(encoding="utf-8")

    assert "Differences from model" in text
    assert re.search(r"[+\u2212]0\.\d{3} \([^)]*\), 60 patients", text)
    assert "No model is in all runs" in text
    assert "No difference is given" not in text
    assert "cannot be told" not in text


def test_runs_on_simulated_patients_are_called_so(two: tuple[Path, Path], tmp_path: Path):
    runs = tuple(Path(shutil.copytree(run, tmp_path / run.name)) for run in two)
    words = "nothing here is a result about people"
    assert words not in compare_runs(runs, out=tmp_path / "c.html").read_text(encoding="utf-8")
    for number, said in enumerate(("baseline: Simulated patients throughout", "model, baseline. Simulated patients")):
        changed(runs[1 - number], archive={"simulated": True})
        assert said in compare_runs(runs, out=tmp_path / "c.html").read_text(encoding="utf-8")


def test_other_patients_have_none(two: tuple[Path, Path], tmp_path: Path):
    other = evaluate_other(tmp_path)
    text = compare_runs((two[0], other), out=tmp_path / "c.html").read_text(encoding="utf-8")

    assert "No difference is given for other: it cannot be told whether they tested the same patients." in text
    assert "The numbers of tested units differ" in text


def test_every_run_without_a_difference_is_named_and_rows_stand_under_their_heads(
    two: tuple[Path, Path], tmp_path: Path
):
    other = evaluate_other(tmp_path)
    text = compare_runs((two[0], other, two[0]), out=tmp_path / "c.html").read_text(encoding="utf-8")
    assert re.search(r"No difference is given for other", text)
    again = compare_runs((other, two[0], two[1]), out=tmp_path / "d.html").read_text(encoding="utf-8")
    assert "No difference is given for model and baseline" in again
    table = again[again.index("Measures with their intervals") :]
    heads = re.findall(r"<th scope=\"col\"[^>]*>", table[: table.index("</thead>")])
    first = re.search(r"<tbody>\s*<tr>(.*?)</tr>", table, flags=re.DOTALL)
    assert first is not None
    assert len(re.findall(r"<t[hd]\b", first[1])) == len(heads) == 6  # model, cohort, measure and three runs


def evaluate_other(folder: Path) -> Path:
    predictions(seeds=1, cohorts=("internal",), generator_seed=5).write_csv(folder / "other.csv")
    evaluate_table(folder / "other.csv", out=folder / "other", settings=FAST)
    return folder / "other"


def test_values_of_every_run_stand_beside_each_other(tmp_path: Path):
    runs = (fabricate_run(tmp_path / "a"), fabricate_run(tmp_path / "b", effect="positive"))
    text = compare_runs(runs, out=tmp_path / "c.html").read_text(encoding="utf-8")

    assert text.count("Multimodal JEPA (fine-tuned)") > 2
    assert "0.884 (0.844 to 0.924)" in text
    assert "0.940 (0.900 to 0.980)" in text
    assert "Nothing that is known speaks against it" not in text  # its patients are no pseudonyms
    assert "models are in all runs" in text


def test_what_differs_is_named(tmp_path: Path):
    one = changed(fabricate_run(tmp_path / "a"), config={"a": {"b": 1, "c": [1, 2]}, "d": 0}, state="finished")
    other = changed(
        fabricate_run(tmp_path / "b"),
        config={"a": {"b": 2, "c": [1, 2]}},
        archive={"fingerprint": "other"},
        semeia_version="0.2.0",
        state="running",
    )
    runs = {path.name: read_run(path) for path in (one, other)}
    settings = settings_section(runs)
    found = " ".join(warnings_of(runs))

    assert settings.tables[0].table.rows == [["a.b", "1", "2"]]
    assert settings.lead.startswith("1 settings differ, 1 are the same. 1 more are not in every run")
    assert "The archives differ, so the data do: a 9f2c61d0a7; b other." in found
    assert "The versions of Semeia differ: a 0.1.0; b 0.2.0." in found
    assert "A run is not finished: a finished; b running." in found
    assert "outcomes" not in found


def test_settings_are_flat():
    assert flatten({"a": {"b": {"c": 1}}, "d": [1, {"e": 2}], "f": {}}) == {
        "a.b.c": "1",
        "d": '[1, {"e": 2}]',
        "f": "{}",
    }
    assert flatten(None) == {}


def test_hostile_names_and_settings_stay_text(tmp_path: Path):
    runs = [tmp_path / "<b>a", tmp_path / "b"]
    for run in runs:
        changed(fabricate_run(run), config={HOSTILE: run.name}, study=HOSTILE)
        results = pl.read_csv(run / "results.csv").with_columns(arm=pl.lit(HOSTILE), outcome=pl.lit(HOSTILE))
        results.write_csv(run / "results.csv")
    text = compare_runs(tuple(runs), out=tmp_path / "c.html").read_text(encoding="utf-8")

    assert "<script" not in text
    assert "<b>" not in text
    assert text.count("&lt;script&gt;") > 3


def test_folders_of_one_name_are_told_apart(tmp_path: Path):
    runs = (fabricate_evaluation(tmp_path / "x" / "run"), fabricate_evaluation(tmp_path / "y" / "run"))
    text = compare_runs(runs, out=tmp_path / "c.html").read_text(encoding="utf-8")

    assert "x/run, y/run" in text
    assert str(tmp_path) not in text


def test_the_command_writes_one_page(tmp_path: Path):
    run = fabricate_evaluation(tmp_path / "a")

    assert report((run,)) == run / "report.html"
    assert report((run, run), compare=tmp_path / "c.html") == tmp_path / "c.html"


@pytest.mark.parametrize(
    ("runs", "page", "words"),
    [(("a", "b"), None, "--compare OUT.html"), (("a",), "c.html", "two runs"), (("a", "b"), "c.txt", "ends in .html")],
)
def test_what_cannot_be_done_is_one_line(runs: tuple[str, ...], page: str | None, words: str):
    with pytest.raises(InputError, match=words):
        report(tuple(Path(run) for run in runs), compare=page and Path(page))


def run_of(table: pl.DataFrame, **record: object) -> Run:
    return Run(Path(), dict(record), [], check_predictions(table), [])


def test_numbered_patients_are_the_same_only_if_the_runs_say_so():
    numbered = predictions(seeds=1)
    keyed = numbered.with_columns(subject_id="p" + pl.col("subject_id").rank("dense").cast(pl.String).str.zfill(12))

    assert "cannot be told" in same_patients(run_of(numbered), run_of(numbered))
    assert same_patients(run_of(numbered, tested="a"), run_of(numbered, tested="a")) == ""
    assert same_patients(run_of(numbered, tested="a"), run_of(numbered, tested="b"))
    assert same_patients(run_of(keyed), run_of(keyed)) == ""
    assert same_patients(run_of(keyed), Run(Path(), {}, [], None, []))
