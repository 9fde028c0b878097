"""Networks of events are pretrained on a further archive, too: by shared names, and with nobody tested there."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from record_archive import random_rows, record_archive
from record_frames import START, Event
from semeia.archive import Archive, open_archive
from semeia.archive.keys import mark
from semeia.data.modalities import Events
from semeia.errors import InputError
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.model import Model, load_model
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.studies.records.ehr import EhrSettings, arms, ehr_study
from semeia.studies.records.ehr_data import AMONG_EVENTS
from semeia.studies.records.further import dated_units, shared_names, shares
from semeia.studies.resume import resume_study
from semeia.studies.run.study import Inputs
from stay_archive import SIGNATURES, stay_archive

# The codes of the study are C/1, L/1, ...; the further archive calls two of them otherwise.
THEIRS = {"L/1": "ORDERED", "C/1": "RARE"}
TABLE = "code,shared\nL/1,pressure\nORDERED,pressure\nC/1,fever\nRARE,fever\nNEVER,seen\n"
KEY = "c7" * 32  # another than the further archive's, as of another hospital
FEW = OptimiserSettings(steps=2, batch=16)
SETTINGS = EhrSettings(
    seeds=(0,), folds=2, fractions=(1.0,), signatures=SIGNATURES, draws=100, workers=1, hospitals=3, further_dates=3,
    events_pretraining=PretrainSettings(objective=AMONG_EVENTS, optimiser=FEW),
    finetuning=FinetuneSettings(scratch=FEW, pretrained=FEW), arms=("events_jepa", "events_further", "age_sex"),
)  # fmt: skip


def theirs(path: Path, patients: int = 30) -> Archive:
    rows = [row for row in random_rows(patients, 25) if row[2] in THEIRS]
    return record_archive(path, [(*row[:2], THEIRS[row[2]], row[3]) for row in rows], patients=patients)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("further")
    (folder / "codes.csv").write_text(TABLE)
    files = {"further": theirs(folder / "further").path, "codes": folder / "codes.csv"}
    return Inputs(stay_archive(folder / "here", patients=60, pseudonyms=KEY).path, files=files)


def test_a_record_is_looked_at_evenly_through_its_events(tmp_path: Path):
    rows: list[Event] = [(1, float(hour), "C/1", None) for hour in range(10)]
    rows += [(2, 5.0, "C/1", None), (2, 5.0, "C/2", None), (1, None, "C/2", None), (2, -99.0, "MEDS_BIRTH", None)]
    units = dated_units(record_archive(tmp_path / "a", rows, patients=3), dates=4)
    hours = {
        subject: [(time - START) / dt.timedelta(hours=1) for time in own["time"].sort()]
        for (subject,), own in units.group_by("subject_id")
    }
    assert hours == {1: [2, 4, 7, 9], 2: [5]}
    assert units["unit_id"].n_unique() == 5


def test_shares_are_counted_by_hand(inputs: Inputs):
    counted = {row["archive"]: row for row in shares(inputs).iter_rows(named=True)}
    names = shared_names(inputs)
    assert names == {"L/1": "pressure", "ORDERED": "pressure", "C/1": "fever", "RARE": "fever", "NEVER": "seen"}
    for called, path in (("studied", inputs.archive), ("further", inputs.files["further"])):
        events = pl.concat(list(open_archive(path).event_batches()))
        codes = [code for code in events.drop_nulls("time")["code"] if code != "MEDS_BIRTH"]
        assert counted[called]["events"] == len(codes)
        mapped = sum(code in names for code in codes) / len(codes)
        assert counted[called]["mapped"] == pytest.approx(mapped, abs=1e-4)
        # Of the study's other codes the further archive has none.
        assert counted[called]["known"] == pytest.approx(mapped, abs=1e-4)
    assert counted["further"]["mapped"] == 1
    assert 0.2 < counted["studied"]["mapped"] < 0.9


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("code,shared\nA,a\nA,b\n", "the code in row 2 is given twice"),
        ("code,shared\nA,a\nB,\n", "row 3 lacks a code or its shared name"),
        ("code,name\nA,a\n", "lacks the column"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_before_anything_runs(
    inputs: Inputs, tmp_path: Path, table: str, words: str
):
    (tmp_path / "codes.csv").write_text(table)
    with pytest.raises(InputError, match=words):
        ehr_study(inputs.archive, out=tmp_path / "run", settings=SETTINGS, codes=tmp_path / "codes.csv")
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize("key", [KEY, "3b" * 32])
def test_patients_of_the_study_are_refused_by_id_and_by_record(inputs: Inputs, tmp_path: Path, key: str):
    # By id with another record under the same key; by their record under any other.
    again = stay_archive(tmp_path / "again", patients=20, pseudonyms=key, other=range(1, 21) if key == KEY else ())
    with pytest.raises(InputError, match=r"20 of its patients are in .*, too, by id or by their record"):
        ehr_study(inputs.archive, out=tmp_path / "run", settings=SETTINGS, further=again.path)


def test_both_archives_are_learnt_from_and_only_one_is_tested(inputs: Inputs, tmp_path: Path, caplog):
    run = tmp_path / "run"
    with caplog.at_level("INFO", logger="semeia"):
        ehr_study(inputs.archive, out=run, settings=SETTINGS, **inputs.files)
    assert "further archive: " in caplog.text
    assert "100.0% have a code with a shared name" in caplog.text

    model, alone = (
        load_model(run / "pretrained" / arm / "seed-0" / "model.safetensors")
        for arm in ("events_further", "events_jepa")
    )
    both, own = (set(codes_of(one)) for one in (model, alone))
    # A code of either is one token, and what too few patients of the study have may be known from the others.
    assert {"pressure", "C/2"} <= own <= both
    assert "fever" in both - own
    assert not {*THEIRS, *THEIRS.values()} & both
    # The marks of their patients are in the model, and in no prediction.
    people = open_archive(inputs.files["further"]).table("subjects")["pseudonym"]
    marks = {mark(name) for name in people}
    assert marks & set(model.preprocessing.fitted_on.patients)
    assert not marks & set(alone.preprocessing.fitted_on.patients)
    assert set(alone.preprocessing.fitted_on.patients) < set(model.preprocessing.fitted_on.patients)
    predictions = pl.read_parquet(run / "predictions.parquet")
    assert not set(predictions["subject_id"]) & set(people)
    scored = predictions.filter(pl.col("arm").is_in(["events_further", "events_jepa"]))
    assert scored.group_by("arm", "mode").len()["len"].n_unique() == 1

    record = json.loads((run / "run.json").read_text())
    assert [row["archive"] for row in record["codes"]] == ["studied", "further"]
    assert record["codes"] == pl.read_csv(run / "tables" / "codes.csv").to_dicts() == shares(inputs).to_dicts()
    assert set(record["inputs"]) == {"further", "codes"}
    with pytest.raises(InputError, match="was begun with --codes, --further"):
        resume_study(run, inputs.archive)


def codes_of(model: Model) -> tuple[str, ...]:
    events = model.preprocessing.modalities["events"]
    assert isinstance(events, Events)
    return events.vocabulary.codes


def test_without_a_further_archive_there_is_no_such_arm(inputs: Inputs):
    there = replace(SETTINGS, arms=())
    assert "events_further" in arms(there, inputs)
    assert "events_further" not in arms(there, Inputs(inputs.archive))
