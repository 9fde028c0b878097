"""Masked autoencoder: from a quarter of an image's patches, draw the others.

Views go in; the term `reconstruction` comes out. The encoder sees the kept patches only; a narrow decoder, thrown away
later, sees their latents and a mask token with its place for every hidden patch, and gives that patch's pixels.
Source: He et al. 2022 (2111.06377), section 3. A patch that was not observed is neither shown nor asked for.
"""

from dataclasses import dataclass

import torch
from torch import nn

from semeia.encoders.patient import PatientEncoder, TransformerBlocks
from semeia.encoders.position import place_and_time
from semeia.encoders.tokens import Tokens, pack_order, take
from semeia.encoders.volume import PatchEmbedding, scanned
from semeia.errors import InputError
from semeia.objectives.looks import IMAGE, has, image_width, images
from semeia.objectives.objective import Objective
from semeia.objectives.projection import no_loss
from semeia.objectives.step import Step
from semeia.ranges import FROM_1, PART, require_ranges
from semeia.shapes import Scalar, TokenMask, TokenValues
from semeia.views.crops import CropSettings
from semeia.views.patient import View, Views


@dataclass(frozen=True)
class MaeSettings:
    """What is hidden, and the decoder.

    Attributes:
        hidden_share: of the patches that are there.
        normalise: whether each patch's pixels are standardised before they are compared.
        decoder_dim: width of the decoder; a multiple of 8 and of its heads.
        decoder_depth: its number of blocks.
        decoder_heads: its number of heads.
    """

    hidden_share: float = 0.75
    normalise: bool = True
    decoder_dim: int = 64
    decoder_depth: int = 2
    decoder_heads: int = 4

    def __post_init__(self) -> None:
        sizes = dict.fromkeys(("decoder_dim", "decoder_depth", "decoder_heads"), FROM_1)
        require_ranges("mae", self, {"hidden_share": PART, **sizes})
        if self.decoder_dim % 8 or self.decoder_dim % self.decoder_heads:
            raise InputError(f"mae: decoder_dim {self.decoder_dim} must be a multiple of 8 and of decoder_heads")


class Decoder(nn.Module):
    """From the latents of the kept patches and the places of the hidden ones to the pixels of these."""

    def __init__(self, dim: int, *, pixels: int, settings: MaeSettings) -> None:
        super().__init__()
        width = settings.decoder_dim
        self.enter = nn.Linear(dim, width)
        self.mask_token = nn.Parameter(torch.randn(width) * 0.02)
        self.blocks = TransformerBlocks(
            width, depth=settings.decoder_depth, heads=settings.decoder_heads, mlp_ratio=2.0
        )
        self.leave = nn.Linear(width, pixels)

    def forward(self, kept: Tokens, hidden: Tokens) -> TokenValues:
        """Pixels of every token of `hidden`, [batch, length, pixels]; of these only their places are read."""
        width = self.enter.out_features
        seen = self.enter(kept.x) + place_and_time(kept.where, kept.when, width)
        asked = self.mask_token + place_and_time(hidden.where, hidden.when, width)
        known = torch.cat([kept.present, hidden.present], 1)
        mixed = self.blocks(torch.cat([seen, asked], 1), known[:, None, :].expand(-1, known.shape[1], -1))
        return self.leave(mixed[:, kept.x.shape[1] :])


class MaskedAutoencoder(Objective):
    """The objective.

    Raises:
        InputError: an encoder whose image embedding does not cut square patches that can be hidden one by one.
    """

    def __init__(self, encoder: PatientEncoder, *, settings: MaeSettings) -> None:
        super().__init__()
        image_width(encoder)
        embedding = encoder.embeddings[IMAGE]
        if not isinstance(embedding, PatchEmbedding):
            raise InputError(f"mae hides and draws patches: use the image embedding patches, not {_name(embedding)}")
        self.settings = settings
        self.encoder = encoder
        self.crop = embedding.crop
        depth, height, width = self.crop.patch
        self.decoder = Decoder(encoder.settings.dim, pixels=depth * height * width, settings=settings)

    def loss(self, views: Views, step: Step) -> dict[str, Scalar]:
        """`reconstruction`: mean squared error of the hidden patches, the mean over each image first."""
        there = has(views, IMAGE)
        if not bool(there.any()):
            return {"reconstruction": no_loss(self)}
        views = images(views, there)
        tokens = self.encoder.embed(views)
        kept = draw_kept(tokens.present, share=1 - self.settings.hidden_share, generator=step.generator("masks"))
        hidden = tokens.present & ~kept
        if not bool(hidden.any()):
            return {"reconstruction": no_loss(self)}
        drawn = self.decoder(self.encoder.mix(tokens.select(kept)), tokens.select(hidden))
        pixels = patch_pixels(views.modalities[IMAGE], self.crop, normalise=self.settings.normalise)
        order = pack_order(hidden)
        asked = hidden.gather(1, order)
        error = (drawn.float() - take(pixels, order)).square().mean(-1) * asked
        count = asked.sum(1)
        return {"reconstruction": (error.sum(1) / count.clamp(min=1)).sum() / (count > 0).sum()}


def draw_kept(present: TokenMask, *, share: float, generator: torch.Generator) -> TokenMask:
    """A random share of each row's present tokens, at least one. Drawn on the CPU, the same for every device."""
    there = present.cpu()
    noise = torch.rand(there.shape, generator=generator).masked_fill(~there, torch.inf)
    count = (there.sum(1, keepdim=True) * share).round().clamp(min=1)
    return (there & (noise.argsort(1).argsort(1) < count)).to(present.device)


def patch_pixels(view: View, crop: CropSettings, *, normalise: bool) -> TokenValues:
    """The pixels of each patch, in the order of the tokens, [batch, patches, pixels]."""
    from einops import rearrange

    depth, height, width = crop.patch
    volumes = scanned(view.values, view.present, crop).float()
    pixels = rearrange(volumes, "b (z d) (y h) (x w) -> b (z y x) (d h w)", d=depth, h=height, w=width)
    if not normalise:
        return pixels
    return (pixels - pixels.mean(-1, keepdim=True)) / (pixels.var(-1, keepdim=True) + 1e-6).sqrt()


def _name(embedding: nn.Module) -> str:
    return type(embedding).__name__
