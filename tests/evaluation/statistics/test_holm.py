"""Holm's p-values against statsmodels, and worked by hand."""

import numpy as np
from statsmodels.stats.multitest import multipletests

from semeia.evaluation.statistics.intervals import holm


def test_equals_statsmodels_with_ties():
    rng = np.random.default_rng(0)
    for tests in (1, 2, 5, 20):
        p = np.round(rng.random(tests) ** 3, 2)
        np.testing.assert_allclose(holm(p), np.asarray(multipletests(p, method="holm")[1]), atol=1e-12)


def test_written_out():
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03])), [0.06, 0.03, 0.06])
    assert len(holm(np.array([]))) == 0
