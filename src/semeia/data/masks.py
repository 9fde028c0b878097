"""Draw which tokens the context encoder sees and which the predictor predicts: the randomness of a JEPA step.

In: where tokens lie, what they are, which are there. Out: `Masks`, two disjoint sets of present tokens. Four
kinds of mask, one drawn for each patient among those that divide its tokens:
    modality  all tokens of one modality (predict the reading from the image, or the image from the reading)
    visit     all tokens at one time
    block     several blocks of an image, as I-JEPA (Assran et al. 2023, sec. 3), in millimetres; through the
              whole depth by default: the neighbouring slice would give the answer away (V-JEPA's tubes)
    token     each token alone
"""

from dataclasses import dataclass

import torch

from semeia.errors import InputError
from semeia.ranges import ABOVE_0, FROM_1, PART, Range, require_ranges
from semeia.shapes import TokenKind, TokenMask, TokenPlace, TokenTime


@dataclass(frozen=True)
class MaskSettings:
    """How often each kind of mask is drawn, and how large blocks are.

    Attributes:
        modality: weight of whole-modality masks.
        visit: weight of whole-visit masks.
        block: weight of block masks.
        token: weight of single-token masks.
        blocks: number of target blocks.
        scale: smallest and largest share of the plane (or of the volume) one block covers.
        aspect: smallest and largest ratio of a block's height to its width.
        through_depth: whether a block goes through all slices.
        token_share: probability of a token to be a target in a token mask.
    """

    modality: float = 0.5
    visit: float = 0.3
    block: float = 0.5
    token: float = 0.0
    blocks: int = 4
    scale: tuple[float, float] = (0.15, 0.2)
    aspect: tuple[float, float] = (0.75, 1.5)
    through_depth: bool = True
    token_share: float = 0.4

    def __post_init__(self) -> None:
        weights = (self.modality, self.visit, self.block, self.token)
        if min(weights) < 0 or sum(weights) <= 0:
            raise InputError(f"masks: weights {weights} must not be negative and not all be zero")
        require_ranges("masks", self, {"blocks": FROM_1, "scale": Range(0, 1, above=True), "aspect": ABOVE_0})
        require_ranges("masks", self, {"token_share": PART})
        if self.scale[0] > self.scale[1] or self.aspect[0] > self.aspect[1]:
            raise InputError(f"masks: scale {list(self.scale)} and aspect {list(self.aspect)} must not fall")


@dataclass(frozen=True)
class Masks:
    """Disjoint, both within `present`: what is seen and what is predicted, [batch, length]. A patient whose
    tokens cannot be divided has no targets and is left out of the prediction loss."""

    context: TokenMask
    target: TokenMask


def draw_masks(
    present: TokenMask,
    kind: TokenKind,
    where: TokenPlace,
    when: TokenTime,
    *,
    settings: MaskSettings,
    generator: torch.Generator,
    given: tuple[int, ...] = (),
) -> Masks:
    """Draw one mask a patient. Everything is drawn on the CPU, so that every device draws the same.

    Args:
        given: the kinds of tokens that are always seen.
    """
    device = present.device
    present, kind, where, when = present.cpu(), kind.cpu(), where.cpu(), when.cpu()
    hidable = present & ~torch.isin(kind, torch.tensor(given, dtype=kind.dtype))
    candidates = (
        (settings.modality, one_group(hidable, kind.float(), generator)),
        (settings.visit, one_group(hidable, when, generator)),
        (settings.block, blocks(hidable, kind, where, settings, generator)),
        (settings.token, hidable & (torch.rand(present.shape, generator=generator) < settings.token_share)),
    )
    weights = torch.tensor([weight for weight, _ in candidates])
    targets = torch.stack([target for _, target in candidates], 1)
    # A mask divides a patient if something is left on both sides; those that do not are not drawn.
    usable = targets.any(2) & (present[:, None] & ~targets).any(2)
    odds = weights * usable
    possible = odds.sum(1) > 0
    odds = torch.where(possible[:, None], odds, 1.0)
    choice = torch.multinomial(odds, 1, generator=generator)
    target = targets.gather(1, choice[:, :, None].expand(-1, 1, targets.shape[2]))[:, 0] & possible[:, None]
    return Masks(context=(present & ~target).to(device), target=target.to(device))


def one_group(present: TokenMask, group: torch.Tensor, generator: torch.Generator) -> TokenMask:
    """Take all tokens that share a value of `group` (a modality, a time), the value drawn among those present."""
    values = group[present].unique()
    if not len(values):
        return torch.zeros_like(present)
    has = ((group[:, :, None] == values) & present[:, :, None]).any(1)
    drawn = (torch.rand(has.shape, generator=generator) * has).argmax(1)
    return present & (group == values[drawn][:, None])


def blocks(
    present: TokenMask, kind: TokenKind, where: TokenPlace, settings: MaskSettings, generator: torch.Generator
) -> TokenMask:
    """Join several blocks around present tokens. Only tokens with a place in a volume take part."""
    # By modality, because the middle token of an odd grid has no offset in the plane, either.
    placed = kind[present & (where[..., 1:] != 0).any(-1)].unique()
    spatial = present & torch.isin(kind, placed)
    if not bool(spatial.any()):
        return torch.zeros_like(present)
    extent = where[spatial].max(0).values - where[spatial].min(0).values
    # Rings have a radius and no angle: a block's share is then a share of the radius.
    wide = extent > 0
    if settings.through_depth:
        wide[0] = False
    axes, planar = max(int(wide.sum()), 1), bool(wide[1:].all())
    target = torch.zeros_like(present)
    for _ in range(settings.blocks):
        # With nothing spatial the argmax is token 0; `spatial` takes it out again below.
        anchor = (torch.rand(present.shape, generator=generator) * spatial).argmax(1)
        centre = where.gather(1, anchor[:, None, None].expand(-1, 1, 3))
        scale, aspect = (
            low + (high - low) * torch.rand(len(present), generator=generator)
            for low, high in (settings.scale, settings.aspect)
        )
        side, skew = scale ** (1 / axes), aspect.sqrt() if planar else torch.ones_like(aspect)
        sides = torch.stack([side, side * skew, side / skew], 1) * extent
        if settings.through_depth:
            sides[:, 0] = torch.inf
        target |= spatial & ((where - centre).abs() <= sides[:, None] / 2 + 1e-4).all(2)
    return target
