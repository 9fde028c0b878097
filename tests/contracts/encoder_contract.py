"""What every embedding of a modality must do: a battery of checks, each a function of `make`.

`make(seed)` gives a fresh embedding with the values and presence it reads and `inputs(token)`: the places in the values
that belong to a token alone (None where the embedding says that its tokens are not maskable).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Case:
    """An embedding, values and presence of six patients with gaps, the width of a token, and whose input is whose."""

    module: nn.Module
    values: Tensor
    present: Tensor
    dim: int
    inputs: Callable[[int], Tensor] | None

    def tokens(self, values: Tensor | None = None) -> Tensor:
        """Of these values, or of others in their place."""
        return self.module(self.values if values is None else values, self.present)


Make = Callable[[int], Case]


def one_token_a_place(make: Make) -> None:
    case = make(0)
    x = case.tokens()
    assert x.shape == (*case.present.shape, case.dim)
    assert x[case.present].isfinite().all()


def the_seed_decides(make: Make) -> None:
    first, again, other = (make(seed) for seed in (0, 0, 1))
    x = first.tokens()[first.present]
    assert torch.equal(x, again.tokens()[again.present])
    assert not torch.equal(x, other.tokens()[other.present])


def absent_input_is_never_read(make: Make) -> None:
    """What is absent holds NaN in the case: neither a token nor a gradient may be touched by it."""
    case = make(0)
    if case.values.is_floating_point():
        assert case.values.isnan().any()
        filled = case.values.nan_to_num(7.0)
    else:
        filled = torch.where(case.present, case.values, 3)
        assert not torch.equal(filled, case.values)
    assert not case.present.all()
    x = case.tokens()
    torch.testing.assert_close(case.tokens(filled)[case.present], x[case.present])
    x[case.present].square().sum().backward()
    for name, parameter in case.module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def every_parameter_learns(make: Make) -> None:
    case = make(0)
    x = case.tokens()[case.present]
    (x * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    for name, parameter in case.module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def patients_do_not_know_each_other(make: Make) -> None:
    case = make(0)
    x, present = case.tokens(), case.present
    order = [5, 3, 0, 1, 4, 2]
    # Another batch may be summed in another order: rounding, as large as the values of a deep network are.
    close = {"atol": 1e-5 * max(1.0, float(x.detach()[present].abs().max())), "rtol": 1e-5}
    turned = case.module(case.values[order], present[order])
    for place, row in enumerate(order):
        torch.testing.assert_close(turned[place][present[row]], x[row][present[row]], **close)
    alone = case.module(case.values[[4]], present[[4]])
    torch.testing.assert_close(alone[0][present[4]], x[4][present[4]], **close)


def nothing_present_is_no_error(make: Make) -> None:
    case = make(0)
    gone = torch.zeros_like(case.present)
    x = case.module(case.values, gone)
    assert x.shape == (*gone.shape, case.dim)
    (x * gone[..., None]).nan_to_num().sum().backward()
    for parameter in case.module.parameters():
        assert parameter.grad is None or not parameter.grad.any()


def a_maskable_token_sees_its_own_input_only(make: Make) -> None:
    case = make(0)
    assert isinstance(case.module.maskable, bool)
    if not case.module.maskable:
        return
    assert case.inputs is not None
    values, present = case.values[[4, 5]], case.present[[4, 5]]
    before = case.module(values, present)
    for token in range(present.shape[1]):
        mine = case.inputs(token)
        assert mine.any()
        noise = torch.rand(mine.shape, generator=torch.Generator().manual_seed(token))
        after = case.module(torch.where(mine, noise, values), present)
        changed = (after - before).abs().amax((0, 2)) > 1e-6
        assert changed.nonzero().flatten().tolist() == [token]


def weights_round_trip(make: Make) -> None:
    case, other = make(0), make(1)
    other.module.load_state_dict(case.module.state_dict())
    assert torch.equal(other.tokens()[case.present], case.tokens()[case.present])


CHECKS: tuple[Callable[[Make], None], ...] = (
    one_token_a_place,
    the_seed_decides,
    absent_input_is_never_read,
    every_parameter_learns,
    patients_do_not_know_each_other,
    nothing_present_is_no_error,
    a_maskable_token_sees_its_own_input_only,
    weights_round_trip,
)


def check_embedding(make: Make) -> None:
    """All of it."""
    for check in CHECKS:
        check(make)
