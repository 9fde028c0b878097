"""Packing, taking and joining sequences of tokens."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semeia.encoders.tokens import Tokens, join, pack_order


def tokens(seed: int, batch: int = 3, length: int = 7, share: float = 0.6) -> Tokens:
    generator = torch.Generator().manual_seed(seed)
    return Tokens(
        x=torch.randn(batch, length, 4, generator=generator),
        present=torch.rand(batch, length, generator=generator) < share,
        kind=torch.randint(0, 2, (batch, length), generator=generator),
        where=torch.randn(batch, length, 3, generator=generator),
        when=torch.rand(batch, length, generator=generator),
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), share=st.sampled_from([0.0, 0.2, 0.7, 1.0]))
def test_selecting_keeps_the_chosen_tokens_in_their_order(seed: int, share: float):
    before = tokens(seed, share=share)
    keep = torch.rand(3, 7, generator=torch.Generator().manual_seed(seed + 1)) < 0.5
    after = before.select(keep)
    chosen = keep & before.present
    assert after.x.shape[1] == max(int(chosen.sum(1).max()), 1)
    for row in range(3):
        for name in ("x", "kind", "where", "when"):
            mine, theirs = getattr(before, name)[row], getattr(after, name)[row]
            assert torch.equal(mine[chosen[row]], theirs[after.present[row]])
        assert torch.equal(after.present[row], after.present[row].sort(descending=True).values)


def test_packing_loses_nothing_but_padding():
    before = tokens(0)
    packed = before.packed()
    assert torch.equal(packed.present.sum(1), before.present.sum(1))
    assert torch.equal(packed.packed().x, packed.x)


def test_no_token_at_all_leaves_one_that_is_absent():
    assert pack_order(torch.zeros(2, 5, dtype=torch.bool)).shape == (2, 1)
    none = tokens(0).select(torch.zeros(3, 7, dtype=torch.bool))
    assert none.x.shape == (3, 1, 4)
    assert not none.present.any()


def test_joining_lays_end_to_end():
    first, second = tokens(0, length=3), tokens(1, length=5)
    both = join([first, second])
    assert torch.equal(both.x[:, :3], first.x)
    assert torch.equal(both.when[:, 3:], second.when)
    assert both.present.shape == (3, 8)


def test_holding_other_values_can_only_hide_tokens():
    before = tokens(0)
    held = before.holding(before.x * 2, present=torch.ones(3, 7, dtype=torch.bool))
    assert torch.equal(held.present, before.present)
    assert torch.equal(held.x, before.x * 2)
    assert not before.holding(before.x, present=torch.zeros(3, 7, dtype=torch.bool)).present.any()
