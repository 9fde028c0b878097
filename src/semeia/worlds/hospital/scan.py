"""Draw a CT volume around a nodule, in Hounsfield units, from causes and a scanner.

Of the eight latents that drive an image, the first four are size, growth, spiculation and density of the nodule (growth
shows between scans only); the others are its length, the vessels around it, the density of the lung, and calcium.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

SLICES, SIDE = 16, 48
AIR = -1024


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
    rate = 0.04 / (1 + np.exp(-1.5 * growth))
    return float(10.0 * np.exp(0.3 * latents[0] - rate * months))


def scan_of(
    latents: Float[np.ndarray, " latent"], diameter: float, scanner: Scanner, rng: np.random.Generator
) -> Int[np.ndarray, "slice row column"]:
    """Draw a scan in Hounsfield units, int16, with a nodule of a diameter in mm; `latents` are those at its time.

    All else (place, vessels, noise) comes from `rng`.
    """
    from scipy.ndimage import gaussian_filter

    steps = ((SLICES, scanner.slice_mm), (SIDE, scanner.pixel_mm), (SIDE, scanner.pixel_mm))
    axes = [(np.arange(count) - (count - 1) / 2) * step for count, step in steps]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).astype(np.float32)
    lung = np.full(grid.shape[:3], -860.0 + 35.0 * latents[6], np.float32)
    for _ in range(int(rng.poisson(5.0 * np.exp(0.4 * latents[5])))):
        lung += _vessel(grid, rng)
    nodule = _nodule(grid, latents, diameter, rng)
    solid = -650.0 + 680.0 / (1 + np.exp(-1.2 * latents[3]))
    values = lung * (1 - nodule) + np.maximum(lung, solid) * nodule
    core = np.exp(-((grid**2).sum(-1)) / (2 * (diameter / 8) ** 2))
    values += core * nodule * 500.0 / (1 + np.exp(-2.0 * (latents[7] - 1.0)))
    values = gaussian_filter(values + rng.normal(0, scanner.noise, values.shape), (0, scanner.blur, scanner.blur))
    return np.clip(np.rint(values), AIR, 3071).astype(np.int16)


def _vessel(grid: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """HU that a straight vessel adds to the lung."""
    through = rng.uniform(-18, 18, 3).astype(np.float32)
    along = rng.normal(size=3).astype(np.float32)
    along /= np.linalg.norm(along)
    away = grid - through
    squared = (away**2).sum(-1) - (away @ along) ** 2
    return 700.0 * np.exp(-squared / rng.uniform(0.7, 2.0) ** 2)


def _nodule(
    grid: np.ndarray, latents: np.ndarray, diameter: float, rng: np.random.Generator
) -> Float[np.ndarray, "slice row column"]:
    """How much of each voxel is nodule, 0 to 1."""
    stretch = np.exp(0.2 * latents[4] * np.array([0.5, 0.5, -1.0]))
    turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    away = (grid - rng.uniform(-2, 2, 3)) @ turned * stretch
    distance = np.sqrt((away**2).sum(-1)) + 1e-6
    spikes = rng.normal(size=(3, 6)) * 4
    waves = np.cos(away / distance[..., None] @ spikes + rng.uniform(0, 2 * np.pi, 6)).mean(-1)
    rough = 0.9 / (1 + np.exp(-1.5 * latents[2]))
    return 1 / (1 + np.exp(-(diameter / 2 * (1 + rough * waves) - distance) / 0.6))
