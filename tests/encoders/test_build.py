"""Every embedding by its name, reading the batch that its geometry cuts; weights are a function of the seed."""

import pytest
import torch

from semeia.data.crops import CropSettings
from semeia.encoders.build import EMBEDDINGS, build_encoder
from semeia.encoders.patient import EncoderSettings
from small_batches import CROP, SMALL, small_batch, small_preprocessing

WIDTHS = {"resnet18": 512, "resnet50": 2048, "efficientnet_lite0": 1280}
IMAGES = ("rings", "patches", "conv", *WIDTHS)


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("modalities", [("image",), ("reading",), ("image", "reading"), ("reading", "image")])
def test_what_is_built_reads_its_batch(image: str, modalities: tuple[str, ...]):
    crop = CropSettings(voxels=(1, 64, 32), patch=(1, 32, 32)) if image in WIDTHS else CROP
    settings = EncoderSettings(dim=WIDTHS[image], depth=0) if image in WIDTHS else SMALL
    encoder = build_encoder(settings, small_preprocessing(image, crop=crop, modalities=modalities), seed=0)
    assert encoder.kinds == modalities
    pooled, there = encoder.pool(encoder(small_batch(image=image, gaps=False, crop=crop)))
    assert pooled.shape == (6, len(modalities), encoder.pooled_width())
    assert pooled.isfinite().all()
    assert there.shape == (6, len(modalities))


def test_every_modality_there_is_names_an_embedding_there_is():
    assert set(IMAGES) | {"items", "words", "pretrained_words", "linear", "stretches", "events"} == set(EMBEDDINGS)
    assert all(one.embedding in EMBEDDINGS for one in small_preprocessing().modalities.values())


def test_the_seed_decides_and_the_global_generator_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    first, again, other = (build_encoder(SMALL, small_preprocessing("rings"), seed=s).state_dict() for s in (0, 0, 1))
    assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
