"""Pool many tokens: mean and spread of each modality, and the means of the cells of its field of view.

The mean alone loses how far tokens spread, and with it the size of a lesion; both lose where they lie. Where pictures
are taken in one position, as radiographs of a joint are, the cells keep that, and a linear head can weigh places apart.
"""

from math import prod

import torch

from semeia.encoders.tokens import Tokens
from semeia.shapes import ModalityMask, Pooled, TokenMembers

Cells = tuple[int, int, int]
WHOLE: Cells = (1, 1, 1)


def statistics(cells: Cells) -> int:
    """Count the statistics, each as wide as a token, `pool` lays side by side."""
    return 2 + (prod(cells) if cells != WHOLE else 0)


def pool(tokens: Tokens, *, kinds: int, cells: Cells = WHOLE) -> tuple[Pooled, ModalityMask]:
    """Take statistics of each modality's tokens, [batch, modality, statistics * dim], and say if it has any.

    Padding reaches none. A cell (along depth, height and width of what is there) without a token has the mean of all.
    """
    numbers = torch.arange(kinds, device=tokens.x.device)
    member = (tokens.kind[:, None, :] == numbers[:, None]) & tokens.present[:, None, :]
    count = member.sum(-1, keepdim=True).clamp(min=1)
    weight, x = member.float(), tokens.x.float()
    # In float32 under autocast, too: the variance is a difference of two means.
    with torch.autocast(x.device.type, enabled=False):
        mean = (weight @ x) / count
        variance = (weight @ x.square()) / count - mean.square()
        parts = [mean, (variance.clamp(min=0) + 1e-5).sqrt()]
        if cells != WHOLE:
            cell = cell_of(tokens, member, cells)
            for number in range(prod(cells)):
                inside = member & (cell == number)
                size = inside.sum(-1, keepdim=True)
                parts.append(torch.where(size > 0, (inside.float() @ x) / size.clamp(min=1), mean))
    return torch.cat(parts, -1), member.any(-1)


def cell_of(tokens: Tokens, member: TokenMembers, cells: Cells) -> torch.Tensor:
    """Say in which cell each token lies, [batch, modality, length]: equal parts of what each modality's tokens span."""
    where = tokens.where.float()[:, None]
    low = where.masked_fill(~member[..., None], torch.inf).amin(2, keepdim=True)
    high = where.masked_fill(~member[..., None], -torch.inf).amax(2, keepdim=True)
    share = torch.where(high > low, (where - low) / (high - low), 0.5)
    # A hair towards the middle, so that a token on a border lies in the same cell in a picture and in its mirror image.
    share = 0.5 + (share - 0.5) * (1 - 1e-4)
    numbers = torch.tensor(cells, device=where.device)
    index = (share * numbers).long().clamp(min=0).minimum(numbers - 1)
    return (index[..., 0] * cells[1] + index[..., 1]) * cells[2] + index[..., 2]
