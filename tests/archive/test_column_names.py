import pytest

from semeia.archive.column_names import quoted, there_are


def test_names_are_quoted_and_cells_are_counted():
    assert quoted(["age", "Größe", "姓名", "P0012", "1950-03-09", "a.png", "x\ny", "z\x1b[31m", "who@where"]) == (
        "age, Größe, 姓名, 6 that read like a cell of the data"
    )
    assert quoted(["", "score\u202e"]) == "1 that reads like a cell of the data"
    assert quoted([]) == "none"


def test_long_names_and_long_lists_are_cut():
    assert quoted(["x" * 500]) == "x" * 40 + "..."
    assert quoted([f"{chr(97 + k // 26)}{chr(97 + k % 26)}" for k in range(40)]).endswith("bd, ...")


def test_a_row_of_numbered_features_is_named():
    assert quoted([f"f{k:03d}" for k in range(5)]) == "f000, f001, f002, f003, f004"
    assert "f000" not in quoted(["f000", "f001"])  # two may be a patient's and a scan's


@pytest.mark.parametrize("odd", ["CANARY-003", "label\nCANARY", "x" * 300 + "/CANARY"])
def test_one_odd_cell_hides_a_first_row_that_has_no_known_name(odd: str):
    row = ["Smith", odd, "yes"]
    assert there_are(row, ["subject_id"]).startswith("Its first row, of 3 cells, does not look like a header")
    words = there_are([*row, "Label"], ["subject_id"], known=("label",))
    assert words == "There are: Smith, yes, Label, 1 that reads like a cell of the data."


def test_a_near_name_is_suggested():
    assert there_are(["patients", "age"], ["patient"]).endswith("Did you mean patients?")
