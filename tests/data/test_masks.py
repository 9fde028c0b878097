"""Masks: disjoint, of present tokens, dividing a patient or leaving it out, a function of the generator."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semeia.data.crops import CropSettings, patch_places
from semeia.data.masks import Masks, MaskSettings, blocks, draw_masks, one_group
from semeia.errors import InputError

ONLY = {
    name: MaskSettings(**({"modality": 0.0, "visit": 0.0, "block": 0.0, "token": 0.0} | {name: 1.0}))
    for name in ("modality", "visit", "block", "token")
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(seed: int, batch: int = 5, share: float = 0.6):
    """Two visits of an image of 3 x 3 patches in 2 layers and of four items, tokens missing at random."""
    crop = CropSettings(voxels=(4, 6, 6), patch=(2, 2, 2))
    items = torch.tensor([[float(i), 0.0, 0.0] for i in range(4)])
    where = torch.cat([patch_places(crop), items]).repeat(2, 1).expand(batch, -1, -1)
    kind = torch.cat([torch.zeros(18), torch.ones(4)]).long().repeat(2).expand(batch, -1)
    when = torch.tensor([0.0, 12.5]).repeat_interleave(22).expand(batch, -1)
    present = torch.rand(batch, 44, generator=generator(seed)) < share
    return present, kind, where, when


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    share=st.sampled_from([0.0, 0.03, 0.1, 0.6, 1.0]),
    weights=st.tuples(*[st.sampled_from([0.0, 0.3, 1.0])] * 4).filter(any),
    through=st.booleans(),
)
def test_whatever_is_drawn_divides_what_is_present(
    seed: int, share: float, weights: tuple[float, float, float, float], through: bool
):
    modality, visit, block, token = weights
    chosen = MaskSettings(modality=modality, visit=visit, block=block, token=token, through_depth=through)
    present, kind, where, when = batch_of(seed, share=share)
    masks, again = (
        draw_masks(present, kind, where, when, settings=chosen, generator=generator(seed)) for _ in range(2)
    )
    assert not (masks.context & masks.target).any()
    assert torch.equal(masks.context | masks.target, present)
    # Who has targets has a context; who has no targets keeps everything that is there.
    assert masks.context[masks.target.any(1)].any(1).all()
    assert torch.equal(masks.target, again.target)


def draw(name: str, seed: int = 0, share: float = 1.0, **inputs: torch.Tensor) -> tuple[Masks, tuple]:
    drawn = dict(zip(("present", "kind", "where", "when"), batch_of(seed, 40, share), strict=True)) | inputs
    return draw_masks(**drawn, settings=ONLY[name], generator=generator(seed)), tuple(drawn.values())


@pytest.mark.parametrize(("name", "place"), [("modality", 1), ("visit", 3)])
def test_modality_and_visit_masks_take_whole_groups(name: str, place: int):
    masks, inputs = draw(name, share=0.5)
    group, seen = inputs[place], set()
    for row in range(40):
        values = group[row][masks.target[row]].unique()
        assert len(values) == 1
        assert not (group[row][masks.context[row]] == values).any()
        seen.add(float(values))
    assert len(seen) == 2


@pytest.mark.parametrize("name", ["modality", "visit"])
def test_a_mask_that_would_take_everything_is_not_drawn(name: str):
    present = torch.zeros(40, 44, dtype=torch.bool)
    present[:, 3] = True
    masks, _ = draw(name, present=present)
    assert not masks.target.any()
    assert torch.equal(masks.context, present)


def test_blocks_take_image_tokens_through_the_depth():
    masks, (_, kind, where, _) = draw("block")
    assert masks.target.any(1).all()
    assert not masks.target[kind == 1].any()
    layers = masks.target[:, :18].reshape(40, 2, 9)
    assert torch.equal(layers[:, 0], layers[:, 1])
    # The middle patch of an odd grid lies at 0, 0 and yet can be a target.
    assert layers[:, 0, 4].any()
    assert not (masks.target.all(1)).any()
    assert where.shape == (40, 44, 3)


@pytest.mark.parametrize("geometry", ["patches", "rings"])
def test_blocks_cover_the_share_of_an_image_that_i_jepa_covers(geometry: str):
    where = patch_places(CropSettings(voxels=(8, 32, 32), patch=(4, 2, 2)), geometry)
    present = torch.ones(200, len(where), dtype=torch.bool)
    masks = draw_masks(
        present,
        torch.zeros(present.shape, dtype=torch.long),
        where.expand(200, -1, -1),
        torch.zeros(present.shape),
        settings=ONLY["block"],
        generator=generator(),
    )
    assert masks.target.any(1).all()
    assert 0.3 < float(masks.target.float().mean()) < 0.6


def test_a_block_that_is_not_through_the_depth_has_a_depth():
    present, kind, where, _ = batch_of(0, 40, 1.0)
    thin = blocks(present, kind, where, MaskSettings(through_depth=False, blocks=1), generator())
    assert (thin[:, :9] != thin[:, 9:18]).any()


def test_token_masks_take_their_share():
    masks, _ = draw("token")
    assert float(masks.target.float().mean()) == pytest.approx(0.4, abs=0.04)


def test_weights_decide_how_often_a_kind_of_mask_is_drawn():
    present, kind, where, when = batch_of(0, 400, 1.0)
    chosen = MaskSettings(modality=0.75, visit=0.25, block=0.0)
    masks = draw_masks(present, kind, where, when, settings=chosen, generator=generator())
    by_visit = (masks.target & (kind == 0)).any(1) & (masks.target & (kind == 1)).any(1)
    assert float(by_visit.float().mean()) == pytest.approx(0.25, abs=0.06)


def test_nothing_present_and_nothing_in_a_plane():
    nothing = torch.zeros(3, 4, dtype=torch.bool)
    assert not one_group(nothing, torch.zeros(3, 4), generator()).any()
    some = torch.tensor([[True, False], [False, False]])
    group = one_group(some, torch.tensor([[2.0, 0.0], [0.0, 0.0]]), generator())
    assert group.tolist() == some.tolist()
    items = torch.zeros(2, 2, 3)
    items[..., 0] = torch.arange(2)
    kinds = torch.zeros(2, 2, dtype=torch.long)
    assert not blocks(torch.ones(2, 2, dtype=torch.bool), kinds, items, MaskSettings(), generator()).any()


@pytest.mark.parametrize("weights", [(0.0, 0.0, 0.0), (1.0, -0.1, 0.0)])
def test_weights_that_cannot_be_are_refused(weights: tuple[float, float, float]):
    with pytest.raises(InputError, match="must not be negative and not all be zero"):
        MaskSettings(modality=weights[0], visit=weights[1], block=weights[2])
