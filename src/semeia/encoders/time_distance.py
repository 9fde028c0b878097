"""Let attention fade with the time between two tokens, by a gate that each head learns (time-distance attention).

The gate is sigmoid(|c| - |a| dt), with dt the months between query and key. Here its logarithm is added to the logits,
so that what is masked stays masked and negative logits survive. The form of MASILab/time-distance-transformer, kept to
be compared with, multiplies ReLU(q.k) by a gate of the query's distance to the newest token, which all keys share.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from semeia.shapes import Attention, TokenTime, TokenValues

LONGEST_START = 12.0  # months: the largest |c| at the start; |a| begins below 1


class TimeGate(nn.Module):
    """What a head makes of a time in months: two numbers each."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.rand(heads))
        self.reach = nn.Parameter(LONGEST_START * torch.rand(heads))

    def forward(self, months: Float[Tensor, "batch query key"]) -> Float[Tensor, "batch head query key"]:
        """Give the logarithm of the gate."""
        slope, reach = self.slope.abs()[:, None, None], self.reach.abs()[:, None, None]
        return F.logsigmoid(reach - slope * months.float()[:, None])


def apart(when: TokenTime) -> Float[Tensor, "batch query key"]:
    """Months between each two tokens."""
    return (when[:, :, None] - when[:, None, :]).abs()


def from_newest(when: TokenTime, allowed: Attention) -> Float[Tensor, "batch query key"]:
    """Months from each query to the newest token that it may see; the same for all keys."""
    newest = torch.where(allowed, when[:, None, :], torch.inf).amin(2)
    return (when - newest).abs()[:, :, None].expand_as(allowed)


class LegacyAttention(nn.Module):
    """Attention by ReLU(q.k) times a gate, as MASILab/time-distance-transformer has it."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out_proj = nn.Linear(dim, dim)

    def forward(self, x: TokenValues, attn_mask: tuple[Tensor, Tensor]) -> TokenValues:
        """Tokens, who may attend to whom [batch, 1, query, key] and the gate [batch, head, query, key], to tokens."""
        allowed, gate = attn_mask
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        score = torch.relu(query @ key.transpose(2, 3)) * gate / query.shape[-1] ** 0.5
        weight = score.masked_fill(~allowed, -torch.inf).softmax(-1)
        return self.out_proj((weight.to(value.dtype) @ value).transpose(1, 2).flatten(2))
