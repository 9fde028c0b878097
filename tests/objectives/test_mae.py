"""The loss against a loop over images and patches; hidden patches reach nothing; places tell hidden patches apart."""

from dataclasses import replace

import pytest
import torch
from einops.layers.torch import Rearrange
from hypothesis import given, settings
from hypothesis import strategies as st

from semeia.data.batch import Batch, Seen
from semeia.data.crops import CropSettings, patch_places
from semeia.data.modalities import Picture
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.encoders.volume import PatchEmbedding
from semeia.errors import InputError
from semeia.objectives.mae import HIDDEN, MaeSettings, MaskedAutoencoder, draw_kept, joined_patches, patch_pixels
from semeia.objectives.step import Step
from small_batches import CROP, image_of, rows, seen, small_batch, small_encoder

STEP = Step(index=1, total=10, seed=0)


def objective(**settings: object) -> MaskedAutoencoder:
    torch.manual_seed(0)
    chosen = MaeSettings(decoder_dim=16, decoder_heads=2, **settings)
    return MaskedAutoencoder(small_encoder(modalities=("image",)), settings=chosen, modalities=("image",)).eval()


def one_image(made: MaskedAutoencoder, batch: Batch, kept: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Drawn and true pixels of one image's hidden patches, without padding, from its voxels cut by slicing."""
    image = batch.modalities["image"]
    tokens = made.encoder.embed(batch).packed()
    hidden = tokens.present & ~kept
    places = image.present[0, 0].nonzero()[:, 0]  # in which patch each of the packed tokens lies
    drawn = made.decoder(made.encoder.mix(tokens.select(kept)), tokens.select(hidden))[0]
    depth, height, width = CROP.patch
    truth = []
    for index in places[hidden[0].nonzero()[:, 0]].tolist():
        z, rest = divmod(index, CROP.grid[1] * CROP.grid[2])
        y, x = divmod(rest, CROP.grid[2])
        block = image.values[0, 0, 0, z * depth :, y * height :, x * width :][:depth, :height, :width].flatten()
        truth.append((block - block.mean()) / (block.var() + 1e-6).sqrt() if made.settings.normalise else block)
    return drawn, torch.stack(truth)


@pytest.mark.parametrize("normalise", [True, False])
@torch.no_grad()
def test_the_loss_is_the_mean_over_images_of_the_mean_over_hidden_patches(normalise: bool):
    made, batch = objective(normalise=normalise), small_batch()
    withimage = rows(batch, [1, 2, 3, 4, 5])
    present = made.encoder.embed(images_only(withimage)).packed().present
    kept = draw_kept(present, share=0.25, generator=STEP.generator("masks"))
    errors = []
    for row in range(5):
        drawn, truth = one_image(
            made, images_only(rows(withimage, [row])), kept[row : row + 1, : int(present[row].sum())]
        )
        errors.append(sum(float(((d - t) ** 2).mean()) for d, t in zip(drawn, truth, strict=True)) / len(truth))
    loss = made.loss(batch, STEP)["reconstruction"]
    assert float(loss) == pytest.approx(sum(errors) / 5, rel=1e-4)


def images_only(batch: Batch) -> Batch:
    return Batch({"image": batch.modalities["image"]})


@torch.no_grad()
def test_two_hidden_places_get_different_pixels():
    made, batch = objective(), images_only(rows(small_batch(), [4]))
    kept = draw_kept(batch.modalities["image"].present[:, 0], share=0.25, generator=STEP.generator("masks"))
    drawn, _ = one_image(made, batch, kept)
    distances = torch.cdist(drawn, drawn) + torch.eye(len(drawn))
    assert float(distances.min()) > 1e-4


@torch.no_grad()
def test_what_is_hidden_reaches_no_prediction():
    made, batch = objective(), images_only(rows(small_batch(), [4]))
    image = batch.modalities["image"]
    kept = draw_kept(image.present[:, 0], share=0.25, generator=STEP.generator("masks"))
    before, truth = one_image(made, batch, kept)
    shown = kept[0].unflatten(0, CROP.grid)
    for axis, size in enumerate(CROP.patch):
        shown = shown.repeat_interleave(size, axis)
    noise = torch.rand(image.values.shape, generator=torch.Generator().manual_seed(9))
    changed = Batch({"image": replace(image, values=torch.where(shown, image.values, noise))})
    after, other = one_image(made, changed, kept)
    assert torch.equal(before, after)
    assert not torch.equal(truth, other)


def test_pixels_come_in_the_order_in_which_the_embedding_reads_them():
    image = small_batch(gaps=False).modalities["image"]
    cut = next(layer for layer in PatchEmbedding(16, modality=image_of()).project if isinstance(layer, Rearrange))
    assert torch.equal(patch_pixels(image, CROP, normalise=False), cut(image.values[:, 0]))


def test_pixels_of_visits_and_of_colours_come_in_the_order_of_their_tokens():
    crop = CropSettings(voxels=(1, 8, 8), patch=(1, 4, 4))
    coloured = torch.rand(3, 2, 3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    whole = seen(image_of(crop=crop), coloured[:, 0])
    twice = [torch.cat([getattr(whole, name)] * 2, 1) for name in ("present", "where", "when")]
    pixels = patch_pixels(Seen(coloured, *twice), crop, normalise=False)
    assert pixels.shape == (3, 8, 48)
    for visit in range(2):
        for token in range(4):
            y, x = divmod(token, 2)
            block = coloured[:, visit, :, 0, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4]
            assert torch.equal(pixels[:, 4 * visit + token], block.flatten(1))


def test_padding_between_patches_changes_no_draw():
    made, batch = objective(), images_only(rows(small_batch(), [1, 2, 3, 4, 5]))
    image = batch.modalities["image"]
    two = [torch.cat([getattr(image, name)] * 2, 1) for name in ("values", "where", "when")]
    there = torch.cat([image.present, image.present & False], 1)
    padded = Batch({"image": Seen(values=two[0], present=there, where=two[1], when=two[2])})
    assert torch.equal(*(made.loss(each, STEP)["reconstruction"] for each in (batch, padded)))


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
    with pytest.raises(InputError, match="'image' must be read by patches"):
        MaskedAutoencoder(small_encoder(image), settings=MaeSettings(), modalities=("image",))


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="hidden_share"):
        MaeSettings(hidden_share=1.0)
    with pytest.raises(InputError, match="decoder_dim"):
        MaeSettings(decoder_dim=20)


FLAT = CropSettings(voxels=(1, 8, 12), patch=(1, 4, 4))


def flat_objective(*, hidden_share: float = 0.75, normalise: bool = True) -> tuple[MaskedAutoencoder, Batch]:
    """An objective of three flat pictures with colours, the second of which lacks its last patch."""
    torch.manual_seed(0)
    settings = EncoderSettings(dim=16, depth=1, heads=2)
    encoder = PatientEncoder({"image": PatchEmbedding(16, modality=Picture(crop=FLAT, colours=3))}, settings=settings)
    made = MaskedAutoencoder(
        encoder, settings=MaeSettings(hidden_share, normalise, decoder_dim=16, decoder_heads=2), modalities=("image",)
    )
    present = torch.ones(3, 1, 6, dtype=torch.bool)
    present[1, 0, 5] = False
    values = torch.rand(3, 1, 3, *FLAT.voxels)
    image = Seen(values, present, patch_places(FLAT).expand(3, 1, -1, -1), torch.zeros(3, 1))
    return made.eval(), Batch({"image": image})


@pytest.mark.parametrize("normalise", [True, False])
@torch.no_grad()
def test_what_is_drawn_again_is_the_decoders_answer_in_the_hidden_places_and_the_picture_elsewhere(normalise: bool):
    made, batch = flat_objective(normalise=normalise, hidden_share=0.5)
    true = batch.modalities["image"].values[:, 0, :, 0]
    shown, drawn = made.redrawn(batch, "image", STEP.generator("masks"))
    hidden = (shown == HIDDEN).all(1)
    assert hidden[0].sum() == 3 * 16
    assert hidden[1, 4:, 8:].logical_not().all()  # never asked for
    there = ~hidden[:, None].expand_as(true)
    there[1, :, 4:, 8:] = False
    assert torch.equal(shown[there], true[there])
    assert torch.equal(drawn[there], true[there])
    loss = made.loss(batch, STEP)["reconstruction"]
    if not normalise:
        error = [float((drawn[n] - true[n]).square()[:, hidden[n]].mean()) for n in range(3)]
        assert float(loss) == pytest.approx(sum(error) / 3, rel=1e-5)


def test_patches_are_put_together_as_they_were_cut():
    _, batch = flat_objective()
    image = batch.modalities["image"]
    image.present[:] = True
    cut = patch_pixels(image, FLAT, normalise=False)
    assert torch.equal(joined_patches(cut, FLAT), image.values[:, 0, :, 0])
