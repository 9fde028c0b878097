"""Ranges hold their ends or leave them out, and a number outside is refused by its name."""

import math
from dataclasses import dataclass

import pytest

from semeia.errors import InputError
from semeia.ranges import ABOVE_0, FROM_0, FROM_1, PART, SHARE, Range, require_ranges, require_seed


@dataclass(frozen=True)
class Settings:
    share: float = 0.5
    pair: tuple[float, float] = (0.1, 0.2)
    steps: int | None = None


@pytest.mark.parametrize(
    ("allowed", "inside", "outside"),
    [
        (FROM_0, (0, 1, 1e9), (-1, -1e-9, math.inf, math.nan)),
        (FROM_1, (1, 7), (0, 0.5)),
        (ABOVE_0, (1e-9, 3), (0, -1)),
        (SHARE, (0, 0.5, 1), (-0.1, 1.1, math.nan)),
        (PART, (0.1, 0.9), (0, 1, 1.5)),
        (Range(0, 1, below=True), (0, 0.99), (1,)),
    ],
)
def test_what_lies_in_a_range(allowed: Range, inside: tuple[float, ...], outside: tuple[float, ...]):
    assert all(number in allowed for number in inside)
    assert not any(number in allowed for number in outside)


def test_a_number_outside_is_refused_by_its_name():
    require_ranges("thing", Settings(), {"share": PART, "pair": SHARE, "steps": FROM_1})
    with pytest.raises(InputError, match=r"^thing: share is 1\.5; it must be above 0 and below 1$"):
        require_ranges("thing", Settings(share=1.5), {"share": PART})
    with pytest.raises(InputError, match=r"^thing: pair is \[0\.1, -1\.0\]; it must be 0 or more$"):
        require_ranges("thing", Settings(pair=(0.1, -1.0)), {"pair": FROM_0})


def test_seeds():
    for seed in (0, 2**32 - 1):
        require_seed(seed)
    for seed in (-1, 2**32):
        with pytest.raises(InputError, match=f"^seed is {seed}; it must be a whole number from 0"):
            require_seed(seed)
