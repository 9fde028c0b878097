"""Set transformer blocks from MONAI behind one mask of who may attend to whom."""

from typing import Literal

import torch
from torch import nn

from semeia.encoders.time_distance import LegacyAttention, TimeGate, apart, from_newest
from semeia.shapes import Attention, TokenTime
from semeia.spread import by_rows

Kind = Literal["plain", "time", "time_legacy"]


class TransformerBlocks(nn.Module):
    """Pre-norm blocks and a last normalisation; with `attention` other than plain, times are read, too."""

    def __init__(self, dim: int, *, depth: int, heads: int, mlp_ratio: float, attention: Kind = "plain") -> None:
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
            if attention == "time_legacy":
                block.add_module("attn", LegacyAttention(dim, heads))
        self.attention = attention
        self.gates = nn.ModuleList() if attention == "plain" else nn.ModuleList(TimeGate(heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: torch.Tensor, attend: Attention, when: TokenTime | None = None) -> torch.Tensor:
        """[batch, length, dim] to the same shape. A token may always attend to itself, padding included.

        `attend` is who may attend to whom, [batch, query, key]; only gates read `when`, months before the index date.
        """
        return by_rows(self._mixed, x, attend, *(() if when is None else (when,)))

    def _mixed(self, x: torch.Tensor, attend: Attention, when: TokenTime | None = None) -> torch.Tensor:
        itself = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
        allowed = attend | itself
        if self.attention == "plain" or when is None:
            masks = [allowed[:, None]] * len(self.blocks)
        elif self.attention == "time":
            masks = [gate(apart(when)).masked_fill(~allowed[:, None], -torch.inf) for gate in self.gates]
        else:
            masks = [(allowed[:, None], gate(from_newest(when, allowed)).exp()) for gate in self.gates]
        for block, mask in zip(self.blocks, masks, strict=True):
            x = block(x, attn_mask=mask)
        return self.norm(x)


def blocks_of(network: nn.Module) -> list[nn.Module]:
    """List the transformer blocks of a network, of all its encoders and predictors."""
    return [block for part in network.modules() if isinstance(part, TransformerBlocks) for block in part.blocks]
