"""run.json guards a folder against another archive, other settings, and what is not a run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from archive_folder import small_archive
from semeia.errors import InputError
from semeia.studies.knee import KneeSettings
from semeia.studies.nodule import NoduleSettings
from semeia.studies.record import begin_run, close_run, read_record

SETTINGS = NoduleSettings(seeds=(0,))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "archive"
    small_archive(path)
    return path


def test_a_new_run_says_what_it_is(tiny: Path, tmp_path: Path):
    begin_run(tmp_path / "run", tiny, study="nodule", settings=SETTINGS)
    record = read_record(tmp_path / "run")
    assert (record["kind"], record["study"], record["state"]) == ("study", "nodule", "running")
    assert record["config"]["seeds"] == [0]
    assert set(record["archive"]) == {"fingerprint"}


def test_a_begun_run_goes_on_under_its_settings_only(tiny: Path, tmp_path: Path):
    begin_run(tmp_path, tiny, study="nodule", settings=SETTINGS)
    (tmp_path / "pretrained").mkdir()
    begin_run(tmp_path, tiny, study="nodule", settings=replace(SETTINGS, workers=7))
    assert read_record(tmp_path)["config"]["workers"] == 7
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(InputError, match=r"\(draws: 2000 then, 500 now\); use another folder"):
        begin_run(tmp_path, tiny, study="nodule", settings=replace(SETTINGS, draws=500))
    small_archive(tmp_path / "other", 3)
    with pytest.raises(InputError, match="archive: "):
        begin_run(tmp_path, tmp_path / "other", study="nodule", settings=SETTINGS)
    assert (tmp_path / "run.json").read_bytes() == before


def test_cells_and_files_may_be_added_to_a_run_and_none_exchanged(tiny: Path, tmp_path: Path):
    few = KneeSettings(starts=("random",), modes=("frozen",))
    begin_run(tmp_path, tiny, study="knee", settings=few, inputs={"external": "a"})
    (tmp_path / "cells").mkdir()
    more = replace(few, starts=("random", "mae"), modes=("frozen", "finetune"))
    begin_run(tmp_path, tiny, study="knee", settings=more, inputs={"external": "a", "imagenet": "b"})
    record = read_record(tmp_path)
    assert record["config"]["starts"] == ["random", "mae"]
    assert record["inputs"] == {"external": "a", "imagenet": "b"}
    with pytest.raises(InputError, match=r"inputs.imagenet: b then, c now"):
        begin_run(tmp_path, tiny, study="knee", settings=more, inputs={"imagenet": "c"})


def test_before_anything_was_trained_settings_can_be_mended(tiny: Path, tmp_path: Path):
    begin_run(tmp_path, tiny, study="nodule", settings=SETTINGS)
    begin_run(tmp_path, tiny, study="nodule", settings=replace(SETTINGS, draws=500))
    assert read_record(tmp_path)["config"]["draws"] == 500


def test_a_folder_with_something_else_in_it_is_refused(tiny: Path, tmp_path: Path):
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(InputError, match="is not empty and holds no run"):
        begin_run(tmp_path, tiny, study="nodule", settings=SETTINGS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.docx"]


def test_reading(tmp_path: Path):
    with pytest.raises(InputError, match="is it a run folder"):
        read_record(tmp_path)
    (tmp_path / "run.json").write_text('{"a": ')
    with pytest.raises(InputError, match="not readable as JSON"):
        read_record(tmp_path)


def test_closing_gathers_the_metrics_and_adds_facts(tiny: Path, tmp_path: Path):
    begin_run(tmp_path, tiny, study="own", settings=SETTINGS)
    for name in ("pretrained/a/seed-0", "cells/b/none/1/seed-0"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "metrics.jsonl").write_text(json.dumps({"cell": name, "step": 0}) + "\n")
    close_run(tmp_path, {"seeds": [0]})
    lines = [json.loads(line)["cell"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == ["pretrained/a/seed-0", "cells/b/none/1/seed-0"]
    assert {"seeds": [0], "state": "finished", "kind": "own"}.items() <= read_record(tmp_path).items()
