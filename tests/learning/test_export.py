"""An exported model is the run's, whole or absent, and names no folder of the run."""

import shutil
from pathlib import Path

import pytest

from semeia.errors import InputError
from semeia.learning import export as exporting
from semeia.learning.export import export
from semeia.studies.predict import predict

ARM = {"arm": "multimodal_jepa", "mode": "frozen", "fraction": 1.0}


def test_an_exported_folder_predicts_the_same(run: Path, unseen: Path, tmp_path: Path):
    out = export(run, out=tmp_path / "model", **ARM)
    moved = shutil.move(out, tmp_path / "elsewhere")
    assert predict(Path(moved), archive=unseen).equals(predict(run, archive=unseen, **ARM))
    words = (Path(moved) / "README.md").read_text()
    assert "It predicts `malignancy` and reads image and reading." in words
    assert str(run) not in words + (Path(moved) / "run.json").read_text()


def test_an_export_overwrites_nothing(run: Path, tmp_path: Path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        export(run, out=tmp_path, **ARM)
    with pytest.raises(InputError, match="no model fits"):
        export(run, out=tmp_path / "new", arm="nothing")
    assert [entry.name for entry in tmp_path.iterdir()] == ["note.txt"]


def test_half_an_export_is_none(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporting, "write_text", lambda path, text: (_ for _ in ()).throw(OSError(28, "full", "x")))
    with pytest.raises(OSError, match="full"):
        export(run, out=tmp_path / "model", **ARM)
    assert not list(tmp_path.iterdir())
