"""Predict the latents of what is hidden from the latents of what is seen (JEPA). One class for patches and patients.

The context encoder sees the kept tokens; the target encoder (an
exponential moving average of it, without gradient) sees its modality whole; a narrow predictor goes from one
to the other.
Sources: I-JEPA (Assran et al. 2023, 2301.08243) for blocks, layer-normed targets, smooth L1 and the EMA
schedule; C-JEPA (2410.19560) for VICReg beside EMA. Centring the targets is ours: a constant vector would
absorb most of the loss.
"""

import copy
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from semeia.data.batch import Batch
from semeia.data.masks import Masks, MaskSettings, draw_masks
from semeia.encoders.blocks import TransformerBlocks
from semeia.encoders.patient import PatientEncoder
from semeia.encoders.position import place_and_time
from semeia.encoders.tokens import Tokens
from semeia.errors import InputError
from semeia.objectives.guards import covariance_penalty, sigreg, variance_hinge
from semeia.objectives.momentum import momentum_copy, update_momentum
from semeia.objectives.objective import Objective
from semeia.objectives.step import Step
from semeia.ranges import FROM_0, FROM_1, SHARE, require_ranges
from semeia.shapes import Attention, Embeddings, Scalar, TokenKind, TokenValues


@dataclass(frozen=True)
class LatentPredictionSettings:
    """What is predicted, from what, and what keeps it from collapsing.

    Attributes:
        guard: "ema" (moving-average target alone), "ema+vicreg", "vicreg" or "sigreg" (the last two without
            EMA and without stop-gradient).
        target_view: what the target encoder sees around a token: "full", "own_modality", or the "token"
            alone.
        ema: momentum at the first step; it rises linearly to 1 at the last.
        variance: coefficient of the variance hinge.
        covariance: coefficient of the covariance penalty.
        gaussian: coefficient of SIGReg.
        given: modalities that are never hidden, such as the events between two scans: all else is predicted given them.
        centre: whether a running mean of the targets, one a modality, is taken off.
        predictor_dim: width of the predictor.
        predictor_depth: its number of blocks.
        predictor_heads: its number of heads.
        masks: see data/masks.py.
    """

    guard: Literal["ema", "ema+vicreg", "vicreg", "sigreg"] = "ema+vicreg"
    target_view: Literal["full", "own_modality", "token"] = "own_modality"
    ema: float = 0.99
    variance: float = 1.0
    covariance: float = 10.0
    gaussian: float = 10.0
    given: tuple[str, ...] = ()
    centre: bool = True
    predictor_dim: int = 64
    predictor_depth: int = 2
    predictor_heads: int = 4
    masks: MaskSettings = field(default_factory=MaskSettings)

    def __post_init__(self) -> None:
        weights = dict.fromkeys(("variance", "covariance", "gaussian"), FROM_0)
        sizes = dict.fromkeys(("predictor_dim", "predictor_depth", "predictor_heads"), FROM_1)
        require_ranges("jepa", self, {"ema": SHARE, **weights, **sizes})
        if self.predictor_dim % 8 or self.predictor_dim % self.predictor_heads:
            raise InputError(f"jepa: predictor_dim {self.predictor_dim} must be a multiple of 8 and of predictor_heads")


class Predictor(nn.Module):
    """Lead from the context's latents and the place, time and kind of each target to the target's latent."""

    def __init__(self, dim: int, *, kinds: int, settings: LatentPredictionSettings) -> None:
        super().__init__()
        width = settings.predictor_dim
        self.enter = nn.Linear(dim, width)
        self.kind = nn.Parameter(torch.randn(kinds, width) * 0.02)
        self.mask_token = nn.Parameter(torch.randn(width) * 0.02)
        self.blocks = TransformerBlocks(
            width, depth=settings.predictor_depth, heads=settings.predictor_heads, mlp_ratio=2.0
        )
        self.leave = nn.Linear(width, dim)

    def forward(self, context: Tokens, targets: Tokens) -> TokenValues:
        """Predict every token of `targets`, [batch, length, dim]; only their places are read, not
        their x."""
        width = self.enter.out_features
        seen = self.enter(context.x) + self.kind[context.kind] + place_and_time(context.where, context.when, width)
        asked = self.mask_token + self.kind[targets.kind] + place_and_time(targets.where, targets.when, width)
        known = torch.cat([context.present, targets.present], 1)
        attend = known[:, None, :].expand(-1, known.shape[1], -1)
        mixed = self.blocks(torch.cat([seen, asked], 1), attend)
        return self.leave(mixed[:, context.x.shape[1] :])


