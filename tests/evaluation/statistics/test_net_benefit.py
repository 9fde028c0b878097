"""Net benefit against a loop and a hand-computed example, and in its closed-form limits."""

import numpy as np
import pytest

from semeia.errors import InputError
from semeia.evaluation.statistics.net_benefit import net_benefit_draws, threshold_grid, treat_all_draws

GRID = threshold_grid(0.01, 0.99, 0.01)


def data(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    score = np.round(rng.beta(1, 2, n), 2)
    return (rng.random(n) < score).astype(np.int8), score


def test_equals_a_loop_in_every_draw():
    label, score = data()
    weights = np.random.default_rng(0).integers(0, 4, (3, 400))
    found = net_benefit_draws(label, score, weights, thresholds=GRID)
    for draw, weight in enumerate(weights):
        for column, threshold in enumerate(GRID):
            called = score >= threshold
            true, false = weight[called & (label == 1)].sum(), weight[called & (label == 0)].sum()
            expected = (true - false * threshold / (1 - threshold)) / weight.sum()
            assert found[draw, column] == pytest.approx(expected, abs=1e-12)


def test_by_hand():
    # ten patients, three ill; a score of 0.2 or more in two of the ill and three of the well:
    # 2/10 - 3/10 * 0.2/0.8 = 0.125. Treating all: 3/10 - 7/10 * 0.25 = 0.125.
    label = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    score = np.array([0.9, 0.2, 0.1, 0.5, 0.3, 0.25, 0.1, 0.1, 0.0, 0.19])
    ones, at = np.ones((1, 10)), np.array([0.2])
    assert net_benefit_draws(label, score, ones, thresholds=at)[0, 0] == pytest.approx(0.125)
    assert treat_all_draws(label, ones, thresholds=at)[0, 0] == pytest.approx(0.125)


def test_towards_a_threshold_of_zero_it_is_the_prevalence():
    label, score = data()
    tiny = np.array([1e-9])
    found = net_benefit_draws(label, np.maximum(score, 0.01), np.ones((1, 400)), thresholds=tiny)
    assert found[0, 0] == pytest.approx(label.mean(), abs=1e-8)
    assert treat_all_draws(label, np.ones((1, 400)), thresholds=tiny)[0, 0] == pytest.approx(label.mean(), abs=1e-8)


def test_a_perfect_model_has_the_prevalence_at_every_threshold():
    label, _ = data()
    found = net_benefit_draws(label, label.astype(float), np.ones((1, 400)), thresholds=GRID)
    np.testing.assert_allclose(found, label.mean())


def test_treating_all_has_its_closed_form_and_crosses_zero_at_the_prevalence():
    label, _ = data()
    share = label.mean()
    found = treat_all_draws(label, np.ones((1, 400)), thresholds=GRID)[0]
    np.testing.assert_allclose(found, share - (1 - share) * GRID / (1 - GRID), atol=1e-12)
    at = treat_all_draws(label, np.ones((1, 400)), thresholds=np.array([share]))
    assert at[0, 0] == pytest.approx(0, abs=1e-12)


def test_scores_that_say_nothing_treat_all_or_none():
    label, _ = data()
    weights = np.random.default_rng(0).integers(0, 4, (5, 400))
    found = net_benefit_draws(label, np.full(400, 0.3), weights, thresholds=GRID)
    everyone = treat_all_draws(label, weights, thresholds=GRID)
    np.testing.assert_allclose(found[:, GRID <= 0.3], everyone[:, GRID <= 0.3])
    assert (found[:, GRID > 0.3] == 0).all()


def test_an_empty_draw_has_none_and_bad_thresholds_are_refused():
    label, score = data()
    assert np.isnan(net_benefit_draws(label, score, np.zeros((1, 400)), thresholds=GRID)).all()
    for bad in ([0.0, 0.5], [0.5, 0.4], [0.5, 1.0], []):
        with pytest.raises(InputError, match="thresholds"):
            treat_all_draws(label, np.ones((1, 400)), thresholds=np.array(bad))


def test_the_grid_holds_round_numbers():
    assert GRID.tolist() == [number / 100 for number in range(1, 100)]
    assert threshold_grid(0.1, 0.3, 0.1).tolist() == [0.1, 0.2, 0.3]
