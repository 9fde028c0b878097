"""Expectation maximisation against its fixed point and against planted prevalences."""

import numpy as np
import pytest
from scipy.special import expit

from semeia.learning.adapt.experts import Calibration
from semeia.learning.adapt.prevalence import at_prevalence, most_likely_prevalence, prevalence_at


def patients(prevalence: float, count: int, seed: int) -> np.ndarray:
    """Log-odds, right at prevalence .3, of scores N(0, 1) without and N(1.5, 1) with the outcome."""
    rng = np.random.default_rng(seed)
    score = rng.standard_normal(count) + 1.5 * (np.arange(count) < prevalence * count)
    return 1.5 * score - 1.5**2 / 2 + np.log(0.3 / 0.7)


def test_probabilities_follow_bayes_rule():
    # Odds at home 1:3 and a likelihood ratio of 2 are 2:3; at prevalence one half they are 2:1.
    assert at_prevalence(np.array([2 / 5]), home=0.25, site=0.5) == pytest.approx(2 / 3)
    same = np.array([0.1, 0.8])
    np.testing.assert_allclose(at_prevalence(same, home=0.3, site=0.3), same)


def test_estimate_is_a_fixed_point_and_near_the_truth():
    probability = expit(patients(0.6, 4000, 0))
    found = most_likely_prevalence(probability, home=0.3)

    assert at_prevalence(probability, home=0.3, site=found).mean() == pytest.approx(found, abs=1e-4)
    assert found == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize(("prevalence", "expected"), [(0.3, 0.3), (0.1, 0.1), (0.5, 0.5)])
def test_a_site_is_held_against_home(prevalence: float, expected: float):
    home = patients(0.3, 4000, 1)
    # An intercept that is wrong by a quarter is wrong in both places, and taken off.
    calibration = Calibration(intercept=0.25, slope=1.0, prevalence=0.3, reference=home)

    found = prevalence_at(calibration, patients(prevalence, 2000, 2))

    assert found == pytest.approx(expected, abs=0.05)
    assert prevalence_at(calibration, patients(0.3, 2000, 3)) == 0.3  # told apart by noise only: the home's
