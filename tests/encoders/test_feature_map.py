"""Networks of photographs: one token a location, in the order of the places; absent pictures reach no statistics."""

from functools import partial

import pytest
import torch
from torch import nn

from semeia.data.batch import Batch
from semeia.data.crops import CropSettings, patch_places
from semeia.data.modalities import Picture
from semeia.encoders.efficientnet import EfficientNetEmbedding
from semeia.encoders.feature_map import Colours, tokens_of_map
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.encoders.resnet import ResNetEmbedding
from semeia.errors import InputError
from small_batches import seen

NETWORKS = {
    "resnet18": (ResNetEmbedding, 512),
    "resnet50": (partial(ResNetEmbedding, depth=50), 2048),
    "efficientnet_lite0": (EfficientNetEmbedding, 1280),
}
CROP = CropSettings(voxels=(1, 64, 96), patch=(1, 32, 32))


def build(name: str, crop: CropSettings = CROP) -> nn.Module:
    make, dim = NETWORKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make(dim, modality=Picture(crop=crop))


def pictures(batch: int, crop: CropSettings = CROP) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and presence."""
    tokens = crop.grid[1] * crop.grid[2]
    values = torch.rand(batch, 1, *crop.voxels, generator=torch.Generator().manual_seed(1))
    return values, torch.ones(batch, tokens, dtype=torch.bool)


class PatchMeans(nn.Module):
    def forward(self, gray: torch.Tensor) -> torch.Tensor:
        return nn.functional.avg_pool2d(gray, 32).repeat(1, 2, 1, 1)


def test_tokens_lie_in_the_order_of_their_places():
    values, present = pictures(2)
    tokens = tokens_of_map(PatchMeans(), values, present, CROP)
    assert tokens.shape == (2, 6, 2)
    for token, (_, y, x) in enumerate(patch_places(CROP).int().tolist()):
        patch = values[:, 0, 0, 32 + y - 16 : 32 + y + 16, 48 + x - 16 : 48 + x + 16]
        torch.testing.assert_close(tokens[:, token, 0], patch.mean((1, 2)))


@pytest.mark.parametrize("name", NETWORKS)
def test_one_token_a_place_of_a_wide_picture(name: str):
    assert build(name).eval()(*pictures(1)).shape == (1, 6, NETWORKS[name][1])


@pytest.mark.parametrize("name", NETWORKS)
def test_pictures_differ_before_any_training(name: str):
    # The baseline of a random frozen encoder: statistics are still 0 and 1.
    tokens = build(name).eval()(*pictures(4)).detach()
    assert tokens.mean(1).std(0).mean() > 0.02
    assert tokens.abs().max() < 1000


@pytest.mark.parametrize("name", NETWORKS)
def test_absent_pictures_reach_no_batch_statistics(name: str):
    with_absent, without = build(name).train(), build(name).train()
    values, present = pictures(4)
    gone = torch.tensor([False, False, True, True])
    tokens = with_absent(values.masked_fill(gone[:, None, None, None, None], torch.nan), present & ~gone[:, None])
    torch.testing.assert_close(tokens[:2], without(values[:2], present[:2]))
    assert not tokens[2:].any()
    for one, other in zip(with_absent.buffers(), without.buffers(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_picture_at_all_moves_no_statistics(name: str):
    module, (values, present) = build(name).train(), pictures(2)
    before = {key: value.clone() for key, value in module.state_dict().items() if "num_batches" not in key}
    tokens = module(values, torch.zeros_like(present))
    assert not tokens.any()
    assert all(torch.equal(module.state_dict()[key], value) for key, value in before.items())


def test_gray_is_three_equal_colours_and_colours_are_kept():
    colours = Colours((0.5, 0.25, 0.0), (0.5, 0.25, 1.0))
    scaled = colours(torch.ones(2, 1, 3, 4))
    assert scaled.shape == (2, 3, 3, 4)
    assert scaled.amax((0, 2, 3)).tolist() == scaled.amin((0, 2, 3)).tolist() == [1.0, 3.0, 1.0]
    red = torch.zeros(1, 3, 2, 2)
    red[:, 0] = 1.0
    assert colours(red)[0, :, 0, 0].tolist() == [1.0, -1.0, 0.0]


@pytest.mark.parametrize("name", NETWORKS)
def test_pictures_that_differ_in_hue_only_make_other_tokens(name: str):
    """Averaged to gray they would be one."""
    make, dim = NETWORKS[name]
    torch.manual_seed(0)
    network = make(dim, modality=Picture(crop=CROP, colours=3)).eval()
    values, present = pictures(1)
    red, blue = torch.zeros(1, 3, *CROP.voxels), torch.zeros(1, 3, *CROP.voxels)
    red[:, :1], blue[:, 2:] = values, values
    assert not torch.allclose(network(red, present), network(blue, present), atol=1e-3)


@pytest.mark.parametrize(
    ("voxels", "patch", "said"),
    [
        ((2, 64, 64), (1, 32, 32), r"crop.patch to \[1,32,32\]"),
        ((1, 64, 64), (1, 16, 16), r"multiples of 32; not patch \(1, 16, 16\)"),
        ((2, 64, 64), (2, 32, 32), "reads pictures"),
    ],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_crops_that_are_no_pictures_are_refused(name: str, voxels: tuple, patch: tuple, said: str):
    with pytest.raises(InputError, match=said):
        build(name, CropSettings(voxels=voxels, patch=patch))


@pytest.mark.parametrize("name", NETWORKS)
def test_another_width_is_refused(name: str):
    make, dim = NETWORKS[name]
    with pytest.raises(InputError, match=f"{name} makes tokens {dim} wide: set encoder.dim to {dim}, not 64"):
        make(64, modality=Picture(crop=CROP))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_patient_encoder_without_blocks_trains_it(name: str):
    encoder = PatientEncoder({"image": build(name)}, settings=EncoderSettings(dim=NETWORKS[name][1], depth=0))
    values, present = pictures(3)
    image = seen(Picture(crop=CROP), values)
    assert torch.equal(image.present[:, 0], present)
    pooled, there = encoder.pool(encoder(Batch({"image": image})))
    assert there.all()
    (pooled * torch.randn(pooled.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    for key, parameter in encoder.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.any(), key
