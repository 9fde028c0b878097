"""Bring made-up patients into the form that stacked networks read: standardised by the archive, 0 where missing."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from semeia.errors import InputError
from semeia.worlds.draws import generator
from semeia.worlds.observe import Patients
from semeia.worlds.sweep.finetuning import VALIDATION, Labelled
from semeia.worlds.sweep.networks import MODALITIES, Stacked
from semeia.worlds.sweep.pretraining import Pairs
from semeia.worlds.sweep.simple_arms import Canonical, canonical_variates

Features = dict[str, Float[np.ndarray, "_ _"]]


@dataclass(frozen=True)
class UnlabelledArchive:
    """What a hospital holds without labels, and what is fitted on it.

    Attributes:
        pairs: standardised features of the patients who have both modalities, 0 where one is missing.
        mean: of each feature, by modality, over patients who have it.
        sd: standard deviation.
    """

    pairs: Features
    mean: dict[str, Float[np.ndarray, "_"]]
    sd: dict[str, Float[np.ndarray, "_"]]

    @cached_property
    def canonical(self) -> Canonical:
        """Canonical variates of the pairs."""
        return canonical_variates(self.pairs["image"], self.pairs["record"])

    def cohort(self, patients: Patients) -> "Cohort":
        """Patients as the archive standardises them: in units of its deviation; 0, its mean, where one is missing."""
        raw = {"image": patients.image, "record": patients.record}
        features = {
            name: np.nan_to_num((raw[name] - self.mean[name]) / self.sd[name]).astype(np.float32) for name in MODALITIES
        }
        return Cohort(patients, features)


def fit_archive(patients: Patients) -> UnlabelledArchive:
    """Fit what needs no label on unlabelled patients."""
    raw = {"image": patients.image, "record": patients.record}
    mean = {name: np.nanmean(raw[name], axis=0) for name in MODALITIES}
    sd = {name: np.nanstd(raw[name], axis=0) for name in MODALITIES}
    both = has_record(patients)
    if both.sum() < 50:
        raise InputError(
            f"only {both.sum()} of {len(both)} unlabelled patients have both modalities: too few to pretrain on"
        )
    pairs = {name: np.nan_to_num((raw[name][both] - mean[name]) / sd[name]) for name in MODALITIES}
    return UnlabelledArchive(pairs, mean, sd)


def has_record(patients: Patients) -> Bool[np.ndarray, " n"]:
    """Which patients have any of the record."""
    return np.asarray(~np.isnan(patients.record).all(1))


def presence(patients: Patients) -> Bool[Tensor, "n modality"]:
    """Which modalities each patient has."""
    record = torch.from_numpy(has_record(patients))
    return torch.stack([torch.ones_like(record), record], 1)


def stacked_pairs(archives: list[UnlabelledArchive]) -> Pairs:
    """The pairs of several archives, filled up with zeros to the largest."""
    count = np.array([len(archive.pairs["image"]) for archive in archives])
    values = {name: _filled([archive.pairs[name] for archive in archives]) for name in MODALITIES}
    return Pairs(values, count)


@dataclass(frozen=True)
class Cohort:
    """Patients, and their features as an archive standardises them."""

    patients: Patients
    features: Features

    @property
    def columns(self) -> Float[np.ndarray, "n _"]:
        """Features of both modalities, side by side."""
        return np.hstack([self.features[name] for name in MODALITIES]).astype(np.float64)

    def stacked(self, cells: int = 1) -> tuple[dict[str, Stacked], Bool[Tensor, "cell n modality"]]:
        """Features and presence, the same for some cells."""
        values = {name: torch.from_numpy(self.features[name])[None].expand(cells, -1, -1) for name in MODALITIES}
        return values, presence(self.patients)[None].expand(cells, -1, -1)


def stacked_labels(cohorts: list[Cohort], *, seeds: list[int]) -> Labelled:
    """Labelled patients of several sources; a fifth of each class is held out, by the source's seed."""
    labels = [cohort.patients.label for cohort in cohorts]
    splits = [_split(label, seed) for label, seed in zip(labels, seeds, strict=True)]
    orders = [order for order, _ in splits]
    values = {
        name: _filled([cohort.features[name][order] for cohort, order in zip(cohorts, orders, strict=True)])
        for name in MODALITIES
    }
    there = [presence(cohort.patients)[torch.from_numpy(order)] for cohort, order in zip(cohorts, orders, strict=True)]
    known = [torch.from_numpy(label[order]).float() for label, order in zip(labels, orders, strict=True)]
    return Labelled(
        values,
        present=pad_sequence(there, batch_first=True),
        label=pad_sequence(known, batch_first=True),
        training=np.array([count for _, count in splits]),
        count=np.array([len(label) for label in labels]),
    )


def _split(label: np.ndarray, seed: int) -> tuple[np.ndarray, int]:
    """An order of the rows, those to train on first, and how many these are."""
    held_out = np.zeros(len(label), bool)
    order = generator(seed, "held-out fifth").permutation(len(label))
    for value in (0, 1):
        rows = order[label[order] == value]
        if len(rows) < 2:
            raise InputError(f"of {len(label)} labelled patients {len(rows)} have the label {value}: two are needed")
        held_out[rows[: max(1, len(rows) // VALIDATION)]] = True
    return np.concatenate([order[~held_out[order]], order[held_out[order]]]), int((~held_out).sum())


def _filled(arrays: list[np.ndarray]) -> Float[Tensor, "source patient _"]:
    tensors = [torch.from_numpy(np.ascontiguousarray(array, np.float32)) for array in arrays]
    return pad_sequence(tensors, batch_first=True)
