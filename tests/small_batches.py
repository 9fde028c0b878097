"""Batches and encoders small enough for tests: a crop of 4 x 8 x 8 voxels, three items of a reading, 16 wide.

With `gaps`, row 0 has no image, row 1 half of its slices, row 2 no reading, row 3 lacks one item; the rest is
complete. What is absent holds NaN, so that whoever reads it is found out.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from semeia.data.batch import Batch, Seen
from semeia.data.crops import CropSettings
from semeia.data.fingerprint import Fingerprint
from semeia.data.modalities import Picture, Table, Text, Volume
from semeia.data.modalities.table import ItemScale
from semeia.data.modalities.text import Vocabulary
from semeia.data.modality import Modality
from semeia.data.preprocessing import Preprocessing
from semeia.encoders.build import build_encoder
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.objectives.objective import Objective
from semeia.objectives.step import Step
from semeia.shapes import Scalar

CROP = CropSettings(voxels=(4, 8, 8), patch=(2, 2, 2))
ITEMS = 3
SMALL = EncoderSettings(dim=16, depth=2, heads=2)
READING = Table(fitted=ItemScale((0.0,) * ITEMS, (1.0,) * ITEMS, ("a", "b", "c")))
WORDS = Vocabulary.fit([" ".join("abcdefghij")], least=1)
REPORT = Text(length=4, depth=1, fitted=WORDS)


def image_of(network: str = "patches", crop: CropSettings = CROP) -> Volume:
    """The images' modality; crops one plane deep are pictures."""
    return (Picture if crop.voxels[0] == 1 else Volume)(crop=crop, network=network)  # pyright: ignore[reportArgumentType]


def seen(modality: Modality, values: Tensor, mask: Tensor | None = None) -> Seen:
    """One visit of a modality, at the index date; everything is there by default."""
    length = len(modality.places(0)) or values.shape[1]
    present = torch.ones(len(values), length, dtype=torch.bool) if mask is None else modality.present(mask)
    where = modality.places(present.shape[1]).expand(len(values), 1, -1, -1)
    return Seen(values[:, None], present[:, None], where, torch.zeros(len(values), 1))


