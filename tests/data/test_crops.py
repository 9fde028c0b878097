"""Crops against spheres of known size: millimetres stay millimetres, and what was not scanned is marked."""

import numpy as np
import pytest
import torch

from semeia.data.crops import CropSettings, crop_image, patch_places, patch_presence, rescale
from semeia.errors import InputError

CROP = CropSettings(voxels=(32, 32, 32), patch=(4, 4, 4))
OBLONG = CropSettings(voxels=(4, 6, 8), voxel_mm=(2.0, 1.0, 0.5), patch=(2, 3, 2))


def sphere(radius: float, spacing: list[float], extent: float = 40.0) -> np.ndarray:
    """Fraction of each voxel inside a centred sphere, as uint8 0 to 255, axes x, y, z."""
    shape = [max(round(extent / mm), 1) for mm in spacing]
    fine = 4
    axes = [(np.arange(n * fine) - (n * fine - 1) / 2) * mm / fine for n, mm in zip(shape, spacing, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    inside = (x**2 + y**2 + z**2 <= radius**2).astype(np.float32)
    means = inside.reshape(shape[0], fine, shape[1], fine, shape[2], fine).mean((1, 3, 5))
    return np.rint(means * 255).astype(np.uint8)


@pytest.mark.parametrize("spacing", [[1.0, 1.0, 1.0], [0.5, 0.5, 0.5], [0.7, 0.7, 2.5], [0.6, 0.9, 1.25]])
@pytest.mark.parametrize("radius", [6.0, 10.0])
def test_a_sphere_keeps_its_volume_in_millimetres(spacing: list[float], radius: float):
    crop = crop_image(sphere(radius, spacing), spacing, intensity="display", settings=CROP)
    assert crop.voxels.sum() == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.03)


def test_voxels_that_differ_by_axis_count_as_their_millimetres():
    settings = CropSettings(voxels=(16, 32, 64), voxel_mm=(2.0, 1.0, 0.5), patch=(4, 4, 4))
    crop = crop_image(sphere(8.0, [0.7, 0.7, 1.5]), [0.7, 0.7, 1.5], intensity="display", settings=settings)
    assert crop.voxels.shape == (1, 16, 32, 64)
    assert crop.voxels.sum() == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.03)
    for axis in (1, 2, 3):
        assert np.allclose(crop.voxels, np.flip(crop.voxels, axis), atol=1e-3)


def test_axes_go_from_x_y_z_to_depth_height_width():
    array = np.zeros((32, 32, 32), np.uint8)
    array[25, 20, 9] = 255
    crop = crop_image(array, [1.0, 1.0, 1.0], intensity="display", settings=CROP)
    assert np.argwhere(crop.voxels[0] > 0.5).tolist() == [[9, 20, 25]]


@pytest.mark.parametrize(
    ("slices", "thickness", "planes"),
    [(1, 2.5, 2), (1, 5.0, 6), (1, 0.6, 2), (2, 2.4, 4), (8, 2.5, 20), (40, 1.0, 32), (12, 1.0, 12)],
)
def test_planes_whose_centre_was_scanned_are_covered(slices: int, thickness: float, planes: int):
    array = np.full((40, 40, slices), 200, np.uint8)
    crop = crop_image(array, [1.0, 1.0, thickness], intensity="display", settings=CROP)
    assert crop.covered.sum() == planes
    assert np.array_equal(crop.covered, crop.covered[::-1])
    assert np.allclose(crop.voxels[0, crop.covered], 200 / 255)
    assert not crop.voxels[0, ~crop.covered].any()


def test_beyond_the_plane_is_0():
    crop = crop_image(np.full((10, 20, 40), 255, np.uint8), [1.0, 1.0, 1.0], intensity="display", settings=CROP)
    assert crop.covered.all()
    assert crop.voxels.sum() == 32 * 20 * 10


def test_hounsfield_units_pass_the_window():
    array = np.array([[[-3000, -1350, -600, 150, 3000]]], np.int16)
    assert rescale(array, "hu", (-1350.0, 150.0)).ravel().tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert rescale(np.array([0, 65535], np.uint16), "display", (0.0, 1.0)).tolist() == [0.0, 1.0]
    with pytest.raises(InputError, match="holds int16"):
        rescale(array, "display", (-1350.0, 150.0))


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_a_picture_fills_the_plane(shape: tuple[int, ...]):
    settings = CropSettings(voxels=(1, 10, 10), patch=(1, 2, 2))
    array = np.zeros(shape, np.uint8)
    array[:10, :15] = 240  # the quarter at the top left: first rows, first columns
    crop = crop_image(array, None, intensity="display", settings=settings)
    assert crop.covered.tolist() == [True]
    assert np.allclose(crop.voxels[0, 0, :4, :4], 240 / 255)
    assert not crop.voxels[0, 0, 6:].any()
    assert not crop.voxels[0, 0, :, 6:].any()


def test_colours_stay_apart_where_the_model_reads_three_channels():
    settings = CropSettings(voxels=(1, 10, 10), patch=(1, 2, 2))
    array = np.zeros((20, 30, 3), np.uint8)
    array[..., 0], array[..., 2] = 200, 40
    crop = crop_image(array, None, intensity="display", settings=settings, channels=3)
    assert crop.voxels.shape == (3, 1, 10, 10)
    assert np.allclose(crop.voxels.mean((1, 2, 3)), [200 / 255, 0, 40 / 255])
    gray = crop_image(array[..., 0], None, intensity="display", settings=settings, channels=3)
    assert np.allclose(gray.voxels, 200 / 255)


@pytest.mark.parametrize(
    "wrong",
    [
        {"patch": (5, 8, 8)},
        {"patch": (0, 8, 8)},
        {"voxel_mm": (1.0, 0.0, 1.0)},
        {"window_hu": (100.0, -100.0)},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, tuple]):
    with pytest.raises(InputError, match="crop:"):
        CropSettings(**wrong)


def test_places_are_the_centres_of_the_patches_in_millimetres():
    axes = [(torch.arange(n) - (n - 1) / 2) * mm for n, mm in zip(OBLONG.voxels, OBLONG.voxel_mm, strict=True)]
    voxels = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    expected = [
        voxels[z : z + 2, y : y + 3, x : x + 2].reshape(-1, 3).mean(0)
        for z in range(0, 4, 2)
        for y in range(0, 6, 3)
        for x in range(0, 8, 2)
    ]
    torch.testing.assert_close(patch_places(OBLONG), torch.stack(expected))


def test_rings_lie_at_their_radius():
    crop = CropSettings(voxels=(4, 16, 16), voxel_mm=(2.0, 0.5, 0.5), patch=(2, 4, 4))
    assert patch_places(crop, "rings").tolist() == [[-2, 1, 0], [-2, 3, 0], [2, 1, 0], [2, 3, 0]]


@pytest.mark.parametrize(("geometry", "beside"), [("patches", 2 * 4), ("rings", 1)])
def test_one_scanned_plane_makes_the_whole_layer_present(geometry: str, beside: int):
    covered = torch.tensor([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]]).bool()
    present = patch_presence(covered, OBLONG, geometry)
    layers = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]]).bool()
    assert torch.equal(present, layers.repeat_interleave(beside, 1))
    assert present.shape[1] == len(patch_places(OBLONG, geometry))
