"""Guards against collapse: VICReg's variance and covariance terms, and SIGReg. Pure functions of embeddings [n, dim].

Sources: Bardes et al. 2022 (2105.04906), eqs. 1 and 4; Balestriero & LeCun 2025 (2511.08544), Epps-Pulley statistic.
Both are normalised by dimension and free of the batch size, so that coefficients carry over between sizes.
"""

import torch

from semeia.shapes import Embeddings, Scalar


def variance_hinge(z: Embeddings) -> Scalar:
    """Mean over dimensions of max(0, 1 - sd). The sd has 1e-4 inside its root, as in the official code."""
    sd = (z.float().var(0, correction=1 if len(z) > 1 else 0) + 1e-4).sqrt()
    return (1 - sd).clamp(min=0).mean()


def covariance_penalty(z: Embeddings) -> Scalar:
    """Mean square of the off-diagonal covariances. Times (dim - 1) it is VICReg's term, eq. 4."""
    n, dim = z.shape
    if n < 2 or dim < 2:
        return z.float().sum() * 0.0
    centred = z.float() - z.float().mean(0)
    with full_precision(z):
        covariance = centred.T @ centred / (n - 1)
    off_diagonal = covariance - torch.diag(covariance.diagonal())
    return off_diagonal.square().sum() / (dim * (dim - 1))


def sigreg(
    z: Embeddings, *, generator: torch.Generator, slices: int = 256, knots: int = 17, reach: float = 3.0
) -> Scalar:
    """Epps-Pulley distance of random one-dimensional projections to the standard normal, without the factor
    n.

    The integral of |phi(t) - exp(-t^2/2)|^2 exp(-t^2/2) over [-reach, reach] by the trapezoidal rule, phi
    being the empirical characteristic function; the mean over `slices` random unit directions.
    """
    z = z.float()
    directions = torch.randn(z.shape[1], slices, generator=generator).to(z.device)
    with full_precision(z):
        projected = z @ (directions / directions.norm(dim=0))
    t = torch.linspace(0, reach, knots, device=z.device)
    gaussian = torch.exp(-t.square() / 2)
    angle = projected[:, :, None] * t
    distance = (angle.cos().mean(0) - gaussian).square() + angle.sin().mean(0).square()
    # The integrand is even: twice the half line.
    return 2 * torch.trapezoid(distance * gaussian, t, dim=1).mean()


def full_precision(z: torch.Tensor) -> torch.autocast:
    """Products in float32, also where training runs in bf16: covariances are small differences."""
    return torch.autocast(z.device.type, enabled=False)
