"""A kept predictor forecasts a latent after the index date, from what came before it and nothing else."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from linked_archive import SCAN, linked_archive
from semeia.archive import Archive
from semeia.data.batch import Batch
from semeia.data.dataset import open_dataset
from semeia.data.masks import Masks
from semeia.data.modalities import Demographics, Vector
from semeia.data.preprocessing import make_batch
from semeia.errors import InputError
from semeia.learning.cells import Cell
from semeia.learning.model import FORECASTER, load_forecaster
from semeia.learning.pretrain import pretrain
from semeia.objectives.build import ObjectiveSettings
from semeia.studies.forecast import forecast
from semeia.studies.records.patient_data import MASKS
from small_training import PRETRAIN

READS = {SCAN: Vector(source=SCAN), "people": Demographics()}
SETTINGS = replace(
    PRETRAIN,
    objective=replace(PRETRAIN.objective, jepa=replace(PRETRAIN.objective.jepa, masks=MASKS)),
    forecaster=True,
)


@dataclass(frozen=True)
class Kept:
    run: Path
    archive: Archive

    @property
    def file(self) -> Path:
        return self.run / Cell("all_jepa", "pretrain", 1.0, 0).name / FORECASTER

    def forecast(self, archive: Path | None = None, months: float = 12.0) -> pl.DataFrame:
        where = archive or self.archive.path
        return forecast(self.run, archive=where, arm="all_jepa", modality=SCAN, months=months)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("forecast")
    made = Kept(folder / "run", linked_archive(folder / "home", 30))
    pretrain(open_dataset(made.archive, READS), settings=SETTINGS, folder=made.file.parent)
    return made


def test_a_forecast_by_hand(kept: Kept):
    table = kept.forecast()
    objective, preprocessing = load_forecaster(kept.file)
    data = open_dataset(kept.archive, READS)
    assert table["unit_id"].to_list() == data.units["unit_id"].to_list()
    scanned = np.flatnonzero((data.observations[SCAN].slot >= 0).sum(1) == 2)[:1]
    batch = make_batch(data, scanned, preprocessing=preprocessing)
    # A year later the scans lie a year further back, and another visit, whose values nobody reads, is asked for.
    modalities = {}
    for name, seen in batch.modalities.items():
        visits = torch.cat([torch.zeros(1, 1), seen.when + 12.0], 1)
        again = (torch.cat([part[:, :1], part], 1) for part in (seen.values, seen.present, seen.where))
        modalities[name] = replace(seen, **dict(zip(("values", "present", "where"), again, strict=True)), when=visits)
    longer = Batch(modalities)
    with torch.no_grad():
        tokens = objective.encoder.embed(longer)
        asked = (tokens.when == 0) & (tokens.kind == 0)
        prediction, _ = objective.predict(longer, Masks(tokens.present & (tokens.when > 0), asked))
    by_hand = (prediction[asked] + objective.centre[0]).mean(0)
    row = table[int(scanned[0])].select(pl.exclude("unit_id", "subject_id")).to_numpy()[0]
    np.testing.assert_allclose(row, by_hand.numpy(), atol=1e-5)


def test_it_hangs_on_the_months_and_on_nothing_that_came_later(kept: Kept, tmp_path: Path):
    table = kept.forecast()
    later = linked_archive(tmp_path / "later", 30, later=True)
    assert kept.forecast(later.path).equals(table)
    assert not kept.forecast(months=36.0).equals(table)
    assert table.select(pl.exclude("unit_id", "subject_id")).to_numpy().std(0).min() > 0


def test_what_is_kept_is_what_was_trained(kept: Kept):
    objective, _ = load_forecaster(kept.file)
    assert objective.target_encoder is None
    assert objective.centre.abs().sum() > 0


def test_what_cannot_be_forecast_is_one_line(kept: Kept, tmp_path: Path):
    for options, words in (
        ({"arm": "other"}, "no forecaster; pretrain with --forecaster true"),
        ({"modality": "sound"}, "cannot forecast 'sound': the model reads scan, people"),
        ({"months": -3.0}, "months is -3.0"),
    ):
        given = {"arm": "all_jepa", "modality": SCAN, "months": 6.0} | options
        with pytest.raises(InputError, match=words):
            forecast(kept.run, archive=kept.archive.path, **given)  # pyright: ignore[reportArgumentType]
    contrastive = replace(SETTINGS, objective=ObjectiveSettings(terms=("clip",), modality=SCAN, other="people"))
    data = open_dataset(kept.archive, READS)
    with pytest.raises(InputError, match="clip predicts no latent"):
        pretrain(data, settings=contrastive, folder=tmp_path / "clip")
