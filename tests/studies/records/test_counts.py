"""Counts and last values, against a plain loop over the events; nothing later than the prediction is seen."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.archive import Archive, open_archive
from semeia.studies.records.counts import counts_of, densities, seen_codes, values_of
from semeia.studies.records.ehr_data import stays_of
from stay_archive import DAY, HOSPITALS, OUTCOME, stay_archive

CODES = ("C/1", "C/2", "L/1", "L/2", "D/1", "ONLY/SEVEN", "NOT/THERE")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return stay_archive(tmp_path_factory.mktemp("stays") / "archive", later=range(1, 41), patients=40)


@pytest.fixture(scope="module")
def stays(archive: Archive) -> pl.DataFrame:
    return stays_of(archive, OUTCOME)


def test_as_a_plain_loop_counts_them(archive: Archive, stays: pl.DataFrame):
    rows = stays.height
    counts, values, density = np.zeros((rows, len(CODES))), np.full((rows, len(CODES)), np.nan), np.zeros(rows)
    until = {subject: (row, time) for row, subject, time in stays.select("row", "subject_id", "time").rows()}
    for event in pl.concat(list(archive.event_batches())).sort("subject_id", "time", "numeric_value").rows(named=True):
        row, time = until[event["subject_id"]]
        if time is None or event["time"] > time or event["code"] == "MEDS_BIRTH":
            continue
        density[row] += 1
        if event["code"] in CODES:
            at = row, CODES.index(event["code"])
            counts[at] += 1
            values[at] = values[at] if event["numeric_value"] is None else event["numeric_value"]

    seen = seen_codes(archive, stays)
    np.testing.assert_array_equal(counts_of(seen, CODES, rows=rows), np.log1p(counts))
    np.testing.assert_array_equal(values_of(seen, CODES, rows=rows), values)
    np.testing.assert_array_equal(densities(seen, rows=rows), density)
    # An event at the very time of the prediction is seen; those of a stay without a label are not.
    seventh = (np.arange(1, 41) % HOSPITALS == 7) & stays["time"].is_not_null().to_numpy()
    assert (values[seventh, CODES.index("L/2")] == 9.0).all()
    assert density[stays["time"].is_null().to_numpy()].sum() == 0


def test_the_future_changes_nothing(archive: Archive, tmp_path: Path):
    without = stay_archive(tmp_path / "archive", patients=40)
    one, other = (seen_codes(each, stays_of(each, OUTCOME)) for each in (archive, without))
    assert one.equals(other)
    assert sum(map(len, open_archive(archive.path).event_batches())) > sum(map(len, without.event_batches()))
    assert DAY.total_seconds() == 24 * 3600
