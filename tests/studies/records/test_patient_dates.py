"""Models of the study of patients at earlier dates, and beside a follow-up: nothing later is known."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from linked_archive import INDEX, OUTCOME, SCAN, SIGNATURES, linked_archive
from semeia.data.dataset import Dataset
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings, check_predictions, evaluate
from semeia.service.served import load_served
from semeia.studies.predict import predict
from semeia.studies.records.ladder import BASELINE, PREDICTED, REAL, follow_up, ladder, rungs
from semeia.studies.records.landmarks import landmarks
from semeia.studies.records.patient import patient_study, reopen
from semeia.studies.records.patient_arms import pretraining as encoders
from semeia.studies.records.patient_data import ACROSS, PatientSettings, open_patients
from semeia.studies.run.arms import Encoder
from semeia.studies.run.study import Inputs
from small_training import FINETUNE, PRETRAIN, Ran, with_arrays

JEPA = replace(PRETRAIN.objective.jepa, masks=ACROSS.jepa.masks)
ARMS = ("multimodal_jepa", "multimodal_clip", "image_scratch", "record_logistic", "record_boosting", "only_events")
SETTINGS = PatientSettings(
    outcome=OUTCOME,
    arms=ARMS,
    seeds=(0, 1),
    signatures=SIGNATURES,
    pretraining=replace(PRETRAIN, objective=replace(PRETRAIN.objective, jepa=JEPA), forecaster=True),
    finetuning=FINETUNE,
    draws=100,
    workers=1,
)
KEYS = ["arm", "mode", "seed", "unit_id"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("dates")
    linked_archive(folder / "home", 60)
    linked_archive(folder / "away", 20, first=100, site="south")
    inputs = Inputs(folder / "home", folder / "away")
    patient_study(inputs.archive, out=folder / "run", settings=SETTINGS, external=inputs.external)
    return Ran(folder / "run", inputs)


def test_only_the_arms_that_were_named_are_run_and_what_they_start_from(ran: Ran):
    assert set(ran.predictions["arm"]) == set(ARMS)
    assert {f.name for f in (ran.run / "pretrained").iterdir()} == {"signatures", "multimodal_jepa", "multimodal_clip"}


@pytest.mark.parametrize(("arm", "mode"), [("record_logistic", "none"), ("multimodal_jepa", "finetune")])
def test_the_service_says_of_a_record_what_predict_says_of_an_archive(ran: Ran, tmp_path: Path, arm: str, mode: str):
    other = linked_archive(tmp_path / "other", 4, first=200, site="west", scanless=1, recordless=100)
    people = other.table("units").select("unit_id", "subject_id").join(other.table("subjects"), on="subject_id")
    written = pl.concat(pl.read_parquet(path) for path in other.files_of("events"))
    table = predict(ran.run, archive=other.path, arm=arm, mode=mode)
    served = load_served(ran.run, arm=arm, mode=mode, fraction=None)
    late = {"code": "L/1", "time": (INDEX + dt.timedelta(days=3)).isoformat(), "numeric_value": 99.0}
    for unit, score in table.select("unit_id", "score").iter_rows():
        who = people.row(by_predicate=pl.col("unit_id") == unit, named=True)
        rows = written.filter(subject_id=who["subject_id"]).select("code", "time", "numeric_value").to_dicts()
        events = [{**row, "time": row["time"].isoformat()} for row in rows]
        events += [{"code": "MEDS_BIRTH", "time": who["birth"].isoformat()}, {"code": f"SEX//{who['sex']}"}]
        for sent in (events, [*events, late]):  # what comes after the date changes nothing
            answer = served.predict({"record": {"events": sent}, "time": INDEX.isoformat(), "explain": False})
            assert answer["probability"] == pytest.approx(score, abs=1e-6)  # one unit against a batch of four
    why = served.predict({"record": {"events": events}, "time": INDEX.isoformat()})
    assert set(why["items"]["signatures"]) == {"s001", "s002", "s003"}  # pyright: ignore[reportIndexIssue]
    with pytest.raises(
        InputError, match=r"observations\.signatures: the model of each seed reads its own; send the rec"
    ):
        served.predict({"observations": {"signatures": {"items": {"s001": 1.0}}}})


def test_landmarks_are_of_the_same_patients_and_at_0_months_the_studys_own(ran: Ran):
    table = landmarks(ran.run, archive=ran.inputs.archive, external=ran.inputs.external, months=(12.0, 0.0))
    check_predictions(table)
    stored = ran.predictions.filter(pl.col("arm") != "record_boosting")
    for month in ("12", "0"):
        own = table.filter(pl.col("arm").str.ends_with(f"@months={month}"))
        own = own.with_columns(pl.col("arm").str.split("@").list.first())
        both = stored.join(own, on=KEYS, suffix="_then")
        assert both.height == stored.height == own.height
        assert both["label"].equals(both["label_then"])
        gaps = (both["score"] - both["score_then"]).abs()
        assert (gaps.max() == 0) == (month == "0")
    found = evaluate(table, settings=EvaluationSettings(draws=100)).results.filter(metric="auroc", cohort="external")
    assert set(found["arm"]) == set(table["arm"])  # a level each; ten patients are too few for an interval
    assert found["value"].is_between(0, 1).all()


def test_at_a_landmark_nothing_later_is_known(ran: Ran, tmp_path: Path):
    """An archive that ends at the landmark is read the same, bit for bit."""
    ended = Inputs(
        linked_archive(tmp_path / "home", 60, until=-180).path,
        linked_archive(tmp_path / "away", 20, first=100, site="south", until=-180).path,
    )

    def read(inputs: Inputs) -> Dataset:
        material = open_patients(inputs, SETTINGS, ran.run / "cache", earlier=dt.timedelta(days=180))
        return material.of_seed(material, 0).data(encoders(SETTINGS, inputs)["multimodal_jepa"].settings.model)  # pyright: ignore

    whole, short = read(ran.inputs), read(ended)
    assert whole.units.equals(short.units)
    newest = whole.observations["signatures"]
    assert (newest.when[newest.slot >= 0] == 0).any()
    for one, other in zip(whole, short, strict=True):
        for name in whole.observations:
            np.testing.assert_array_equal(one.values[name], other.values[name])
            np.testing.assert_array_equal(one.when[name], other.when[name])


def test_the_ladder_holds_three_heads_against_each_other_on_patients_with_a_follow_up(ran: Ran):
    table = ladder(ran.run, archive=ran.inputs.archive, external=ran.inputs.external, modality=SCAN)
    check_predictions(table)
    assert set(table["arm"]) == {BASELINE, PREDICTED, REAL}
    for _, seed in table.group_by("seed"):
        assert len({tuple(own["unit_id"].sort()) for own in seed.partition_by("arm")}) == 1
    results = evaluate(table, settings=EvaluationSettings(draws=100, references=(BASELINE,))).results
    assert {PREDICTED, REAL} <= set(results.filter(reference=BASELINE)["arm"])


def test_only_the_last_rung_hangs_on_the_follow_up(ran: Ran):
    work = reopen(ran.run, ran.inputs.archive, ran.inputs.external)
    pretraining = encoders(work.settings, work.inputs)["multimodal_jepa"]
    assert isinstance(pretraining, Encoder)
    data = work.material.of_seed(work.material, 0).data(pretraining.settings.model)
    first, followed = follow_up(data, SCAN)
    seen = data.observations[SCAN]
    rows = np.flatnonzero(followed)
    assert ((seen.slot >= 0).sum(1)[rows] >= 2).all()
    assert not followed[(seen.slot >= 0).sum(1) < 2].any()
    values = np.array(seen.arrays.values)
    values[seen.slot[rows, 0]] += 3.0
    other = with_arrays(data, **{SCAN: values})
    before, after = (rungs(ran.run, "multimodal_jepa", 0, of, rows, first=first, modality=SCAN) for of in (data, other))
    np.testing.assert_array_equal(before[BASELINE], after[BASELINE])
    np.testing.assert_array_equal(before[PREDICTED], after[PREDICTED])
    width = before[BASELINE].shape[1]
    assert (before[REAL][:, width:] != after[REAL][:, width:]).any(1).all()


@pytest.mark.parametrize(
    ("command", "given", "words"),
    [
        (landmarks, {"months": (-1.0,)}, "must be 0 or more"),
        (landmarks, {"arm": "nobody"}, "has no arm 'nobody'"),
        (landmarks, {"external": None}, "was run on other archives"),
        (ladder, {"modality": "sound"}, "no pretraining that reads 'sound'"),
        (ladder, {"arm": "multimodal_clip", "modality": SCAN}, "no forecaster"),
    ],
)
def test_what_cannot_work_is_one_line(ran: Ran, command, given: dict[str, object], words: str):
    where: dict[str, object] = {"archive": ran.inputs.archive, "external": ran.inputs.external}
    with pytest.raises(InputError, match=words):
        command(ran.run, **where | given)
