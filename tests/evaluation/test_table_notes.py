"""What a table holds that changes how its numbers are read is counted and said."""

import numpy as np
import polars as pl
import pytest

from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings, check_predictions, evaluate
from semeia.evaluation.notes import Notes, covariate_conflicts, note_table


def table(n: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    label = np.arange(n) % 2
    return pl.DataFrame({"subject_id": [f"p{i}" for i in range(n)], "label": label, "score": 0.2 + 0.6 * rng.random(n)})


def notes(frame: pl.DataFrame) -> list[str]:
    found = Notes()
    note_table(check_predictions(frame), found)
    return list(found.lines())


def test_an_ordinary_table_gives_no_note():
    assert notes(table()) == []


def test_clipped_scores_are_counted_an_arm_at_a_time():
    (line,) = notes(table().with_columns(score=pl.when(pl.int_range(pl.len()) < 3).then(1.0).otherwise("score")))
    assert line.startswith("scores of 0 or 1 have no log-odds and are taken as 1e-06")
    assert line.endswith("label, model (3 of 60)")


def test_repeated_rows_are_counted_and_grades_that_tie_are_not():
    again = pl.concat([table(), table().filter(pl.col("label") == 1)])
    (line,) = notes(again)
    assert line.startswith("30 of 90 rows repeat another of the same patient")
    assert notes(again.with_columns(unit_id=pl.int_range(pl.len()))) == [line]
    assert notes(again.with_columns(score=pl.lit(0.5))) == []


def test_weights_are_said_to_be_unused():
    (line,) = notes(table().with_columns(Weight=pl.lit(2.0)))
    assert line == "column Weight is not used: every row counts once, as if there were no weights"


def test_a_covariate_that_differs_from_arm_to_arm_gives_no_gain():
    arms = pl.concat([table().with_columns(arm=pl.lit(arm), size=size) for arm, size in (("a", 1.0), ("b", 2.0))])
    assert covariate_conflicts(check_predictions(arms), "size") == 60
    evaluation = evaluate(arms, settings=EvaluationSettings(draws=100, covariate="size"))
    assert not evaluation.results["metric"].str.contains("size").any()
    assert "gain over size left out, 60 units have several values of it; give each unit one" in evaluation.notes


def test_a_covariate_that_is_no_column_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="covariate length is not a column of the predictions; there are: size"):
        evaluate(table().with_columns(size=1.0), settings=EvaluationSettings(draws=100, covariate="length"))


@pytest.mark.parametrize(
    "label",
    [
        ["True", "False"],
        [" yes", "NO "],
        [" 1", "0 "],
        ["1e0", "0.0"],
        ["t", "f"],
        [True, False],
        ["Positive", "negative"],
    ],
)
def test_labels_in_the_usual_spellings(label: list):
    frame = pl.DataFrame({"subject_id": ["a", "b"], "label": label, "score": [0.2, 0.4]})
    assert check_predictions(frame)["label"].to_list() == [1, 0]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"label": [1, 2]}, "labels are 1 and 2: write 0 for negative and 1 for positive"),
        ({"label": [-1, 1]}, "labels are -1 and 1"),
        ({"label": ["maybe", "1"]}, "row 1: is not a label"),
        ({"score": [20.0, 0.4]}, "divide percentages by 100"),
        ({"score": ["1,234", "0.5"]}, "row 1: is not a number"),
    ],
)
def test_other_spellings_are_refused_with_the_way_out(columns: dict, words: str):
    frame = pl.DataFrame({"subject_id": ["a", "b"], "label": [1, 0], "score": [0.2, 0.4]} | columns)
    with pytest.raises(InputError, match=words):
        check_predictions(frame)


def test_decimal_commas_of_scores_are_read():
    frame = pl.DataFrame({"subject_id": ["a", "b"], "label": [1, 0], "score": ["0,25", "1"]})
    assert check_predictions(frame)["score"].to_list() == [0.25, 1.0]


def test_ids_spelled_alike_are_counted_and_pseudonyms_are_not():
    alike = table().with_columns(subject_id=pl.Series(["P1", "p 1", "P-01", "p10", *(f"q{i}" for i in range(56))]))
    (line,) = notes(alike)
    assert line.startswith("2 of 60 patients have ids that differ only in case, spaces, separators or leading zeros")
    ours = pl.Series([f"p{i:012d}" for i in range(60)])
    assert notes(table().with_columns(subject_id=ours)) == []


def test_rows_of_training_are_counted():
    split = pl.Series(["Train"] * 20 + ["test"] * 40)
    (line,) = notes(table().with_columns(split=split))
    assert line.startswith("20 of 60 rows are of training patients (column split)")
    assert notes(table().with_columns(split=split).filter(pl.col("split") == "test")) == []
