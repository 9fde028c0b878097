"""Draw a CT volume around a nodule, in Hounsfield units, from causes and a scanner.

Of the eight latents that drive an image, the first four are size, growth, spiculation and density of the nodule: how
wide it is, how much of it is a solid core (and how fast it came to its size), how far spicules reach from it, and the
Hounsfield units around the core. The others are its length, the vessels and the density of the lung around it, and
calcium in the core.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

SLICES, SIDE = 16, 48
AIR = -1024
_SPICULES = 16


@dataclass(frozen=True)
class Scanner:
    """A simulated scanner: mm of slices and pixels, noise in HU, blur in pixels, and how it stores values."""

    maker: str
    slice_mm: float
    pixel_mm: float
    noise: float
    blur: float
    intercept: int
    signed: bool


SCANNERS = (
    Scanner("SIMULATED SCANNER A", 2.5, 1.0, 60.0, 0.8, -1024, False),
    Scanner("SIMULATED SCANNER B", 2.0, 0.9, 110.0, 0.5, 0, True),
)


def scanner_of(site: int) -> Scanner:
    """The scanner of a hospital."""
    return SCANNERS[min(site, 1)]


def nodule_mm(latents: Float[np.ndarray, " latent"], growth: float, months: float) -> float:
    """Mean diameter of the nodule some months before the index date, from the scan's latents and that of growth."""
    return float(16.0 * np.exp(0.25 * latents[0] - 0.04 * _sigmoid(1.5 * growth) * months))


def scan_of(
    latents: Float[np.ndarray, " latent"], diameter: float, scanner: Scanner, rng: np.random.Generator
) -> Int[np.ndarray, "slice row column"]:
    """Draw a scan in Hounsfield units, int16, with a nodule of a diameter in mm; `latents` are those at its time.

    All else (place, directions, vessels, noise) comes from `rng`.
    """
    from scipy.ndimage import gaussian_filter

    steps = ((SLICES, scanner.slice_mm), (SIDE, scanner.pixel_mm), (SIDE, scanner.pixel_mm))
    axes = [(np.arange(count) - (count - 1) / 2) * step for count, step in steps]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).astype(np.float32)
    values = np.full(grid.shape[:3], -860.0 + 35.0 * latents[6], np.float32)
    for _ in range(int(rng.poisson(5.0 * np.exp(0.4 * latents[5])))):
        values += _vessel(grid, rng)
    distance, spikes = _around(grid, latents[4], rng)
    radius = diameter / 2
    layers = (
        (radius + 9.0 * _sigmoid(1.5 * latents[2]) * spikes, 0.0),
        (radius, -800.0 + 800.0 * _sigmoid(latents[3])),
        (radius * (0.2 + 0.5 * _sigmoid(1.5 * latents[1])), 40.0 + 400.0 * _sigmoid(2.0 * (latents[7] - 1.0))),
    )
    for reach, hu in layers:  # spicules, what surrounds the core, and the core, each over the one before
        values += (hu - values) * _sigmoid((reach - distance) / 0.6)
    values = gaussian_filter(values + rng.normal(0, scanner.noise, values.shape), (0, scanner.blur, scanner.blur))
    return np.clip(np.rint(values), AIR, 3071).astype(np.int16)


def _around(grid: np.ndarray, length: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each voxel from the middle of a longish nodule in mm, and 0 to 1: 1 where a spicule points."""
    turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    away = (grid - rng.uniform(-2, 2, 3)) @ turned * np.exp(0.2 * length * np.array([0.5, 0.5, -1.0]))
    distance = np.linalg.norm(away, axis=-1) + 1e-6
    tips = rng.normal(size=(3, _SPICULES))
    cosines = (away / distance[..., None]) @ (tips / np.linalg.norm(tips, axis=0))
    return distance, np.exp(25.0 * (cosines.max(-1) - 1.0))


def _sigmoid(value: np.ndarray | float) -> np.ndarray | float:
    return 1 / (1 + np.exp(-value))


def _vessel(grid: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """HU that a straight vessel adds to the lung."""
    through = rng.uniform(-18, 18, 3).astype(np.float32)
    along = rng.normal(size=3).astype(np.float32)
    along /= np.linalg.norm(along)
    away = grid - through
    squared = (away**2).sum(-1) - (away @ along) ** 2
    return 700.0 * np.exp(-squared / rng.uniform(0.7, 2.0) ** 2)
