"""Sums by group against a loop."""

import numpy as np

from semeia.evaluation.statistics.group_sums import group_sums, sums_by_group


def test_equals_a_loop_and_empty_groups_are_zero():
    rng = np.random.default_rng(0)
    weights, group, value = rng.integers(0, 4, (7, 30)), rng.integers(0, 4, 30), rng.normal(size=30)
    expected = [[sum(row[group == each] * value[group == each]) for each in range(6)] for row in weights]
    np.testing.assert_allclose(sums_by_group(weights, group, value[:, None], groups=6)[:, 0].T, expected)
    np.testing.assert_allclose(group_sums(weights, group, groups=6).sum(axis=1), weights.sum(axis=1))
