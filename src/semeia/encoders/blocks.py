"""Set transformer blocks from MONAI behind one mask of who may attend to whom."""

import torch
from torch import nn

from semeia.shapes import Attention


class TransformerBlocks(nn.Module):
    """Pre-norm blocks and a last normalisation."""

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
