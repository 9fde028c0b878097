"""Tables become arrays without losing whose row is whose."""

from dataclasses import replace

import numpy as np
import polars as pl

from prediction_tables import predictions
from semeia.evaluation.cells import (
    Cell,
    blocks,
    concatenate,
    counts,
    covariate_values,
)
from semeia.evaluation.schema import check_predictions


def checked() -> pl.DataFrame:
    return check_predictions(predictions()).with_row_index("_row")


def test_every_row_is_in_one_fold_with_its_values():
    frame = checked()
    (block,) = blocks(frame, covariate="diameter_mm")
    assert list(block.folds) == [Cell("model", "finetune", 1.0), Cell("baseline", "finetune", 1.0)]
    every = [fold for cell in block.folds.values() for seeds in cell.values() for fold in seeds.values()]
    whole = np.concatenate([fold.row for fold in every])
    assert sorted(whole) == list(range(frame.height))
    for fold in every:
        rows = frame[fold.row.tolist()]
        assert rows["score"].to_list() == fold.score.tolist()
        assert rows["label"].to_list() == fold.label.tolist()
        np.testing.assert_allclose(np.exp(fold.covariate), rows["diameter_mm"])
        assert rows["subject_id"].n_unique() == len(np.unique(fold.patient))


def test_patients_are_numbered_alike_in_every_arm_and_seed():
    frame = checked()
    (block,) = blocks(frame, covariate=None)
    number: dict[tuple[str, str], set[int]] = {}
    for by_cohort in block.folds.values():
        for cohort, seeds in by_cohort.items():
            joined = concatenate(list(seeds.values()))
            for row, patient in zip(joined.row.tolist(), joined.patient.tolist(), strict=True):
                number.setdefault((cohort, frame["subject_id"][row]), set()).add(patient)
    assert all(len(numbers) == 1 for numbers in number.values())
    assert {cohort: len(strata) for cohort, strata in block.strata.items()} == {
        "internal": 60,
        "external": 60,
    }
    # all patients of a cohort are drawn from one stratum, so that the number of positive ones varies
    assert not any(strata.any() for strata in block.strata.values())


def test_the_covariate_is_logged_only_when_all_of_it_is_positive():
    frame = pl.DataFrame({"size": [1.0, None, 4.0], "change": [-1, 0, 2]})
    np.testing.assert_allclose(covariate_values(frame, "size"), [0, np.nan, np.log(4)])
    np.testing.assert_allclose(covariate_values(frame, "change"), [-1, 0, 2])


def test_counts_are_of_distinct_units_patients_and_positive_units():
    frame = checked()
    (block,) = blocks(frame, covariate=None)
    folds = block.folds[Cell("model", "finetune", 1.0)]["external"]
    rows = frame.filter(pl.col("cohort") == "external", pl.col("arm") == "model")
    assert counts(folds.values()) == {
        "n": rows["unit_id"].n_unique(),
        "n_patients": rows["subject_id"].n_unique(),
        "n_positive": rows.filter(pl.col("label") == 1)["unit_id"].n_unique(),
        "n_positive_patients": rows.filter(pl.col("label") == 1)["subject_id"].n_unique(),
    }
    assert counts([folds[0].take(folds[0].label == 0)])["n_positive"] == 0


def test_what_the_covariate_adds_is_known_of_some_rows():
    (block,) = blocks(checked(), covariate=None)
    fold = block.folds[Cell("model", "finetune", 1.0)]["external"][0]
    score = fold.score.copy()
    score[:3] = np.nan
    known = replace(fold, combined=score, alone=fold.score).with_covariate
    np.testing.assert_array_equal(known.unit, fold.unit[3:])
    every = replace(fold, combined=fold.score, alone=fold.score)
    assert every.with_covariate is every
