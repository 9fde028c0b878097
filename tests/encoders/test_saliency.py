"""The map finds the one patch that an output was made to depend on, and leaves everything else as it was."""

import pytest
import torch
from torch import Tensor, nn

from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.encoders.saliency import saliency, stretches
from semeia.encoders.volume import PatchEmbedding
from semeia.errors import InputError
from semeia.views.crops import CropSettings
from semeia.views.patches import patch_places
from semeia.views.patient import View, Views

CROP = CropSettings(voxels=(1, 32, 48), patch=(1, 8, 8))


def pictures(batch: int = 3) -> Views:
    values = torch.rand(batch, *CROP.voxels, generator=torch.Generator().manual_seed(0))
    present = torch.ones(batch, 24, dtype=torch.bool)
    return Views({"image": View(values, present, patch_places(CROP).expand(batch, -1, -1))})


def small_encoder() -> PatientEncoder:
    torch.manual_seed(0)
    settings = EncoderSettings(dim=16, depth=1, heads=2)
    return PatientEncoder({"image": PatchEmbedding(16, crop=CROP)}, settings=settings)


def first_feature(pooled: Tensor, there: Tensor) -> Tensor:
    return pooled[:, 0, 0]


class Corner(nn.Module):
    """Reads one patch only: rows 8 to 16, columns 32 to 40; the other tokens are 0."""

    maskable = True

    def forward(self, view: View) -> Tensor:
        tokens = torch.zeros(*view.present.shape, 16)
        tokens[:, 0, 0] = 40 * view.values[:, 0, 8:16, 32:40].mean((1, 2))
        return tokens


def test_an_output_that_depends_on_one_patch_only():
    encoder = PatientEncoder({"image": Corner()}, settings=EncoderSettings(dim=16, depth=0, heads=2))
    views = pictures()
    views.modalities["image"].values[:, 0, 8:16, 32:40] += 1.0

    found = saliency(encoder, first_feature, views, size=8)

    assert found.shape == (3, 32, 48)
    assert found.amin() >= 0
    assert (found.amax((1, 2)) == 1).all()
    patch = torch.zeros(32, 48, dtype=torch.bool)
    patch[8:16, 32:40] = True
    near = torch.zeros_like(patch)
    near[4:20, 28:44] = True
    assert not found[:, ~near].any()
    assert (found[:, patch].amin(1) > found[:, near & ~patch].amax(1) - 1e-6).all()


def test_a_network_that_learned_one_patch_shows_it():
    encoder, head = small_encoder(), nn.Linear(32, 1)
    generator = torch.Generator().manual_seed(3)
    optimiser = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=3e-3)

    def drawn() -> tuple[Views, Tensor]:
        views = pictures(32)
        values = torch.rand(32, *CROP.voxels, generator=generator)
        label = (torch.rand(32, generator=generator) < 0.5).float()
        values[:, 0, 16:24, 8:16] = 0.2 + 0.6 * label[:, None, None]
        return Views({"image": View(values, views.modalities["image"].present, views.modalities["image"].where)}), label

    def logit(pooled: Tensor, there: Tensor) -> Tensor:
        return head(pooled[:, 0])[:, 0]

    for _ in range(60):
        views, label = drawn()
        loss = nn.functional.binary_cross_entropy_with_logits(logit(*encoder.pool(encoder(views))), label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    views, label = drawn()
    found = saliency(encoder, logit, views, size=8).mean(0)

    assert loss < 0.3
    place = found.argmax()
    assert 16 <= place // 48 < 24
    assert 8 <= place % 48 < 16
    assert found[16:24, 8:16].mean() > 3 * found.mean()


def test_nothing_is_changed():
    encoder, views = small_encoder().train(), pictures()
    before = views.modalities["image"].values.clone()
    weights = {name: value.clone() for name, value in encoder.state_dict().items()}

    first, again = (saliency(encoder, first_feature, views) for _ in range(2))

    assert torch.equal(first, again)
    assert torch.equal(views.modalities["image"].values, before)
    assert all(torch.equal(value, weights[name]) for name, value in encoder.state_dict().items())
    assert encoder.training
    assert not first.requires_grad


def test_pictures_do_not_know_each_other_and_an_absent_one_has_no_map():
    encoder, views = small_encoder(), pictures()
    alone = saliency(encoder, first_feature, pictures(1))
    torch.testing.assert_close(saliency(encoder, first_feature, views)[:1], alone, atol=1e-4, rtol=1e-4)

    reading = View(torch.randn(3, 2), torch.ones(3, 2, dtype=torch.bool), torch.zeros(3, 2, 3))
    both = PatientEncoder(
        {"image": PatchEmbedding(16, crop=CROP), "reading": Reading()}, settings=EncoderSettings(dim=16, heads=2)
    )
    image = views.modalities["image"]
    image.values[1], image.present[1] = torch.nan, False
    found = saliency(both, lambda pooled, there: pooled.sum((1, 2)), Views({"image": image, "reading": reading}))
    assert not found[1].any()
    assert (found[[0, 2]].amax((1, 2)) == 1).all()


class Reading(nn.Module):
    maskable = True

    def forward(self, view: View) -> Tensor:
        return view.values[..., None].expand(-1, -1, 16)


@pytest.mark.parametrize("length", [16, 20, 33])
@pytest.mark.parametrize("size", [2, 8, 16])
def test_every_pixel_is_hidden_twice(length: int, size: int):
    often = torch.zeros(length)
    for part in stretches(length, size):
        often[part] += 1
    assert (often == 2).all()


def test_volumes_are_refused():
    image = View(torch.rand(1, 2, 8, 8), torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1, 3))
    with pytest.raises(InputError, match="maps are of pictures, 2 planes given"):
        saliency(small_encoder(), first_feature, Views({"image": image}))
