"""Hold a model as it leaves training, in one safetensors file: encoder, head, and their preprocessing."""

import math
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from semeia.data.batch import Batch
from semeia.data.dataset import Dataset
from semeia.data.fingerprint import Fingerprint
from semeia.data.modality import Modality
from semeia.data.preprocessing import Preprocessing, make_batch
from semeia.encoders.build import build_encoder
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.encoders.pooling import WHOLE, Cells
from semeia.errors import InputError
from semeia.learning.checkpoint import MOST_VOXELS, Tensors, built_to_fit, load_described, save_tensors
from semeia.objectives.heads.fused import FusedHead, FusionSettings
from semeia.objectives.heads.pooled import PooledHead
from semeia.objectives.latent_prediction import LatentPrediction, LatentPredictionSettings
from semeia.objectives.supervised import head_of
from semeia.objectives.task import BINARY, Task
from semeia.settings_json import to_plain
from semeia.shapes import ModalityMask, Pooled

FILE, FORECASTER = "model.safetensors", "forecaster.safetensors"
BATCH = 256


@dataclass(frozen=True)
class Manifest:
    """What a stored network says of itself."""

    encoder: EncoderSettings
    preprocessing: Preprocessing
    has_head: bool
    task: Task = BINARY
    cells: Cells = WHOLE
    fusion: FusionSettings | None = None
    common: tuple[str, ...] = ()
    verdict: str = ""


@dataclass(frozen=True)
class Model:
    """An encoder, and a head once there were labels.

    Attributes:
        common: by modality, a map from what is pooled of it to a space in which pretraining compared modalities.
        verdict: what pretraining said of the encoder; empty where there was none.
    """

    encoder: PatientEncoder
    head: PooledHead | None
    preprocessing: Preprocessing
    common: dict[str, nn.Linear] = field(default_factory=dict)
    verdict: str = ""

    @property
    def fitted_on(self) -> Fingerprint:
        """The patients it saw."""
        return self.preprocessing.fitted_on

    @property
    def modalities(self) -> dict[str, Modality]:
        """What it reads, and how."""
        return self.preprocessing.modalities

    def only(self, names: tuple[str, ...]) -> "Model":
        """Make the encoder of some of its modalities, with the same weights; a head does not come along."""
        if set(names) >= set(self.encoder.kinds):
            return self
        common = {name: linear for name, linear in self.common.items() if name in names}
        return Model(self.encoder.only(names), None, self.preprocessing.only(names), common, self.verdict)

    @torch.no_grad()
    def pooled(
        self, data: Dataset, rows: np.ndarray, *, hide: tuple[str, ...] = (), cells: Cells = WHOLE
    ) -> tuple[Pooled, ModalityMask]:
        """Pool the tokens of some units: [n, modality, pooled_width], and which modalities there are, [n, modality].

        Data must be prepared as the preprocessing says, else they are refused. `hide` masks modalities, as if the
        archive lacked them; `cells` are read apart (encoders/pooling.py).
        """
        self.preprocessing.require_same(data)
        parts, there = [], []
        self.encoder.eval()
        for start in range(0, len(rows), BATCH):
            batch = self.batch(data, rows[start : start + BATCH], hide=hide)
            pooled, present = self.encoder.pool(self.encoder(batch), cells=cells)
            parts.append(pooled.float().cpu())
            there.append(present.cpu())
        return torch.cat(parts), torch.cat(there)

    @torch.no_grad()
    def compared(self, pooled: Pooled) -> dict[str, torch.Tensor]:
        """Lead what is pooled to the common space: of each modality that has a map vectors of length 1, [n, width]."""
        places = {name: self.encoder.kinds.index(name) for name in self.common}
        return {name: F.normalize(self.common[name](pooled[:, at]), dim=1) for name, at in places.items()}

    def batch(self, data: Dataset, rows: np.ndarray, *, hide: tuple[str, ...] = ()) -> Batch:
        """What the encoder sees of some units, on its device, without what is hidden."""
        device = next(self.encoder.parameters()).device
        batch = make_batch(data, rows, preprocessing=self.preprocessing, device=device)
        for name in hide:
            batch = batch.without(name)
        return batch

    @torch.no_grad()
    def score(self, data: Dataset, rows: np.ndarray | None = None, *, hide: tuple[str, ...] = ()) -> np.ndarray:
        """Probabilities of units (all by default): [n] of the positive class, or [n, class] where there are several."""
        if self.head is None:
            raise InputError("this model was only pretrained; fine-tune it before it can score")
        head = self.head.cpu().eval()
        rows = np.arange(len(data)) if rows is None else rows
        pooled, there = self.pooled(data, rows, hide=hide, cells=head.cells)
        chances = head.task.probabilities(head(pooled, there).double()).numpy()
        return chances[:, 1] if head.task.kind == "binary" else chances

    def save(self, folder: Path, about: dict[str, object] | None = None) -> Path:
        """Write `model.safetensors` with its manifest."""
        tensors = {f"encoder.{name}": value for name, value in self.encoder.state_dict().items()}
        if self.head is not None:
            tensors |= {f"head.{name}": value for name, value in self.head.state_dict().items()}
        for at, linear in enumerate(self.common.values()):
            tensors |= {f"common.{at}.{name}": value for name, value in linear.state_dict().items()}
        manifest = Manifest(
            encoder=self.encoder.settings,
            preprocessing=self.preprocessing.seen_from(folder),
            has_head=self.head is not None,
            task=BINARY if self.head is None else self.head.task,
            cells=WHOLE if self.head is None else self.head.cells,
            fusion=self.head.settings if isinstance(self.head, FusedHead) else None,
            common=tuple(self.common),
            verdict=self.verdict,
        )
        save_tensors(folder / FILE, tensors, {"kind": "network", **to_plain(manifest), **(about or {})})
        return folder / FILE


