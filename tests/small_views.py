"""Batches and encoders small enough for tests: a crop of 4 x 8 x 8 voxels, three items of a reading, 16 wide.

With `gaps`, row 0 has no image, row 1 half of its slices, row 2 no reading, row 3 lacks one item; the rest is
complete. What is absent holds NaN, so that whoever reads it is found out.
"""

from dataclasses import replace

import torch
from torch import nn

from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.encoders.reading import ReadingEmbedding
from semeia.encoders.rings import RingEmbedding
from semeia.encoders.volume import ConvEmbedding, PatchEmbedding
from semeia.views.crops import CropSettings
from semeia.views.patches import patch_places, patch_presence
from semeia.views.patient import OTHER, View, Views

CROP = CropSettings(voxels=(4, 8, 8), patch=(2, 2, 2))
ITEMS = 3
SMALL = EncoderSettings(dim=16, depth=2, heads=2)
IMAGE = {"patches": PatchEmbedding, "rings": RingEmbedding, "conv": ConvEmbedding}


def small_views(
    batch: int = 6, *, image: str = "patches", seed: int = 0, gaps: bool = True, crop: CropSettings = CROP
) -> Views:
    """Image and reading of some patients, labels alternating."""
    generator = torch.Generator().manual_seed(seed)
    volumes = torch.rand(batch, *crop.voxels, generator=generator)
    values = torch.randn(batch, ITEMS, generator=generator)
    covered = torch.ones(batch, crop.voxels[0], dtype=torch.bool)
    there = torch.ones(batch, ITEMS, dtype=torch.bool)
    if gaps:
        covered[0] = False
        covered[1, : crop.voxels[0] // 2] = False
        there[2] = False
        there[3, 1] = False
    geometry = "rings" if image == "rings" else "patches"
    pictures = View(
        values=volumes.masked_fill(~covered[:, :, None, None], torch.nan),
        present=patch_presence(covered, crop, geometry),
        where=patch_places(crop, geometry).expand(batch, -1, -1),
    )
    where = torch.zeros(batch, ITEMS, 3)
    where[..., 0] = torch.arange(ITEMS)
    readings = View(values=values.masked_fill(~there, torch.nan), present=there, where=where)
    return Views({"image": pictures, "reading": readings}, labels=(torch.arange(batch) % 2).float())


def with_other_look(views: Views, *, noise: float = 0.05) -> Views:
    """The same views and a second look at each image, `image@2`: the first one and a little noise. Row 1 has none."""
    first = views.modalities["image"]
    generator = torch.Generator().manual_seed(len(views))
    there = first.present & (torch.arange(len(views)) != 1)[:, None]
    values = first.values + noise * torch.randn(first.values.shape, generator=generator)
    other = replace(first, values=values, present=there)
    return replace(views, modalities={**views.modalities, "image" + OTHER: other})


def with_reports(views: Views) -> Views:
    """The same views and a report of up to four words. Rows 2 and 4 say the same; row 3 has no report."""
    words = torch.arange(len(views) * 4).reshape(-1, 4) % 11 + 1
    there = torch.arange(4) < torch.tensor([[2 + row % 3] for row in range(len(views))])
    if len(views) > 4:
        words[4], there[4] = words[2], there[2]
        there[3] = False
    where = torch.zeros(len(views), 4, 3)
    where[..., 0] = torch.arange(4)
    report = View(values=words.masked_fill(~there, 0), present=there, where=where)
    return replace(views, modalities={**views.modalities, "report": report})


class SmallText(nn.Module):
    """A report as the mean of its words' vectors."""

    dim = 12

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(12, self.dim)

    def forward(self, view: View) -> torch.Tensor:
        weight = view.present.float()[..., None]
        return (self.words(view.values) * weight).sum(1) / weight.sum(1).clamp(min=1)


def rows(views: Views, chosen: list[int]) -> Views:
    """Some patients of a batch, in the order given."""
    modalities = {
        name: View(
            values=view.values[chosen],
            present=view.present[chosen],
            where=view.where[chosen],
            when=None if view.when is None else view.when[chosen],
        )
        for name, view in views.modalities.items()
    }
    return Views(modalities, labels=None if views.labels is None else views.labels[chosen])


def small_encoder(
    image: str = "patches",
    *,
    seed: int = 0,
    crop: CropSettings = CROP,
    modalities: tuple[str, ...] = ("image", "reading"),
) -> PatientEncoder:
    """A patient encoder for `small_views`, of all its modalities or some."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        embeddings: dict[str, nn.Module] = {
            "image": IMAGE[image](SMALL.dim, crop=crop),
            "reading": ReadingEmbedding(SMALL.dim, items=ITEMS),
        }
        return PatientEncoder({name: embeddings[name] for name in modalities}, settings=SMALL)
