"""The same records ingested again, under another random key, give the same study to the last digit."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from semeia.evaluation import EvaluationSettings
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.studies.records import ehr
from semeia.studies.records.ehr import EhrSettings, ehr_study
from semeia.studies.records.ehr_data import AMONG_EVENTS
from semeia.studies.records.patient_data import ACROSS
from semeia.studies.run import record
from stay_archive import SIGNATURES, stay_archive

FEW = OptimiserSettings(steps=3, batch=16)
SETTINGS = EhrSettings(
    seeds=(0,), folds=2, fractions=(1.0,), signatures=SIGNATURES, draws=100, workers=1, hospitals=3, hours=(6.0,),
    pretraining=PretrainSettings(objective=ACROSS, optimiser=FEW),
    events_pretraining=PretrainSettings(objective=AMONG_EVENTS, optimiser=FEW),
    finetuning=FinetuneSettings(scratch=FEW, pretrained=FEW),
)  # fmt: skip


# Every kind of estimate, at few places: how many there are is not what is tested.
FEW_PLACES = EvaluationSettings(
    draws=100, references=ehr.REFERENCES[:1], covariate="record_density", thresholds=(0.2, 0.8, 0.2)
)


def study(folder: Path, *, pseudonyms: str) -> Path:
    """A run on the same records under a key of its own."""
    archive = stay_archive(folder / "archive", patients=60, pseudonyms=pseudonyms)
    ehr_study(archive.path, out=folder / "run", settings=SETTINGS)
    return folder / "run"


def test_two_ingests_give_the_same_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ehr, "EHR", replace(ehr.EHR, judged=lambda finished: (FEW_PLACES,)))
    monkeypatch.setattr(record, "write_report", lambda run: run / "report.html")
    one = study(tmp_path / "one", pseudonyms="5e" * 32)
    other = study(tmp_path / "other", pseudonyms="c7" * 32)

    tables = sorted(path.relative_to(one) for path in one.glob("**/*.csv"))
    assert Path("results.csv") in tables
    for name in tables:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    scores = [pl.read_parquet(run / "predictions.parquet") for run in (one, other)]
    assert not set(scores[0]["subject_id"]) & set(scores[1]["subject_id"])  # other pseudonyms, the same people
    same = [
        frame.drop("subject_id", "unit_id").sort("arm", "mode", "fraction", "seed", "cohort", "score", "label")
        for frame in scores
    ]
    assert same[0].equals(same[1])
