"""Time-to-event statistics against loops over pairs, statsmodels' Kaplan-Meier, and what they are without censoring."""

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from semeia.evaluation.statistics import draw_arrays, draw_loops
from semeia.evaluation.statistics.discrimination import auroc_draws, brier_draws, weighted_mean
from semeia.evaluation.statistics.net_benefit import net_benefit_draws
from semeia.evaluation.statistics.survival import c_index_draws, cases_at, follow_up, uncensored, weights_at

HORIZON = 4.0


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    score = np.round(rng.random(90), 1)
    came, left = rng.exponential(6 / (0.3 + score)), rng.uniform(0, 12, 90)
    # whole numbers: ties among events, among the censored, and of both.
    return np.ceil(np.minimum(came, left)), came <= left, score


@pytest.fixture
def weights():
    return np.random.default_rng(4).poisson(1.0, (5, 90)).astype(np.int16)


def censoring_curve(time, event, weight, *, before):
    """Chance of not being censored before a time, by its definition."""
    chance = 1.0
    for t in np.unique(time[time < before]):
        censored = weight[(time == t) & ~event].sum()
        at_risk = weight[time > t].sum() + censored
        chance *= 1 - censored / at_risk if at_risk else 1.0
    return chance


def concordance(time, event, score, weight, *, factor):
    won = pairs = 0.0
    for i in np.flatnonzero(event):
        for j in range(len(time)):
            if time[j] > time[i] or (time[j] == time[i] and not event[j]):
                pair = weight[i] * weight[j] * factor[i]
                pairs += pair
                won += pair * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    return won / pairs


def test_c_indices_are_those_of_a_loop_over_pairs(rows, weights):
    time, event, score = rows
    found = c_index_draws(follow_up(*rows), weights, horizon=HORIZON)
    for weight, (harrell, uno) in zip(weights.astype(float), found, strict=True):
        chance = np.array([censoring_curve(time, event, weight, before=t) for t in time])
        inverse = np.where(time <= HORIZON, np.maximum(chance, 1e-9) ** -2.0, 0.0)
        assert harrell == pytest.approx(concordance(time, event, score, weight, factor=np.ones(90)))
        assert uno == pytest.approx(concordance(time, event, score, weight, factor=inverse))


def test_arrays_add_up_what_the_loops_do(rows, weights):
    followed = follow_up(*rows)
    drawn, factor = (np.ascontiguousarray(each.T, dtype=np.float64) for each in (weights, np.sqrt(1.0 + weights)))
    looped, arrayed = np.zeros((2, 4, len(weights)))
    for loops, sums in ((draw_loops, looped), (draw_arrays, arrayed)):
        loops.add_concordant(drawn, factor, followed.order, followed.at, followed.event, followed.rank, sums)
    np.testing.assert_allclose(arrayed, looped)
    assert (looped > 0).all()


def test_the_share_of_cases_is_one_minus_kaplan_meier(rows, weights):
    time, event, _ = rows
    followed = follow_up(*rows)
    at_horizon = weights_at(followed, weights, horizon=HORIZON)
    share = weighted_mean(cases_at(followed, HORIZON).astype(float), at_horizon)
    for weight, mine in zip(weights, share, strict=True):
        curve = SurvfuncRight(np.repeat(time, weight), np.repeat(event, weight).astype(int))
        survived = curve.surv_prob[curve.surv_times <= HORIZON][-1]
        assert mine == pytest.approx(1 - survived)
    # and the weights stand for all rows of the draw.
    assert at_horizon.sum(axis=1) == pytest.approx(weights.sum(axis=1))


def test_auroc_brier_and_net_benefit_at_the_horizon_are_those_of_loops(rows, weights):
    time, event, score = rows
    followed = follow_up(*rows)
    case = cases_at(followed, HORIZON)
    at_horizon = weights_at(followed, weights, horizon=HORIZON)
    found = np.column_stack(
        [
            auroc_draws(case, score, at_horizon),
            brier_draws(case, score, at_horizon),
            net_benefit_draws(case, score, at_horizon, thresholds=np.array([0.35]))[:, 0],
        ]
    )
    for weight, mine in zip(weights.astype(float), found, strict=True):
        inverse = [
            weight[i] / censoring_curve(time, event, weight, before=min(time[i], HORIZON))
            if (event[i] and time[i] <= HORIZON) or time[i] >= HORIZON
            else 0.0
            for i in range(90)
        ]
        won = pairs = brier = benefit = 0.0
        for i in range(90):
            brier += inverse[i] * (score[i] - case[i]) ** 2
            benefit += inverse[i] * (score[i] >= 0.35) * (1 if case[i] else -0.35 / 0.65)
            for j in range(90):
                if case[i] and not case[j]:
                    pairs += inverse[i] * inverse[j]
                    won += inverse[i] * inverse[j] * (1.0 if score[i] > score[j] else 0.5 * (score[i] == score[j]))
        assert mine == pytest.approx([won / pairs, brier / weight.sum(), benefit / weight.sum()])


def test_without_censoring_before_the_horizon_rows_count_once():
    time, event = np.array([1.0, 2.0, 3.0, 5.0, 5.0]), np.array([1, 1, 0, 0, 0])
    followed = follow_up(time, event, np.arange(5.0))
    ones = np.ones((1, 5), dtype=np.int16)
    # all are followed to 3, and who leaves then is a control.
    assert weights_at(followed, ones, horizon=3.0).tolist() == [[1.0] * 5]
    assert uncensored(followed, ones) == pytest.approx(np.array([[1.0, 1.0, 1.0, 2 / 3]]))
    # who left at 3 is unknown at 4, and the two who stayed stand for all three.
    assert weights_at(followed, ones, horizon=4.0) == pytest.approx(np.array([[1, 1, 0, 1.5, 1.5]]))


def test_a_draw_without_a_pair_has_no_c_index():
    followed = follow_up(np.array([1.0, 2.0]), np.array([0, 1]), np.array([0.1, 0.2]))
    assert np.isnan(c_index_draws(followed, np.ones((1, 2), dtype=np.int16))).all()
