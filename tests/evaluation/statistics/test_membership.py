"""The membership model: nothing to find, everything to find, and the fit against scikit-learn."""

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from semeia.evaluation.statistics.discrimination import auroc_within_parts, rankings_of_parts
from semeia.evaluation.tables.case_mix import (
    features_of,
    membership_score,
)
from semeia.evaluation.tables.characteristics import Covariate


def statistic(features, member, subject, *, seed=0):
    score, part = membership_score(features, member, subject, seed=seed)
    return auroc_within_parts(rankings_of_parts(member, score, part), np.ones((1, len(member))))[0]


def test_cohorts_that_do_not_differ_are_told_by_chance():
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        member = np.repeat([0, 1], [150, 60])
        found.append(statistic(rng.normal(size=(210, 3)), member, rng.integers(0, 120, 210), seed=seed))
    # without holding to one part's pairs this is about 0.47.
    assert np.mean(found) == pytest.approx(0.5, abs=0.015)


def test_cohorts_that_differ_are_told():
    rng = np.random.default_rng(0)
    member = np.repeat([0, 1], 100)
    features = rng.normal(size=(200, 2)) + 3 * member[:, None]
    assert statistic(features, member, np.arange(200)) > 0.99


def test_each_part_is_judged_by_a_ridge_fitted_on_the_others():
    rng = np.random.default_rng(1)
    member = np.repeat([0, 1], [90, 60])
    features = rng.normal(size=(150, 3)) + 0.5 * member[:, None]
    subject = np.repeat(np.arange(75), 2)
    score, part = membership_score(features, member, subject, seed=3)
    for patient in range(75):
        assert len(set(part[subject == patient])) == 1
    fit, use = part != 2, part == 2
    scaler = StandardScaler().fit(features[fit])
    model = LogisticRegression(C=1.0, tol=1e-10).fit(scaler.transform(features[fit]), member[fit])
    assert score[use] == pytest.approx(model.decision_function(scaler.transform(features[use])), abs=1e-4)
    pairs = [(part[i], roc_auc_score(member[part == i], score[part == i]), (part == i).sum()) for i in range(5)]
    each = [auc * (member[part == i] == 1).sum() * (member[part == i] == 0).sum() for i, auc, _ in pairs]
    total = sum((member[part == i] == 1).sum() * (member[part == i] == 0).sum() for i in range(5))
    whole = auroc_within_parts(rankings_of_parts(member, score, part), np.ones((1, 150)))[0]
    assert whole == pytest.approx(sum(each) / total)


def test_features():
    age = Covariate("age", np.array([50.0, np.nan, 70.0, 60.0]), None)
    sex = Covariate("sex", None, pl.Series(["F", "M", "F", "M"]))
    maker = Covariate("maker", None, pl.Series(["a", "a", "b", "c"]))
    features, left_out = features_of([age, sex, maker], np.arange(4), np.array([0, 0, 1, 1]))
    assert left_out == ["maker"]
    assert features.tolist() == [[50, 0, 0], [60, 1, 1], [70, 0, 0], [60, 0, 1]]
    assert features_of([maker], np.arange(4), np.array([0, 0, 1, 1]))[0].shape == (4, 0)
