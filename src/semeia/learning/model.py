"""A model as it leaves training: encoder, head, and the preprocessing it must be used with. One safetensors file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from semeia.encoders.build import ModelSettings, build_encoder
from semeia.encoders.patient import PatientEncoder
from semeia.encoders.pooling import WHOLE, Cells
from semeia.errors import InputError
from semeia.learning.checkpoint import load_into, load_tensors, save_tensors
from semeia.objectives.supervised import PooledHead
from semeia.objectives.task import BINARY, Task
from semeia.settings_json import from_plain, to_plain
from semeia.views.batch import views_of
from semeia.views.dataset import PatientData
from semeia.views.preprocessing import Preprocessing

FILE = "model.safetensors"
BATCH = 256


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
    try:
        settings = from_plain(ModelSettings, about["settings"])
        preprocessing = from_plain(Preprocessing, about["preprocessing"])
        has_head = bool(about["has_head"])
        task = from_plain(Task, about.get("task", {}))  # absent before there were others than binary ones
        depth, height, width = about.get("cells", WHOLE)  # absent before there were heads that read places
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: its description does not fit this version of Semeia ({error})") from error
    encoder = build_encoder(settings, preprocessing, seed=0)
    load_into(encoder, {k: v for k, v in tensors.items() if k.startswith("encoder.")}, path=path, prefix="encoder.")
    head = None
    if has_head:
        cells = (int(depth), int(height), int(width))
        head = PooledHead(len(encoder.kinds), encoder.pooled_width(cells), task=task, cells=cells)
        load_into(head, {k: v for k, v in tensors.items() if k.startswith("head.")}, path=path, prefix="head.")
    return Model(encoder=encoder.eval(), head=head, settings=settings, preprocessing=preprocessing)
