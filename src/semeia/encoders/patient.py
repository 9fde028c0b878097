"""The patient encoder: tokens of any modalities in one sequence, mixed by pre-norm transformer blocks from
MONAI.

`embed` makes tokens that do not know each other; `mix` lets them. The seam between the two is where
joint-embedding prediction cuts: the context encoder mixes the kept tokens, the target encoder mixes them all.
"""

from dataclasses import dataclass, replace

import torch
from torch import nn

from semeia.encoders.pooling import WHOLE, Cells, pool, statistics
from semeia.encoders.position import place_and_time
from semeia.encoders.tokens import Tokens, join
from semeia.errors import InputError
from semeia.ranges import ABOVE_0, FROM_0, FROM_1, require_ranges
from semeia.shapes import Attention, ModalityMask, Pooled
from semeia.views.patient import Views


@dataclass(frozen=True)
class EncoderSettings:
    """Size of the transformer. The default is small: archives here hold hundreds of patients, not millions.

    Attributes:
        dim: width of a token; a multiple of 8 and of `heads`.
        depth: number of blocks.
        heads: of attention, in each block.
        mlp_ratio: width of a block's hidden layer, as a multiple of `dim`.
    """

    dim: int = 64
    depth: int = 2
    heads: int = 4
    mlp_ratio: float = 2.0

    def __post_init__(self) -> None:
        require_ranges("encoder", self, {"dim": FROM_1, "depth": FROM_0, "heads": FROM_1, "mlp_ratio": ABOVE_0})
        if self.dim % 8 or self.dim % self.heads:
            raise InputError(f"encoder: dim {self.dim} must be a multiple of 8 and of heads ({self.heads})")


class TransformerBlocks(nn.Module):
    """MONAI blocks behind one mask of who may attend to whom."""

    def __init__(self, dim: int, *, depth: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        from monai.networks.blocks.transformerblock import TransformerBlock

        # Dropout stays 0: MONAI's fused attention would apply it in evaluation, too.
        self.blocks = nn.ModuleList(
            TransformerBlock(dim, int(dim * mlp_ratio), heads, qkv_bias=True, use_flash_attention=True)
            for _ in range(depth)
        )
        for block in self.blocks:
            # MONAI makes these even where there is no cross-attention: parameters no gradient would reach.
            block.add_module("norm_cross_attn", nn.Identity())
            block.add_module("cross_attn", nn.Identity())
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: torch.Tensor, attend: Attention) -> torch.Tensor:
        """[batch, length, dim] to the same shape. A token may always attend to itself, padding included."""
        itself = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
        allowed = (attend | itself)[:, None]
        for block in self.blocks:
            x = block(x, attn_mask=allowed)
        return self.norm(x)


class PatientEncoder(nn.Module):
    """Embeds each modality, adds place, time and kind, and mixes what is present.

    Args:
        embeddings: one module a modality, `View -> [batch, length, dim]`, with `maskable`.
        settings: size of the transformer.
    """

    def __init__(self, embeddings: dict[str, nn.Module], *, settings: EncoderSettings) -> None:
        super().__init__()
        self.kinds = tuple(embeddings)
        self.settings = settings
        self.embeddings = nn.ModuleDict(embeddings)
        self.kind = nn.Parameter(torch.randn(len(self.kinds), settings.dim) * 0.02)
        self.blocks = TransformerBlocks(
            settings.dim, depth=settings.depth, heads=settings.heads, mlp_ratio=settings.mlp_ratio
        )

    def embed(self, views: Views) -> Tokens:
        """Tokens that do not know each other yet, in the order of the modalities."""
        known = {name: views.modalities[name] for name in self.kinds if name in views.modalities}
        if not known:
            raise InputError(f"none of the modalities {', '.join(self.kinds)} is given")
        # Of what this encoder reads: a patient with other modalities only would have no token.
        Views(known).require_something()
        parts = []
        for name, view in known.items():
            index = self.kinds.index(name)
            when = torch.zeros_like(view.present, dtype=torch.float32) if view.when is None else view.when
            x = self.embeddings[name](view) + self.kind[index]
            x = x + place_and_time(view.where, when, self.settings.dim)
            kind = torch.full_like(view.present, index, dtype=torch.long)
            parts.append(Tokens(x=x, present=view.present, kind=kind, where=view.where, when=when))
        return join(parts)

    def mix(self, tokens: Tokens, *, attend: Attention | None = None) -> Tokens:
        """Lets tokens see each other: all present ones, or of those what `attend` [batch, query, key]
        says."""
        seen = tokens.present[:, None, :].expand(-1, tokens.present.shape[1], -1)
        return replace(tokens, x=self.blocks(tokens.x, seen if attend is None else seen & attend))

    def forward(self, views: Views) -> Tokens:
        """Contextual tokens of everything that is present, without padding in between."""
        return self.mix(self.embed(views).packed())

    def pooled_width(self, cells: Cells = WHOLE) -> int:
        """Of what `pool` gives for each modality."""
        return self.settings.dim * statistics(cells)

    def pool(self, tokens: Tokens, *, cells: Cells = WHOLE) -> tuple[Pooled, ModalityMask]:
        """What is read of each modality's tokens (encoders/pooling.py), [batch, modality, pooled_width], and if it has
        any."""
        return pool(tokens, kinds=len(self.kinds), cells=cells)
