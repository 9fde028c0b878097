"""What is remembered: the same object for the same fold and draws, another for others, and no longer than they live."""

import gc
import weakref

import numpy as np

from prediction_tables import predictions
from semeia.evaluation.cells import Fold
from semeia.evaluation.judged import Place, judge
from semeia.evaluation.measured import calibrated_values, called_values, gained_values, ranked_values
from semeia.evaluation.resampling import Draws
from semeia.evaluation.settings import EvaluationSettings
from semeia.evaluation.tables.across_seeds import remembered


def place() -> Place:
    return judge(predictions(seeds=1), settings=EvaluationSettings(draws=100, covariate="diameter_mm")).places[0]


def only_fold(one: Place) -> Fold:
    return next(iter(one.cells.values()))[0]


def test_is_computed_once_for_a_fold_and_its_draws():
    asked = []

    @remembered
    def patients(fold: Fold, draws: Draws) -> int:
        asked.append(fold)
        return len(fold.patient)

    one = place()
    fold, other = only_fold(one), only_fold(one).take(np.arange(5))
    fewer = Draws(one.draws.strata, 50)
    assert patients(fold, one.draws) == patients(fold, one.draws) == patients(fold, fewer)
    assert patients(other, one.draws) == 5
    assert len(asked) == 3


def test_is_forgotten_with_the_fold():
    @remembered
    def nothing(fold: Fold, draws: Draws) -> None:
        return None

    one = place()
    fold = only_fold(one).take(np.arange(5))
    gone = weakref.ref(fold)
    nothing(fold, one.draws)
    del fold
    gc.collect()
    assert gone() is None


def test_transport_meets_the_folds_of_the_results():
    one = place()
    (cell, *_), base = one.cells, one.base
    assert one.within(base)[cell][0] is one.full[cell][0]
    assert one.full[cell][0].with_covariate is one.full[cell][0]
    for metrics in (ranked_values, calibrated_values, called_values, gained_values):
        assert metrics(one.full[cell][0], one.draws) is metrics(one.cells[cell][0], one.draws)
