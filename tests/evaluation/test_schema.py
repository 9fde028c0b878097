"""Reading and checking predictions: what is filled, what is refused, and in which words."""

import numpy as np
import polars as pl
import pytest

from prediction_tables import predictions
from semeia.errors import InputError
from semeia.evaluation import (
    PREDICTION_COLUMNS,
    RESULT_COLUMNS,
    check_predictions,
    check_results,
    read_predictions,
)

SMALL = pl.DataFrame({"subject_id": ["007", "007", "012"], "label": [0, 1, 0], "score": [0.2, 0.7, 0.4]})


def test_three_columns_are_enough():
    checked = check_predictions(SMALL)
    assert checked.schema == pl.Schema(PREDICTION_COLUMNS)
    assert checked["unit_id"].to_list() == ["0", "1", "0"]
    assert checked.select("study", "outcome", "arm", "mode", "fraction", "seed", "cohort", "site").row(0) == (
        "predictions",
        "label",
        "model",
        "none",
        1.0,
        0,
        "all",
        None,
    )


def test_checking_is_idempotent_and_keeps_covariates():
    once = check_predictions(predictions())
    assert once.columns[-1] == "diameter_mm"
    assert check_predictions(once).equals(once)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_formats_agree_and_ids_stay_as_written(tmp_path, suffix):
    path = tmp_path / f"predictions{suffix}"
    if suffix == ".parquet":
        SMALL.write_parquet(path)
    else:
        SMALL.write_csv(path, separator="\t" if suffix == ".tsv" else ",")
    read = read_predictions(path)
    assert read["subject_id"].to_list() == ["007", "007", "012"]
    assert read.equals(check_predictions(SMALL))


def test_rows_without_a_label_are_kept_when_read_and_dropped_when_checked(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("subject_id,label,score\na,NA,0.5\nb,1,0.5\nc,,0.2\nd,0.0,0.1\n")
    read = read_predictions(path)
    assert read["label"].to_list() == [None, 1, None, 0]
    assert check_predictions(read)["label"].to_list() == [1, 0]


@pytest.mark.parametrize("labels", [[True, False, True], [1.0, 0.0, float("nan")], ["1", "0", "NA"]])
def test_labels_may_be_boolean_float_or_text(labels):
    frame = SMALL.with_columns(pl.Series("label", labels))
    assert check_predictions(frame)["label"].to_list()[:2] == [1, 0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"score": [0.2, None, 0.4]}, "column score, row 2: is missing"),
        ({"score": [0.2, float("nan"), 0.4]}, "column score, row 2: is missing"),
        ({"score": [0.2, 0.3, 1.4]}, "column score, row 3: is not a probability"),
        ({"score": ["0.2", "high", "0.4"]}, "column score, row 2: is not a number"),
        ({"label": [0, 2, 1]}, "column label, row 2: is neither 0 nor 1"),
        ({"label": ["0", "1", "perhaps"]}, "column label, row 3"),
        ({"label": [None, None, None]}, "label is null in every row"),
        ({"subject_id": [None, "a", "b"]}, "column subject_id, row 1: is missing"),
        ({"fraction": [1.0, 0.0, 1.0]}, "column fraction, row 2"),
        ({"seed": ["0", "one", "2"]}, "column seed, row 2"),
        ({"unit_id": ["x", "x", "x"]}, "column unit_id, row 2: was already predicted"),
        ({"score_0": [0.1, 0.2, 0.3]}, "column score_0 stands alone"),
        ({"unit_id": ["x", "x", "y"], "seed": [0, 1, 0]}, "1 units have different labels in different rows"),
    ],
)
def test_refusals_name_column_and_row_and_no_patient(change, words):
    with pytest.raises(InputError) as caught:
        check_predictions(SMALL.with_columns(pl.Series(name, values, strict=False) for name, values in change.items()))
    assert words in str(caught.value)
    assert "007" not in str(caught.value)


