"""What values an image has: an array goes in; percentiles, and the bits that the values take, come out."""

import math

import numpy as np

PERCENTS = (0, 1, 10, 50, 90, 99, 100)
_MOST = 1 << 20


def percentiles(array: np.ndarray) -> list[float]:
    """The percentiles `PERCENTS` of an array: the least and the largest value exactly, those between of a million
    values taken evenly."""
    flat = array.reshape(-1)
    step = -(-flat.size // _MOST)
    while math.gcd(step, array.shape[-1]) > 1:  # a step along the rows would take a few columns only
        step += 1
    between = np.percentile(flat[::step], PERCENTS[1:-1])
    return [float(flat.min()), *(float(value) for value in between), float(flat.max())]


def bits_used(array: np.ndarray) -> int | None:
    """How many bits whole numbers take: 12 for 0 to 4095, and for 0 to 65520 in steps of 16. None for other numbers.

    Of numbers below 0, too, it is the bits of the range.
    """
    if array.dtype.kind == "u":
        used = int(np.bitwise_or.reduce(array.reshape(-1)))
        return (used // (used & -used)).bit_length() if used else 0
    if array.dtype.kind == "i":
        return (int(array.max()) - int(array.min())).bit_length()
    return None
