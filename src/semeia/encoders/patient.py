"""Encode a patient: tokens of any modalities and visits in one sequence, mixed by pre-norm transformer blocks.

`embed` makes tokens that do not know each other; `mix` lets them. The seam between the two is where
joint-embedding prediction cuts: the context encoder mixes the kept tokens, the target encoder mixes them all.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from semeia.data.batch import Batch, Seen
from semeia.encoders.blocks import Kind, TransformerBlocks
from semeia.encoders.pooling import WHOLE, Cells, pool, statistics
from semeia.encoders.position import place_and_time
from semeia.encoders.present import of_present
from semeia.encoders.tokens import Tokens, join
from semeia.errors import InputError
from semeia.ranges import ABOVE_0, FROM_0, FROM_1, require_ranges
from semeia.shapes import Attention, ModalityMask, Pooled, TokenValues


@dataclass(frozen=True)
class EncoderSettings:
    """Size of the transformer. The default is small: archives here hold hundreds of patients, not millions.

    Attributes:
        dim: width of a token; a multiple of 8 and of `heads`.
        depth: number of blocks.
        heads: of attention, in each block.
        mlp_ratio: width of a block's hidden layer, as a multiple of `dim`.
        mixing: "together": one transformer over the tokens of all modalities; "apart": one each (encoders/fusion.py);
            "cross" and "symmetric": those, fused by cross-attention, which fine-tuning adds and only labels train.
        fusion_depth: number of fusion blocks, where there are any.
        attention: "plain"; "time": each head fades with the months between two tokens; "time_legacy": as in the
            published code (encoders/time_distance.py). Only of one transformer over all.
    """

    dim: int = 64
    depth: int = 2
    heads: int = 4
    mlp_ratio: float = 2.0
    mixing: Literal["together", "apart", "cross", "symmetric"] = "together"
    fusion_depth: int = 6
    attention: Kind = "plain"

    def __post_init__(self) -> None:
        require_ranges("encoder", self, {"dim": FROM_1, "depth": FROM_0, "heads": FROM_1, "mlp_ratio": ABOVE_0})
        require_ranges("encoder", self, {"fusion_depth": FROM_1})
        if self.attention != "plain" and self.mixing != "together":
            raise InputError(f'encoder: attention "{self.attention}" is of one transformer; set mixing to "together"')
        if self.dim % 8 or self.dim % self.heads:
            raise InputError(f"encoder: dim {self.dim} must be a multiple of 8 and of heads ({self.heads})")


class PatientEncoder(nn.Module):
    """Embed each modality, add place, time and kind, and mix what is present.

    Args:
        embeddings: one module a modality, with `maskable`: `(values, present) -> tokens`, [n, channel, ...] and
            [n, length] to [n, length, dim].
    """

    def __init__(self, embeddings: dict[str, nn.Module], *, settings: EncoderSettings) -> None:
        super().__init__()
        self.kinds = tuple(embeddings)
        self.settings = settings
        self.embeddings = nn.ModuleDict(embeddings)
        self.kind = nn.Parameter(torch.randn(len(self.kinds), settings.dim) * 0.02)
        self.blocks = self._mixer()

    @property
    def parts(self) -> tuple[str, ...]:
        """Name what `pool` reads apart: the modalities."""
        return self.kinds

    def _mixer(self) -> nn.Module:
        size, sizes = self.settings, {"depth": self.settings.depth, "heads": self.settings.heads}
        return TransformerBlocks(size.dim, **sizes, mlp_ratio=size.mlp_ratio, attention=size.attention)

    def embed(self, batch: Batch) -> Tokens:
        """Make tokens that do not know each other yet, in the order of the modalities, visit by visit."""
        known = {name: batch.modalities[name] for name in self.kinds if name in batch.modalities}
        if not known:
            raise InputError(f"none of the modalities {', '.join(self.kinds)} is given")
        # Of what this encoder reads: a patient with other modalities only would have no token.
        if not torch.compiler.is_exporting():  # a graph has no errors
            Batch(known).require_something()
        return join([self._tokens(name, seen) for name, seen in known.items()])

    def _tokens(self, name: str, seen: Seen) -> Tokens:
        index, (_, visits, length) = self.kinds.index(name), seen.present.shape
        present, where = seen.present.flatten(1, 2), seen.where.flatten(1, 2)
        when = seen.when[:, :, None].expand(-1, -1, length).flatten(1, 2)
        x = self._embedded(name, seen).unflatten(0, (-1, visits)).flatten(1, 2) + self.kind[index]
        x = x + place_and_time(where, when, self.settings.dim)
        kind = torch.full_like(present, index, dtype=torch.long)
        return Tokens(x=x, present=present, kind=kind, where=where, when=when)

    def _embedded(self, name: str, seen: Seen) -> TokenValues:
        """Embed every visit of every patient, [batch * visit, length, dim]."""
        values, present = seen.values.flatten(0, 1), seen.present.flatten(0, 1)
        there = present.any(1)
        if not torch.compiler.is_exporting() and not bool(there.any()):
            return self.kind.new_zeros(*present.shape, self.settings.dim)
        return of_present(self.embeddings[name], there, values, present)

    def only(self, names: tuple[str, ...]) -> "PatientEncoder":
        """Make the encoder of some of the modalities, with the same weights."""
        kept = [name for name in self.kinds if name in names]
        smaller = type(self)({name: self.embeddings[name] for name in kept}, settings=self.settings)
        with torch.no_grad():
            smaller.kind.copy_(self.kind[[self.kinds.index(name) for name in kept]])
        smaller.blocks = self.blocks
        return smaller.train(self.training)

    def mix(self, tokens: Tokens, *, attend: Attention | None = None) -> Tokens:
        """Let tokens see each other: all present ones, or of those what `attend` [batch, query, key]
        says."""
        seen = tokens.present[:, None, :].expand(-1, tokens.present.shape[1], -1)
        return replace(tokens, x=self.blocks(tokens.x, seen if attend is None else seen & attend, tokens.when))

    def forward(self, batch: Batch) -> Tokens:
        """Make contextual tokens of everything that is present, without padding in between."""
        return self.mix(self.embed(batch).packed())

    def pooled_width(self, cells: Cells = WHOLE) -> int:
        """Of what `pool` gives for each modality."""
        return self.settings.dim * statistics(cells)

    def pool(self, tokens: Tokens, *, cells: Cells = WHOLE) -> tuple[Pooled, ModalityMask]:
        """Read the tokens of each of `parts` (encoders/pooling.py), [batch, part, pooled_width], and say if any are."""
        return pool(tokens, kinds=len(self.parts), cells=cells)
