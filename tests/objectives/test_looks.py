"""Which rows are compared, and that nothing but their images is read."""

import pytest
import torch

from semeia.errors import InputError
from semeia.objectives.looks import has, image_vectors, image_width, images, two_looks
from small_views import rows, small_encoder, small_views, with_other_look


def test_only_rows_with_both_looks_are_compared():
    views = with_other_look(small_views())
    looks = two_looks(views)
    assert looks is not None
    for name, look in zip(("image", "image@2"), looks, strict=True):
        assert list(look.modalities) == ["image"]
        # Row 0 has no image, row 1 no second look at it.
        assert torch.equal(look.modalities["image"].values, views.modalities[name].values[2:])


def test_no_pair_is_none_and_one_look_is_an_error():
    views = with_other_look(small_views())
    assert two_looks(rows(views, [0])) is None
    assert two_looks(rows(views, [1])) is None
    with pytest.raises(InputError, match="no image@2"):
        two_looks(small_views())


def test_a_modality_that_is_not_given_is_had_by_no_row():
    assert has(small_views(), "image").tolist() == [False, True, True, True, True, True]
    assert has(small_views(), "report").tolist() == [False] * 6


@torch.no_grad()
def test_the_vector_is_that_of_the_image_whatever_the_other_modalities_say():
    encoder, views = small_encoder().eval(), rows(small_views(), [1, 3, 4])
    vectors = image_vectors(encoder, images(views, has(views, "image")))
    assert vectors.shape == (3, image_width(encoder))
    pooled, _ = encoder.pool(encoder(views.without("reading")))
    torch.testing.assert_close(vectors, pooled[:, 0])


def test_an_encoder_without_images_is_refused():
    with pytest.raises(InputError, match="the encoder reads reading"):
        image_width(small_encoder(modalities=("reading",)))
