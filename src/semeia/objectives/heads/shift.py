"""Remember how training images group, and shift a feature by where its image lies among the groups (MICS, 2509.17492).

The dictionary holds, for each modality, the centres and variances of a K-means on the features of training images, with
and without labels. The paper shows it in a picture without equations; three readings of it are offered. A shift takes
no gradient.
"""

from typing import Literal

import torch
from torch import nn

from semeia.errors import InputError
from semeia.shapes import ModalityMask, Pooled

Reading = Literal["none", "residual", "centroid", "gaussian"]


class ShiftDictionary(nn.Module):
    """Centres and variances, [modality, cluster, dim]; part of a model's artefact.

    Args:
        modalities: how many.
        clusters: of each.
        dim: width of a feature.
    """

    def __init__(self, modalities: int, clusters: int, dim: int) -> None:
        super().__init__()
        self.centres: torch.Tensor
        self.variances: torch.Tensor
        self.register_buffer("centres", torch.zeros(modalities, clusters, dim))
        self.register_buffer("variances", torch.zeros(modalities, clusters, dim))

    def fit(self, features: Pooled, there: ModalityMask, *, seed: int) -> None:
        """Group the features of training images, [n, modality, dim], each modality by itself.

        Raises:
            InputError: fewer images than clusters.
        """
        from sklearn.cluster import KMeans

        for modality, (centres, variances) in enumerate(zip(self.centres, self.variances, strict=True)):
            own = features[there[:, modality], modality].double()
            if len(own) < len(centres):
                raise InputError(
                    f"supervised.fusion: {len(centres)} clusters of {len(own)} training images; set fewer clusters"
                )
            group = torch.from_numpy(KMeans(len(centres), n_init=4, random_state=seed).fit_predict(own.numpy()))  # pyright: ignore[reportArgumentType]
            for number in range(len(centres)):
                members = own[group == number]
                centres[number] = members.mean(0)
                variances[number] = members.var(0, correction=0)

    @torch.no_grad()
    def shifts(self, features: Pooled, reading: Reading, *, generator: torch.Generator | None = None) -> Pooled:
        """Give the shift of each image, [batch, modality, dim]; no gradient.

        Args:
            features: of images, [batch, modality, dim].
            reading: "residual": to the centre of the image's cluster; "centroid": from the mean of all centres to that
                of its cluster; "gaussian": noise of its cluster's variance.
            generator: of the noise, on the CPU; without one the noise is its mean, 0.
        """
        nearest = torch.cdist(features.transpose(0, 1), self.centres).argmin(2).T  # [batch, modality]
        modality = torch.arange(len(self.centres), device=nearest.device)
        centre = self.centres[modality, nearest]
        if reading == "residual":
            return centre - features
        if reading == "centroid":
            return centre - self.centres.mean(1)
        if reading == "none" or generator is None:
            return torch.zeros_like(features)
        noise = torch.randn(features.shape, generator=generator).to(features.device)
        return noise * self.variances[modality, nearest].sqrt()
