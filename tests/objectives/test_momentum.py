"""The momentum copy moves by its momentum, exactly, and takes no gradient."""

import pytest
import torch
from torch import nn

from semeia.objectives.momentum import momentum_copy, update_momentum


@pytest.mark.parametrize("momentum", [0.0, 0.3, 1.0])
def test_every_parameter_moves_and_every_buffer_is_copied(momentum: float):
    fast = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    slow = momentum_copy(fast)
    before = [parameter.clone() for parameter in slow.parameters()]
    with torch.no_grad():
        for parameter in fast.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    fast(torch.arange(12.0).reshape(4, 3))
    update_momentum(slow, fast, momentum=momentum)
    for was, now, ahead in zip(before, slow.parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(now, momentum * was + (1 - momentum) * ahead)
        assert not now.requires_grad
        assert ahead.requires_grad
    for now, ahead in zip(slow.buffers(), fast.buffers(), strict=True):
        assert torch.equal(now, ahead)
