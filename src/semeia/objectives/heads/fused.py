"""Classify by the fused part of an encoder, and by that part shifted as its images lie (MICS, 2509.17492).

What follows from the figure and what is inferred: docs/objectives/mics.md.

The dictionary holds, for each modality, the centres and variances of a K-means on the features of training images, with
and without labels. The paper shows it in a picture without equations; three readings of it are offered. A shift takes
no gradient.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from semeia.encoders.pooling import WHOLE, Cells
from semeia.errors import InputError
from semeia.objectives.heads.evidence import dirichlet, evidential_loss, joined
from semeia.objectives.heads.pooled import PooledHead, blank_linear
from semeia.objectives.step import Step
from semeia.objectives.task import BINARY, Logits, Task
from semeia.ranges import FROM_0, FROM_1, require_ranges
from semeia.shapes import Embeddings, Features, Labels, ModalityMask, Pooled, Scalar

Reading = Literal["none", "residual", "centroid", "gaussian"]


class ShiftDictionary(nn.Module):
    """Centres and variances, [modality, cluster, dim]; part of a model's artefact."""

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


@dataclass(frozen=True)
class FusionSettings:
    """How fine-tuning fuses an encoder each, and classifies.

    Attributes:
        symmetric: whether each modality attends to the others, and not only the first one.
        depth: number of fusion blocks, drawn anew and trained at the head's rate.
        shift: reading of the shift dictionary (objectives/heads/fused.py); "none" does without it.
        clusters: of each modality; 0: four for each class.
        scale: multiple of a shift; it rises from 0 along the training.
        weight: of the loss on shifted features, the mean over modalities.
        inference: "fused" reads the fused feature; "entropy" weights its answer and those on the shifted ones by how
            sure each is; "evidential" joins a head of each modality and one of the fused part by Dempster's rule.
    """

    symmetric: bool = False
    depth: int = 6
    shift: Reading = "residual"
    clusters: int = 0
    scale: float = 0.5
    weight: float = 1.0
    inference: Literal["fused", "entropy", "evidential"] = "fused"

    def __post_init__(self) -> None:
        amounts = dict.fromkeys(("clusters", "scale", "weight"), FROM_0)
        require_ranges("fusion", self, {"depth": FROM_1, **amounts})


class FusedHead(PooledHead):
    """One linear layer on the standardised fused part, the last one that the encoder pools.

    Args:
        parts: modalities and the fused part.
        dropout, task, cells: as of `PooledHead`.
    """

    def __init__(
        self,
        parts: int,
        dim: int,
        *,
        settings: FusionSettings,
        dropout: float = 0.0,
        task: Task = BINARY,
        cells: Cells = WHOLE,
    ) -> None:
        super().__init__(parts, dim, dropout=dropout, task=task, cells=cells)
        self.settings = settings
        self.linear = blank_linear(dim, task)
        self.dictionary = None
        if settings.shift != "none":
            self.dictionary = ShiftDictionary(parts - 1, settings.clusters or 4 * task.classes, dim)
        self.others = None
        if settings.inference == "evidential":
            if task.kind == "ordinal":
                raise InputError("supervised.fusion: evidence is of classes without an order; take another inference")
            self.others = nn.ModuleList(blank_linear(dim, task) for _ in range(parts - 1))

    def fit(self, pooled: Pooled, there: ModalityMask, *, seed: int) -> None:
        """Fit scales and dictionary on all that may be learnt from, with and without labels."""
        self.standardise_by(pooled, there)
        if self.dictionary is not None:
            self.dictionary.fit(self.standardised(pooled, there)[:, :-1], there[:, :-1], seed=seed)

    def features(self, pooled: Pooled, there: ModalityMask) -> Features:
        """The fused part, [batch, dim]."""
        return self.standardised(pooled, there)[:, -1]

    def forward(self, pooled: Pooled, there: ModalityMask) -> Logits:
        """Logits, [batch, outputs], of the probabilities that `settings.inference` gives."""
        if self.others is not None:
            alpha = joined(self._opinions(self.standardised(pooled, there), there))
            return self.task.logits(alpha / alpha.sum(1, keepdim=True))
        if self.settings.inference == "fused" or self.dictionary is None:
            return self.score(self.features(pooled, there))
        shifted = self.shifted(pooled, there)
        chance = torch.stack([self.task.probabilities(self.score(part)) for part in shifted.unbind(1)], 1)
        entropy = -torch.special.xlogy(chance, chance).sum(2, keepdim=True)
        weight = (-entropy).exp() * there.roll(1, 1)[..., None]  # the fused part first, as in `shifted`
        return self.task.logits((chance * weight).sum(1) / weight.sum(1))

    def shifted(self, pooled: Pooled, there: ModalityMask) -> Pooled:
        """The fused part as it is, and shifted by each modality, [batch, 1 + modalities, dim]."""
        z = self.standardised(pooled, there)
        fused = z[:, -1:]
        return torch.cat([fused, fused + self._shifts(z[:, :-1], scale=self.settings.scale)], 1)

    def loss(self, pooled: Pooled, there: ModalityMask, labels: Labels, step: Step) -> dict[str, Scalar]:
        """`cross_entropy` (or `evidence`) of the fused feature, and `shifted`, that of the shifted ones."""
        z = self.standardised(pooled, there)
        if self.others is None:
            terms = {"cross_entropy": self.task.loss(self.score(z[:, -1]), labels)}
        else:
            opinions = self._opinions(z, there)
            losses = [
                evidential_loss(opinion[has], labels[has], doubt=step.progress)
                for opinion, has in zip(opinions, there.unbind(1), strict=True)
                if bool(has.any())
            ]
            losses.append(evidential_loss(joined(opinions), labels, doubt=step.progress))
            terms = {"evidence": torch.stack(losses).sum()}
        if self.dictionary is None:
            return terms
        generator = step.generator("shift") if self.settings.shift == "gaussian" else None
        shifts = self._shifts(z[:, :-1], scale=self.settings.scale * step.progress, generator=generator)
        losses = [
            self._loss(z[has, -1] + shifts[has, modality], labels[has], step)
            for modality, has in enumerate(there[:, :-1].unbind(1))
            if bool(has.any())
        ]
        return {**terms, "shifted": self.settings.weight * torch.stack(losses).mean()}

    def _loss(self, feature: Embeddings, labels: Labels, step: Step) -> Scalar:
        if self.others is None:
            return self.task.loss(self.score(feature), labels)
        return evidential_loss(dirichlet(self.score(feature)), labels, doubt=step.progress)

    def _shifts(self, z: Pooled, *, scale: float, generator: torch.Generator | None = None) -> Pooled:
        """Of each modality, from its own feature, [batch, modality, dim]."""
        if self.dictionary is None:
            return torch.zeros_like(z)
        return scale * self.dictionary.shifts(z, self.settings.shift, generator=generator)

    def _opinions(self, z: Pooled, there: ModalityMask) -> list[torch.Tensor]:
        """Of each modality's head and the fused one, [batch, classes] each; of a modality that is not there, none."""
        heads = [*(self.others or ()), self.linear]
        opinions = [dirichlet(head(self.dropout(part))) for head, part in zip(heads, z.unbind(1), strict=True)]
        return [torch.where(has[:, None], alpha, 1.0) for alpha, has in zip(opinions, there.unbind(1), strict=True)]
