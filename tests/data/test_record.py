"""A unit reads of each code the last value up to its index date: by hand, whatever comes later, and as a model does."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from record_archive import PATIENTS, VISITS, random_rows, visit_archive
from record_frames import MODES, START, Event
from semeia.archive import Archive
from semeia.data.dataset import Dataset, open_dataset
from semeia.data.modalities import Record
from semeia.data.preprocessing import fit_preprocessing, make_batch
from semeia.encoders.build import build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError


def read(archive: Archive, modality: Record | None = None) -> Dataset:
    return open_dataset(archive, {"record": modality or Record()}, units=archive.table("units"))


def by_hand(rows: list[Event], subject: int, until: float) -> dict[str, float]:
    """The last value of each measurement, of several at one time the largest."""
    last: dict[str, float] = {}
    for _, hours, code, value in sorted(
        (r for r in rows if r[0] == subject and r[3] is not None), key=lambda r: (r[1], r[3])
    ):
        if hours is not None and hours <= until and MODES.get(code) == "measurement":
            last[code] = float(np.float32(value))
    return last


def test_a_unit_reads_the_last_values_up_to_its_date(tmp_path: Path):
    rows = random_rows(PATIENTS, 60)
    rows += [
        (1, VISITS[0], "L/1", 77.0),
        (1, VISITS[0] + 0.01, "L/2", 88.0),
        (2, VISITS[0], "L/1", 3.0),
        (2, VISITS[0], "L/1", 4.0),
    ]
    data = read(visit_archive(tmp_path / "a", rows))
    observed = data.observations["record"]
    assert observed.slot.shape == (2 * PATIENTS, 1)
    for row, unit in enumerate(data.units.iter_rows(named=True)):
        until = (unit["time"] - START) / dt.timedelta(hours=1)
        expected = by_hand(rows, unit["subject_id"], until)
        values = observed.arrays.values[observed.slot[row, 0]] if observed.slot[row, 0] >= 0 else np.full(2, np.nan)
        told = {name: float(value) for name, value in zip(observed.arrays.names, values, strict=True) if value == value}
        assert told == expected
    first = data.units.with_row_index().filter(pl.col("subject_id") == 1).sort("time")["index"][0]
    assert 77.0 in data[first].values["record"]
    assert 88.0 not in data[first].values["record"]


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_what_comes_after_changes_nothing(tmp_path_factory: pytest.TempPathFactory, seed: int):
    folder = tmp_path_factory.mktemp("future")
    rows = random_rows(PATIENTS, 30)
    rng = np.random.default_rng(seed)
    late = max(VISITS)
    kept = [row for row in rows if row[1] is None or row[1] <= late]
    added = [(int(rng.integers(1, PATIENTS + 1)), late + float(rng.uniform(0.01, 99)), "L/2", 5.0) for _ in range(9)]
    one, other = (read(visit_archive(folder / name, given)) for name, given in (("a", rows), ("b", [*kept, *added])))
    names = one.observations["record"].arrays.names
    assert names == other.observations["record"].arrays.names
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine.values["record"], theirs.values["record"])


def test_a_model_reads_the_codes_that_enough_have(tmp_path: Path):
    rows = [*random_rows(PATIENTS, 60), (1, 1.0, "ORDERED", 3.0), (1, 1.0, "L/1", 3.0)]
    data = read(visit_archive(tmp_path / "a", rows))
    assert set(data.observations["record"].arrays.names) == {"L/1", "L/2", "ORDERED"}
    fitted = fit_preprocessing(data, np.arange(len(data)), modalities=("record",))
    modality = fitted.modalities["record"]
    assert isinstance(modality, Record)
    assert modality.items == ("L/1", "L/2")
    batch = make_batch(data, np.flatnonzero(data.observed("record"))[:4], preprocessing=fitted)
    tokens = build_encoder(EncoderSettings(dim=16, depth=1, heads=2), fitted, seed=0)(batch)
    assert tokens.present.sum() == batch.modalities["record"].present.sum() > 0
    with pytest.raises(InputError, match="no measurement has a value in 999"):
        fit_preprocessing(
            read(visit_archive(tmp_path / "b", rows), Record(least=999)), np.arange(9), modalities=("record",)
        )


def test_the_record_is_read_where_it_is_asked_for_and_units_have_dates(tmp_path: Path):
    dated, undated = (visit_archive(tmp_path / name, random_rows(PATIENTS, 9), dated=name == "a") for name in "ab")
    assert "record" not in ModelSettings().modalities_of(dated)
    assert ModelSettings(record=True).modalities_of(dated)["record"] == Record()
    with pytest.raises(InputError, match="24 units have no date"):
        Record().find(undated)
