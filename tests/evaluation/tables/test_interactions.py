"""The test of heterogeneity: by hand for two levels, its size by simulation, and the table."""

import numpy as np
import polars as pl
import pytest
from scipy.special import logit
from scipy.stats import norm

from prediction_tables import predictions
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.discrimination import auroc_draws
from semeia.evaluation.statistics.intervals import holm
from semeia.evaluation.tables.interactions import heterogeneity, interactions


def test_two_levels_are_a_z_test_of_the_logits():
    rng = np.random.default_rng(0)
    value = np.array([0.8, 0.9])
    drawn = value[:, None] + rng.normal(size=(2, 5000)) * np.array([[0.03], [0.02]])
    drawn[0, :3] = np.nan
    chi_square, p = heterogeneity(value, drawn)
    errors = np.array([0.03 / (0.8 * 0.2), 0.02 / (0.9 * 0.1)])
    z = (logit(0.9) - logit(0.8)) / np.sqrt((errors**2).sum())
    assert chi_square == pytest.approx(z**2, rel=0.05)
    assert p == pytest.approx(2 * norm.sf(np.sqrt(chi_square)))


def test_dependence_between_levels_counts():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=2000) * 0.03
    value = np.array([0.8, 0.85])
    together = value[:, None] + shared + rng.normal(size=(2, 2000)) * 0.005
    apart = value[:, None] + rng.normal(size=(2, 2000)) * 0.03
    assert heterogeneity(value, together)[1] < heterogeneity(value, apart)[1]


def test_its_size_is_held_with_unequal_levels():
    rejected = []
    for number in range(120):
        rng = np.random.default_rng(number)
        sizes = (30, 60, 120)
        level = np.repeat(np.arange(3), sizes)
        label = np.concatenate([(np.arange(n) < 0.4 * n).astype(int) for n in sizes])
        score = rng.normal(size=len(label)) + 1.5 * label
        draws = Draws(label, 150, number)

        def statistic(weights, level=level, label=label, score=score):
            each = [auroc_draws(label[level == k], score[level == k], weights[:, level == k]) for k in range(3)]
            return np.column_stack(each)

        values = draws.apply(np.arange(len(label)), statistic)
        rejected.append(heterogeneity(values[0], draws.drawn(values).T)[1] < 0.05)
    assert np.mean(rejected) < 0.1


def test_the_table_adjusts_over_columns():
    frame = predictions(patients=120, seeds=2)
    number = frame["subject_id"].str.extract(r"(\d+)$").cast(pl.Int64)
    frame = frame.with_columns(sex=pl.when(number % 3 == 0).then(pl.lit("M")).otherwise(pl.lit("F")))
    table = interactions(judge(frame, settings=EvaluationSettings(draws=100)))
    assert set(table["column"]) >= {"sex", "site"}
    for _, tests in table.group_by("cohort", "arm"):
        assert tests["p_holm"].to_numpy() == pytest.approx(holm(tests["p"].to_numpy()))
        assert (tests["degrees"] == tests["levels"] - 1).all()
