"""No small count is shown, and none follows from what is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semeia.evaluation.tables.suppression import SHOWN, SUPPRESSED, WITHHELD, suppress


@pytest.mark.parametrize(
    ("patients", "expected"),
    [
        ([50, 9, 30, 12], [SHOWN, SUPPRESSED, SHOWN, WITHHELD]),
        ([50, 9, 3], [SHOWN, SUPPRESSED, SUPPRESSED]),
        ([50, 3, 4, 20], [SHOWN, SUPPRESSED, SUPPRESSED, WITHHELD]),
        ([50, 10], [SHOWN, SHOWN]),
        ([50, 0], [WITHHELD, SUPPRESSED]),
        ([4], [SUPPRESSED]),
    ],
)
def test_examples(patients, expected):
    assert suppress(np.array(patients)[:, None]) == expected


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8))
def test_a_suppressed_count_never_follows_from_the_total(rows):
    counts = np.array(rows)
    states = suppress(counts)
    small = (counts < 10).any(axis=1)
    assert [state == SUPPRESSED for state in states] == small.tolist()
    hidden = np.array([state != SHOWN for state in states])
    if hidden.any() and not hidden.all():
        assert hidden.sum() > 1
        assert counts[hidden].sum(axis=0).min() >= 10
    assert WITHHELD not in states or small.any()
