"""The dictionary finds planted groups, each modality by itself; shifts by hand, without a gradient."""

import pytest
import torch

from semeia.errors import InputError
from semeia.objectives.heads.fused import ShiftDictionary

PLACES = torch.tensor([[[0.0, 0.0], [9.0, 0.0]], [[0.0, 5.0], [-5.0, 5.0]]])  # of a modality and group


def planted(per_group: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features [n, modality, 2], which are there, and the group of each image; row 0 lacks the second modality."""
    group = torch.arange(2 * per_group) % 2
    noise = 0.1 * torch.randn(len(group), 2, 2, generator=torch.Generator().manual_seed(0))
    features = torch.stack([PLACES[modality][group] for modality in range(2)], 1) + noise
    there = torch.ones(len(group), 2, dtype=torch.bool)
    there[0, 1] = False
    features[0, 1] = 1e6
    return features, there, group


def fitted() -> tuple[ShiftDictionary, torch.Tensor, torch.Tensor, torch.Tensor]:
    features, there, group = planted()
    dictionary = ShiftDictionary(2, 2, 2)
    dictionary.fit(features, there, seed=0)
    return dictionary, features, there, group


def test_centres_and_variances_are_those_of_the_groups():
    dictionary, features, there, group = fitted()
    for modality in range(2):
        for number in range(2):
            members = features[(group == number) & there[:, modality], modality]
            place = int((dictionary.centres[modality] - members.mean(0)).norm(dim=1).argmin())
            torch.testing.assert_close(dictionary.centres[modality, place], members.mean(0))
            torch.testing.assert_close(dictionary.variances[modality, place], members.var(0, correction=0))


def test_shifts_by_hand():
    dictionary, features, _, group = fitted()
    image = features[3:4].clone().requires_grad_()
    for modality in range(2):
        own = PLACES[modality][group[3]]
        centre = dictionary.centres[modality][(dictionary.centres[modality] - own).norm(dim=1).argmin()]
        residual, centroid, gaussian = (
            dictionary.shifts(image, reading)[0, modality] for reading in ("residual", "centroid", "gaussian")
        )
        torch.testing.assert_close(residual, centre - image[0, modality].detach())
        torch.testing.assert_close(centroid, centre - dictionary.centres[modality].mean(0))
        assert not gaussian.any()  # no noise where nothing is drawn
        assert not residual.requires_grad


def test_gaussian_shifts_have_the_variance_of_the_image_s_group():
    dictionary, features, _, _ = fitted()
    many = features[1:2].expand(20000, -1, -1)
    drawn = dictionary.shifts(many, "gaussian", generator=torch.Generator().manual_seed(0))
    for modality in range(2):
        place = int((dictionary.centres[modality] - features[1, modality]).norm(dim=1).argmin())
        torch.testing.assert_close(
            drawn[:, modality].var(0), dictionary.variances[modality, place], rtol=0.05, atol=0.0
        )


def test_more_clusters_than_images_are_refused():
    features, there, _ = planted(2)
    with pytest.raises(InputError, match="9 clusters of 4 training images"):
        ShiftDictionary(2, 9, 2).fit(features, there, seed=0)
