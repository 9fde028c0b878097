"""Say how near a unit is to the patients that a network was fitted on, by what its head reads of them, unnamed.

Kept are the standardised features of units, in an order and with numbers of patients that are drawn, never who they
are. How near is usual is told by patients that the model was not fitted on, where there are enough: a network knows
those that it was fitted on too well.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from semeia.data.dataset import Dataset
from semeia.errors import InputError
from semeia.learning.checkpoint import arrays_of, load_kind, save_tensors
from semeia.learning.model import Model

FILE = "neighbours.safetensors"
KIND = "neighbours"
MOST = 2000  # units that are kept, of those fitted on and of the others each
FEWEST = 20  # units of others that tell what is usual
USUAL = 0.95  # share of them that lies within the radius
_ARRAYS = {
    "features": ("units", "parts", "width"),
    "there": ("units", "parts"),
    "patients": ("units",),
    "learnt": ("units",),
}


@dataclass(frozen=True)
class Near:
    """How near one unit is.

    Attributes:
        patients: fitted on, that have a unit within the radius.
        of: patients fitted on that have what this unit has.
        distance: to the nearest of their units: root mean square over the features, of which each has the standard
            deviation 1 over the units fitted on.
        radius: within which `USUAL` of the units in question have their nearest.
        told_by: units that the radius is from.
        held_out: whether these are of patients not fitted on.
    """

    patients: int
    of: int
    distance: float
    radius: float
    told_by: int
    held_out: bool

    @property
    def unusual(self) -> bool:
        """Whether it is further away than is usual."""
        return self.distance > self.radius


@dataclass(frozen=True)
class Neighbours:
    """Units of an archive as a head reads them.

    Attributes:
        features: standardised, [unit, part, width]; 0 where a part is not there.
        there: which parts (modalities) each has, [unit, part].
        patients: a number drawn for each patient, [unit].
    """

    features: Float[np.ndarray, "unit part width"]
    there: Bool[np.ndarray, "unit part"]
    patients: Int[np.ndarray, " unit"]
    learnt: Bool[np.ndarray, " unit"]
    _usual: dict[tuple[bool, ...], tuple[float, int, bool]] = field(default_factory=dict, compare=False)

    def near(self, features: Float[np.ndarray, "part width"], there: Bool[np.ndarray, " part"]) -> Near | None:
        """Compare one unit with those fitted on that have at least what it has; None where there are too few."""
        alike = self.there[:, there].all(1)
        known = self.learnt & alike
        usual = self._radius(tuple(there.tolist()), known, alike & ~self.learnt)
        if usual is None:
            return None
        distances = _distances(features[None, there], self.features[known][:, there])[0]
        within = np.unique(self.patients[known][distances <= usual[0]])
        everybody = len(np.unique(self.patients[known]))
        return Near(len(within), everybody, float(distances.min()), *usual)

    def _radius(
        self, key: tuple[bool, ...], known: Bool[np.ndarray, " unit"], others: Bool[np.ndarray, " unit"]
    ) -> tuple[float, int, bool] | None:
        """The radius, how many units it is from, and whether these were held out; kept for each set of parts."""
        if key not in self._usual:
            held_out = int(others.sum()) >= FEWEST
            asking = others if held_out else known
            parts = np.array(key)
            apart = _distances(self.features[asking][:, parts], self.features[known][:, parts])
            apart[self.patients[asking][:, None] == self.patients[known]] = np.inf  # never one's own
            nearest = apart.min(1) if apart.size else np.array([])
            nearest = nearest[np.isfinite(nearest)]
            if len(nearest) < FEWEST:
                return None
            self._usual[key] = float(np.quantile(nearest, USUAL)), len(nearest), held_out
        return self._usual[key]

    def save(self, folder: Path) -> None:
        """Write `neighbours.safetensors`."""
        plain = {name: torch.from_numpy(getattr(self, name).astype(np.float64)) for name in _ARRAYS}
        save_tensors(folder / FILE, plain, {"kind": KIND})


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Root mean square differences, [unit, other unit]."""
    flat = [torch.from_numpy(np.ascontiguousarray(x.reshape(len(x), -1))) for x in (one, other)]
    return torch.cdist(flat[0], flat[1]).numpy() / np.sqrt(max(flat[0].shape[1], 1))


def features_of(model: Model, data: Dataset, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the head reads of some units, [n, part, width], and which parts there are, [n, part]."""
    if model.head is None:
        raise InputError("this model was only pretrained; fine-tune it before its patients can be compared")
    pooled, there = model.pooled(data, rows, cells=model.head.cells)
    with torch.no_grad():
        return model.head.standardised(pooled, there).double().numpy(), there.numpy()


def neighbours_of(model: Model, data: Dataset, *, seed: int = 0) -> Neighbours:
    """Take the neighbours from the archive that a model with a head was fitted on, its units as the model reads them.

    The seed decides the order, the numbers of the patients, and which units are kept of many.
    """
    learnt = model.preprocessing.fitted_on.seen(data)
    something = data.something(model.preprocessing.names)
    if not (learnt & something).any():
        raise InputError(
            "none of the patients the model was fitted on is in this archive; give the one it was trained on"
        )
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.permutation(np.flatnonzero(group & something))[:MOST] for group in (learnt, ~learnt)])
    rows = rng.permutation(rows)
    features, there = features_of(model, data, rows)
    people, numbers = np.unique(data.subjects[rows], return_inverse=True)
    return Neighbours(features, there, rng.permutation(len(people))[numbers], learnt[rows])


def load_neighbours(path: Path) -> Neighbours:
    """Read stored neighbours."""
    tensors, _ = load_kind(path, KIND, called="neighbours")
    arrays = arrays_of(tensors, _ARRAYS, path=path)
    return Neighbours(
        arrays["features"],
        arrays["there"].astype(bool),
        arrays["patients"].astype(np.int64),
        arrays["learnt"].astype(bool),
    )
