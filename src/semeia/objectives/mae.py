"""Draw an image's patches from a quarter of them (masked autoencoder).

The encoder sees the kept patches only; a narrow decoder, thrown away
later, sees their latents and a mask token with its place for every hidden patch, and gives that patch's pixels.
Source: He et al. 2022 (2111.06377), section 3. A patch that was not observed is neither shown nor asked for.
"""

from dataclasses import dataclass

import torch
from torch import nn

from semeia.data.batch import Batch, Seen
from semeia.data.crops import CropSettings
from semeia.encoders.blocks import TransformerBlocks
from semeia.encoders.patient import PatientEncoder
from semeia.encoders.position import place_and_time
from semeia.encoders.tokens import Tokens, pack_order, take
from semeia.encoders.volume import PatchEmbedding, scanned
from semeia.errors import InputError
from semeia.objectives.objective import Objective
from semeia.objectives.projection import no_loss
from semeia.objectives.step import Step
from semeia.objectives.views import vector_width
from semeia.ranges import FROM_1, PART, require_ranges
from semeia.shapes import Labels, Pictures, Scalar, TokenMask, TokenValues

HIDDEN = 0.5  # how a hidden patch is shown


@dataclass(frozen=True)
class MaeSettings:
    """What is hidden, and the decoder.

    Attributes:
        hidden_share: of the patches that are there.
        normalise: whether each patch's pixels are standardised before they are compared.
        decoder_dim: width of the decoder; a multiple of 8 and of its heads.
        decoder_depth: its number of blocks.
        decoder_heads: its number of heads.
        both: whether the objective's other modality is drawn, too, by the same decoder (MICS, 2509.17492).
    """

    hidden_share: float = 0.75
    normalise: bool = True
    decoder_dim: int = 64
    decoder_depth: int = 2
    decoder_heads: int = 4
    both: bool = False

    def __post_init__(self) -> None:
        sizes = dict.fromkeys(("decoder_dim", "decoder_depth", "decoder_heads"), FROM_1)
        require_ranges("mae", self, {"hidden_share": PART, **sizes})
        if self.decoder_dim % 8 or self.decoder_dim % self.decoder_heads:
            raise InputError(f"mae: decoder_dim {self.decoder_dim} must be a multiple of 8 and of decoder_heads")


class Decoder(nn.Module):
    """Lead from the latents of the kept patches and the places of the hidden ones to the pixels of these."""

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
        """Draw the pixels of every token of `hidden`, [batch, length, pixels]; of these only their places are read."""
        width = self.enter.out_features
        seen = self.enter(kept.x) + place_and_time(kept.where, kept.when, width)
        asked = self.mask_token + place_and_time(hidden.where, hidden.when, width)
        known = torch.cat([kept.present, hidden.present], 1)
        mixed = self.blocks(torch.cat([seen, asked], 1), known[:, None, :].expand(-1, known.shape[1], -1))
        return self.leave(mixed[:, kept.x.shape[1] :])


