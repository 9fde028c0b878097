"""A modality that Semeia does not have, written in this one file: a 12-lead ECG with an embedding of its own.

Nothing else is told of it: it is ingested, pretrained, fine-tuned, saved, loaded, scored on another archive, and
explained by hiding, as any other modality is.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn

from semeia.archive import Archive, open_archive, writing
from semeia.data.augment import AugmentSettings
from semeia.data.dataset import Dataset, array_dataset, open_dataset
from semeia.data.modalities import Table
from semeia.data.modality import Allocate, Arrays, Mask, Modality, numbered
from semeia.encoders.build import EMBEDDINGS
from semeia.errors import InputError
from semeia.evaluation import auroc
from semeia.learning.finetune import finetune
from semeia.learning.model import FILE, load_model
from semeia.learning.pretrain import pretrain
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.build import ObjectiveSettings
from small_training import FINETUNE, PRETRAIN

LEADS, SAMPLES, BEAT = 12, 60, 20


@dataclass(frozen=True)
class Ecg(Modality):
    """Twelve leads, cut in beats; a beat is a token.

    Attributes:
        beat: samples of a token.
        scale: fitted: largest absolute value among the training units.
    """

    large: ClassVar[bool] = True
    after_reading: ClassVar[tuple[str, ...]] = (*Modality.after_reading, "scale")

    type: Literal["ecg"] = "ecg"
    beat: int = BEAT
    scale: float | None = None

    @property
    def embedding(self) -> str:
        return "beats"

    def find(self, archive: Archive) -> pl.DataFrame:
        return archive.arrays("ecg")

    def read(self, archive: Archive, found: pl.DataFrame, allocate: Allocate) -> Arrays:
        values = allocate((found.height, LEADS, SAMPLES), np.float32)
        for row, entry in enumerate(found.iter_rows(named=True)):
            values[row] = archive.pixels(entry)
        return Arrays(values, np.ones((found.height, SAMPLES // self.beat), bool))

    def arrays(self, values: np.ndarray, names: tuple[str, ...] = ()) -> Arrays:
        return Arrays(values, np.ones((len(values), SAMPLES // self.beat), bool))

    def fit(self, arrays: Arrays, chosen: np.ndarray) -> "Ecg":
        return replace(self, scale=float(np.abs(arrays.values[chosen]).max()))

    def prepare(self, arrays: Arrays, chosen: np.ndarray) -> tuple[Tensor, Mask]:
        values, mask = super().prepare(arrays, chosen)
        return values.float() / self.scale, mask  # pyright: ignore[reportOperatorIssue]

    def augment(
        self, values: Tensor, mask: Mask, *, stage: AugmentSettings, generator: torch.Generator
    ) -> tuple[Tensor, Mask]:
        gain = 1 + 0.2 * torch.randn(len(values), 1, 1, generator=generator)
        return values * gain.to(values.device), mask

    def places(self, tokens: int) -> Tensor:
        return numbered(tokens)


class BeatEmbedding(nn.Module):
    """A beat's samples, all leads, through one linear layer."""

    maskable = True

    def __init__(self, dim: int, *, modality: Ecg) -> None:
        super().__init__()
        self.beat = modality.beat
        self.project = nn.Linear(LEADS * modality.beat, dim)

    def forward(self, values: Tensor, present: Tensor) -> Tensor:
        beats = values.unflatten(2, (-1, self.beat)).transpose(1, 2).flatten(2)
        return self.project(torch.where(present[..., None], beats, 0.0))


del Modality.register["ecg"]  # known to the tests of this file alone


@pytest.fixture(scope="module", autouse=True)
def _known() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Modality.register, "ecg", Ecg)
        patch.setitem(EMBEDDINGS, "beats", BeatEmbedding)
        yield


def recording(rng: np.random.Generator, ill: bool) -> np.ndarray:
    """Beats; in the ill their middle third is higher."""
    time = np.arange(SAMPLES) % BEAT
    wave = np.exp(-((time - 5) ** 2) / 4) + (0.8 if ill else 0.1) * np.exp(-((time - 13) ** 2) / 8)
    return (rng.uniform(0.7, 1.3, (LEADS, 1)) * wave + rng.normal(0, 0.1, (LEADS, SAMPLES))).astype(np.float32)


