"""Cells of the field of view: each token in one of equal parts of what is there; a mirror image has mirrored cells."""

import pytest
import torch

from semeia.encoders.pooling import WHOLE, Cells, pool, statistics
from semeia.encoders.tokens import Tokens, join


def grid_tokens(rows: int, columns: int, *, dim: int = 3) -> Tokens:
    """Two pictures as rows of tokens a millimetre apart, centred."""
    torch.manual_seed(0)
    y, x = torch.meshgrid(torch.arange(rows) - (rows - 1) / 2, torch.arange(columns) - (columns - 1) / 2, indexing="ij")
    where = torch.stack([torch.zeros_like(x), y, x], -1).flatten(0, 1).expand(2, -1, -1)
    length = rows * columns
    there = torch.ones(2, length, dtype=torch.bool)
    return Tokens(torch.randn(2, length, dim), there, torch.zeros(2, length, dtype=torch.long), where, where[..., 0])


def absent(tokens: Tokens) -> Tokens:
    return tokens.holding(tokens.x * 100, present=torch.zeros_like(tokens.present))


def test_cells_are_means_of_equal_parts():
    tokens = grid_tokens(4, 6)
    pooled, there = pool(tokens, kinds=1, cells=(1, 2, 3))
    assert pooled.shape == (2, 1, 3 * statistics((1, 2, 3)))
    assert there.all()
    picture = tokens.x.unflatten(1, (4, 6))
    parts = picture.unfold(1, 2, 2).unfold(2, 2, 2).mean((-1, -2)).flatten(1)
    torch.testing.assert_close(pooled[:, 0, 6:], parts)


@pytest.mark.parametrize("columns", [5, 6, 7, 14])
def test_the_cells_of_a_mirror_image_are_mirrored(columns: int):
    tokens = grid_tokens(4, columns)
    mirrored = tokens.holding(tokens.x.unflatten(1, (4, columns)).flip(2).flatten(1, 2))
    one, other = (
        pool(each, kinds=1, cells=(1, 2, 3))[0][:, 0, 6:].unflatten(1, (2, 3, 3)) for each in (tokens, mirrored)
    )
    torch.testing.assert_close(one.flip(2), other)


def test_whole_is_the_cell_that_is_not_read_apart():
    tokens = grid_tokens(3, 3)
    assert statistics(WHOLE) == 2
    whole, _ = pool(tokens, kinds=1)
    more, _ = pool(tokens, kinds=1, cells=(1, 1, 2))
    torch.testing.assert_close(more[..., : whole.shape[-1]], whole)


@pytest.mark.parametrize("cells", [WHOLE, (1, 2, 3), (2, 1, 1)])
def test_absent_tokens_and_absent_modalities_change_nothing(cells: Cells):
    tokens = grid_tokens(4, 6)
    alone, there = pool(tokens, kinds=2, cells=cells)
    assert there.tolist() == [[True, False]] * 2
    assert alone.isfinite().all()
    padded, _ = pool(join([absent(tokens), tokens, absent(tokens)]), kinds=2, cells=cells)
    torch.testing.assert_close(padded, alone)


def test_a_cell_without_a_token_has_the_mean_of_all():
    tokens = grid_tokens(1, 2)
    pooled, _ = pool(tokens, kinds=1, cells=(1, 1, 3))
    left, middle, right = pooled[:, 0, 6:].unflatten(1, (3, 3)).unbind(1)
    torch.testing.assert_close(middle, tokens.x.mean(1))
    torch.testing.assert_close(torch.stack([left, right], 1), tokens.x)
