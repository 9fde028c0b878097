"""Each suspicion is raised by an archive made to deserve it."""

from pathlib import Path

import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from archive_folder import small_archive
from semeia.archive import findings, open_archive, writing


def _words(found: list[findings.Finding]) -> dict[str, int]:
    return {f"{finding.severity}: {finding.words}": finding.count for finding in found}


def test_auroc_agrees_with_scikit_learn_ties_included():
    value = pl.Series([0.0, 1, 0, 1, 1, 0, 0, 1])
    signal = pl.Series([1.0, 2, 2, 3, 2, 2, 0, 1])
    assert findings.rank_auroc(value, signal) == pytest.approx(roc_auc_score(value, signal))
    assert findings.rank_auroc(pl.Series([1.0, 1.0]), pl.Series([1.0, 2.0])) is None
    assert findings.rank_auroc(pl.Series([1.0, 0.0, 0.0]), pl.Series([1.0, 0.0, None])) == 1.0


def test_splits():
    subjects = pl.DataFrame({"pseudonym": ["a", "a", "b", "c"], "split": ["train", "test", "train", None]})
    assert _words(findings.splits(subjects)) == {"error: patients are in more than one split": 1}
    assert findings.splits(subjects[2:]) == []


def test_geometry():
    images = pl.DataFrame(
        {
            "shape": [[9, 9, 9], [9, 9, 1], [400, 9, 9], [9, 9, 9], [9, 9]],
            "spacing": [[1.0, 1, 1], [1.0, 1, 11], [2.0, 1, 1], [1.0, 0, 1], None],
            "intensity": ["hu", "per_slice_stretched", "hu", "hu", "display"],
        }
    )
    assert _words(findings.geometry(images)) == {
        "error: volumes have a spacing of 0 or less, or above 10 mm": 2,
        "error: volumes exceed 600 mm": 1,
        "note: volumes have a single slice": 1,
        "note: images were stretched slice by slice and are not in Hounsfield units": 1,
    }


def test_gaps(tmp_path: Path):
    small_archive(tmp_path / "a", 3)
    with writing(tmp_path / "a", source="bare") as draft:
        subject_id, _ = draft.subject("CANARY-9")
        draft.unit("bare", subject_id, "nodule")
        draft.unit("read", subject_id, "nodule")
        draft.reading("read", subject_id, reader="input", item="margin", value=1)
    assert _words(findings.gaps(open_archive(tmp_path / "a"))) == {
        "warning: units have neither image nor reading nor outcome": 1,
        "note: units have no image": 2,
        "note: units have no reading": 1,
        "note: units have no outcome": 2,
    }


def test_size_presence_and_one_class_are_shortcuts(tmp_path: Path):
    small_archive(tmp_path / "a", 6)
    with writing(tmp_path / "a", source="more") as draft:
        for place in range(4):
            subject_id, pseudonym = draft.subject(f"bare-{place}")
            draft.unit(f"{pseudonym}/n00", subject_id, "nodule")
            draft.outcome("death", f"{pseudonym}/n00", subject_id, value=0)
            draft.outcome("malignancy", f"{pseudonym}/n00", subject_id, value=0)
            draft.outcome("cancer", draft.patient_unit(subject_id, pseudonym), subject_id, value=0)
        for place in range(2):
            subject_id, pseudonym = draft.subject(f"CANARY-{place}", site="north")
            draft.outcome("cancer", draft.patient_unit(subject_id, pseudonym), subject_id, value=1)
    ranks = "warning: labelled units: {} alone ranks the outcome {} with AUROC {}"
    assert _words(findings.shortcuts(open_archive(tmp_path / "a"))) == {
        ranks.format("whether there is an image of kind img8", "cancer", "1.00"): 6,
        "warning: outcome death: all labels are the same": 4,
        ranks.format("whether there is an image of kind img8", "malignancy", "0.79"): 10,
        ranks.format("diameter_mm", "malignancy", "1.00"): 6,
    }
