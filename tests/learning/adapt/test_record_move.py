"""The move of records against a planted one, and what is done with it against its equations."""

import numpy as np
import pytest
from scipy.special import logit

from semeia.learning.adapt.experts import calibrate
from semeia.learning.adapt.record_move import Embedded, Move, estimate_move, simulate_site, without_direction

STEP = np.array([0.6, -0.3, 0.0, 0.0, 0.0, 0.0])


def patients(count: int, seed: int, step: np.ndarray) -> tuple[Embedded, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = (np.arange(count) < 0.3 * count).astype(float)
    image = rng.standard_normal((count, 2)) + 1.5 * label[:, None] * [1, 0]
    score = 1.5 * image[:, 0] - 1.5**2 / 2 + logit(0.3)
    record = image @ np.ones((2, 6)) + step * (2 * label[:, None] - 1) + rng.standard_normal((count, 6))
    return Embedded(score, image, record), label


@pytest.fixture(scope="module")
def home():
    people, label = patients(4000, 0, STEP)
    return people, calibrate(people.score[::10], label[::10], reference=people.score)


def test_finds_how_records_moved(home):
    people, calibration = home
    moved = estimate_move(calibration, people, patients(4000, 1, -STEP)[0])

    np.testing.assert_allclose(moved.step, -2 * STEP, atol=0.25)
    assert moved.z > 3


def test_noise_moves_next_to_nothing(home):
    people, calibration = home
    still = estimate_move(calibration, people, patients(4000, 2, STEP)[0])

    assert abs(still.z) < 3
    assert np.abs(still.step).max() < np.abs(still.direction).max()
    record = people.record[:5]
    np.testing.assert_array_equal(without_direction(record, still), record)


def test_simulation_moves_classes_apart():
    move = Move(np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.eye(2), 9.0)
    moved = simulate_site(np.zeros((2, 2)), np.array([0, 1]), move)
    np.testing.assert_allclose(moved, [[-1, -2], [1, 2]])


def test_the_direction_is_left_out_in_the_metric():
    rng = np.random.default_rng(0)
    metric = np.array([[2.0, 0.5], [0.5, 1.0]])
    move = Move(np.ones(2), np.array([1.0, 2.0]), metric, 9.0)
    kept = without_direction(rng.standard_normal((20, 2)), move)

    np.testing.assert_allclose(kept @ metric @ move.direction, 0, atol=1e-12)
    np.testing.assert_allclose(without_direction(kept, move), kept, atol=1e-12)
