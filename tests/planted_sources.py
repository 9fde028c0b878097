"""Rows whose sources are known: independent Laplace sources through a random mixing."""

import numpy as np
from jaxtyping import Float


def planted(
    rows: int, *, sources: int, channels: int, seed: int = 0, gaussian: int = 0, noise: float = 0.0
) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, "p k"]]:
    """Rows [n, p] of float64 and their mixing [p, k]. The last `gaussian` sources are normal: no rotation is theirs."""
    rng = np.random.default_rng(seed)
    values = rng.laplace(size=(rows, sources)) / np.sqrt(2)
    values[:, sources - gaussian :] = rng.standard_normal((rows, gaussian))
    mixing = rng.standard_normal((channels, sources))
    return values @ mixing.T + noise * rng.standard_normal((rows, channels)) + rng.standard_normal(channels), mixing
