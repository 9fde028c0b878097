"""A run goes on as the study that it is, with the settings it was begun with."""

import json
from pathlib import Path

import pytest

from semeia.errors import InputError
from semeia.settings_json import to_plain
from semeia.studies import resume
from semeia.studies.ehr import EhrSettings
from semeia.studies.nodule import NoduleSettings
from semeia.studies.resume import STUDIES, resume_study


@pytest.mark.parametrize(
    ("name", "settings"), [("nodule", NoduleSettings(seeds=(2,))), ("ehr", EhrSettings(seeds=(3, 4), inside=0.5))]
)
def test_by_the_studys_name(name: str, settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "run.json").write_text(json.dumps({"study": name, "config": to_plain(settings)}))
    given = []

    def study(archive: Path, *, out: Path, settings: object) -> Path:
        given.append((archive, out, settings))
        return out / "report.html"

    monkeypatch.setitem(resume.STUDIES, name, (STUDIES[name][0], study))
    assert resume_study(tmp_path, Path("archive")) == tmp_path / "report.html"
    assert given == [(Path("archive"), tmp_path, settings)]


def test_what_is_no_study_is_refused(tmp_path: Path):
    (tmp_path / "run.json").write_text(json.dumps({"study": "own", "config": {}}))
    with pytest.raises(InputError, match="names no study that can be resumed; there are nodule, ehr"):
        resume_study(tmp_path, tmp_path)
