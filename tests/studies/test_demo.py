"""The demo is the study at a smaller size: same protocol, same network; it ingests the sample once."""

from dataclasses import replace
from pathlib import Path

import pytest

from semeia.studies import nodule
from semeia.studies.nodule import DEMO, NoduleSettings, demo


def test_only_what_costs_time_is_smaller():
    full, small = NoduleSettings(), DEMO
    assert small.pretraining.model == full.pretraining.model
    assert small.pretraining.objective == full.pretraining.objective
    assert (small.outcome, small.internal, small.folds) == (full.outcome, full.internal, full.folds)
    assert small.fractions == full.fractions
    assert len(small.seeds) == 2
    assert small.pretraining.optimiser.epochs < full.pretraining.optimiser.epochs
    assert replace(small.pretraining, optimiser=full.pretraining.optimiser) == full.pretraining


def test_ingests_once_and_runs_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    called: list[str] = []

    def ingest(folder: Path, *, into: Path) -> None:
        called.append("ingest")
        assert (folder / "nodules.csv").is_file()
        into.mkdir(parents=True)
        (into / "archive.json").write_text("{}")

    def study(archive: Path, *, out: Path, settings: NoduleSettings) -> Path:
        called.append("study")
        assert (archive, out, settings) == (tmp_path / "archive", tmp_path / "run", DEMO)
        return out / "report.html"

    monkeypatch.setattr(nodule, "ingest_nodules", ingest)
    monkeypatch.setattr(nodule, "nodule_study", study)
    for _ in range(2):
        assert demo(tmp_path) == tmp_path / "run" / "report.html"
    assert called == ["ingest", "study", "study"]
