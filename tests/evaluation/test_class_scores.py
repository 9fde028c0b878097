"""Probabilities of several classes in a table of predictions: what passes, what is refused, and in which words."""

import numpy as np
import polars as pl
import pytest

from grade_tables import grade_predictions
from prediction_tables import predictions
from semeia.errors import InputError
from semeia.evaluation import PREDICTION_COLUMNS, EvaluationSettings, check_predictions, evaluate, read_predictions
from semeia.evaluation.class_scores import class_columns, class_counts, probabilities

SMALL = pl.DataFrame(
    {
        "subject_id": ["007", "007", "012"],
        "label": [0, 2, 1],
        "score_0": [0.7, 0.1, 0.3],
        "score_1": [0.2, 0.2, 0.3],
        "score_2": [0.1, 0.7, 0.4],
    }
)


def test_probabilities_are_enough():
    checked = check_predictions(SMALL)
    assert checked.columns == [*PREDICTION_COLUMNS, "score_0", "score_1", "score_2"]
    assert checked["score"].to_list() == [None, None, None]
    assert checked["label"].to_list() == [0, 2, 1]
    assert check_predictions(checked).equals(checked)
    assert class_counts(checked).to_list() == [3, 3, 3]
    np.testing.assert_allclose(probabilities(checked)[1], [0.1, 0.2, 0.7])


def test_a_score_beside_them_is_ignored():
    checked = check_predictions(SMALL.with_columns(score=pl.lit(7.0)))
    assert checked.equals(check_predictions(SMALL))


def test_rounded_probabilities_pass_as_they_are():
    rounded = SMALL.with_columns(score_0=pl.Series([0.7, 0.1, 0.3009]))
    assert probabilities(check_predictions(rounded))[:, 0].tolist() == [0.7, 0.1, 0.3009]


def test_probabilities_rounded_to_two_decimals_are_taken_and_told():
    rng = np.random.default_rng(0)
    chances = rng.dirichlet([1.0, 1.0, 1.0], 200)
    labels = np.array([rng.choice(3, p=chance) for chance in chances])
    columns = {f"score_{number}": chances[:, number].round(2) for number in range(3)}
    table = pl.DataFrame({"subject_id": [f"p{row}" for row in range(200)], "label": labels, **columns})
    off = int((np.abs(np.round(chances, 2).sum(1) - 1) > 1e-3).sum())
    assert off > 10
    notes = evaluate(table, settings=EvaluationSettings(draws=100)).notes
    assert any(f"class probabilities of {off} of 200 rows sum to 1 only roughly" in note for note in notes)
    percent = table.with_columns(pl.col("^score_.$") * 100)
    with pytest.raises(InputError, match="is not a probability between 0 and 1"):
        evaluate(percent, settings=EvaluationSettings(draws=100))


def test_columns_are_in_the_order_of_their_numbers():
    names = [f"score_{number}" for number in range(11)]
    assert class_columns(["label", *sorted(names), "score", "score_x", "my_score_3"]) == names


def test_two_classes_are_a_binary_outcome():
    two = SMALL.with_columns(label=pl.Series([0, 1, 1]), score_1=1 - pl.col("score_0")).drop("score_2")
    checked = check_predictions(two)
    assert checked.columns == list(PREDICTION_COLUMNS)
    assert checked["score"].to_list() == two["score_1"].to_list()


def test_binary_and_several_classes_stand_in_one_table(tmp_path):
    table = pl.concat([predictions(), grade_predictions()], how="diagonal")
    path = tmp_path / "both.csv"
    table.write_csv(path)
    checked = read_predictions(path)
    kinds = checked.with_columns(classes=class_counts(checked)).group_by("outcome", maintain_order=True)
    assert kinds.agg(pl.col("classes").unique().implode()).rows() == [("malignancy", [0]), ("kl_grade", [5])]
    graded = checked["outcome"] == "kl_grade"
    assert checked["score"].is_null().equals(graded.alias("score"))
    assert probabilities(checked.filter(~graded)).shape[1] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"score_0": [0.7, 0.2, 0.3]}, "column score_0 to score_2, row 2: do not sum to 1 within 0.015 (1 of 3"),
        ({"score_0": [0.7, None, 0.3]}, "column score_0, row 2: is missing"),
        ({"score_2": [0.1, None, 0.4]}, "column score_2, row 2: is missing"),
        ({"score_1": [0.2, float("nan"), 0.3]}, "column score_1, row 2: is missing"),
        ({"score_0": [0.7, 0.1, -0.3], "score_1": [0.2, 0.2, 0.9]}, "column score_0, row 3: is not a probability"),
        ({"score_1": ["0.2", "0.2", "much"]}, "column score_1, row 3: is not a number"),
        ({"score_4": [0.0, 0.0, 0.0]}, "score_3 is missing; number the classes from 0 without gaps"),
        ({"label": [0, 3, 1]}, "column label, row 2: is not a class from 0 to 2"),
        ({"label": [0.0, 1.5, 1.0]}, "column label, row 2: is not a class from 0 to 2"),
        ({"label": [0, -1, 1]}, "column label, row 2: is not a class from 0 to 2"),
        ({"score_2": [None, None, None], "score_3": [0.0, 0.0, 0.0]}, "column score_2, row 1: is missing"),
        ({"unit_id": ["x", "x", "y"], "seed": [0, 1, 0]}, "1 units have different labels"),
    ],
)
def test_refusals_name_column_and_row_and_no_patient(change, words):
    with pytest.raises(InputError) as caught:
        check_predictions(SMALL.with_columns(pl.Series(name, values, strict=False) for name, values in change.items()))
    assert words in str(caught.value)
    assert "007" not in str(caught.value)


def test_fewer_than_three_classes_among_others_are_refused():
    two = SMALL.with_columns(outcome=pl.lit("two"), label=0, score_1=1 - pl.col("score_0"), score_2=None)
    both = pl.concat([SMALL.with_columns(outcome=pl.lit("three")), two], how="diagonal_relaxed")
    with pytest.raises(InputError, match="row 4: belongs to an outcome of fewer than 3 classes"):
        check_predictions(both)


def test_labels_without_probabilities_are_told_what_to_give():
    binary = SMALL.select("subject_id", "label", score="score_0")
    with pytest.raises(InputError, match=r"row 2: is neither 0 nor 1 .* give their probabilities as score_0, score_1"):
        check_predictions(binary)


def test_a_file_of_probabilities_without_labels_in_some_rows(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("subject_id,label,score_0,score_1,score_2\na,NA,0.5,0.25,0.25\nb,2,0,0,1\nc,0,1,0,0\n")
    read = read_predictions(path)
    assert read["label"].to_list() == [None, 2, 0]
    assert check_predictions(read)["label"].to_list() == [2, 0]
