"""A picture becomes a plane: proportions, levels, polarity and depth are those of what it shows, not of the file."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semeia.data.pictures import PictureSettings, middle_is_dark, middle_part, planes_of
from semeia.errors import InputError

COVER = PictureSettings(fit="cover")
STRETCH = PictureSettings()
OWN_LEVELS = PictureSettings(levels="picture")
BONE = PictureSettings(fit="cover", levels="picture", bright_middle=True)


def plane_of(picture: np.ndarray, *, size: tuple[int, int], settings: PictureSettings) -> np.ndarray:
    """The plane of one channel."""
    return planes_of(picture, size=size, settings=settings)[0]


def disc(size: tuple[int, int], radius: float) -> np.ndarray:
    """A bright disc in the middle of dark ground, uint8."""
    y, x = np.ogrid[: size[0], : size[1]]
    inside = (y - (size[0] - 1) / 2) ** 2 + (x - (size[1] - 1) / 2) ** 2 < radius**2
    return np.where(inside, 200, 20).astype(np.uint8)


def extent(plane: np.ndarray) -> tuple[int, int]:
    """Height and width of what is bright."""
    bright = plane > plane.max() / 2
    return int(bright.any(1).sum()), int(bright.any(0).sum())


@pytest.mark.parametrize("size", [(162, 300), (300, 162), (224, 224), (60, 90)])
def test_cover_keeps_proportions_and_stretch_does_not(size: tuple[int, int]):
    picture = disc(size, min(size) / 4)
    height, width = extent(plane_of(picture, size=(48, 80), settings=COVER))
    assert abs(height - width) <= 1
    height, width = extent(plane_of(picture, size=(48, 80), settings=STRETCH))
    assert height / width == pytest.approx(48 / 80 * size[1] / size[0], rel=0.15)


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 500), columns=st.integers(1, 500), height=st.integers(1, 100), width=st.integers(1, 100))
def test_the_middle_part_is_the_largest_of_its_proportions(rows: int, columns: int, height: int, width: int):
    left, top, right, bottom = middle_part((rows, columns), (height, width))
    assert (right - left) * height == pytest.approx((bottom - top) * width)
    assert 0 <= left <= right <= columns
    assert 0 <= top <= bottom <= rows
    # It touches two borders at least, and lies in the middle.
    assert (right - left) == pytest.approx(columns) or (bottom - top) == pytest.approx(rows)
    assert left == pytest.approx(columns - right)
    assert top == pytest.approx(rows - bottom)


def test_cover_leaves_out_what_is_at_the_sides():
    picture = np.full((100, 300), 50, np.uint8)
    picture[:, :60] = picture[:, -60:] = 255
    assert plane_of(picture, size=(40, 40), settings=COVER).max() == pytest.approx(50 / 255, abs=1e-6)
    assert plane_of(picture, size=(40, 40), settings=STRETCH).max() == pytest.approx(1.0)


@pytest.mark.parametrize("how", [STRETCH, COVER, OWN_LEVELS, BONE])
def test_16_bits_equal_8(how: PictureSettings):
    picture = np.random.default_rng(0).integers(0, 256, (50, 70), dtype=np.uint8)
    one, other = (plane_of(same, size=(24, 40), settings=how) for same in (picture, picture.astype(np.uint16) * 257))
    assert one.dtype == other.dtype == np.float32
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("how", [STRETCH, BONE])
def test_gray_kept_in_colours_is_gray(how: PictureSettings):
    picture = np.random.default_rng(0).integers(0, 256, (30, 40), dtype=np.uint8)
    colours = np.repeat(picture[..., None], 3, axis=2)
    one, other = (plane_of(same, size=(12, 20), settings=how) for same in (picture, colours))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_levels_are_those_of_the_picture_or_of_the_type():
    """12 bits kept in 16, and a pale exposure, do not come out dark."""
    full = np.random.default_rng(0).integers(0, 4096, (60, 60))
    twelve = full.astype(np.uint16)
    assert plane_of(twelve, size=(30, 30), settings=STRETCH).max() < 0.07
    own = plane_of(twelve, size=(60, 60), settings=OWN_LEVELS)
    assert (own.min(), own.max()) == (0.0, 1.0)
    # The percentiles, not the extremes: one burned-in mark must not darken all the rest.
    low, high = np.percentile(full / 65535, (1, 99))
    np.testing.assert_allclose(own, ((full / 65535 - low) / (high - low)).clip(0, 1), atol=1e-4)
    marked = twelve.copy()
    marked[0, 0] = 65535
    assert np.abs(plane_of(marked, size=(60, 60), settings=OWN_LEVELS) - own)[1:].max() < 0.01


@settings(max_examples=40, deadline=None)
@given(gain=st.floats(0.2, 0.5), offset=st.floats(0.0, 0.4))
def test_exposure_does_not_matter_where_levels_are_the_pictures_own(gain: float, offset: float):
    picture = np.random.default_rng(0).integers(0, 65536, (40, 40))
    exposed = (gain * picture + offset * 65535).round().astype(np.uint16)
    one, other = (plane_of(same, size=(20, 20), settings=OWN_LEVELS) for same in (picture.astype(np.uint16), exposed))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_an_even_picture_is_no_error():
    plane = plane_of(np.full((20, 20), 128, np.uint8), size=(8, 8), settings=BONE)
    assert np.isfinite(plane).all()


def leg(*, inverted: bool) -> np.ndarray:
    """Bone in the middle, air at the sides."""
    picture = np.random.default_rng(0).integers(0, 40, (162, 300), dtype=np.uint8)
    picture[:, 100:200] += 150
    return 255 - picture if inverted else picture


def test_polarity_is_inverted_back():
    kept, inverted = (plane_of(leg(inverted=how), size=(48, 80), settings=BONE) for how in (False, True))
    np.testing.assert_allclose(kept, inverted, atol=1e-5)
    assert not middle_is_dark(kept)
    as_it_was = plane_of(leg(inverted=True), size=(48, 80), settings=COVER)
    assert middle_is_dark(as_it_was)


def test_what_is_finer_than_a_pixel_does_not_alias():
    """Stripes of one pixel become even gray; taking every tenth pixel would keep them, or make broader ones."""
    stripes = np.zeros((200, 200), np.uint8)
    stripes[:, ::2] = 255
    small = plane_of(stripes, size=(20, 20), settings=STRETCH)
    assert np.abs(small - 0.5).max() < 0.06
    assert stripes[::10, ::10].std() == 0


def test_the_mean_is_kept_where_nothing_is_cut_or_stretched():
    picture = np.random.default_rng(0).integers(0, 256, (120, 200), dtype=np.uint8)
    plane = plane_of(picture, size=(24, 40), settings=COVER)
    assert plane.mean() == pytest.approx(picture.mean() / 255, abs=0.005)
    assert plane.std() < 0.1 < (picture / 255).std()


@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_other_pixels_are_refused(kind: type):
    with pytest.raises(InputError, match="expected unsigned integers"):
        plane_of(np.zeros((4, 4), kind), size=(2, 2), settings=STRETCH)


def test_colours_are_kept_and_levels_are_the_pictures_own():
    picture = np.random.default_rng(0).integers(0, 120, (30, 40, 3), dtype=np.uint8)
    picture[..., 1] += 100
    planes = planes_of(picture, size=(30, 40), settings=STRETCH, channels=3)
    np.testing.assert_allclose(planes, np.moveaxis(picture, 2, 0) / 255, atol=1e-6)
    own = planes_of(picture, size=(30, 40), settings=OWN_LEVELS, channels=3)
    # Levels are those of the three together: what hue there was, stays.
    assert own[1].mean() > own[0].mean() + 0.3
    assert (own.min(), own.max()) == (0.0, 1.0)
