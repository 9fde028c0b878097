"""Set what a model reads and how large it is; and which modalities an archive offers where none are named."""

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from semeia.archive.store import Archive
from semeia.data.crops import CropSettings
from semeia.data.modalities import (
    Demographics,
    Events,
    Picture,
    Record,
    Signal,
    Signatures,
    Table,
    Text,
    Vector,
    Volume,
)
from semeia.data.modalities.volume import readable
from semeia.data.modality import Modality
from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError

AnyModality = Volume | Picture | Table | Record | Events | Demographics | Text | Vector | Signatures | Signal | Modality
Network = Literal["rings", "patches", "conv", "resnet18", "resnet50", "efficientnet_lite0"]


@dataclass(frozen=True)
class ModelSettings:
    """The model.

    Attributes:
        image: how images become tokens: "rings" (centred lesions), "patches" or "conv"; of pictures also "resnet18",
            "resnet50" or "efficientnet_lite0", whose width (512, 2048, 1280) `encoder.dim` must be.
        crop: grid of the images' crops.
        encoder: size of the transformer.
        record: whether the last values of the measurements in the record are read, too (as `record`).
        modalities: what is read, by name; empty: what the archive has, its images by `image` and `crop`.
    """

    image: Network = "rings"
    crop: CropSettings = field(default_factory=CropSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    record: bool = False
    modalities: dict[str, AnyModality] = field(default_factory=dict)

    def modalities_of(self, archive: Archive) -> dict[str, Modality]:
        """Take those named; else images of the more frequent form, the input reader's table, dated vectors, reports."""
        if self.modalities:
            return dict(self.modalities)
        there: dict[str, Modality] = {}
        images = readable(archive, "")
        if images.height:
            flat = images["spacing"].is_null().mean() or 0.0
            there[Volume.called] = self._pictures(archive) if float(flat) > 0.5 else self._volumes()  # pyright: ignore[reportArgumentType]
        if Table().find(archive).height:
            there[Table.called] = Table()
        vectors = archive.table("arrays").filter(pl.col("shape").list.len() == 1)["modality"].unique().sort()
        there |= {name: Vector(source=name) for name in vectors}
        if self.record:
            there[Record.called] = Record()
        if archive.table("reports").height:
            there[Text.called] = Text()  # read only where it is named, or where an objective compares it
        return there

    def _volumes(self) -> Volume:
        if self.image not in ("rings", "patches", "conv"):
            raise InputError(f"model: {self.image} reads pictures, and the archive's images are volumes; take rings")
        return Volume(crop=self.crop, network=self.image)

    def _pictures(self, archive: Archive) -> Picture:
        if self.crop == CropSettings() and self.image == "rings":
            return Picture()
        if self.crop.voxels[0] > 1 or self.image == "rings":
            raise InputError(
                f"{archive.path}: its images are pictures without a spacing, and the model is for volumes; add "
                '--model.image patches --model.crop.voxels "[1, 64, 64]" --model.crop.patch "[1, 8, 8]"'
            )
        return Picture(crop=self.crop, network=self.image)


def imagenet_model(crop: CropSettings) -> ModelSettings:
    """Read pictures by the network of published ImageNet weights, as wide as it is and with nothing behind it."""
    return ModelSettings("efficientnet_lite0", crop, EncoderSettings(dim=1280, depth=0, heads=4))
