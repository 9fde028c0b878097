"""Networks of the study of records read each stay's newest events up to the prediction, and none after."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.data.dataset import MONTH, Dataset
from semeia.data.modalities import Events
from semeia.data.preprocessing import fit_preprocessing, make_batch
from semeia.studies.records.ehr_data import EVENTS, EhrSettings, events_by, open_stays
from semeia.studies.run.study import Inputs, Material, fold_of
from stay_archive import OUTCOME, SHORT, stay_archive, stay_rows

SETTINGS = EhrSettings(seeds=(0,), folds=2, hospitals=3)


def opened(path: Path) -> tuple[Material, Dataset]:
    """The stays, and as networks of events read them; signatures are not needed."""
    inputs = Inputs(path)
    material = open_stays(inputs, SETTINGS, path / "cache")
    return material, material.of_seed(material, 0).data(events_by(SETTINGS, inputs))


def first_day(patient: int) -> list[tuple[float, str]]:
    """The events that may be seen: of a stay too short for a label, those of the admission."""
    until = 24 if patient % SHORT else 0
    return [(hour, code) for _, hour, code, _ in stay_rows(patient) if hour is not None and 0 <= hour <= until]


def test_the_newest_events_up_to_the_prediction_by_hand(tmp_path: Path):
    material, data = opened(stay_archive(tmp_path / "a").path)
    assert data.units["unit_id"].equals(material.units["unit_id"])
    events, patients = data.observations[EVENTS], material.units["subject_id"].to_list()
    for row, patient in enumerate(patients):
        there = events.slot[row] >= 0
        seen, until = first_day(patient), 24 if patient % SHORT else 0
        hours = events.when[row][there] * MONTH / 3600
        assert hours == pytest.approx(sorted(until - hour for hour, _ in seen), abs=1e-3)
        codes = [code for code, _, _ in events.arrays.values[events.slot[row][there]]]
        assert sorted(codes) == sorted(code for _, code in seen)

    fold = fold_of(material, OUTCOME, seed=0, fraction=1.0)
    fitted = fit_preprocessing(data, fold.pretraining, modalities=(EVENTS,)).modalities[EVENTS]
    assert isinstance(fitted, Events)
    seen_by = [{code for _, code in first_day(patients[row])} for row in fold.pretraining]
    enough = {code for code in set().union(*seen_by) if sum(code in seen for seen in seen_by) >= fitted.least}
    assert set(fitted.vocabulary.codes) == enough


def test_events_after_the_prediction_change_no_bit(tmp_path: Path):
    later = range(1, 121)
    batches = []
    for name, archive in (("a", stay_archive(tmp_path / "a")), ("b", stay_archive(tmp_path / "b", later=later))):
        material, data = opened(archive.path)
        fold = fold_of(material, OUTCOME, seed=0, fraction=1.0)
        fitted = fit_preprocessing(data, fold.pretraining, modalities=(EVENTS,))
        rows = np.flatnonzero(data.observed(EVENTS))
        batches.append((fitted.modalities, make_batch(data, rows, preprocessing=fitted).modalities[EVENTS]))
        # Later events are there to be read, if anybody did.
        late = pl.concat(list(archive.event_batches()))["numeric_value"].drop_nulls().is_in([99.0]).sum()
        assert (late > 0) == (name == "b")
    (one, mine), (other, theirs) = batches
    assert one == other
    for part in ("values", "present", "where", "when"):
        there = mine.present.any(2)
        assert (getattr(mine, part)[there] == getattr(theirs, part)[there]).all(), part
