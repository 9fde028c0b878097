"""Map where an image holds what an output depends on: squares of it are hidden in turn, and the output is watched.

Occlusion (Zeiler and Fergus 2014), not a gradient times the input: the gradient is that of one point, where sigmoid,
ReLU6 and attention may be flat; times the input it is 0 wherever the picture is black, however much the darkness tells;
and maps of that kind can stay the same when the weights are drawn anew (Adebayo et al. 2018). Hiding measures what it
says, at the price of one pass a square. What is said twice, in two squares that are never hidden together, it misses.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.encoders.pooling import WHOLE, Cells
from semeia.errors import InputError
from semeia.shapes import Labels, ModalityMask, Pictures, Pooled

Maps = Float[Tensor, "batch height width"]
Output = Float[Tensor, " batch"]
AT_ONCE = 32  # pictures in a pass, unless the batch has more


@torch.no_grad()
def saliency(
    encoder: PatientEncoder,
    head_logit: Callable[[Pooled, ModalityMask], Output],
    batch: Batch,
    *,
    modality: str,
    cells: Cells = WHOLE,
    size: int = 16,
) -> Maps:
    """Measure how much one output depends on each place of the pictures, as a share of the place it depends on most.

    Args:
        head_logit: from what the encoder pools, [batch, modality, dim], to one output, [batch].
        modality: the pictures, or volumes, of which columns through all planes are hidden; of several visits the
            newest is looked into.
        cells: that the output reads (encoders/pooling.py).
        size: edge of the hidden squares in pixels; they overlap by half.

    Returns:
        [batch, height, width] in [0, 1]; 0 throughout where there is no picture, or where nothing depends on it.

    Raises:
        InputError: It is no image, or `size` is below 2.
    """
    seen = batch.modalities[modality]
    newest = seen.values[:, 0]
    if newest.ndim != 5 or size < 2:
        raise InputError("maps are of images, by squares of 2 pixels or more")
    # What is absent may hold anything, and is not read; a NaN there must not reach the map.
    there = seen.present[:, 0].any(1)[:, None, None, None]
    pictures = newest.flatten(1, 2).nan_to_num().masked_fill(~there, 0.0)

    def output(values: Pictures) -> Labels:
        """Of so many rows, each row of the batch in turn and over again."""
        again = torch.arange(len(values), device=values.device) % len(batch)
        shown = {name: one.rows(again) for name, one in batch.modalities.items()}
        earlier = shown[modality].values[:, 1:]
        changed = torch.cat([values.unflatten(1, newest.shape[1:3])[:, None], earlier], 1)
        shown[modality] = replace(shown[modality], values=changed)
        return head_logit(*encoder.pool(encoder(Batch(shown)), cells=cells))

    was_training = encoder.training
    encoder.eval()
    try:
        change = change_where_hidden(output, pictures, size)
    finally:
        encoder.train(was_training)
    return change / change.amax((1, 2), keepdim=True).clamp(min=torch.finfo(change.dtype).tiny)


def change_where_hidden(output: Callable[[Pictures], Output], pictures: Pictures, size: int) -> Maps:
    """Take the mean absolute change of `output` over the squares that cover a pixel, [batch, height, width].

    Several squares are hidden in one pass, each in a copy of the pictures: of few pictures a pass costs little more.
    """
    before = output(pictures)
    # The picture's own mean: black or white would be news to the network.
    mean = pictures.mean((1, 2, 3), keepdim=True)
    change, hidden = torch.zeros_like(pictures[:, 0]), torch.zeros_like(pictures[:, 0])
    down, across = (stretches(pictures.shape[axis], size) for axis in (2, 3))
    squares = [(rows, columns) for rows in down for columns in across]
    together = max(AT_ONCE // max(len(pictures), 1), 1)
    for start in range(0, len(squares), together):
        some = squares[start : start + together]
        without = pictures.repeat(len(some), 1, 1, 1)
        for copy, (rows, columns) in zip(without.split(len(pictures)), some, strict=True):
            copy[:, :, rows, columns] = mean
        for (rows, columns), after in zip(some, output(without).split(len(pictures)), strict=True):
            change[:, rows, columns] += (before - after).abs()[:, None, None]
            hidden[:, rows, columns] += 1
    return change / hidden


def stretches(length: int, size: int) -> list[slice]:
    """Cut stretches of `size` that overlap by half.

    The first and last reach beyond the border, so that pixels there are hidden as often as others.
    """
    step = size // 2
    return [slice(max(start, 0), start + size) for start in range(step - size, length, step)]
