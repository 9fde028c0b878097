"""Keep a few held-out pictures as a masked autoencoder is shown them and draws them; its decoder is thrown away."""

from pathlib import Path

import numpy as np
import torch

from semeia.data.dataset import Dataset
from semeia.data.preprocessing import Preprocessing, make_batch
from semeia.learning.checkpoint import load_tensors, save_tensors
from semeia.objectives.mae import MaskedAutoencoder
from semeia.objectives.objective import Objective
from semeia.objectives.sum import Sum
from semeia.shapes import Pictures

FILE = "redrawn.safetensors"


def keep_redrawn(
    objective: Objective,
    data: Dataset,
    rows: np.ndarray,
    *,
    preprocessing: Preprocessing,
    most: int,
    seed: int,
    folder: Path,
) -> None:
    """Write a few of the rows that have all that is drawn, spread evenly; nothing where the objective draws nothing."""
    terms = objective.terms.values() if isinstance(objective, Sum) else (objective,)
    painter = next((term for term in terms if isinstance(term, MaskedAutoencoder)), None)
    if painter is None:
        return
    rows = rows[np.all([data.observed(name)[rows] for name in painter.crops], axis=0)]
    if not len(rows):
        return
    some = rows[np.unique(((np.arange(most) + 0.5) / most * len(rows)).astype(int))]
    batch = make_batch(data, some, preprocessing=preprocessing)
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name in painter.eval().crops:
        shown, drawn = painter.redrawn(batch, name, generator)
        true = batch.modalities[name].values[:, 0, :, 0]
        tensors |= {f"{name}.true": true, f"{name}.shown": shown, f"{name}.drawn": drawn}
    save_tensors(folder / FILE, tensors, {"modalities": list(painter.crops)})


def read_redrawn(folder: Path) -> dict[str, tuple[Pictures, Pictures, Pictures]]:
    """By modality true pictures, what was shown of them, and what was drawn; nothing where none were kept."""
    if not (folder / FILE).exists():
        return {}
    tensors, about = load_tensors(folder / FILE)
    parts = ("true", "shown", "drawn")
    return {name: tuple(tensors[f"{name}.{part}"] for part in parts) for name in about["modalities"]}  # pyright: ignore[reportReturnType]
