"""The map finds the one patch that an output was made to depend on, and leaves everything else as it was."""

import pytest
import torch
from torch import Tensor, nn

from semeia.data.batch import Batch, Seen
from semeia.data.crops import CropSettings
from semeia.data.modalities import Picture, Table, Volume
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.encoders.saliency import saliency, stretches
from semeia.encoders.volume import PatchEmbedding
from semeia.errors import InputError
from small_batches import seen

CROP = CropSettings(voxels=(1, 32, 48), patch=(1, 8, 8))
MODALITY = Picture(crop=CROP)


def pictures(batch: int = 3) -> Batch:
    values = torch.rand(batch, 1, *CROP.voxels, generator=torch.Generator().manual_seed(0))
    return Batch({"image": seen(MODALITY, values)})


def small_encoder() -> PatientEncoder:
    torch.manual_seed(0)
    settings = EncoderSettings(dim=16, depth=1, heads=2)
    return PatientEncoder({"image": PatchEmbedding(16, modality=MODALITY)}, settings=settings)


def first_feature(pooled: Tensor, there: Tensor) -> Tensor:
    return pooled[:, 0, 0]


class Corner(nn.Module):
    """Reads one patch only: rows 8 to 16, columns 32 to 40; the other tokens are 0."""

    maskable = True

    def forward(self, values: Tensor, present: Tensor) -> Tensor:
        tokens = torch.zeros(*present.shape, 16)
        tokens[:, 0, 0] = 40 * values[:, 0, 0, 8:16, 32:40].mean((1, 2))
        return tokens


def test_an_output_that_depends_on_one_patch_only():
    encoder = PatientEncoder({"image": Corner()}, settings=EncoderSettings(dim=16, depth=0, heads=2))
    batch = pictures()
    batch.modalities["image"].values[:, 0, 0, 0, 8:16, 32:40] += 1.0

    found = saliency(encoder, first_feature, batch, modality="image", size=8)

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

    def drawn() -> tuple[Batch, Tensor]:
        values = torch.rand(32, 1, *CROP.voxels, generator=generator)
        label = (torch.rand(32, generator=generator) < 0.5).float()
        values[:, 0, 0, 16:24, 8:16] = 0.2 + 0.6 * label[:, None, None]
        return Batch({"image": seen(MODALITY, values)}), label

    def logit(pooled: Tensor, there: Tensor) -> Tensor:
        return head(pooled[:, 0])[:, 0]

    for _ in range(60):
        batch, label = drawn()
        loss = nn.functional.binary_cross_entropy_with_logits(logit(*encoder.pool(encoder(batch))), label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    batch, label = drawn()
    found = saliency(encoder, logit, batch, modality="image", size=8).mean(0)

    assert loss < 0.3
    place = found.argmax()
    assert 16 <= place // 48 < 24
    assert 8 <= place % 48 < 16
    assert found[16:24, 8:16].mean() > 3 * found.mean()


def test_nothing_is_changed():
    encoder, batch = small_encoder().train(), pictures()
    before = batch.modalities["image"].values.clone()
    weights = {name: value.clone() for name, value in encoder.state_dict().items()}

    first, again = (saliency(encoder, first_feature, batch, modality="image") for _ in range(2))

    assert torch.equal(first, again)
    assert torch.equal(batch.modalities["image"].values, before)
    assert all(torch.equal(value, weights[name]) for name, value in encoder.state_dict().items())
    assert encoder.training
    assert not first.requires_grad


def test_pictures_do_not_know_each_other_and_an_absent_one_has_no_map():
    encoder, batch = small_encoder(), pictures()
    alone = saliency(encoder, first_feature, pictures(1), modality="image")
    torch.testing.assert_close(
        saliency(encoder, first_feature, batch, modality="image")[:1], alone, atol=1e-4, rtol=1e-4
    )

    reading = seen(Table(), torch.randn(3, 2))
    both = PatientEncoder(
        {"image": PatchEmbedding(16, modality=MODALITY), "reading": Reading()},
        settings=EncoderSettings(dim=16, heads=2),
    )
    image = batch.modalities["image"]
    image.values[1], image.present[1] = torch.nan, False
    both_seen = Batch({"image": image, "reading": reading})
    found = saliency(both, lambda pooled, there: pooled.sum((1, 2)), both_seen, modality="image")
    assert not found[1].any()
    assert (found[[0, 2]].amax((1, 2)) == 1).all()


class Reading(nn.Module):
    maskable = True

    def forward(self, values: Tensor, present: Tensor) -> Tensor:
        return values[..., None].expand(-1, -1, 16)


@pytest.mark.parametrize("length", [16, 20, 33])
@pytest.mark.parametrize("size", [2, 8, 16])
def test_every_pixel_is_hidden_twice(length: int, size: int):
    often = torch.zeros(length)
    for part in stretches(length, size):
        often[part] += 1
    assert (often == 2).all()


def test_a_volume_is_hidden_in_columns_through_all_planes():
    crop = CropSettings(voxels=(4, 16, 16), patch=(2, 8, 8))
    volume = Volume(crop=crop, network="patches")

    class Far(nn.Module):
        """Reads rows 8 to 16, columns 0 to 8 of the last plane."""

        maskable = True

        def forward(self, values: Tensor, present: Tensor) -> Tensor:
            tokens = torch.zeros(*present.shape, 16)
            tokens[:, 0, 0] = 40 * values[:, 0, 3, 8:16, :8].mean((1, 2))
            return tokens

    values = torch.rand(2, 1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    values[:, 0, 3, 8:16, :8] += 1.0
    encoder = PatientEncoder({"image": Far()}, settings=EncoderSettings(dim=16, depth=0, heads=2))

    found = saliency(encoder, first_feature, Batch({"image": seen(volume, values)}), modality="image", size=4)

    assert found.shape == (2, 16, 16)
    assert (found[:, 8:16, :8] > 0).all()
    assert not found[:, :6].any()
    assert not found[:, :, 10:].any()


def test_what_is_no_image_has_no_map():
    there = torch.ones(1, 1, 5, dtype=torch.bool)
    table = Batch({"image": Seen(torch.rand(1, 1, 5), there, torch.zeros(1, 1, 5, 3), torch.zeros(1, 1))})
    for batch, size in ((table, 16), (pictures(), 1)):
        with pytest.raises(InputError, match="maps are of images"):
            saliency(small_encoder(), first_feature, batch, modality="image", size=size)


def test_of_several_visits_the_newest_is_looked_into():
    encoder = PatientEncoder({"image": Corner()}, settings=EncoderSettings(dim=16, depth=0, heads=2))
    newest, older = pictures().modalities["image"], pictures().modalities["image"]
    two = [torch.cat([getattr(one, name) for one in (newest, older)], 1) for name in ("values", "present", "where")]
    both = Batch({"image": Seen(*two, when=torch.tensor([[0.0, 12.0]]).expand(3, -1))})
    found = saliency(encoder, first_feature, both, modality="image", size=8)
    assert found.shape == (3, 32, 48)
    assert (found[:, 8:16, 32:40].amin((1, 2)) > found[:, :4].amax((1, 2))).all()