class LatentPrediction(Objective):
    """The objective. Owns the predictor, the target encoder and the running centre of its targets.

    Args:
        encoder: the context encoder; trained in place.

    Raises:
        InputError: masks cut within a modality whose tokens see across their borders, or all modalities are given.
    """

    def __init__(self, encoder: PatientEncoder, *, settings: LatentPredictionSettings) -> None:
        super().__init__()
        leaky = [name for name, module in encoder.embeddings.items() if not module.maskable]
        if leaky and (settings.masks.block or settings.masks.token):
            raise InputError(
                f"tokens of {', '.join(leaky)} see across their borders: block and token masks would leak; "
                "use modality masks or a patch embedding"
            )
        if set(settings.given) >= set(encoder.kinds):
            raise InputError(f"jepa: given is {', '.join(settings.given)}; nothing is left to predict")
        self.settings = settings
        self.encoder = encoder
        self.uses_ema = settings.guard.startswith("ema")
        self.target_encoder = momentum_copy(encoder) if self.uses_ema else None
        dim = encoder.settings.dim
        self.predictor = Predictor(dim, kinds=len(encoder.kinds), settings=settings)
        self.centre: Embeddings
        self.register_buffer("centre", torch.zeros(len(encoder.kinds), dim))

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """Weighted terms, to be summed: `prediction`, and the guard's."""
        tokens = self.encoder.embed(batch).packed()
        masks = self.masks_of(tokens, step.generator("masks"))
        context = self.encoder.mix(tokens.select(masks.context))
        targets = self.targets(batch)
        if self.settings.centre and self.training:
            self._move_centre(targets, rate=max(0.02, 1 / (step.index + 1)))
        asked = targets.select(masks.target)
        prediction = self.predictor(context, asked)
        terms = {"prediction": prediction_loss(prediction, self._centred(asked), asked)}
        return terms | self._guard(context, step)

    def masks_of(self, tokens: Tokens, generator: torch.Generator) -> Masks:
        """Draw what is seen and what is predicted of some tokens."""
        given = tuple(place for place, name in enumerate(self.encoder.kinds) if name in self.settings.given)
        return draw_masks(
            tokens.present,
            tokens.kind,
            tokens.where,
            tokens.when,
            settings=self.settings.masks,
            generator=generator,
            given=given,
        )

    def targets(self, batch: Batch) -> Tokens:
        """Give layer-normed latents of all tokens, as the target encoder sees them; without gradient under EMA."""
        encoder = self.target_encoder if self.target_encoder is not None else self.encoder
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.uses_ema):
            tokens = encoder.embed(batch).packed()
            mixed = encoder.mix(tokens, attend=visible(tokens, self.settings.target_view))
            return mixed.holding(F.layer_norm(mixed.x, mixed.x.shape[-1:]))

    def predict(self, batch: Batch, masks: Masks) -> tuple[TokenValues, TokenValues]:
        """Give predictions and centred targets in the layout of `encoder.embed`; meaningful at `masks.target`
        only."""
        tokens = self.encoder.embed(batch)
        context = self.encoder.mix(tokens.holding(tokens.x, present=masks.context))
        prediction = self.predictor(context, tokens.holding(tokens.x, present=masks.target))
        encoder = self.target_encoder if self.target_encoder is not None else self.encoder
        tokens = encoder.embed(batch)
        mixed = encoder.mix(tokens, attend=visible(tokens, self.settings.target_view))
        return prediction, self._centred(mixed.holding(F.layer_norm(mixed.x, mixed.x.shape[-1:])))

    def after_step(self, step: Step) -> None:
        """Move the target encoder: xi <- m xi + (1 - m) theta, m rising linearly from `ema` to 1."""
        if self.target_encoder is None:
            return
        momentum = self.settings.ema + (1 - self.settings.ema) * step.progress
        update_momentum(self.target_encoder, self.encoder, momentum=momentum)

    def pretrained(self) -> PatientEncoder:
        """Give what is kept after pretraining: (a copy of) the target encoder where there is one."""
        if self.target_encoder is None:
            return self.encoder
        # A copy that can be trained again: the target encoder itself takes no gradient.
        return copy.deepcopy(self.target_encoder).requires_grad_(True)

    def uncentred(self, prediction: TokenValues, kind: TokenKind) -> TokenValues:
        """Put the mean of the targets of each modality back on predictions: latents as the encoder gives them."""
        return prediction + self.centre[kind] if self.settings.centre else prediction

    def _centred(self, targets: Tokens) -> TokenValues:
        return targets.x - self.centre[targets.kind] if self.settings.centre else targets.x

    def _move_centre(self, targets: Tokens, *, rate: float) -> None:
        with torch.no_grad():
            pooled, there = self.encoder.pool(targets)
            mean = pooled[..., : targets.x.shape[-1]]
            batch_mean = (mean * there[..., None]).sum(0) / there.sum(0).clamp(min=1)[:, None]
            self.centre.lerp_(torch.where(there.any(0)[:, None], batch_mean.float(), self.centre), rate)

    def _guard(self, context: Tokens, step: Step) -> dict[str, Scalar]:
        """Terms on the mean context token of each patient, which I-JEPA alone learns poorly."""
        z = (context.x * context.present[..., None]).sum(1) / context.present.sum(1, keepdim=True)
        guard, settings = self.settings.guard, self.settings
        if guard == "ema":
            return {}
        if guard == "sigreg":
            return {"gaussian": settings.gaussian * sigreg(z, generator=step.generator("slices"))}
        return {
            "variance": settings.variance * variance_hinge(z),
            "covariance": settings.covariance * covariance_penalty(z),
        }


def visible(tokens: Tokens, view: str) -> Attention | None:
    """Say what each token of the target encoder may attend to, [batch, query, key]; None is everything."""
    if view == "full":
        return None
    if view == "own_modality":
        return tokens.kind[:, :, None] == tokens.kind[:, None, :]
    length = tokens.kind.shape[1]
    return torch.eye(length, dtype=torch.bool, device=tokens.x.device).expand(len(tokens.x), -1, -1)


def prediction_loss(prediction: TokenValues, target: TokenValues, asked: Tokens) -> Scalar:
    """Smooth L1 (beta 1): mean over a patient's targets first, so that larger patients do not dominate."""
    error = F.smooth_l1_loss(prediction.float(), target.float(), reduction="none").mean(-1) * asked.present
    count = asked.present.sum(1)
    return (error.sum(1) / count.clamp(min=1)).sum() / (count > 0).sum().clamp(min=1)
