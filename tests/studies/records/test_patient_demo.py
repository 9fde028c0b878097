"""The demo of the study of patients: a simulated hospital, written and read once, few arms, a page that says so."""

from pathlib import Path

import polars as pl
import pytest

from semeia.cli import main
from semeia.studies.records import patient_demo
from semeia.studies.records.patient_data import PatientSettings
from semeia.studies.records.patient_demo import DEMO


def test_it_shows_the_way_and_says_that_everybody_is_simulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert main(["demo", "patient", "--quick", "--out", str(tmp_path)]) == 0
    told = capsys.readouterr()
    run = tmp_path / "quick" / "run"
    assert told.out.strip() == str(run / "report.html")
    assert "SIMULATED hospital of 60 patients" in told.err
    assert "everybody in it is simulated" in told.err
    assert "Simulated patients throughout" in (run / "report.html").read_text()
    assert set(pl.read_parquet(run / "predictions.parquet")["arm"]) == set(DEMO.arms)
    learnt = {folder.name for folder in (run / "pretrained").iterdir()}
    assert learnt == {"signatures", "multimodal_jepa"}
    # Given again it writes and ingests nothing.
    monkeypatch.delattr(patient_demo, "write_hospital")
    monkeypatch.delattr(patient_demo, "ingest_hospital")
    assert main(["demo", "patient", "--quick", "--out", str(tmp_path)]) == 0


def test_it_runs_what_the_study_runs_with_fewer_arms():
    full = PatientSettings(outcome="cancer")
    assert DEMO.pretraining.objective == full.pretraining.objective
    assert (DEMO.fractions, DEMO.modalities, DEMO.demographics) == (full.fractions, (), full.demographics)