def load_model(path: Path) -> Model:
    """Read a model; refuses damaged files and tensors that do not fit."""
    tensors, manifest = load_described(path, "network", Manifest, called="a network", check=_require_sane)
    preprocessing, cells = manifest.preprocessing.found_from(path.parent), manifest.cells
    encoder = built_to_fit(
        lambda: build_encoder(manifest.encoder, preprocessing, seed=0), tensors, path=path, prefix="encoder."
    )
    head = None
    if manifest.has_head:
        head = built_to_fit(
            lambda: head_of(encoder, task=manifest.task, cells=cells, fusion=manifest.fusion),
            tensors,
            path=path,
            prefix="head.",
        )
    common: dict[str, nn.Linear] = {}
    for at, name in enumerate(manifest.common):
        width = len(tensors.get(f"common.{at}.bias", ()))
        common[name] = built_to_fit(
            partial(nn.Linear, encoder.pooled_width(), width), tensors, path=path, prefix=f"common.{at}."
        )
    return Model(encoder.eval(), head, preprocessing, common, manifest.verdict)


@dataclass(frozen=True)
class ForecasterManifest:
    """What a stored forecaster says of itself."""

    encoder: EncoderSettings
    preprocessing: Preprocessing
    jepa: LatentPredictionSettings


def save_forecaster(folder: Path, objective: LatentPrediction, preprocessing: Preprocessing) -> None:
    """Write the predictor of latents, and the encoder it was trained with, as `forecaster.safetensors`."""
    tensors = {name: x for name, x in objective.state_dict().items() if not name.startswith("target_encoder.")}
    manifest = ForecasterManifest(objective.encoder.settings, preprocessing.seen_from(folder), objective.settings)
    save_tensors(folder / FORECASTER, tensors, {"kind": "forecaster", **to_plain(manifest)})


def load_forecaster(path: Path) -> tuple[LatentPrediction, Preprocessing]:
    """Read what `save_forecaster` has written; refuses damaged files and tensors that do not fit."""

    def sane(manifest: ForecasterManifest, tensors: Tensors) -> None:
        _require_sane(Manifest(manifest.encoder, manifest.preprocessing, has_head=False), tensors)

    tensors, manifest = load_described(path, "forecaster", ForecasterManifest, called="a forecaster", check=sane)
    # Only forecasts are made: of the guards the one without a second encoder.
    settings, preprocessing = replace(manifest.jepa, guard="sigreg"), manifest.preprocessing.found_from(path.parent)

    def build() -> LatentPrediction:
        return LatentPrediction(build_encoder(manifest.encoder, preprocessing, seed=0), settings=settings)

    return built_to_fit(build, tensors, path=path, prefix="").eval(), preprocessing


def _require_sane(manifest: Manifest, tensors: Tensors) -> None:
    """Refuse what would take long or much memory before its tensors could be held against those of the file."""
    if not manifest.preprocessing.modalities:
        raise InputError("preprocessing.modalities names nothing that is read")
    for name, modality in manifest.preprocessing.modalities.items():
        if modality.numbers() > MOST_VOXELS:
            raise InputError(f"an observation of {name} has more than {MOST_VOXELS} values")
    depths = {"depth": manifest.encoder.depth}
    if manifest.encoder.mixing in ("cross", "symmetric"):
        depths["fusion_depth"] = manifest.encoder.fusion_depth
    for name, depth in depths.items():
        if depth > len(tensors):
            raise InputError(f"encoder.{name} is {depth}, and the file has {len(tensors)} tensors")
    if manifest.fusion is not None and manifest.fusion.clusters * manifest.encoder.dim > MOST_VOXELS:
        raise InputError(f"fusion.clusters are {manifest.fusion.clusters}")
    if not set(manifest.common) <= set(manifest.preprocessing.modalities):
        raise InputError(f"common names {', '.join(manifest.common)}, and not all of them are read")
    if min(manifest.cells) < 1 or math.prod(manifest.cells) > len(tensors) * 64:
        raise InputError(f"cells {list(manifest.cells)} are none of a field of view")
