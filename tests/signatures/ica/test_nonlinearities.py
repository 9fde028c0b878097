import numpy as np
import pytest
import torch

from semeia.signatures.ica.sweep import NONLINEARITIES

G = {
    "tanh": (np.tanh, lambda y: 1 - np.tanh(y) ** 2),
    "cube": (lambda y: y**3, lambda y: 3 * y**2),
    "exp": (lambda y: y * np.exp(-(y**2) / 2), lambda y: (1 - y**2) * np.exp(-(y**2) / 2)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NONLINEARITIES)
def test_value_and_slope(name, dtype):
    # 40 SD: exp underflows there, tanh is flat.
    y = torch.cat([torch.linspace(-9, 9, 2001), torch.tensor([-40.0, 40.0, 0.0])]).to(dtype).repeat(3, 1).T.contiguous()
    value, slope = (function(y[:, 0].double().numpy()) for function in G[name])
    replaced = y.clone()
    slopes = NONLINEARITIES[name](replaced, torch.empty_like(y))

    tolerance = {"rtol": 1e-6, "atol": 1e-7 if dtype == torch.float32 else 1e-15}
    np.testing.assert_allclose(replaced[:, 1].double().numpy(), value, **tolerance)
    np.testing.assert_allclose(
        slopes.double().numpy(), slope.sum(), atol=1e-4 if dtype == torch.float32 else 1e-10, rtol=1e-6
    )


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_slope_is_the_derivative(name):
    y = torch.linspace(-3, 3, 50, dtype=torch.float64)[:, None]
    step = 1e-6
    above, below = y + step, y - step
    slopes = NONLINEARITIES[name](y.clone(), torch.empty_like(y))
    for moved in (above, below):
        NONLINEARITIES[name](moved, torch.empty_like(y))

    assert float(slopes) == pytest.approx(float(((above - below) / (2 * step)).sum()), rel=1e-8)