class MaskedAutoencoder(Objective):
    """The objective. Several modalities share one decoder: what tells it which to draw is the latents of the kept.

    Args:
        modalities: what is drawn, each from its own kept patches.

    Raises:
        InputError: an encoder whose image embedding does not cut square patches that can be hidden one by one, or
            modalities whose patches hold different numbers of pixels.
    """

    def __init__(self, encoder: PatientEncoder, *, settings: MaeSettings, modalities: tuple[str, ...]) -> None:
        super().__init__()
        self.crops: dict[str, CropSettings] = {}
        pixels: set[int] = set()
        for name in modalities:
            vector_width(encoder, name)
            embedding = encoder.embeddings[name]
            if not isinstance(embedding, PatchEmbedding):
                raise InputError(
                    f"mae hides and draws patches: '{name}' must be read by patches, not {type(embedding).__name__}"
                )
            self.crops[name] = embedding.crop
            pixels.add(embedding.pixels)
        if len(pixels) > 1:
            raise InputError(
                f"mae draws {', '.join(modalities)} by one decoder: their patches must hold as many pixels, "
                f"not {', '.join(map(str, sorted(pixels)))}"
            )
        self.settings = settings
        self.encoder = encoder
        self.decoder = Decoder(encoder.settings.dim, pixels=pixels.pop(), settings=settings)

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """`reconstruction`: mean squared error of the hidden patches, the mean over each image first, then over the
        images of each modality."""
        generator = step.generator("masks")
        errors = [self._errors(batch, name, generator) for name in self.crops]
        means = [error.mean() for error in errors if len(error)]
        return {"reconstruction": torch.stack(means).mean() if means else no_loss(self)}

    def _errors(self, batch: Batch, name: str, generator: torch.Generator) -> Labels:
        """Draw the hidden patches of one modality; the error of each image that has any, [image]."""
        there = batch.has(name)
        if not bool(there.any()):
            return self.decoder.mask_token.new_zeros(0)
        batch = batch.of(name, there)
        drawn, order, asked = self._drawn(batch, generator)
        count = asked.sum(1)
        if not bool(count.any()):
            return self.decoder.mask_token.new_zeros(0)
        pixels = patch_pixels(batch.modalities[name], self.crops[name], normalise=self.settings.normalise)
        error = (drawn.float() - take(pixels, order)).square().mean(-1) * asked
        return (error.sum(1) / count.clamp(min=1))[count > 0]

    def _drawn(self, batch: Batch, generator: torch.Generator) -> tuple[TokenValues, torch.Tensor, TokenMask]:
        """Hide patches of one modality and draw them: pixels, their places among all patches, which are no padding."""
        tokens = self.encoder.embed(batch)
        # What is drawn hangs on the patches that are there, not on the padding between them.
        places, tokens = pack_order(tokens.present), tokens.packed()
        kept = draw_kept(tokens.present, share=1 - self.settings.hidden_share, generator=generator)
        hidden = tokens.present & ~kept
        order = pack_order(hidden)
        drawn = self.decoder(self.encoder.mix(tokens.select(kept)), tokens.select(hidden))
        return drawn, places.gather(1, order), hidden.gather(1, order)

    @torch.no_grad()
    def redrawn(self, batch: Batch, name: str, generator: torch.Generator) -> tuple[Pictures, Pictures]:
        """Give pictures of a modality with hidden patches gray, and drawn, [image, channel, height, width].

        Where patches are standardised, the drawn ones take mean and spread from the true ones.
        """
        crop, seen = self.crops[name], batch.modalities[name]
        if seen.values.shape[1] != 1 or crop.voxels[0] != 1:
            raise InputError("mae: what is drawn is shown of single pictures, not of volumes or visits")
        drawn, order, asked = self._drawn(batch.of(name, batch.has(name)), generator)
        true = take(pixels := patch_pixels(seen, crop, normalise=False)[batch.has(name)], order)
        if self.settings.normalise:
            drawn = drawn * (true.var(-1, keepdim=True) + 1e-6).sqrt() + true.mean(-1, keepdim=True)
        places = order[:, :, None].expand(-1, -1, pixels.shape[2])
        filled = (torch.where(asked[..., None], each, true) for each in (torch.full_like(true, HIDDEN), drawn.float()))
        shown, whole = (joined_patches(pixels.scatter(1, places, each), crop) for each in filled)
        return shown, whole


def draw_kept(present: TokenMask, *, share: float, generator: torch.Generator) -> TokenMask:
    """Draw a random share of each row's present tokens, at least one. Drawn on the CPU, the same for every device."""
    there = present.cpu()
    noise = torch.rand(there.shape, generator=generator).masked_fill(~there, torch.inf)
    count = (there.sum(1, keepdim=True) * share).round().clamp(min=1)
    return (there & (noise.argsort(1).argsort(1) < count)).to(present.device)


def patch_pixels(seen: Seen, crop: CropSettings, *, normalise: bool) -> TokenValues:
    """Cut out the pixels of each patch, all channels, in the order of the tokens, [batch, visits * patches, pixels]."""
    from einops import rearrange

    depth, height, width = crop.patch
    batch = len(seen.values)
    volumes = scanned(seen.values.flatten(0, 1), seen.present.flatten(0, 1), crop).float()
    pixels = rearrange(volumes, "b c (z d) (y h) (x w) -> b (z y x) (c d h w)", d=depth, h=height, w=width)
    pixels = pixels.unflatten(0, (batch, -1)).flatten(1, 2)
    if not normalise:
        return pixels
    return (pixels - pixels.mean(-1, keepdim=True)) / (pixels.var(-1, keepdim=True) + 1e-6).sqrt()


def joined_patches(pixels: TokenValues, crop: CropSettings) -> Pictures:
    """Put the patches of single planes, [batch, patches, pixels], together again."""
    from einops import rearrange

    (_, rows, columns), (_, height, width) = crop.grid, crop.patch
    sizes = {"y": rows, "x": columns, "h": height, "w": width}
    return rearrange(pixels, "b (y x) (c h w) -> b c (y h) (x w)", **sizes)
