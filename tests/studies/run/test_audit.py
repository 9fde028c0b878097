"""The audit of a run finds leaks that were planted, and finds nothing where there are none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.studies.run import audit as room
from semeia.studies.run.audit import Audited, Features, audit, of_networks

PRETRAINED, TRAINED = "Tested patients that were pretrained on", "Tested patients that were trained on"
TWINS, SITE = "Tested images that look like a training patient's", "Site told from the embedding"
SHUFFLED = "Shuffled training labels"


@pytest.fixture
def audited(nodules) -> Audited:
    return of_networks(nodules.finished)


def row(table: pl.DataFrame, check: str) -> dict:
    return table.filter(pl.col("check") == check).row(0, named=True)


def embedding(audited: Audited, features: Features) -> Audited:
    """As if every encoder gave these features."""
    return replace(audited, features={arm: dict.fromkeys(own, features) for arm, own in audited.features.items()})


def test_a_clean_study_is_clear_and_says_how_much_was_looked_at(audited: Audited):
    found = audit(audited)
    for check in (PRETRAINED, TRAINED, TWINS):
        assert (row(found, check)["state"], row(found, check)["count"]) == ("clear", 0)
        assert row(found, check)["of"] > 0
    assert set(found.filter(pl.col("check") == SHUFFLED)["where"]) == {"multimodal_jepa", "image_jepa"}
    values = found.filter(pl.col("value").is_not_null())
    assert values.select((pl.col("low") <= pl.col("value")) & (pl.col("value") <= pl.col("high"))).to_series().all()


def test_a_training_patient_among_the_tested_is_found(audited: Audited):
    fold = audited.folds[1]
    leaked = replace(fold, test=np.concatenate([fold.test, fold.labelled[:1]]))
    found = audit(replace(audited, folds={1: leaked}))
    for check in (PRETRAINED, TRAINED):
        assert (row(found, check)["state"], row(found, check)["count"]) == ("found", 1)


def test_a_twin_of_a_training_patient_is_found(nodules, audited: Audited, monkeypatch: pytest.MonkeyPatch):
    units, fold = audited.material.units["unit_id"], audited.folds[1]
    pair = pl.DataFrame({"unit_id": [units[int(fold.labelled[0])]], "other": [units[int(fold.test[0])]]})
    monkeypatch.setattr(room, "look_alikes", lambda archive: pair)
    found = row(audit(of_networks(nodules.finished)), TWINS)
    assert (found["state"], found["count"]) == ("found", 1)


def test_an_embedding_that_carries_the_site_is_found(audited: Audited):
    def planted(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        noise = np.random.default_rng(0).normal(size=(len(rows), 3))
        noise[:, 0] += 3 * (audited.places[rows] == "main")
        return rows, noise

    assert set(audited.places) == {"", "main", "other"}
    assert row(audit(embedding(audited, planted)), SITE)["state"] == "found"
    assert row(audit(embedding(audited, lambda rows: (rows, np.ones((len(rows), 2))))), SITE)["state"] == "clear"


def test_an_audit_never_says_clear_of_a_site_that_it_says_a_model_could_use(audited: Audited):
    """Weak shifts give estimates around the mark, with intervals that reach below it."""
    values = []
    for shift in np.linspace(0, 3, 10):

        def planted(rows: np.ndarray, shift: float = shift) -> tuple[np.ndarray, np.ndarray]:
            noise = np.random.default_rng(1).normal(size=(len(rows), 1))
            noise[:, 0] += shift * (audited.places[rows] == "main")
            return rows, noise

        found = row(audit(embedding(audited, planted)), SITE)
        assert (found["state"] == "found") == (found["value"] > 0.6 and found["low"] > 0.5)
        values.append((found["value"], found["low"]))
    assert any(value > 0.6 and 0.5 < low < 0.6 for value, low in values)


def test_without_pretraining_or_models_it_says_what_is_not_known(nodules, tmp_path: Path):
    finished = nodules.finished
    nothing = replace(finished, work=replace(finished.work, run=tmp_path), first=[])
    found = audit(of_networks(nothing))
    assert set(found["state"]) == {"unknown"}
    assert all(len(words) > 10 for words in found["words"])


def test_the_study_keeps_its_audit(nodules):
    kept = pl.read_csv(nodules.run / "tables" / "leakage.csv")
    assert {PRETRAINED, TRAINED, TWINS, SITE, SHUFFLED} <= set(kept["check"])
    assert "Leakage and shortcuts" in nodules.report.read_text()