def test_missing_columns_and_empty_tables_are_refused():
    with pytest.raises(InputError, match=r"column label, score is missing\. There are: subject_id"):
        check_predictions(SMALL.select("subject_id"))
    with pytest.raises(InputError, match="no rows"):
        check_predictions(SMALL.clear())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.csv", None, "no such table"),
        ("p.xlsx", "x", "is a spreadsheet"),
        ("p.parquet", "not parquet", "cannot be read"),
        ("p.csv", "", "cannot be read"),
        ("p.csv", "subject_id,label\na,1\n", "column score is missing"),
    ],
)
def test_bad_files_are_named(tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        read_predictions(path)
    assert name in str(caught.value)


def test_results_are_checked():
    results = pl.DataFrame({name: [None] for name in RESULT_COLUMNS}).with_columns(value=np.float32(0.5))
    checked = check_results(results)
    assert checked.schema == pl.Schema(RESULT_COLUMNS)
    assert checked["reference"].to_list() == [""]
    with pytest.raises(InputError, match="column low is missing"):
        check_results(results.drop("low"))


@pytest.mark.parametrize(
    "text",
    [
        "subject_id;label;score;age\n007;1;0,25;61,5\n8.0;0;0,5;50\n",
        "\ufeffSUBJECT_ID, Label, Score, age\r\n007, yes, 0.25, 61.5\r\n8, no, 0.5, 50\r\n,,,\r\n",
        ",subject_id\tlabel\tscore\tage\n".replace(",", "") + "007\tTrue\t.25\t61.5\n8\tFalse\t.5\t50\n",
        ",subject_id,label,score,age\n0,007,1,0.25,61.5\n1,8,0,0.5,50\n",
    ],
)
def test_dialects_of_a_table_give_the_same_predictions(tmp_path, text):
    (tmp_path / "p.csv").write_text(text)
    read = read_predictions(tmp_path / "p.csv")
    assert read.select("subject_id", "label", "score", "age").rows() == [("007", 1, 0.25, 61.5), ("8", 0, 0.5, 50.0)]


def test_one_person_under_two_ways_of_writing_an_id_is_one_cluster(tmp_path):
    (tmp_path / "p.csv").write_text("subject_id,label,score\n12,1,0.5\n12.0,0,0.5\n P1,0,0.5\nP1\u200b,1,0.5\n")
    assert read_predictions(tmp_path / "p.csv")["subject_id"].to_list() == ["12", "12", "P1", "P1"]
    frame = pl.DataFrame({"subject_id": [12.0, 13.0], "label": [1, 0], "score": [0.5, 0.5]})
    frame.write_parquet(tmp_path / "p.parquet")
    assert read_predictions(tmp_path / "p.parquet")["subject_id"].to_list() == ["12", "13"]


@pytest.mark.parametrize(
    "header",
    [
        "subject_id,label\nCANARY,skore",
        '"subject_id","la\nbel CANARY","score"',
        "subject_idCANARY-003,label,score",
        "CANARY/scan,label,score",
        "subject_id,label,CANARY@ward",
    ],
)
def test_a_damaged_header_is_not_repeated(tmp_path, header):
    (tmp_path / "p.csv").write_text(f"{header}\nCANARY-004,1,0.5\n")
    with pytest.raises(InputError) as caught:
        read_predictions(tmp_path / "p.csv")
    assert "CANARY" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ids_that_a_spreadsheet_rounded_are_refused_with_their_row(tmp_path):
    for rounded in ("1.23E+05", "1E+05"):
        (tmp_path / "p.csv").write_text(f"subject_id,label,score\n7,0,0.5\n{rounded},1,0.5\n")
        with pytest.raises(InputError, match="column subject_id, row 2: is an id that a spreadsheet has rounded"):
            read_predictions(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_text("subject_id,label,score\n7,0,0.5\n1e5,1,0.5\n")
    assert read_predictions(tmp_path / "p.csv")["subject_id"].to_list() == ["7", "1e5"]
