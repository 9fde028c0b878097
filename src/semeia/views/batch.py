"""From rows of an archive in memory to the views of a batch: the one place where data, manifest and chance meet."""

import numpy as np
import torch

from semeia.views.augment import AugmentSettings, augment
from semeia.views.dataset import PatientData
from semeia.views.patches import patch_places, patch_presence
from semeia.views.patient import OTHER, View, Views
from semeia.views.preprocessing import Preprocessing


def views_of(
    data: PatientData,
    rows: np.ndarray,
    *,
    preprocessing: Preprocessing,
    augmentation: AugmentSettings | None = None,
    generator: torch.Generator | None = None,
    looks: int = 1,
) -> Views:
    """The views of some units; augmented when settings and a generator are given.

    Args:
        data: the archive in memory.
        rows: which units, [batch].
        preprocessing: what the model that reads them was fitted with.
        augmentation: how far a crop is moved.
        generator: of the augmentation.
        looks: with 2, another augmentation of the image comes along (`Views.other`).
    """
    modalities = {}
    if "image" in preprocessing.modalities:
        for look in ("", OTHER)[:looks]:
            volumes = torch.from_numpy(data.voxels[rows]).float() / 255
            covered = torch.from_numpy(data.covered[rows])
            if augmentation is not None and generator is not None:
                volumes, covered = augment(volumes, covered, settings=augmentation, generator=generator)
            where = patch_places(data.crop, preprocessing.geometry).expand(len(rows), -1, -1)
            present = patch_presence(covered, data.crop, preprocessing.geometry)
            modalities["image" + look] = View(values=volumes, present=present, where=where)
    if "reading" in preprocessing.modalities:
        values = torch.from_numpy(preprocessing.scaled_readings(data, rows))
        where = torch.zeros(*values.shape, 3)
        where[..., 0] = torch.arange(values.shape[1])
        modalities["reading"] = View(values=values, present=~values.isnan(), where=where)
    return Views(modalities)
