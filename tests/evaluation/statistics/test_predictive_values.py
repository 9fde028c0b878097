"""Predictive values against counting people."""

import numpy as np
import pytest

from semeia.evaluation.statistics.operating_point import predictive_values


def test_equals_counting_a_thousand_people():
    # 100 ill, of whom 90 are called; 900 well, of whom 180 are called.
    ppv, npv = predictive_values(np.array([0.9]), np.array([0.8]), prevalence=0.1)
    assert ppv == pytest.approx([90 / 270])
    assert npv == pytest.approx([720 / 730])


def test_at_the_prevalence_of_the_rows_it_is_the_share_of_the_rows():
    rng = np.random.default_rng(0)
    label, called = rng.random(200) < 0.3, rng.random(200) < 0.4
    sensitivity, specificity = np.array([called[label].mean()]), np.array([1 - called[~label].mean()])
    ppv, npv = predictive_values(sensitivity, specificity, prevalence=float(label.mean()))
    assert ppv == pytest.approx([label[called].mean()])
    assert npv == pytest.approx([1 - label[~called].mean()])


def test_undefined_where_nobody_or_everybody_is_called():
    ppv, npv = predictive_values(np.array([0.0, 1.0, np.nan]), np.array([1.0, 0.0, 0.5]), prevalence=0.2)
    np.testing.assert_allclose(ppv, [np.nan, 0.2, np.nan])
    np.testing.assert_allclose(npv, [0.8, np.nan, np.nan])
