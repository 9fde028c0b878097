"""Build networks from names: the one place that knows which embedding reads which modality.

A new embedding is one new file and one row of `EMBEDDINGS`.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from semeia.data.preprocessing import Preprocessing
from semeia.encoders.efficientnet import EfficientNetEmbedding
from semeia.encoders.events import EventEmbedding
from semeia.encoders.fusion import ApartEncoder, FusionEncoder
from semeia.encoders.items import ItemEmbedding
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.encoders.resnet import ResNetEmbedding
from semeia.encoders.rings import RingEmbedding
from semeia.encoders.stretches import StretchEmbedding, VectorEmbedding
from semeia.encoders.volume import ConvEmbedding, PatchEmbedding
from semeia.encoders.words import PretrainedWords, WordEmbedding

EMBEDDINGS: dict[str, Callable[..., nn.Module]] = {
    "rings": RingEmbedding,
    "patches": PatchEmbedding,
    "conv": ConvEmbedding,
    "resnet18": ResNetEmbedding,
    "resnet50": partial(ResNetEmbedding, depth=50),
    "efficientnet_lite0": EfficientNetEmbedding,
    "items": ItemEmbedding,
    "events": EventEmbedding,
    "words": WordEmbedding,
    "pretrained_words": PretrainedWords,
    "linear": VectorEmbedding,
    "stretches": StretchEmbedding,
}

MIXING = {"together": PatientEncoder, "apart": ApartEncoder, "cross": FusionEncoder, "symmetric": FusionEncoder}


def build_encoder(settings: EncoderSettings, preprocessing: Preprocessing, *, seed: int) -> PatientEncoder:
    """Build a patient encoder with freshly drawn weights, a function of the seed alone.

    Args:
        preprocessing: the fitted modalities; each names its embedding.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        embeddings = {
            name: EMBEDDINGS[modality.embedding](settings.dim, modality=modality)
            for name, modality in preprocessing.modalities.items()
        }
        return MIXING[settings.mixing](embeddings, settings=settings)
