"""Guards against the formulas of their papers, numerical integration and closed forms; and where floats are thin."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from torch.nn import functional as F

from semeia.objectives.guards import covariance_penalty, sigreg, variance_hinge


def normal(n: int, dim: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def slices(z: torch.Tensor, seed: int = 0, **options: float) -> float:
    return float(sigreg(z, generator=torch.Generator().manual_seed(seed), **options))


@pytest.mark.parametrize(("n", "dim", "scale"), [(8, 4, 0.3), (64, 16, 1.0), (5, 32, 2.0)])
def test_variance_and_covariance_are_vicregs(n: int, dim: int, scale: float):
    z = normal(n, dim) @ normal(dim, dim, 1) * scale / dim**0.5
    # As in the official code: std of the batch, relu(1 - std); off-diagonal covariances squared, over dim.
    std = torch.sqrt(z.var(dim=0) + 0.0001)
    torch.testing.assert_close(variance_hinge(z), torch.mean(F.relu(1 - std)))
    covariance = torch.cov(z.T)
    official = (covariance - torch.diag(covariance.diag())).pow(2).sum() / dim
    torch.testing.assert_close(covariance_penalty(z) * (dim - 1), official, rtol=1e-4, atol=1e-7)


def test_variance_has_closed_forms():
    assert float(variance_hinge(torch.full((9, 3), 4.2))) == pytest.approx(1 - 1e-4**0.5)
    assert float(variance_hinge(10 * normal(50, 3))) == 0.0
    two = torch.tensor([[0.0], [0.5]])
    assert float(variance_hinge(two)) == pytest.approx(1 - (0.125 + 1e-4) ** 0.5)


def test_covariance_has_closed_forms():
    assert float(covariance_penalty(torch.full((9, 3), 4.2))) == pytest.approx(0.0, abs=1e-10)
    copies = normal(100, 1).expand(-1, 3)
    assert float(covariance_penalty(copies)) == pytest.approx(float(copies[:, 0].var() ** 2), rel=1e-4)
    orthogonal = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert float(covariance_penalty(orthogonal)) == 0.0


def test_sigreg_is_the_epps_pulley_integral():
    z = normal(12, 3)
    directions = torch.randn(3, 256, generator=torch.Generator().manual_seed(0))
    projected = (z @ (directions / directions.norm(dim=0))).numpy()

    def integral(x: np.ndarray) -> float:
        def integrand(t: float) -> float:
            gap = np.exp(1j * t * x).mean() - np.exp(-(t**2) / 2)
            return abs(gap) ** 2 * np.exp(-(t**2) / 2)

        return quad(integrand, -3, 3)[0]

    expected = float(np.mean([integral(x) for x in projected.T]))
    assert slices(z, knots=400) == pytest.approx(expected, rel=1e-3)
    # The 17 knots of the paper are enough for projections of this size.
    assert slices(z) == pytest.approx(expected, rel=0.01)


def test_sigreg_vanishes_for_a_standard_normal_and_for_nothing_else():
    large = normal(20_000, 4)
    none = slices(large, slices=32)
    assert 0 <= none < 2e-4
    for other in (large * 2, large * 0.5, large + 0.5, large.sign(), torch.zeros(50, 4)):
        assert slices(other, slices=32) > 20 * none


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 2.0), (0.7, 0.5), (0.0, 1e-6)])
def test_sigreg_of_another_normal_has_a_closed_form(mean: float, sd: float):
    n = 4001
    quantiles = torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n).float()

    def gap(t: float) -> float:
        theirs = np.exp(1j * t * mean - (sd * t) ** 2 / 2)
        return abs(theirs - np.exp(-(t**2) / 2)) ** 2 * np.exp(-(t**2) / 2)

    assert slices((quantiles * sd + mean)[:, None], slices=4) == pytest.approx(quad(gap, -3, 3)[0], rel=0.01)


def test_sigreg_is_free_of_the_batch_size_and_a_function_of_its_generator():
    z = normal(50, 4) * 2
    assert slices(z.repeat(3, 1)) == pytest.approx(slices(z), rel=1e-4)
    assert slices(z, 1) == slices(z, 1) != slices(z, 2)


GUARDS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "variance": variance_hinge,
    "covariance": covariance_penalty,
    "sigreg": lambda z: sigreg(z, generator=torch.Generator().manual_seed(0), slices=8),
}
INPUTS = {
    "one patient": normal(1, 8),
    "one dimension": normal(8, 1),
    "one of one": normal(1, 1),
    "constant": torch.full((8, 4), 3.0),
    "zeros": torch.zeros(8, 4),
    "large": normal(8, 4) * 1e4,
    "small": normal(8, 4) * 1e-6,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("guard", GUARDS)
def test_values_and_gradients_stay_finite(guard: str, name: str, dtype: torch.dtype):
    z = INPUTS[name].to(dtype).clone().requires_grad_()
    value = GUARDS[guard](z)
    assert value.dtype == torch.float32
    assert value.isfinite()
    value.backward()
    assert z.grad is not None
    if (guard, name, dtype) != ("covariance", "large", torch.float16):  # a slope of 1e5 and more is no half
        assert z.grad.isfinite().all()


@pytest.mark.parametrize("guard", GUARDS)
def test_statistics_stay_in_float32_under_autocast(guard: str):
    z = normal(32, 16)
    plain = GUARDS[guard](z)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(GUARDS[guard](z), plain)
