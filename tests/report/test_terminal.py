"""Tables for eyes on a terminal, for programs elsewhere."""

import io
from pathlib import Path

import polars as pl
import pytest

from prediction_tables import predictions
from semeia.evaluation import Evaluation, EvaluationSettings, evaluate
from semeia.report.terminal import MOST_ROWS, facts, print_result, print_table, short_results

TABLE = pl.DataFrame({"cell": ["a", "b"], "seconds": [1.5, None]})


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    """Two arms in two cohorts; of one row the covariate is not known."""
    known = pl.when(pl.int_range(pl.len()) > 0).then("diameter_mm")
    return evaluate(
        predictions(seeds=1, patients=30).with_columns(diameter_mm=known),
        settings=EvaluationSettings(draws=100, references=("baseline",), covariate="diameter_mm"),
    )


def test_separated_by_tabs_without_a_terminal(capsys: pytest.CaptureFixture[str]):
    print_table(TABLE)

    assert capsys.readouterr().out == "cell\tseconds\na\t1.5\nb\t\n"


def test_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)

    print_table(TABLE)

    assert "│" in screen.getvalue()
    assert "seconds" in screen.getvalue()


def test_short_results_say_value_and_interval(evaluation: Evaluation):
    short = short_results(evaluation.results)

    one = evaluation.results.row(by_predicate=(pl.col("metric") == "auroc") & (pl.col("cohort") == "external")
                                 & (pl.col("arm") == "model") & (pl.col("reference") == ""), named=True)  # fmt: skip
    same = short.filter(cohort="external", metric="auroc").filter(
        pl.col("minus").is_null() & pl.col("arm").str.starts_with("model/finetune")
    )
    assert same["value"].to_list() == [f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"]
    assert set(short["minus"]) == {None, "baseline"}


def test_long_results_keep_to_the_auroc_and_what_is_gained_over_the_covariate(evaluation: Evaluation):
    many = pl.concat([evaluation.results] * 4)

    assert short_results(evaluation.results).height <= MOST_ROWS
    assert set(short_results(many)["metric"]) == {"auroc", "auroc_gain_over_diameter_mm"}


def test_notes_are_said_beside_the_table(
    evaluation: Evaluation, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    print_result(evaluation)

    assert "auroc" in capsys.readouterr().out
    assert caplog.messages == list(evaluation.notes)
    assert "diameter_mm is missing in 1 of" in caplog.text


def test_results_as_facts(evaluation: Evaluation):
    found = facts(evaluation)
    assert isinstance(found, dict)
    assert found["notes"] == list(evaluation.notes)
    assert len(found["results"]) == short_results(evaluation.results).height
    assert found["results"][0]["value"] == evaluation.results["value"][0]
    assert facts({"a": (1, float("nan"), Path("x"), None, True), 2: TABLE.head(1)}) == {
        "a": [1, None, "x", None, True],
        "2": [{"cell": "a", "seconds": 1.5}],
    }
