"""evaluate() on outcomes of several classes: against scikit-learn, by hand, paired, with words where undefined."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, roc_auc_score

from grade_tables import K, grade_predictions
from prediction_tables import predictions
from semeia.evaluation import EvaluationSettings, evaluate
from semeia.evaluation.cells import blocks
from semeia.evaluation.schema import check_predictions

QUICK = EvaluationSettings(draws=100, covariate=None, ordinal=True)
CLASSES = {"macro_auroc", "balanced_accuracy", "accuracy", "macro_f1", "brier_classes", "log_loss"}
CLASSES |= {f"recall_{number}" for number in range(K)}
GRADES = CLASSES | {"quadratic_kappa", "grade_error"} | {f"auroc_at_least_{grade}" for grade in range(1, K)}
SCORES = [f"score_{grade}" for grade in range(K)]


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return grade_predictions()


@pytest.fixture(scope="module")
def results(table) -> pl.DataFrame:
    return evaluate(table, settings=replace(QUICK, references=("baseline",))).results


def one(results: pl.DataFrame, metric: str, *, arm: str = "model", cohort: str = "external", reference: str = ""):
    wanted = {"metric": metric, "arm": arm, "cohort": cohort, "reference": reference}
    return results.filter(**wanted).row(0, named=True)


def test_every_metric_of_grades_is_there_with_its_interval(results):
    levels = results.filter(pl.col("reference") == "")
    assert set(levels["metric"]) == GRADES
    assert levels.height == 2 * 2 * len(GRADES)
    assert not results.select(pl.selectors.float().is_nan().any()).row(0).count(True)
    assert levels.select(((pl.col("low") <= pl.col("value")) & (pl.col("value") <= pl.col("high"))).all()).item()


@pytest.mark.parametrize("cohort", ["internal", "external"])
def test_values_are_means_over_seeds(table, results, cohort):
    folds = table.filter(arm="model", cohort=cohort).partition_by("seed")
    arrays = [(fold["label"].to_numpy(), fold.select(SCORES).to_numpy()) for fold in folds]
    expected = {
        "macro_auroc": [roc_auc_score(y, p, multi_class="ovr") for y, p in arrays],
        "balanced_accuracy": [balanced_accuracy_score(y, p.argmax(axis=1)) for y, p in arrays],
        "quadratic_kappa": [cohen_kappa_score(y, p.argmax(axis=1), weights="quadratic") for y, p in arrays],
        "auroc_at_least_2": [roc_auc_score(y >= 2, np.round(p[:, 2:].sum(axis=1), 12)) for y, p in arrays],
    }
    for metric, values in expected.items():
        assert one(results, metric, cohort=cohort)["value"] == pytest.approx(np.mean(values))
    row = one(results, "macro_auroc", cohort=cohort)
    units = table.filter(cohort=cohort).unique("unit_id")
    assert (row["n"], row["n_positive"]) == (units.height, (units["label"] > 0).sum())


def test_differences_are_paired(results):
    compared = results.filter(pl.col("reference") == "baseline", pl.col("cohort") == "external")
    assert compared["metric"].to_list() == [
        "macro_auroc",
        "macro_auroc_detectable_difference",
        "balanced_accuracy",
        "quadratic_kappa",
    ]
    for metric in ("macro_auroc", "balanced_accuracy", "quadratic_kappa"):
        mine, theirs = (one(results, metric, arm=arm)["value"] for arm in ("model", "baseline"))
        row = one(results, metric, reference="baseline")
        assert row["value"] == pytest.approx(mine - theirs)
        assert 0 < row["low"] < row["high"]


def test_classes_without_an_order_have_no_kappa(table):
    settings = EvaluationSettings(draws=100, covariate=None, ordinal=False, references=("baseline",))
    found = evaluate(table, settings=settings).results
    assert set(found.filter(pl.col("reference") == "")["metric"]) == CLASSES
    assert "quadratic_kappa" not in set(found["metric"])


def test_a_binary_outcome_beside_is_evaluated_as_if_alone(table, results):
    binary = predictions(seeds=2, patients=40)
    both = evaluate(pl.concat([binary, table], how="diagonal"), settings=QUICK)
    alone = evaluate(binary, settings=QUICK)
    assert both.results.filter(pl.col("outcome") == "malignancy").equals(alone.results)
    levels = results.filter(pl.col("reference") == "")
    # with a reference, what is subtracted stands after what it is subtracted from
    mine, theirs = (
        rows.sort("cohort", "arm", maintain_order=True)
        for rows in (both.results.filter(pl.col("outcome") == "kl_grade"), levels)
    )
    assert mine.equals(theirs)
    assert [note for note in both.notes if "kl_grade" not in note] == list(alone.notes)


def test_ten_knees_by_hand():
    label = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    called = [0, 1, 1, 1, 2, 3, 3, 3, 4, 2]
    near = np.where(np.eye(K)[called] == 1, 0.6, 0.1)
    frame = pl.DataFrame({"subject_id": np.arange(10), "label": label} | dict(zip(SCORES, near.T, strict=True)))
    found = evaluate(frame, settings=QUICK)
    values = {row["metric"]: row["value"] for row in found.results.iter_rows(named=True)}
    assert values["accuracy"] == pytest.approx(0.7)
    assert values["balanced_accuracy"] == pytest.approx((0.5 + 1 + 0.5 + 1 + 0.5) / 5)
    assert [values[f"recall_{grade}"] for grade in range(K)] == [0.5, 1, 0.5, 1, 0.5]
    assert values["macro_f1"] == pytest.approx((2 / 3 + 4 / 5 + 1 / 2 + 4 / 5 + 2 / 3) / 5)
    assert values["grade_error"] == pytest.approx((1 + 1 + 2) / 10)
    # distances 1 + 1 + 4; the margins 2 2 2 2 2 and 1 3 2 3 1 expect (30 + 3*15 + 2*10 + 3*15 + 30) * 2 / 10 = 34.
    assert values["quadratic_kappa"] == pytest.approx(1 - 6 / 34)
    assert values["brier_classes"] == pytest.approx(0.7 * 0.2 + 0.3 * (0.81 + 0.36 + 0.03))
    assert values["log_loss"] == pytest.approx(-(0.7 * np.log(0.6) + 0.3 * np.log(0.1)))
    # "3 or more": the five called 3 or 4 have 0.7, the others 0.2; three of four positives and four of six negatives.
    assert values["auroc_at_least_3"] == pytest.approx((3 * 5 + 0.5 * (3 * 1 + 1 * 5)) / 24)
    few = "no interval, {} patients have all units of a class (fewer than 5)"
    assert [note.partition(":")[0] for note in found.notes] == [
        few.format(2),
        few.format(4),
        "cells of the confusion matrix hidden, few patients stand in them",
    ]


def test_an_absent_grade_is_said_and_enters_no_average(table):
    found = evaluate(table.filter(pl.col("label") != 3), settings=QUICK)
    assert "recall_3" not in set(found.results["metric"])
    row = one(found.results, "balanced_accuracy")
    recalls = [one(found.results, f"recall_{grade}")["value"] for grade in (0, 1, 2, 4)]
    assert row["value"] == pytest.approx(np.mean(recalls))
    assert found.notes[0].startswith(
        "class 3 has no rows and enters no average over classes: kl_grade, baseline/finetune"
    )
    assert not found.results.select(pl.selectors.float().is_nan().any()).row(0).count(True)


def test_macro_averages_stand_without_an_interval_where_a_grade_has_one_patient(table):
    first = table.filter(arm="model", cohort="external", seed=0)
    single = first.filter((pl.col("label") < 4) | (pl.col("unit_id") == first.filter(label=4)["unit_id"][0]))
    found = evaluate(single, settings=QUICK)
    lone = {"macro_auroc", "balanced_accuracy", "macro_f1", "auroc_at_least_4"}
    assert set(found.results.filter(pl.col("low").is_null())["metric"]) == lone
    assert set(found.results["metric"]) == GRADES
    row = one(found.results, "macro_auroc")
    expected = roc_auc_score(single["label"], single.select(SCORES).to_numpy(), multi_class="ovr")
    assert (row["value"], row["low"], row["high"]) == (pytest.approx(expected), None, None)
    assert one(found.results, "recall_4")["interval_method"] == "95% exact, 1 patient without a miss"
    assert row["interval_method"] == "none: 1 patient has all units of a class (fewer than 5)"
    assert found.notes[0].startswith("no interval, 1 patient has all units of a class (fewer than 5): macro_auroc: ")


def test_constant_probabilities_give_words_and_no_nan(table):
    constant = table.with_columns(pl.lit(1 / K).alias(name) for name in SCORES)
    found = evaluate(constant, settings=QUICK).results
    values = {row["metric"]: row["value"] for row in found.filter(arm="model", cohort="external").iter_rows(named=True)}
    assert (values["macro_auroc"], values["auroc_at_least_4"], values["quadratic_kappa"]) == (0.5, 0.5, 0)
    assert values["balanced_accuracy"] == pytest.approx(1 / K)
    assert not found.select(pl.selectors.float().is_nan().any()).row(0).count(True)


def test_one_grade_is_left_out_and_named(table):
    found = evaluate(table.filter(pl.col("label") == 2), settings=QUICK)
    assert found.results.is_empty()
    assert found.notes[0].startswith("the cell left out, its rows are all of one class")


def test_patients_of_all_grades_are_drawn_from_one_stratum(table):
    (block,) = blocks(check_predictions(table).with_row_index("_row"), covariate=None)
    assert {cohort: len(strata) for cohort, strata in block.strata.items()} == {"internal": 60, "external": 60}
    assert not any(strata.any() for strata in block.strata.values())
