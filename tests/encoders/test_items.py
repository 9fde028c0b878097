"""An item's token is its value along its direction."""

import torch

from semeia.encoders.items import ItemEmbedding
from small_batches import READING


def test_a_token_is_linear_in_its_value():
    embedding = ItemEmbedding(8, modality=READING)
    present = torch.tensor([[True, True, True], [True, False, True]])
    values = torch.tensor([[1.0, -2.0, 0.0], [0.5, torch.nan, 3.0]])
    tokens = embedding(values, present)
    for row, item in present.nonzero():
        expected = values[row, item] * embedding.direction[item] + embedding.offset[item]
        torch.testing.assert_close(tokens[row, item], expected)
