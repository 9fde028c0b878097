"""An exported model is the run's, whole or absent, and names no folder of the run."""

import shutil
from pathlib import Path

import pytest

from semeia.errors import InputError
from semeia.learning.stored import choose, load_scorers
from semeia.studies import export as exporting
from semeia.studies.export import CARD, export
from semeia.studies.predict import predict

ARM = {"arm": "multimodal_jepa", "mode": "frozen", "fraction": 1.0}


def test_an_exported_folder_predicts_the_same(run: Path, unseen: Path, tmp_path: Path):
    out = export(run, out=tmp_path / "model", **ARM)
    moved = shutil.move(out, tmp_path / "elsewhere")
    assert predict(Path(moved), archive=unseen).equals(predict(run, archive=unseen, **ARM))
    words = (Path(moved) / "README.md").read_text()
    assert "It predicts `malignancy` and reads image and reading." in words
    assert str(run) not in words + (Path(moved) / "run.json").read_text()


def test_an_onnx_file_lies_beside_its_safetensors(run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO", "semeia")
    out = export(run, out=tmp_path / "model", arm="image_components", onnx=True, licence="CC BY 3.0")
    (weights,) = out.rglob("*.safetensors")
    assert weights.with_suffix(".onnx").exists()
    assert "onnxruntime differs from torch by at most" in caplog.text
    card = (out / CARD).read_text()
    assert "linear.onnx`: the same as ONNX; over 4 batches" in card
    assert "## Licence of the data\n\nCC BY 3.0\n" in card


def test_the_card_says_what_is_not_known(run: Path, tmp_path: Path):
    card = (export(run, out=tmp_path / "model", **ARM) / CARD).read_text()
    assert card.startswith("# multimodal_jepa, frozen\n")
    for words in (
        "- **Predicts**: `malignancy`",
        "- image: images are cut around the unit to 16 \u00d7 16 \u00d7 16 voxels",
        "- This run holds no results of it: judge it by `semeia evaluate` before any use.",
        "Not known to the run: ask whoever gave the archive.",
        "- Open, for its authors to say: when not to use it.",
    ):
        assert words in card
    patients = len({mark for one in load_scorers(run, choose(run, **ARM)).values() for mark in one.fitted_on.patients})
    assert f"Fitted on {patients} patients" in card
    verdict = load_scorers(run, choose(run, **ARM))[0].verdict
    assert f"- Verdict on the encoder that it began with: {verdict}" in card


def test_an_export_overwrites_nothing(run: Path, tmp_path: Path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        export(run, out=tmp_path, **ARM)
    with pytest.raises(InputError, match="has no arm 'nothing'"):
        export(run, out=tmp_path / "new", arm="nothing")
    assert [entry.name for entry in tmp_path.iterdir()] == ["note.txt"]


def test_half_an_export_is_none(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporting, "write_text", lambda path, text: (_ for _ in ()).throw(OSError(28, "full", "x")))
    with pytest.raises(OSError, match="full"):
        export(run, out=tmp_path / "model", **ARM)
    assert not list(tmp_path.iterdir())
