"""Heads normalise a batch as the papers do, take a single row, and have no parameter without a gradient."""

import torch
from torch import nn

from semeia.objectives.projection import RowNorm, no_loss, perceptron


def test_several_rows_are_normalised_by_their_own_statistics():
    rows = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    expected = (rows - rows.mean(0)) / (rows.var(0, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(RowNorm(3)(rows), expected)


def test_a_single_row_is_normalised_by_the_running_statistics_and_leaves_them_alone():
    norm = RowNorm(3)
    norm(torch.randn(50, 3, generator=torch.Generator().manual_seed(0)) * 4 + 2)
    assert norm.running_mean is not None
    before, row = norm.running_mean.clone(), torch.ones(1, 3)
    in_training = norm(row)
    assert torch.equal(norm.running_mean, before)
    torch.testing.assert_close(in_training, norm.eval()(row))


def test_a_bias_stands_only_where_it_can_be_trained():
    names = dict(perceptron((4, 6, 5, 3), norm=True, last_bias=False).named_parameters())
    assert not [name for name in names if name in ("0.bias", "3.bias", "6.bias")]
    assert [tuple(p.shape) for n, p in names.items() if p.ndim == 2] == [(6, 4), (5, 6), (3, 5)]
    layers = perceptron((4, 3), norm=False)
    assert len(layers) == 1
    assert isinstance(layers[0], nn.Linear)
    assert layers[0].bias is not None


def test_no_loss_is_zero_with_a_gradient_of_zero():
    head = perceptron((4, 6, 3), norm=True)
    head[0].requires_grad_(False)
    loss = no_loss(head)
    loss.backward()
    assert float(loss.detach()) == 0
    trained = [parameter for parameter in head.parameters() if parameter.requires_grad]
    assert trained
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in trained)
    assert head[0].weight.grad is None
