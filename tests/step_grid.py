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


def uniform(key: int, counter: int) -> float:
    return (random_bits(key, counter) >> 11) / 2**53


def intensity_curve(steps: np.ndarray, start: int, end: int, key: int) -> np.ndarray:
    """CRASH on every cell of the grid [start, end], events a step: 100 painted histograms, their running mean."""
    events = np.unique(steps[(steps >= start) & (steps <= end)]) - start
    length, n = end - start + 1, len(events)
    if n < 20:
        return np.full(length, n / length)
    places = np.concatenate([[0.0], events + 0.5, [length]])
    curve = np.zeros(length)
    for iteration in range(100):
        counter = iteration << 32
        bins = 1 + int(uniform(key, counter) * ((n + 1) // 10))
        slack = np.sort([uniform(key, counter + 1 + k) * (3 + n - 10 * bins) for k in range(bins - 1)])
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
