"""Training small enough for tests: a miniature nodule archive, a network of a few thousand parameters, a few steps."""

import json
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from lidc_folder import read_rows, write_lidc_folder, write_rows
from semeia.archive import open_archive
from semeia.data.crops import CropSettings
from semeia.data.dataset import Dataset, open_dataset
from semeia.data.modality import Modality
from semeia.encoders.patient import EncoderSettings
from semeia.encoders.settings import ModelSettings
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.loop import LoopSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.build import ObjectiveSettings
from semeia.objectives.latent_prediction import LatentPredictionSettings
from semeia.readers import ingest_images, ingest_nodules
from semeia.studies.run.study import Inputs

MAKERS = ("GE MEDICAL SYSTEMS", "SIEMENS", "unknown")
CROP = CropSettings(voxels=(16, 16, 16), voxel_mm=(2.0, 2.0, 2.0), patch=(4, 2, 2))
MODEL = ModelSettings(crop=CROP, encoder=EncoderSettings(dim=16, depth=1, heads=2))
LOOP = LoopSettings(device="cpu", precision="fp32", save_every=0, log_every=1)
PRETRAIN = PretrainSettings(
    model=MODEL,
    objective=ObjectiveSettings(jepa=LatentPredictionSettings(predictor_dim=16, predictor_depth=1, predictor_heads=2)),
    optimiser=OptimiserSettings(steps=4, batch=8),
    loop=LOOP,
    held_out=0.3,
)
FINETUNE = FinetuneSettings(
    scratch=OptimiserSettings(steps=4, batch=8),
    pretrained=OptimiserSettings(steps=4, batch=8, encoder_lr=3e-4),
    loop=LOOP,
)
FLAT = CropSettings(voxels=(1, 16, 16), patch=(1, 4, 4))
PICTURES = replace(PRETRAIN, model=ModelSettings(image="patches", crop=FLAT, encoder=MODEL.encoder))


@dataclass(frozen=True)
class Ran:
    """A finished study, and where it was run."""

    run: Path
    inputs: Inputs

    @property
    def predictions(self) -> pl.DataFrame:
        return pl.read_parquet(self.run / "predictions.parquet")


def nodule_archive(folder: Path, patients: int = 24, *, key: Path | None = None, **layout: int | bool) -> Path:
    """Ingest a miniature LIDC folder: two nodules a patient, GE, Siemens and unknown makers in turn."""
    files = write_lidc_folder(folder / "files", patients, makers=MAKERS, hu=False, **layout)  # pyright: ignore[reportArgumentType]
    rows = [
        row | {"manufacturer": str(row["manufacturer"]).replace("unknown", "")}
        for row in read_rows(files / "nodules.csv")
    ]
    write_rows(files / "nodules.csv", rows)
    ingest_nodules(files, into=folder / "archive", key=key)
    return folder / "archive"


def picture_archive(
    folder: Path, patients: int = 20, *, split: bool = True, first: int = 0, of_patient: bool = False
) -> Path:
    """Two PNGs a patient; those of every other patient are brighter, and labelled 1. Each fourth is for testing."""
    rng = np.random.default_rng(first)
    (folder / "files").mkdir(parents=True)
    rows: list[dict[str, object]] = []
    for place in range(first, first + patients):
        for number in range(1 if of_patient else 2):
            name = f"scan-{place:03d}-{number}.png"
            pixels = rng.integers(0, 120, (24, 30)) + 100 * (place % 2)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "files" / name)
            row: dict[str, object] = {"file": name, "patient": f"CANARY-{place:03d}", "label": place % 2}
            rows.append(row | {"split": "test" if place % 4 > 1 else "train"})
    table = write_rows(folder / "table.csv", rows)
    columns = {"image": "file", "subject": "patient", "label": "label", "split": "split" if split else None}
    unit = "patient" if of_patient else None
    ingest_images(folder / "files", table=table, into=folder / "archive", unit=unit, **columns)  # pyright: ignore[reportArgumentType]
    return folder / "archive"


def loaded(archive: Path) -> Dataset:
    """The archive in memory on the small grid."""
    opened = open_archive(archive)
    return open_dataset(opened, MODEL.modalities_of(opened))


def labels_by_row(data: Dataset, archive: Path, outcome: str = "malignancy") -> pl.Series:
    """The label of each unit, null where it has none."""
    values = open_archive(archive).outcome(outcome).select("unit_id", "value")
    return data.units.join(values, on="unit_id", how="left", maintain_order="left")["value"]


def killed_by(work: Callable[[], object]) -> int:
    """Run `work` in a forked child; the signal that ended the child, 0 if it came to its end.

    A fork spares the child the seconds that importing torch and MONAI takes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later: fork beside threads
        child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            sys.__stderr__.write(f"child: {error!r}\n") if sys.__stderr__ else None
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the child failed of itself"
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def with_arrays(data: Dataset, **values: np.ndarray) -> Dataset:
    """The same units with other values of some modalities (of each observation), and of what is not NaN the mask."""
    observations = dict(data.observations)
    for name, given in values.items():
        old = observations[name]
        mask = ~np.isnan(given) if given.dtype.kind == "f" and given.ndim == 2 else old.arrays.mask
        observations[name] = replace(old, arrays=replace(old.arrays, values=given, mask=mask))
    return replace(data, observations=observations)


def with_modalities(data: Dataset, **modalities: Modality) -> Dataset:
    """As if the data had been read by other settings."""
    return replace(data, modalities={**data.modalities, **modalities})


def values_of(data: Dataset, name: str, rows: np.ndarray | None = None) -> np.ndarray:
    """The newest observation of each unit."""
    observed = data.observations[name]
    slot = observed.slot[:, 0] if rows is None else observed.slot[rows, 0]
    return np.asarray(observed.arrays.values)[slot]


def read_metrics(path: Path) -> list[dict]:
    """All lines of a log; none if there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