def small_batch(
    batch: int = 6, *, image: str = "patches", seed: int = 0, gaps: bool = True, crop: CropSettings = CROP
) -> Batch:
    """Image and reading of some patients, labels alternating."""
    generator = torch.Generator().manual_seed(seed)
    volumes = torch.rand(batch, 1, *crop.voxels, generator=generator)
    values = torch.randn(batch, ITEMS, generator=generator)
    covered = torch.ones(batch, crop.voxels[0], dtype=torch.bool)
    there = torch.ones(batch, ITEMS, dtype=torch.bool)
    if gaps:
        covered[0] = False
        covered[1, : crop.voxels[0] // 2] = False
        there[2] = False
        there[3, 1] = False
    images = seen(image_of(image, crop), volumes.masked_fill(~covered[:, None, :, None, None], torch.nan), covered)
    readings = seen(READING, values.masked_fill(~there, torch.nan), there)
    return Batch({"image": images, "reading": readings}, labels=(torch.arange(batch) % 2).float())


def with_second_view(batch: Batch, *, noise: float = 0.05) -> Batch:
    """The same batch and a second view of each image: the first one and a little noise. Row 1 has none."""
    generator = torch.Generator().manual_seed(len(batch))
    second = {}
    for name in ("image", "nbi"):
        if name in batch.modalities:
            first = batch.modalities[name]
            there = first.present & (torch.arange(len(batch)) != 1)[:, None, None]
            values = first.values + noise * torch.randn(first.values.shape, generator=generator)
            second[name] = replace(first, values=values, present=there)
    return replace(batch, second=second)


def with_nbi(batch: Batch, *, gap: int = 3) -> Batch:
    """The same batch and another modality of the same scenes: the negative of each image. The row `gap` has none."""
    image = batch.modalities["image"]
    generator = torch.Generator().manual_seed(len(batch) + 1)
    values = 1 - image.values.nan_to_num(0.3) + 0.05 * torch.randn(image.values.shape, generator=generator)
    gone = torch.arange(len(batch)) == gap
    values = values.masked_fill(gone[:, None, None, None, None, None], torch.nan)
    nbi = replace(image, values=values, present=torch.ones_like(image.present)).hidden(gone)
    return replace(batch, modalities={**batch.modalities, "nbi": nbi})


def with_reports(batch: Batch) -> Batch:
    """The same batch and a report of up to four words. Rows 2 and 4 say the same; row 3 has no report."""
    words = torch.arange(len(batch) * 4).reshape(-1, 4) % 9 + 2
    there = torch.arange(4) < torch.tensor([[2 + row % 3] for row in range(len(batch))])
    if len(batch) > 4:
        words[4], there[4] = words[2], there[2]
        there[3] = False
    report = seen(REPORT, words.masked_fill(~there, 0), there)
    return replace(batch, modalities={**batch.modalities, "report": report})


def with_visits(batch: Batch, *, months: tuple[float, ...] = (0.0, 6.5), seed: int = 5) -> Batch:
    """Several visits of every modality, each a little other than the newest; row 5 has the newest only."""
    generator = torch.Generator().manual_seed(seed)
    modalities = {}
    for name, one in batch.modalities.items():
        times = len(months)
        noise = 0.1 * torch.randn(len(batch), times, *one.values.shape[2:], generator=generator)
        repeated = one.values.expand(-1, times, *one.values.shape[2:])
        values = repeated + noise if repeated.is_floating_point() else repeated
        present = one.present.expand(-1, times, -1).clone()
        present[5:, 1:] = False
        where = one.where.expand(-1, times, -1, -1)
        modalities[name] = Seen(values, present, where, torch.tensor(months).expand(len(batch), -1))
    return replace(batch, modalities=modalities)


def rows(batch: Batch, chosen: list[int]) -> Batch:
    """Some patients of a batch, in the order given."""
    keep = torch.tensor(chosen)
    return Batch(
        {name: one.rows(keep) for name, one in batch.modalities.items()},
        labels=None if batch.labels is None else batch.labels[keep],
        second={name: one.rows(keep) for name, one in batch.second.items()},
    )


def small_preprocessing(
    image: str = "patches", *, crop: CropSettings = CROP, modalities: tuple[str, ...] = ("image", "reading")
) -> Preprocessing:
    """Fitted modalities as `small_batch` and `with_reports` give them."""
    known: dict[str, Modality] = {
        "image": image_of(image, crop),
        "nbi": image_of(image, crop),
        "reading": READING,
        "report": REPORT,
    }
    return Preprocessing({name: known[name] for name in modalities}, Fingerprint(()))


def small_encoder(
    image: str = "patches",
    *,
    seed: int = 0,
    crop: CropSettings = CROP,
    modalities: tuple[str, ...] = ("image", "reading"),
    mixing: str = "together",
) -> PatientEncoder:
    """A patient encoder for `small_batch`, of all its modalities or some."""
    preprocessing = small_preprocessing(image, crop=crop, modalities=modalities)
    settings = replace(SMALL, mixing=mixing, fusion_depth=2)  # pyright: ignore[reportArgumentType]
    return build_encoder(settings, preprocessing, seed=seed)


class Fragile(Objective):
    """One weight, whose loss or gradient stops being a number at step 5."""

    def __init__(self, breaks: str) -> None:
        super().__init__()
        self.encoder = PatientEncoder({}, settings=EncoderSettings(dim=8, depth=0, heads=1))
        self.weight = nn.Parameter(torch.ones(1))
        self.breaks = breaks

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        value = self.weight.square().sum()
        if step.index == 5 and self.breaks == "loss":
            value = value * float("nan")
        if step.index == 5 and self.breaks == "gradient":
            value = value + (value - value).sqrt()  # 0, with an infinite slope
        return {"square": value}
