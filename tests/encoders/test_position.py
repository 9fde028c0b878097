"""Sine and cosine features of millimetres and months."""

import numpy as np
import torch

from semeia.encoders.position import LONGEST, SHORTEST, place_and_time, sine_cosine


def test_features_are_sines_and_cosines_of_geometric_wavelengths():
    values = np.array([0.0, 1.0, -3.5, 120.0])
    lengths = np.geomspace(SHORTEST, LONGEST, 4)
    angles = values[:, None] * 2 * np.pi / lengths
    expected = np.concatenate([np.sin(angles), np.cos(angles)], 1)
    np.testing.assert_allclose(sine_cosine(torch.tensor(values), 8), expected, atol=1e-4)


def test_each_coordinate_has_its_quarter():
    where, when = torch.randn(2, 3, 3), torch.rand(2, 3)
    before = place_and_time(where, when, 32)
    assert before.shape == (2, 3, 32)
    for quarter in range(4):
        moved_where, moved_when = where.clone(), when.clone()
        if quarter < 3:
            moved_where[..., quarter] += 1
        else:
            moved_when += 1
        changed = (place_and_time(moved_where, moved_when, 32) != before).any(0).any(0)
        assert changed.nonzero().flatten().tolist() == list(range(8 * quarter, 8 * quarter + 8))


def test_the_smallest_width_has_features_too():
    assert place_and_time(torch.ones(1, 1, 3), torch.ones(1, 1), 8).isfinite().all()


def test_patches_a_millimetre_apart_are_told_apart():
    features = sine_cosine(torch.arange(-16.0, 16.0), 32)
    distance = torch.cdist(features, features) + 10 * torch.eye(32)
    assert distance.min() > 0.5
