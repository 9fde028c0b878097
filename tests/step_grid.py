"""The curves the slow way, as oracles: one patient, one code, every step of the grid painted, then averaged.

Written against the definitions in the docstrings of signatures/, sharing with them nothing but the random numbers.
"""

import numpy as np
from scipy.interpolate import PchipInterpolator

MASK = (1 << 64) - 1


def random_bits(key: int, counter: int) -> int:
    """The splitmix64 finaliser in Python's whole numbers."""
    bits = (key + (counter + 1) * 0x9E3779B97F4A7C15) & MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
    return bits ^ (bits >> 31)


def uniforms(key: int, first: int, number: int) -> np.ndarray:
    """Uniform numbers from counter `first` on, as `random_bits` in whole arrays."""
    counter = np.arange(number, dtype=np.uint64) + np.uint64(first + 1)
    bits = np.uint64(key) + counter * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((bits ^ (bits >> np.uint64(31))) >> np.uint64(11)) / 2.0**53


def intensity_curve(steps: np.ndarray, start: int, end: int, key: int) -> np.ndarray:
    """CRASH on every cell of the grid [start, end], events a step: 100 painted histograms, their running mean."""
    events = np.unique(steps[(steps >= start) & (steps <= end)]) - start
    length, n = end - start + 1, len(events)
    if n < 20:
        return np.full(length, n / length)
    places = np.concatenate([[0.0], events + 0.5, [length]])
    curve = np.zeros(length)
    for iteration in range(100):
        draws = uniforms(key, iteration << 32, (n + 1) // 10 + 1)
        bins = 1 + int(draws[0] * ((n + 1) // 10))
        slack = np.sort(draws[1:bins] * (3 + n - 10 * bins))
        bounds = np.concatenate([[0.0], slack + (9 + 10 * np.arange(bins - 1)), [n + 1.0]])
        edges = np.interp(bounds, np.arange(n + 2), places)
        counts = np.histogram(-(events + 0.5), -edges[::-1])[0][::-1]  # bins open on the left, closed on the right
        widths = np.diff(edges)
        density = np.divide(counts, widths, out=np.zeros(bins), where=widths > 0)
        painted = density[np.searchsorted(edges[1:-1], np.arange(length), side="right")]
        curve += (painted - curve) / (iteration + 1)
    return curve


def interpolated_curve(steps: np.ndarray, values: np.ndarray, start: int, end: int) -> np.ndarray:
    """PCHIP through the last value of each step, flat to both ends, on every step of [start, end]."""
    last = {int(step): float(value) for step, value in zip(steps, values, strict=True) if start <= step <= end}
    if len(last) == 1:
        return np.full(end - start + 1, next(iter(last.values())))
    x, y = list(last), list(last.values())
    if x[0] != start:
        x, y = [start, *x], [y[0], *y]
    if x[-1] != end:
        x, y = [*x, end], [*y, y[-1]]
    return PchipInterpolator(x, y)(np.arange(start, end + 1))


def persistence_curve(own: np.ndarray, drugs: np.ndarray, start: int, end: int, window: int) -> np.ndarray:
    """Nearest neighbour between the steps with any drug, halves up; each mention forces 1 for the next window."""
    grid = np.arange(start, end + 1)
    seen = np.unique(drugs[(drugs >= start) & (drugs <= end)])
    own = np.unique(own[(own >= start) & (own <= end)])
    curve = np.floor(np.interp(grid, seen, np.isin(seen, own).astype(float)) + 0.5)
    for mention in own - start:
        curve[mention : mention + window + 1] = 1.0
    return curve


def trailing_mean(curve: np.ndarray, window: int) -> float:
    return float(np.mean(curve[-window:]))
