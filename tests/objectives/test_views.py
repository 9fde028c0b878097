"""Which rows are compared, and that nothing but the one modality is read."""

import pytest
import torch

from semeia.errors import InputError
from semeia.objectives.views import two_views, vector_width, vectors
from small_batches import rows, small_batch, small_encoder, with_second_view


def test_only_rows_with_both_views_are_compared():
    batch = with_second_view(small_batch())
    views = two_views(batch, "image")
    assert views is not None
    for source, view in zip((batch.modalities, batch.second), views, strict=True):
        assert list(view.modalities) == ["image"]
        # Row 0 has no image, row 1 no second view of it.
        assert torch.equal(view.modalities["image"].values, source["image"].values[2:])


def test_no_pair_is_none_and_one_view_is_an_error():
    batch = with_second_view(small_batch())
    assert two_views(rows(batch, [0]), "image") is None
    assert two_views(rows(batch, [1]), "image") is None
    assert two_views(batch, "ecg") is None
    for one, modality in ((small_batch(), "image"), (batch, "reading")):
        with pytest.raises(InputError, match=f"two views of {modality}: the batch has one"):
            two_views(one, modality)


@torch.no_grad()
def test_the_vector_is_that_of_the_image_whatever_the_other_modalities_say():
    encoder, batch = small_encoder().eval(), rows(small_batch(), [1, 3, 4])
    own = vectors(encoder, batch.of("image", batch.has("image")), "image")
    assert own.shape == (3, vector_width(encoder, "image"))
    pooled, _ = encoder.pool(encoder(batch.without("reading")))
    torch.testing.assert_close(own, pooled[:, 0])


def test_an_encoder_that_does_not_read_it_is_refused():
    with pytest.raises(InputError, match="the encoder reads reading"):
        vector_width(small_encoder(modalities=("reading",)), "image")
