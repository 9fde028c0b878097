"""Miniature archives of knees: bright bands whose brightness is the grade, in the forms in which hospitals keep it."""

from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from lidc_folder import write_rows
from semeia.data.augment import RADIOGRAPH
from semeia.data.crops import CropSettings
from semeia.encoders.patient import EncoderSettings
from semeia.encoders.settings import ModelSettings
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.build import ObjectiveSettings
from semeia.objectives.latent_prediction import LatentPredictionSettings
from semeia.readers import ingest_knees
from semeia.studies.pictures.knee_settings import KNEE, KneeTraining
from small_training import LOOP

CROP = CropSettings(voxels=(1, 16, 24), patch=(1, 8, 8), picture=KNEE)
MODEL = ModelSettings(image="patches", crop=CROP, encoder=EncoderSettings(dim=16, depth=1, heads=2))
TRAINING = KneeTraining(
    pretraining=PretrainSettings(
        model=MODEL,
        objective=ObjectiveSettings(
            jepa=LatentPredictionSettings(predictor_dim=16, predictor_depth=1, predictor_heads=2)
        ),
        optimiser=OptimiserSettings(steps=3, batch=16),
        augmentation=RADIOGRAPH,
        loop=LOOP,
        held_out=0.3,
    ),
    finetuning=FinetuneSettings(
        scratch=OptimiserSettings(steps=3, batch=16),
        pretrained=OptimiserSettings(steps=3, batch=16, encoder_lr=3e-4),
        augmentation=RADIOGRAPH,
        loop=LOOP,
    ),
)
FORMS = ("8 bit", "16 bit", "colour", "inverted", "wide")


def band(rng: np.random.Generator, grade: int, *, size: tuple[int, int] = (32, 32)) -> np.ndarray:
    """A bright band on dark ground, uint8; the higher the grade, the brighter and the less even."""
    picture = rng.integers(0, 30, size)
    middle = slice(size[1] // 3, size[1] - size[1] // 3)
    picture[:, middle] += 90 + 25 * grade
    picture[size[0] // 2 - 2 : size[0] // 2 + 2, middle] -= 15 * (4 - grade)
    return picture.clip(0, 255).astype(np.uint8)


def as_kept(picture: np.ndarray, form: str) -> np.ndarray:
    """The same picture as hospitals keep it: see `FORMS`."""
    if form == "16 bit":
        return picture.astype(np.uint16) * 257
    if form == "colour":
        return np.repeat(picture[..., None], 3, axis=2)
    if form == "inverted":
        return 255 - picture
    return picture


def knee_archive(
    folder: Path,
    patients: int = 30,
    *,
    first: int = 0,
    side: bool = True,
    split: bool = True,
    forms: tuple[str, ...] = ("8 bit",),
    ungraded: int = 0,
    key: Path | None = None,
) -> Path:
    """Both knees of some patients, of the same grade or of neighbouring ones; each third patient is for testing.

    Args:
        folder: where its `files` and `archive` go.
        patients: how many, CANARY-<number> from `first` on.
        first: number of the first.
        side: whether the sides are known.
        split: whether there is a fixed split.
        forms: of the pictures, in turn.
        ungraded: so many of the last patients have no grades.
        key: of the pseudonyms; by default the archive's own.
    """
    rng = np.random.default_rng(first)
    (folder / "files" / "images").mkdir(parents=True)
    rows: list[dict[str, object]] = []
    for place in range(patients):
        for knee, letter in enumerate("LR"):
            grade, form = (place // 2 + knee * (place % 2)) % 5, forms[place % len(forms)]
            name = f"scan-{first + place}{letter}.png"
            picture = band(rng, grade, size=(162, 300) if form == "wide" else (32, 32))
            Image.fromarray(as_kept(picture, form)).save(folder / "files" / "images" / name)
            rows.append(
                {
                    "image": name,
                    "patient_id": f"CANARY-{first + place}",
                    "side": letter if side else "U",
                    "grade": "" if place >= patients - ungraded else grade,
                    "split": ("test" if place % 3 == 2 else "train") if split else "",
                }
            )
    write_rows(folder / "files" / "labels.csv", rows)
    ingest_knees(folder / "files", into=folder / "archive", key=key)
    return folder / "archive"


def follow_up_csv(folder: Path, archive_files: Path) -> Path:
    """A made-up table of readings: every left knee of grade 0 to 3 is a grade worse after four years."""
    rows: list[dict[str, object]] = []
    for row in pl.read_csv(archive_files / "labels.csv").iter_rows(named=True):
        later = min(row["grade"] + (row["side"] == "L"), 4)
        for visit, grade in (("00m", row["grade"]), ("48m", later)):
            side = {"R": 1, "L": 2}[row["side"]]
            rows.append({"ID": row["patient_id"], "SIDE": side, "READPRJ": 15, "KLG": grade, "Visit": visit})
    return write_rows(folder / "follow_up.csv", rows)
