"""A difference between tables is given on the same patients only, and is DeLong's where it is."""

import numpy as np
import polars as pl
import pytest

from prediction_tables import predictions
from semeia.evaluation import check_predictions
from semeia.evaluation.cells import Cell
from semeia.evaluation.statistics.delong import areas
from semeia.evaluation.tables.paired_tables import NOT_THE_SAME, mark_of_tested, paired

CELLS = (Cell("model", "finetune", 1.0), Cell("baseline", "finetune", 1.0))


def keyed(table: pl.DataFrame) -> pl.DataFrame:
    number = pl.col("subject_id").rank("dense").cast(pl.String).str.zfill(12)
    return table.with_columns(subject_id="p" + number)


TABLE = check_predictions(keyed(predictions(seeds=3)))


def test_it_is_delongs_on_the_same_patients():
    outside = TABLE.filter((pl.col("cohort") == "external") & (pl.col("seed") == 0))
    found = paired(outside, outside.sample(fraction=1, shuffle=True, seed=1), cells=CELLS, outcome="malignancy")
    sides = [outside.filter(pl.col("arm") == cell.arm).sort("unit_id") for cell in CELLS]
    scores = np.stack([side["score"].to_numpy() for side in sides])
    label, patient = sides[0]["label"].to_numpy(), sides[0]["subject_id"].to_numpy()
    expected = areas(label, scores, patient).contrast((1, -1))

    assert [one.cohort for one in found] == ["external"]
    assert (found[0].low, found[0].high) == pytest.approx(expected.interval())
    assert found[0].value == pytest.approx(expected.value)
    assert (found[0].units, found[0].patients) == (len(label), len(np.unique(patient)))


def test_seeds_are_averaged_on_each_side():
    inside, outside = paired(TABLE, TABLE, cells=CELLS, outcome="malignancy")
    fewer = TABLE.filter(pl.col("seed") > 0)
    changed = paired(TABLE, fewer, cells=CELLS, outcome="malignancy")

    assert inside.why == outside.why == ""
    assert inside.value > 0
    # Inside, each seed tests other patients; outside, all test the same.
    assert changed[0].why == NOT_THE_SAME
    assert changed[1].why == ""
    assert changed[1].value != outside.value


def test_a_run_does_not_differ_from_itself():
    for one in paired(TABLE, TABLE, cells=(CELLS[0], CELLS[0]), outcome="malignancy"):
        assert (one.value, one.low, one.high) == (0, 0, 0)


@pytest.mark.parametrize("change", ["label", "unit", "patient"])
def test_other_patients_have_no_difference(change: str):
    swapped = {
        "label": pl.when(pl.col("unit_id") == "external-unit-0")
        .then(1 - pl.col("label"))
        .otherwise("label")
        .alias("label"),
        "unit": pl.col("unit_id").str.replace("external-unit-0$", "x"),
        "patient": pl.col("subject_id").str.replace("^p0", "p1"),
    }
    found = paired(TABLE, TABLE.with_columns(swapped[change]), cells=CELLS, outcome="malignancy")

    assert found[1].why == NOT_THE_SAME


def test_the_mark_is_of_patients_units_and_labels():
    mark = mark_of_tested(TABLE)

    assert mark_of_tested(TABLE.reverse().with_columns(score=pl.lit(0.5))) == mark
    assert mark_of_tested(TABLE.filter(pl.col("unit_id") != "internal-unit-0")) != mark
    assert mark_of_tested(TABLE.with_columns(label=1 - pl.col("label"))) != mark


def test_one_class_is_said():
    table = TABLE.with_columns(label=pl.lit(1, TABLE.schema["label"]))

    assert {one.why for one in paired(table, table, cells=CELLS, outcome="malignancy")} == {
        "a seed tested patients of one class only"
    }