def ecg_archive(folder: Path, patients: int, *, first: int = 0) -> Archive:
    """A visit a patient with an age and two recordings, of that day and a year before; every other patient is ill."""
    with writing(folder, source="test") as draft:
        for place in range(first, first + patients):
            rng = np.random.default_rng(place)
            subject, name = draft.subject(f"CANARY-{place}", site="north", split=None)
            day = dt.datetime(2021, 1, 1) + dt.timedelta(days=place)
            unit = draft.unit(f"{name}/visit", subject, "visit", time=day)
            draft.reading(unit, subject, reader="input", item="age", value=float(rng.normal(60, 10)))
            for before in (0, 365):
                when = day - dt.timedelta(days=before)
                draft.array(recording(rng, place % 2 == 1), modality="ecg", subject_id=subject, time=when)
            draft.outcome("ill", unit, subject, value=place % 2)
    return open_archive(folder)


MODALITIES = {"ecg": Ecg(), "reading": Table()}
SETTINGS = replace(PRETRAIN, optimiser=OptimiserSettings(steps=6, batch=8))
TUNE = replace(FINETUNE, pretrained=OptimiserSettings(steps=20, batch=16, lr=3e-3, encoder_lr=3e-3))


def labels_of(archive: Archive, data: Dataset) -> np.ndarray:
    values = archive.outcome("ill").select("unit_id", "value")
    return data.units.join(values, on="unit_id", how="left", maintain_order="left")["value"].to_numpy().astype(float)


@pytest.mark.parametrize("term", ["jepa", "simclr"])
def test_from_an_archive_to_scores_on_another(term: str, tmp_path: Path):
    home = ecg_archive(tmp_path / "home", 40)
    data = open_dataset(home, MODALITIES, cache=tmp_path)
    assert data.observations["ecg"].slot.shape == (40, 2)
    labels = labels_of(home, data)
    settings = replace(SETTINGS, objective=replace(SETTINGS.objective, terms=(term,)))
    start = pretrain(data, settings=settings, folder=tmp_path / "pretrained")
    assert start.encoder.kinds == ("ecg", "reading")
    fitted = finetune(data, np.arange(40), labels, start=start, settings=TUNE, folder=tmp_path / "finetuned")

    away = ecg_archive(tmp_path / "away", 20, first=100)
    model = load_model(tmp_path / "finetuned" / FILE)
    assert isinstance(model.preprocessing.modalities["ecg"], Ecg)
    elsewhere = open_dataset(away, model.preprocessing.modalities)
    truth = labels_of(away, elsewhere).astype(np.int8)
    scores = model.score(elsewhere)
    np.testing.assert_array_equal(scores, fitted.score(elsewhere))
    assert auroc(truth, scores) > 0.9

    without = model.score(elsewhere, hide=("ecg",))
    assert np.abs(without - scores).max() > 0.1
    assert auroc(truth, without) < 0.9
    with pytest.raises(InputError, match="20 units have none of ecg, reading"):
        model.score(elsewhere, hide=("ecg", "reading"))


def test_a_user_of_arrays_pretrains_finetunes_and_scores(tmp_path: Path):
    """numpy, torch and pandas side by side, and no archive anywhere."""
    import pandas as pd

    rng = np.random.default_rng(0)
    ill = np.arange(60) % 2
    waves = np.stack([recording(rng, bool(one)) for one in ill])
    ages = pd.DataFrame({"age": rng.normal(60, 10, 60), "sex": rng.integers(0, 2, 60)})
    ages.loc[3, "age"] = None
    data = array_dataset({"ecg": (Ecg(), torch.from_numpy(waves)), "reading": (Table(), ages)})
    train, test = np.arange(40), np.arange(40, 60)
    settings = replace(SETTINGS, objective=ObjectiveSettings(terms=("vicreg",)))
    start = pretrain(data, train, settings=settings, folder=tmp_path / "pretrained")
    labels = ill[train].astype(float)
    model = finetune(data, train, labels, start=start, settings=TUNE, folder=tmp_path / "finetuned")
    assert not model.preprocessing.fitted_on.seen(data)[test].any()
    assert auroc(ill[test].astype(np.int8), model.score(data, test)) > 0.9
    strangers = array_dataset({"ecg": (Ecg(), waves[test])})
    assert model.score(strangers).shape == (20,)
