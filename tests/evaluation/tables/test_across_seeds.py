"""A statistic over the seeds of a cell: the mean in every draw, without seeds for which it does not exist."""

import numpy as np
import pytest

from prediction_tables import predictions
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.cells import counts
from semeia.evaluation.judged import judge
from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.discrimination import auroc_draws, brier_draws
from semeia.evaluation.tables.across_seeds import across_seeds, mean_over_seeds, mostly_defined
from semeia.evaluation.tables.columns import place_columns


def both(fold, weights):
    return np.column_stack([function(fold.label, fold.score, weights) for function in (auroc_draws, brier_draws)])


@pytest.fixture(scope="module")
def place():
    return judge(predictions(), settings=EvaluationSettings(draws=100)).places[1]


def test_the_mean_of_each_seed(place):
    folds = next(iter(place.full.values()))
    values = across_seeds(folds, place.draws, both)
    each = [auroc_draws(fold.label, fold.score, np.ones((1, len(fold.label))))[0] for fold in folds.values()]
    assert values.shape == (101, 2)
    assert values[0, 0] == pytest.approx(np.mean(each))


def test_a_seed_undefined_on_its_own_rows_enters_no_draw():
    values = np.array([[[1.0], [3.0]], [[np.nan], [100.0]]])
    assert mean_over_seeds(values)[:, 0].tolist() == [1.0, 3.0]
    assert np.isnan(mean_over_seeds(values[1:])).all()


def test_mostly_defined():
    draws = Draws(np.zeros(4, dtype=np.int8), 10)
    values = np.ones(11)
    assert mostly_defined(values, draws)
    assert mostly_defined(np.where(np.arange(11) == 3, np.nan, values), draws)
    assert not mostly_defined(np.where(np.arange(11) > 8, np.nan, values), draws)
    assert not mostly_defined(np.where(np.arange(11) == 0, np.nan, values), draws)


def test_columns_and_counts(place):
    cell, folds = next(iter(place.full.items()))
    assert list(place_columns(place, cell).values()) == ["lungs", "malignancy", "external", "all", *cell]
    table = predictions().filter(cohort="external", arm="model").unique("unit_id")
    patients = table.filter(label=1)["subject_id"].n_unique()
    counted = (table.height, table["subject_id"].n_unique(), table["label"].sum(), patients)
    assert tuple(counts(folds.values()).values()) == counted
