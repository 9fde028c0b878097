"""ROC points against scikit-learn, and averaging over seeds."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_curve as sklearn_roc_curve

from prediction_tables import predictions
from semeia.evaluation import auroc, check_predictions, roc_curve, roc_points


def test_points_equal_sklearn():
    rng = np.random.default_rng(0)
    label, score = rng.integers(0, 2, 60), np.round(rng.random(60), 1)
    false, true, _ = sklearn_roc_curve(label, score, drop_intermediate=False)
    ours = roc_points(label, score)
    np.testing.assert_allclose(ours[0], false)
    np.testing.assert_allclose(ours[1], true)


def test_the_area_of_one_curve_is_its_auroc():
    table = check_predictions(predictions(seeds=1)).filter(pl.col("arm") == "model", pl.col("cohort") == "external")
    curve = roc_curve(table, points=2001)
    area = np.trapezoid(curve["true_positive_rate"], curve["false_positive_rate"])
    assert area == pytest.approx(auroc(table["label"].to_numpy(), table["score"].to_numpy()), abs=1e-3)


def test_curves_are_averaged_over_seeds_and_run_from_corner_to_corner():
    table = check_predictions(predictions())
    curves = roc_curve(table, points=21)
    assert curves.height == 2 * 2 * 22
    for _, curve in curves.group_by("arm", "cohort"):
        assert curve["seeds"].unique().to_list() == [5]
        assert curve.select("false_positive_rate", "true_positive_rate").row(0) == (0.0, 0.0)
        assert curve.select("false_positive_rate", "true_positive_rate").row(-1) == (1.0, 1.0)
        assert (curve["true_positive_rate"].diff().drop_nulls() >= 0).all()
    one = table.filter(pl.col("arm") == "model", pl.col("cohort") == "internal")
    each = [roc_curve(one.filter(pl.col("seed") == seed), points=21)["true_positive_rate"] for seed in range(5)]
    ours = curves.filter(pl.col("arm") == "model", pl.col("cohort") == "internal")["true_positive_rate"]
    np.testing.assert_allclose(ours, np.mean(each, axis=0))


def test_one_class_has_no_curve():
    table = check_predictions(predictions()).filter(pl.col("label") == 1)
    assert roc_curve(table).is_empty()


def test_a_step_is_as_high_as_it_gets_at_its_rate():
    table = pl.DataFrame({"subject_id": list("abcd"), "label": [1, 1, 0, 0], "score": [0.9, 0.8, 0.2, 0.1]})
    curve = roc_curve(check_predictions(table), points=3)
    assert curve["true_positive_rate"].to_list() == [0.0, 1.0, 1.0, 1.0]
