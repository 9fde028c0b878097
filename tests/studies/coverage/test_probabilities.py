"""The calibrated world: its truths by integration are those of one very large cohort."""

import numpy as np
import pytest

from semeia.evaluation.statistics.calibration import calibration
from semeia.evaluation.statistics.discrimination import auprc, auroc, brier
from semeia.studies.coverage.probabilities import CalibratedWorld, draw_calibrated, truths


def test_the_truths_are_those_of_a_very_large_cohort():
    world = CalibratedWorld(patients=120_000)
    patient, label, score = draw_calibrated(world, np.random.default_rng(0))
    known = truths(world)
    assert set(np.bincount(patient)) == {1, 2, 3, 4}
    intercept, slope = calibration(label, score)
    treated = score >= 0.2
    benefit = (label[treated].sum() - 0.25 * (1 - label[treated]).sum()) / len(label)
    values = (intercept, slope, brier(label, score), auprc(label, score), auroc(label, score), benefit)
    assert values == pytest.approx(tuple(known.values()), abs=0.012)
    assert brier(label, score) == pytest.approx(known["brier"], abs=0.002)
    assert auroc(label, score) == pytest.approx(known["auroc"], abs=0.003)
