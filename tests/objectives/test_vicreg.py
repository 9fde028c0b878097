"""The loss is the paper's, coefficients and normalisations included."""

import numpy as np
import pytest
import torch

from semeia.objectives.vicreg import VicRegSettings, vicreg_terms


def by_hand(x: np.ndarray, y: np.ndarray) -> float:
    """Eqs. 1, 3, 4, 5, 6 with lambda = mu = 25, nu = 1; the hinges of both views are halved, as in the code."""
    n, dim = x.shape
    invariance = ((x - y) ** 2).sum() / (n * dim)
    variance = covariance = 0.0
    for z in (x, y):
        variance += sum(max(0.0, 1 - np.sqrt(z[:, j].var(ddof=1) + 1e-4)) for j in range(dim)) / dim / 2
        matrix = np.cov(z, rowvar=False)
        covariance += sum(matrix[i, j] ** 2 for i in range(dim) for j in range(dim) if i != j) / dim
    return 25 * invariance + 25 * variance + covariance


@pytest.mark.parametrize(("n", "dim", "scale"), [(2, 3, 1.0), (8, 5, 0.3), (20, 4, 2.0)])
def test_the_loss_is_the_papers(n: int, dim: int, scale: float):
    one, other = torch.randn(2, n, dim, generator=torch.Generator().manual_seed(n)) * scale
    terms = vicreg_terms(one, other, settings=VicRegSettings())
    expected = by_hand(one.double().numpy(), other.double().numpy())
    assert float(torch.stack(list(terms.values())).sum()) == pytest.approx(expected, rel=1e-5)


def test_equal_looks_have_no_invariance_term_and_collapsed_ones_the_whole_variance_term():
    same = torch.ones(6, 4)
    terms = vicreg_terms(same, same, settings=VicRegSettings())
    assert float(terms["invariance"]) == 0
    assert float(terms["covariance"]) == 0
    assert float(terms["variance"]) == pytest.approx(25 * (1 - 0.01), rel=1e-5)


def test_each_coefficient_weighs_its_term():
    one, other = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    once = vicreg_terms(one, other, settings=VicRegSettings(invariance=1.0, variance=1.0, covariance=1.0))
    thrice = vicreg_terms(one, other, settings=VicRegSettings(invariance=3.0, variance=3.0, covariance=3.0))
    for name in once:
        torch.testing.assert_close(thrice[name], 3 * once[name])
