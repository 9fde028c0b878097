"""The loss against a loop over images and patches; hidden patches reach nothing; places tell hidden patches apart."""

from dataclasses import replace

import pytest
import torch
from einops.layers.torch import Rearrange
from hypothesis import given, settings
from hypothesis import strategies as st

from semeia.encoders.volume import PatchEmbedding
from semeia.errors import InputError
from semeia.objectives.mae import MaeSettings, MaskedAutoencoder, draw_kept, patch_pixels
from semeia.objectives.step import Step
from semeia.views.patient import Views
from small_views import CROP, rows, small_encoder, small_views

STEP = Step(index=1, total=10, seed=0)


def objective(**settings: object) -> MaskedAutoencoder:
    torch.manual_seed(0)
    chosen = MaeSettings(decoder_dim=16, decoder_heads=2, **settings)
    return MaskedAutoencoder(small_encoder(modalities=("image",)), settings=chosen).eval()


def one_image(made: MaskedAutoencoder, views: Views, kept: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Drawn and true pixels of one image's hidden patches, without padding, from its voxels cut by slicing."""
    view = views.modalities["image"]
    tokens = made.encoder.embed(views)
    hidden = tokens.present & ~kept
    drawn = made.decoder(made.encoder.mix(tokens.select(kept)), tokens.select(hidden))[0]
    depth, height, width = CROP.patch
    truth = []
    for index in hidden[0].nonzero()[:, 0].tolist():
        z, rest = divmod(index, CROP.grid[1] * CROP.grid[2])
        y, x = divmod(rest, CROP.grid[2])
        block = view.values[0, z * depth :, y * height :, x * width :][:depth, :height, :width].flatten()
        truth.append((block - block.mean()) / (block.var() + 1e-6).sqrt() if made.settings.normalise else block)
    return drawn, torch.stack(truth)


@pytest.mark.parametrize("normalise", [True, False])
@torch.no_grad()
def test_the_loss_is_the_mean_over_images_of_the_mean_over_hidden_patches(normalise: bool):
    made, views = objective(normalise=normalise), small_views()
    withimage = rows(views, [1, 2, 3, 4, 5])
    present = withimage.modalities["image"].present
    kept = draw_kept(present, share=0.25, generator=STEP.generator("masks"))
    errors = []
    for row in range(5):
        drawn, truth = one_image(made, images_only(rows(withimage, [row])), kept[row : row + 1])
        errors.append(sum(float(((d - t) ** 2).mean()) for d, t in zip(drawn, truth, strict=True)) / len(truth))
    loss = made.loss(views, STEP)["reconstruction"]
    assert float(loss) == pytest.approx(sum(errors) / 5, rel=1e-4)


def images_only(views: Views) -> Views:
    return Views({"image": views.modalities["image"]})


@torch.no_grad()
def test_two_hidden_places_get_different_pixels():
    made, views = objective(), images_only(rows(small_views(), [4]))
    kept = draw_kept(views.modalities["image"].present, share=0.25, generator=STEP.generator("masks"))
    drawn, _ = one_image(made, views, kept)
    distances = torch.cdist(drawn, drawn) + torch.eye(len(drawn))
    assert float(distances.min()) > 1e-4


@torch.no_grad()
def test_what_is_hidden_reaches_no_prediction():
    made, views = objective(), images_only(rows(small_views(), [4]))
    view = views.modalities["image"]
    kept = draw_kept(view.present, share=0.25, generator=STEP.generator("masks"))
    before, truth = one_image(made, views, kept)
    shown = kept[0].unflatten(0, CROP.grid)
    for axis, size in enumerate(CROP.patch):
        shown = shown.repeat_interleave(size, axis)
    noise = torch.rand(view.values.shape, generator=torch.Generator().manual_seed(9))
    changed = Views({"image": replace(view, values=torch.where(shown, view.values, noise))})
    after, other = one_image(made, changed, kept)
    assert torch.equal(before, after)
    assert not torch.equal(truth, other)


def test_pixels_come_in_the_order_in_which_the_embedding_reads_them():
    view = small_views(gaps=False).modalities["image"]
    cut = next(layer for layer in PatchEmbedding(16, crop=CROP).project if isinstance(layer, Rearrange))
    assert torch.equal(patch_pixels(view, CROP, normalise=False), cut(view.values))


@settings(max_examples=50, deadline=None)
@given(
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=5), share=st.floats(0.05, 0.95), seed=st.integers(0, 99)
)
def test_a_share_of_what_is_there_is_kept_at_least_one(counts: list[int], share: float, seed: int):
    generator = torch.Generator().manual_seed(seed)
    present = torch.rand(len(counts), 12, generator=generator).argsort(1).argsort(1) < torch.tensor(counts)[:, None]
    kept = draw_kept(present, share=share, generator=generator)
    assert not (kept & ~present).any()
    for count, number in zip(counts, kept.sum(1).tolist(), strict=True):
        assert number >= 1
        assert abs(number - count * share) <= 0.5 + 1e-4 or number == 1


@pytest.mark.parametrize("image", ["conv", "rings"])
def test_only_square_patches_can_be_drawn(image: str):
    with pytest.raises(InputError, match="use the image embedding patches"):
        MaskedAutoencoder(small_encoder(image), settings=MaeSettings())


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="hidden_share"):
        MaeSettings(hidden_share=1.0)
    with pytest.raises(InputError, match="decoder_dim"):
        MaeSettings(decoder_dim=20)
