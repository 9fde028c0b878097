"""From names to networks: the one place that knows which embedding reads which modality.

A new embedding is one new file and one line in `IMAGE_EMBEDDINGS`.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch
from torch import nn

from semeia.encoders.efficientnet import EfficientNetEmbedding
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.encoders.reading import ReadingEmbedding
from semeia.encoders.resnet import ResNetEmbedding
from semeia.encoders.rings import RingEmbedding
from semeia.encoders.volume import ConvEmbedding, PatchEmbedding
from semeia.views.crops import CropSettings
from semeia.views.preprocessing import Geometry, Preprocessing

IMAGE_EMBEDDINGS = {
    "rings": RingEmbedding,
    "patches": PatchEmbedding,
    "conv": ConvEmbedding,
    "resnet18": ResNetEmbedding,
    "resnet50": partial(ResNetEmbedding, depth=50),
    "efficientnet_lite0": EfficientNetEmbedding,
}


@dataclass(frozen=True)
class ModelSettings:
    """The network.

    Attributes:
        image: how images become tokens: "rings" (centred lesions), "patches" or "conv"; of pictures also "resnet18",
            "resnet50" or "efficientnet_lite0", whose width (512, 2048, 1280) `encoder.dim` must be.
        crop: grid of the crops.
        encoder: size of the transformer.
    """

    image: Literal["rings", "patches", "conv", "resnet18", "resnet50", "efficientnet_lite0"] = "rings"
    crop: CropSettings = field(default_factory=CropSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)

    @property
    def geometry(self) -> Geometry:
        """How the views must cut a crop for this embedding."""
        return "rings" if self.image == "rings" else "patches"


def build_encoder(settings: ModelSettings, preprocessing: Preprocessing, *, seed: int) -> PatientEncoder:
    """A patient encoder with freshly drawn weights, a function of the seed alone."""
    dim = settings.encoder.dim
    make = {
        "image": lambda: IMAGE_EMBEDDINGS[settings.image](dim, crop=settings.crop),
        "reading": lambda: ReadingEmbedding(dim, items=len(preprocessing.items)),
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        embeddings: dict[str, nn.Module] = {name: make[name]() for name in preprocessing.modalities}
        return PatientEncoder(embeddings, settings=settings.encoder)
