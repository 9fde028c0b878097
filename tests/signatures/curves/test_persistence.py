"""Persistence: equal to the painted step grid's last step, and what it means in three short records."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semeia.signatures.curves import persistence_values
from step_grid import persistence_curve


def value_at(own: list[int], drugs: list[int], end: int, window: int) -> float:
    mentioned = np.array([max(step for step in own if step <= end)])
    any_mentioned = np.array([max(step for step in drugs if step <= end)])
    return float(persistence_values(mentioned, any_mentioned, np.array([end]), window=window)[0])


@given(
    own=st.lists(st.integers(0, 60), min_size=1, max_size=6),
    others=st.lists(st.integers(0, 60), max_size=6),
    after=st.integers(0, 60),
    window=st.integers(1, 40),
)
def test_equals_the_step_grid(own: list[int], others: list[int], after: int, window: int):
    end, drugs = min(own) + after, own + others

    curve = persistence_curve(np.array(own), np.array(drugs), min(drugs), end, window)

    assert value_at(own, drugs, end, window) == curve[-1]


@pytest.mark.parametrize(
    ("drugs", "end", "expected"),
    [
        ([10], 5000, 1.0),  # the only list there is
        ([10, 300], 375, 1.0),  # left out of a later list, but mentioned within the window
        ([10, 300], 376, 0.0),
    ],
)
def test_a_drug_lasts_a_window_and_until_a_list_without_it(drugs: list[int], end: int, expected: float):
    assert value_at([10], drugs, end, 365) == expected
