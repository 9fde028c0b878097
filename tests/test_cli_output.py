"""What a command puts out for programs: one JSON object, and nothing beside it where nothing was asked for."""

import json
from pathlib import Path

import polars as pl
import pytest

from lidc_folder import write_lidc_folder
from prediction_tables import predictions
from semeia import cli
from semeia.errors import InputError
from semeia.progress import warn


def run(*words: object) -> int:
    return cli.main([str(word) for word in words])


def giving(result: object):
    def work() -> object:
        return result

    return work


def test_json_is_one_object_of_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    write_lidc_folder(tmp_path / "lidc", patients=4)
    predictions(seeds=1).write_csv("predictions.csv")

    assert run("ingest", "nodules", "lidc", "--into", "archive", "--json") == 0
    out, err = capsys.readouterr()
    ingested = json.loads(out)
    assert (ingested["command"], ingested["into"], ingested["result"]["subjects"]) == ("ingest nodules", "archive", 4)
    assert err == "Next: semeia audit archive\n"
    assert run("--json", "audit", "archive") == 0
    audited = json.loads(capsys.readouterr().out)["result"]
    assert {"what": "subjects", "detail": "GE", "count": 2, "subjects": 2} in audited["counts"]
    assert run("evaluate", "predictions.csv", "--json", "--quiet", "--out", "results", "--draws", 100) == 0
    out, err = capsys.readouterr()
    evaluated = json.loads(out)
    assert (evaluated["out"], err) == ("results", "")
    assert {"cohort", "arm", "metric", "value", "low", "high"} < set(evaluated["result"]["results"][0])


def test_json_of_tables_paths_and_numbers(calls, capsys: pytest.CaptureFixture[str]):
    table = pl.DataFrame({"cell": ["a"], "seconds": [float("nan")]})
    for result, row, brief in (
        (table, {"says": "table"}, [{"cell": "a", "seconds": None}]),
        (table, {"says": "{rows} rows"}, {"rows": 1}),
        (Path("run/report.html"), {}, "run/report.html"),
        (3, {"says": "{result} cells deleted"}, 3),
    ):
        calls(giving(result), **row)
        assert run("work", "--json") == 0
        assert json.loads(capsys.readouterr().out) == {"command": "work", "result": brief}


def test_quiet_leaves_the_result_and_what_went_wrong(calls, capsys: pytest.CaptureFixture[str]):
    def work() -> str:
        warn("3 images are not read")
        return "report.html"

    calls(work, then="open {result}.")
    assert run("work") == 0
    said = "semeia: warning: 3 images are not read\nNext: open report.html.\n"
    assert capsys.readouterr() == ("report.html\n", said)
    assert run("work", "--quiet") == 0
    assert capsys.readouterr() == ("report.html\n", "")

    def fail() -> str:
        raise InputError("row 3: is empty")

    calls(fail)
    assert run("--quiet", "work") == 2
    assert capsys.readouterr().err == "semeia: row 3: is empty\n"
