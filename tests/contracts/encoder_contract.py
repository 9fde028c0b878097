"""What every embedding of a modality must do: a battery of checks, each a function of `make`.

`make(seed)` gives a fresh embedding with the modality's `View` and `inputs(token)`: the places in `view.values`
that belong to a token alone (None where the embedding says that its tokens are not maskable).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from semeia.views.patient import View


@dataclass(frozen=True)
class Case:
    """An embedding, a view of six patients with gaps, the width of its tokens, and whose input is whose."""

    module: nn.Module
    view: View
    dim: int
    inputs: Callable[[int], Tensor] | None


Make = Callable[[int], Case]


def with_values(view: View, values: Tensor) -> View:
    return replace(view, values=values)


def of_rows(view: View, rows: list[int]) -> View:
    return View(values=view.values[rows], present=view.present[rows], where=view.where[rows])


def one_token_a_place(make: Make) -> None:
    case = make(0)
    x = case.module(case.view)
    assert x.shape == (*case.view.present.shape, case.dim)
    assert x[case.view.present].isfinite().all()


def the_seed_decides(make: Make) -> None:
    first, again, other = (make(seed) for seed in (0, 0, 1))
    x = first.module(first.view)[first.view.present]
    assert torch.equal(x, again.module(again.view)[again.view.present])
    assert not torch.equal(x, other.module(other.view)[other.view.present])


def absent_input_is_never_read(make: Make) -> None:
    """What is absent holds NaN in the case: neither a token nor a gradient may be touched by it."""
    case = make(0)
    assert case.view.values.isnan().any()
    assert not case.view.present.all()
    x = case.module(case.view)
    filled = with_values(case.view, case.view.values.nan_to_num(7.0))
    torch.testing.assert_close(case.module(filled)[case.view.present], x[case.view.present])
    x[case.view.present].square().sum().backward()
    for name, parameter in case.module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def every_parameter_learns(make: Make) -> None:
    case = make(0)
    case.module(case.view)[case.view.present].square().sum().backward()
    for name, parameter in case.module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def patients_do_not_know_each_other(make: Make) -> None:
    case = make(0)
    x, present = case.module(case.view), case.view.present
    order = [5, 3, 0, 1, 4, 2]
    # Another batch may be summed in another order: rounding, as large as the values of a deep network are.
    close = {"atol": 1e-5 * max(1.0, float(x.detach()[present].abs().max())), "rtol": 1e-5}
    turned = case.module(of_rows(case.view, order))
    for place, row in enumerate(order):
        torch.testing.assert_close(turned[place][present[row]], x[row][present[row]], **close)
    alone = case.module(of_rows(case.view, [4]))
    torch.testing.assert_close(alone[0], x[4], **close)


def nothing_present_is_no_error(make: Make) -> None:
    case = make(0)
    gone = replace(case.view, present=torch.zeros_like(case.view.present))
    x = case.module(gone)
    assert x.shape == (*gone.present.shape, case.dim)
    (x * gone.present[..., None]).nan_to_num().sum().backward()
    for parameter in case.module.parameters():
        assert parameter.grad is None or not parameter.grad.any()


def a_maskable_token_sees_its_own_input_only(make: Make) -> None:
    case = make(0)
    assert isinstance(case.module.maskable, bool)
    if not case.module.maskable:
        return
    assert case.inputs is not None
    view = of_rows(case.view, [4, 5])
    before = case.module(view)
    for token in range(view.present.shape[1]):
        mine = case.inputs(token)
        assert mine.any()
        noise = torch.rand(mine.shape, generator=torch.Generator().manual_seed(token))
        after = case.module(with_values(view, torch.where(mine, noise, view.values)))
        changed = (after - before).abs().amax((0, 2)) > 1e-6
        assert changed.nonzero().flatten().tolist() == [token]


def weights_round_trip(make: Make) -> None:
    case, other = make(0), make(1)
    other.module.load_state_dict(case.module.state_dict())
    view = case.view
    assert torch.equal(other.module(view)[view.present], case.module(view)[view.present])


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
