"""A run goes on as the study that it is, with the settings it was begun with."""

import json
from pathlib import Path

import pytest

from semeia.errors import InputError
from semeia.settings_json import to_plain
from semeia.studies import resume
from semeia.studies.nodule import NoduleSettings
from semeia.studies.own import OwnSettings
from semeia.studies.pictures.knee_settings import KneeSettings
from semeia.studies.records.ehr import EhrSettings
from semeia.studies.resume import STUDIES, resume_study
from semeia.studies.run.study import Inputs, Study

BEGUN = [
    ("nodule", NoduleSettings(seeds=(2,)), {}),
    ("ehr", EhrSettings(seeds=(3, 4), inside=0.5), {}),
    ("knee", KneeSettings(heads=("ordinal",)), {"outcomes": Path("follow_up.csv"), "external": Path("other")}),
    ("own", OwnSettings(outcome="death", seeds=(2,)), {"external": Path("other"), "imagenet": Path("weights")}),
]


def begun(run: Path, name: str, settings: object, further: dict[str, Path]) -> None:
    """The record of a study that was begun on these files."""
    inputs = dict.fromkeys(further, "a hash")
    (run / "run.json").write_text(json.dumps({"study": name, "config": to_plain(settings), "inputs": inputs}))


@pytest.mark.parametrize(("name", "settings", "further"), BEGUN)
def test_by_the_studys_name(
    name: str, settings: object, further: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    begun(tmp_path, name, settings, further)
    asked = []

    def study(study: Study, inputs: Inputs, *, out: Path, settings: object) -> Path:
        asked.append((study, inputs, out, settings))
        return out / "report.html"

    monkeypatch.setattr(resume, "run_study", study)
    assert resume_study(tmp_path, Path("archive"), **further) == tmp_path / "report.html"
    files = {name: path for name, path in further.items() if name != "external"}
    assert asked == [(STUDIES[name], Inputs(Path("archive"), further.get("external"), files), tmp_path, settings)]


def test_only_with_what_it_was_begun_on(tmp_path: Path):
    begun(tmp_path, "knee", KneeSettings(), {"outcomes": Path("follow_up.csv")})
    with pytest.raises(InputError, match="was begun with --outcomes; give it again"):
        resume_study(tmp_path, tmp_path)
    with pytest.raises(InputError, match="was begun without --imagenet; leave it out"):
        resume_study(tmp_path, tmp_path, outcomes=tmp_path / "follow_up.csv", imagenet=tmp_path / "weights")


def test_what_is_no_study_is_refused(tmp_path: Path):
    (tmp_path / "run.json").write_text(json.dumps({"study": "finetune", "config": {}}))
    with pytest.raises(InputError, match="names no study that can be resumed; there are nodule, knee, ehr, own"):
        resume_study(tmp_path, tmp_path)
