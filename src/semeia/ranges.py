"""Ranges of settings: a number outside of its range is refused by its name, before anything is begun."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from semeia.errors import InputError


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; `above` and `below` leave the ends themselves out."""

    low: float | int
    high: float | int = math.inf
    above: bool = False
    below: bool = False

    def __contains__(self, number: float | int) -> bool:
        over = number > self.low if self.above else number >= self.low
        under = number < self.high if self.below else number <= self.high
        return math.isfinite(number) and over and under

    def __str__(self) -> str:
        low = f"above {self.low:g}" if self.above else f"{self.low:g} or more"
        if math.isinf(self.high):
            return low
        return f"{low} and {f'below {self.high:g}' if self.below else f'{self.high:g} at most'}"


FROM_0, FROM_1, FROM_2, ABOVE_0 = Range(0), Range(1), Range(2), Range(0, above=True)
SHARE = Range(0, 1)
PART = Range(0, 1, above=True, below=True)
# What every generator of random numbers here takes (scikit-learn's takes the fewest).
SEED = Range(0, 2**32 - 1)


def require_ranges(owner: str, settings: object, ranges: Mapping[str, Range]) -> None:
    """Hold fields of settings against their ranges; of a tuple every number, None is let through.

    Args:
        owner: what the settings are of, for the message.
        settings: an object with these fields.
        ranges: by the name of the field.

    Raises:
        InputError: a number lies outside of its range, or is none.
    """
    for name, allowed in ranges.items():
        value = getattr(settings, name)
        numbers = value if isinstance(value, tuple) else () if value is None else (value,)
        if not all(number in allowed for number in numbers):
            given = list(value) if isinstance(value, tuple) else value
            raise InputError(f"{owner}: {name} is {given}; it must be {allowed}")


def require_seed(seed: int) -> None:
    """Refuse a number that random generators do not start from.

    Raises:
        InputError: it is negative or above 4294967295.
    """
    if seed not in SEED:
        raise InputError(f"seed is {seed}; it must be a whole number from 0 to {2**32 - 1}")
