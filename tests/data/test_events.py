"""A unit reads the newest events up to its date: by hand, whatever comes later, and as a model and a loss see them."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from record_archive import PATIENTS, VISITS, random_rows, visit_archive
from record_frames import START, Event
from semeia.data.batch import Batch
from semeia.data.dataset import MONTH, Dataset, open_dataset
from semeia.data.masks import MaskSettings
from semeia.data.modalities import Events
from semeia.data.modalities.events import FARTHEST
from semeia.data.modality import History
from semeia.data.preprocessing import Preprocessing, fit_preprocessing, make_batch
from semeia.encoders.build import build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError
from semeia.objectives.latent_prediction import LatentPrediction, LatentPredictionSettings
from semeia.objectives.step import Step

EVENTS = Events(history=History(most=20), least=3)


def read(path: Path, rows: list[Event], modality: Events = EVENTS) -> Dataset:
    archive = visit_archive(path, rows)
    return open_dataset(archive, {"events": modality}, units=archive.table("units"))


def fitted(data: Dataset, rows: np.ndarray | None = None) -> Preprocessing:
    return fit_preprocessing(data, np.arange(len(data)) if rows is None else rows, modalities=("events",))


def events_of(preprocessing: Preprocessing) -> Events:
    modality = preprocessing.modalities["events"]
    assert isinstance(modality, Events)
    return modality


def test_a_unit_reads_the_newest_events_up_to_its_date(tmp_path: Path):
    rows = [*random_rows(PATIENTS, 60), (1, VISITS[0], "L/1", 77.0), (1, VISITS[0] + 0.01, "L/2", 88.0)]
    data = read(tmp_path / "a", rows)
    observed = data.observations["events"]
    for row, unit in enumerate(data.units.iter_rows(named=True)):
        until = (unit["time"] - START) / dt.timedelta(hours=1)
        mine = {r for r in rows if r[0] == unit["subject_id"] and r[1] is not None and r[2] != "MEDS_BIRTH"}
        hours = sorted((until - hour for _, hour, _, _ in mine if hour is not None and hour <= until))[:20]
        there = observed.slot[row] >= 0
        np.testing.assert_allclose(observed.when[row][there] * MONTH / 3600, hours, rtol=1e-4, atol=1e-3)
        told = {(code, value) for code, value, _ in observed.arrays.values[observed.slot[row][there]]}
        assert told <= {(code, None if value is None else float(np.float32(value))) for _, _, code, value in mine}
        if unit["subject_id"] == 1 and until == VISITS[0]:
            assert ("L/1", 77.0) in told
            assert ("L/2", 88.0) not in told


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_what_comes_after_changes_no_bit(tmp_path_factory: pytest.TempPathFactory, seed: int):
    folder = tmp_path_factory.mktemp("future")
    rng = np.random.default_rng(seed)
    late = max(VISITS)
    kept = [row for row in random_rows(PATIENTS, 30) if row[1] is None or row[1] <= late]
    codes = ["L/2", "D/1", "C/1"]
    added = [
        (int(rng.integers(1, PATIENTS + 1)), late + float(rng.uniform(0.01, 99)), str(rng.choice(codes)), 5.0)
        for _ in range(9)
    ]
    one, other = (read(folder / name, rows) for name, rows in (("a", kept), ("b", [*kept, *added])))
    preprocessing = fitted(one)
    assert fitted(other).modalities == preprocessing.modalities
    every = np.flatnonzero(one.observed("events"))
    mine, theirs = (make_batch(data, every, preprocessing=preprocessing).modalities["events"] for data in (one, other))
    for part in ("values", "present", "where", "when"):
        there = mine.present.any(2) if part != "present" else torch.ones_like(mine.present.any(2))
        assert torch.equal(getattr(mine, part)[there], getattr(theirs, part)[there]), part


def test_the_vocabulary_is_of_codes_that_enough_training_patients_have(tmp_path: Path):
    # Three patients have B, two A, however often; patient 4 alone has the other values.
    rows: list[Event] = [(n, hour, "C/1", None) for n in (1, 2, 3) for hour in (1.0, 2.0)]
    rows += [(n, hour, "C/2", None) for n in (1, 2) for hour in range(3, 40)]
    rows += [(n, 50.0 + n, "L/1", value) for n, value in ((1, 1.0), (2, 2.0), (3, 6.0), (4, 1e6))]
    data = read(tmp_path / "a", rows, replace(EVENTS, history=History(most=99)))
    preprocessing = fitted(data, np.flatnonzero(data.subjects <= 3))
    vocabulary = events_of(preprocessing).vocabulary
    assert vocabulary.codes == ("C/1", "L/1")
    assert vocabulary.mean == (0.0, 3.0)
    assert vocabulary.sd == (1.0, pytest.approx(np.std([1.0, 2.0, 6.0])))
    fourth, second = (int(np.flatnonzero(data.subjects == subject)[0]) for subject in (4, 2))
    seen = make_batch(data, np.array([fourth, second]), preprocessing=preprocessing).modalities["events"]
    assert seen.values[0, 0].tolist() == [2.0, 1.0, FARTHEST]
    # An event of no code that is known stays one.
    numbers = seen.values[1, :, 0][seen.present[1].any(1)].tolist()
    assert numbers == [2.0, *[0.0] * 37, 1.0, 1.0]
    assert events_of(
        fitted(read(tmp_path / "b", rows, replace(EVENTS, largest=1, history=History(most=99))))
    ).vocabulary.codes == ("L/1",)
    with pytest.raises(InputError, match="no code is in the records of 99 of 4 training patients"):
        fitted(read(tmp_path / "c", rows, replace(EVENTS, least=99)))


def test_hours_of_a_day_and_years_lie_apart(tmp_path: Path):
    when = torch.tensor([[0.0, 1.0, 24.0, 25.0, 24.0 * 365]]) * 3600 / MONTH
    where = EVENTS.placed(1, when)
    assert where.shape == (1, 5, 1, 3)
    assert where[0, :, 0, 1:].abs().max() == 0
    np.testing.assert_allclose(where[0, :4, 0, 0], 4 * np.log2([1, 2, 25, 26]), rtol=1e-4)


def test_an_event_that_is_predicted_is_not_seen(tmp_path: Path):
    data = read(tmp_path / "a", random_rows(PATIENTS, 60))
    preprocessing = fitted(data)
    rows = np.flatnonzero(data.observed("events"))[:6]
    batch = make_batch(data, rows, preprocessing=preprocessing)
    encoder = build_encoder(EncoderSettings(dim=16, depth=1, heads=2), preprocessing, seed=0)
    masks = MaskSettings(modality=0.0, visit=0.3, block=0.0, token=0.7)
    jepa = LatentPrediction(encoder, settings=LatentPredictionSettings(predictor_dim=16, masks=masks)).eval()
    tokens = encoder.embed(batch)
    drawn = jepa.masks_of(tokens, Step(0, 10, seed=0).generator("masks"))
    assert drawn.target.any(1).all()
    seen = batch.modalities["events"]

    def turned(chosen: torch.Tensor) -> Batch:
        """Other codes and values in the place of some events."""
        other = torch.where(chosen[..., None], (1 - seen.values).clamp(min=0), seen.values)
        return replace(batch, modalities={"events": replace(seen, values=other)})

    def predicted(given: Batch) -> torch.Tensor:
        """As the loss predicts: from the context's tokens, and from no more than the places of the others."""
        tokens = encoder.embed(given)
        return jepa.predictor(encoder.mix(tokens.select(drawn.context)), tokens.select(drawn.target))

    there = tokens.select(drawn.target).present
    assert torch.equal(predicted(turned(drawn.target))[there], predicted(batch)[there])
    assert (predicted(turned(drawn.context))[there] - predicted(batch)[there]).abs().max() > 1e-3
