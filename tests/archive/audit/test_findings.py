"""Each suspicion is raised by an archive made to deserve it."""

from pathlib import Path

import polars as pl

from archive_folder import small_archive
from semeia.archive import open_archive, writing
from semeia.archive.audit import findings


def _words(found: list[findings.Finding]) -> dict[str, int]:
    return {f"{finding.severity}: {finding.words}": finding.count for finding in found}


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
            "orientation": ["RAS", "RAS", None, "RAS", None],
        }
    )
    micrometres = images.head(1).with_columns(spacing=pl.Series([[0.001, 0.001, 0.002]]))
    assert _words(findings.geometry(micrometres)) == {"warning: volumes are below 5 mm": 1}
    assert _words(findings.geometry(images)) == {
        "error: volumes have a spacing of 0 or less, or above 10 mm": 2,
        "error: volumes exceed 600 mm": 1,
        "note: volumes have a single slice": 1,
        "note: volumes are of unknown orientation": 1,
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
