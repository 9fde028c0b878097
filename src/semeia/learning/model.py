"""A model as it leaves training: encoder, head, and the preprocessing it must be used with. One safetensors file."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from semeia.encoders.build import ModelSettings, build_encoder
from semeia.encoders.patient import PatientEncoder
from semeia.encoders.pooling import WHOLE, Cells
from semeia.errors import InputError
from semeia.learning.checkpoint import MOST_VOXELS, Tensors, built_to_fit, load_tensors, save_tensors
from semeia.objectives.supervised import PooledHead
from semeia.objectives.task import BINARY, Task
from semeia.settings_json import from_plain, to_plain
from semeia.views.batch import views_of
from semeia.views.dataset import PatientData
from semeia.views.preprocessing import Preprocessing

FILE = "model.safetensors"
BATCH = 256


@dataclass(frozen=True)
class Manifest:
    """What a stored network says of itself.

    `task` and `cells` were absent before there were other than binary outcomes, and heads that read places.
    """

    settings: ModelSettings
    preprocessing: Preprocessing
    has_head: bool
    task: Task = BINARY
    cells: Cells = WHOLE


@dataclass(frozen=True)
class Model:
    """An encoder, and a head once there were labels.

    Attributes:
        encoder: in evaluation mode.
        head: None after pretraining.
        settings: how the encoder is built.
        preprocessing: what its input must have gone through.
    """

    encoder: PatientEncoder
    head: PooledHead | None
    settings: ModelSettings
    preprocessing: Preprocessing

    @torch.no_grad()
    def pooled(self, data: PatientData, rows: np.ndarray, *, hide: tuple[str, ...] = (), cells: Cells = WHOLE) -> tuple:
        """Pooled tokens and which modalities there are: [n, modality, dim], [n, modality].

        Args:
            data: prepared as the preprocessing says, else refused.
            rows: which units.
            hide: modalities to mask, as if the archive lacked them.
            cells: read apart (encoders/pooling.py).
        """
        self.preprocessing.require_same(data, rows, hide=hide)
        device = next(self.encoder.parameters()).device
        parts, there = [], []
        self.encoder.eval()
        for start in range(0, len(rows), BATCH):
            views = views_of(data, rows[start : start + BATCH], preprocessing=self.preprocessing).to(device)
            for name in hide:
                views = views.without(name)
            pooled, present = self.encoder.pool(self.encoder(views), cells=cells)
            parts.append(pooled.float().cpu())
            there.append(present.cpu())
        return torch.cat(parts), torch.cat(there)

    @torch.no_grad()
    def score(self, data: PatientData, rows: np.ndarray, *, hide: tuple[str, ...] = ()) -> np.ndarray:
        """Probabilities: [n] of the positive class, or [n, class] where there are several."""
        if self.head is None:
            raise InputError("this model was only pretrained; fine-tune it before it can score")
        head = self.head.cpu().eval()
        pooled, there = self.pooled(data, rows, hide=hide, cells=head.cells)
        chances = head.task.probabilities(head(pooled, there).double()).numpy()
        return chances[:, 1] if head.task.kind == "binary" else chances

    def save(self, folder: Path, about: dict[str, object] | None = None) -> Path:
        """Writes `model.safetensors` with its manifest."""
        tensors = {f"encoder.{name}": value for name, value in self.encoder.state_dict().items()}
        if self.head is not None:
            tensors |= {f"head.{name}": value for name, value in self.head.state_dict().items()}
        manifest = {
            "kind": "network",
            "settings": to_plain(self.settings),
            "preprocessing": to_plain(self.preprocessing),
            "has_head": self.head is not None,
            "task": to_plain(BINARY if self.head is None else self.head.task),
            "cells": list(WHOLE if self.head is None else self.head.cells),
            **(about or {}),
        }
        save_tensors(folder / FILE, tensors, manifest)
        return folder / FILE


def load_model(path: Path) -> Model:
    """Reads a model; refuses damaged files and tensors that do not fit."""
    tensors, about = load_tensors(path)
    if about.get("kind") != "network":
        raise InputError(f"{path}: holds a {about.get('kind')} model, not a network")
    told = {name: value for name, value in about.items() if name in Manifest.__dataclass_fields__}
    try:
        manifest = from_plain(Manifest, told, where="about")
        _require_sane(manifest, tensors)
    except InputError as error:
        raise InputError(f"{path}: its description does not fit this version of Semeia ({error})") from error
    settings, preprocessing, cells = manifest.settings, manifest.preprocessing, manifest.cells
    encoder = built_to_fit(
        lambda: build_encoder(settings, preprocessing, seed=0), tensors, path=path, prefix="encoder."
    )
    head = None
    if manifest.has_head:
        width = encoder.pooled_width(cells)
        head = built_to_fit(
            lambda: PooledHead(len(encoder.kinds), width, task=manifest.task, cells=cells),
            tensors,
            path=path,
            prefix="head.",
        )
    return Model(encoder=encoder.eval(), head=head, settings=settings, preprocessing=preprocessing)


def _require_sane(manifest: Manifest, tensors: Tensors) -> None:
    """Refuses what would take long or much memory before its tensors could be held against those of the file."""
    settings, preprocessing = manifest.settings, manifest.preprocessing
    voxels, depth = settings.crop.voxels, settings.encoder.depth
    if math.prod(voxels) > MOST_VOXELS or math.prod(preprocessing.crop.voxels) > MOST_VOXELS:
        raise InputError(f"a crop has more than {MOST_VOXELS} voxels")
    if "image" in preprocessing.modalities and preprocessing.crop != settings.crop:
        raise InputError("settings.crop and preprocessing.crop differ")
    if not 0 <= depth <= len(tensors):
        raise InputError(f"settings.encoder.depth is {depth}, and the file has {len(tensors)} tensors")
    if not preprocessing.modalities or set(preprocessing.modalities) - {"image", "reading"}:
        raise InputError("preprocessing.modalities must be some of image, reading")
    if len({len(preprocessing.items), len(preprocessing.item_mean), len(preprocessing.item_sd)}) > 1:
        raise InputError("preprocessing.items, item_mean and item_sd differ in length")
    if min(manifest.cells) < 1 or max(manifest.cells) > max(voxels):
        raise InputError(f"cells {list(manifest.cells)} do not divide a crop of {list(voxels)} voxels")
