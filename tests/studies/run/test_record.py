"""run.json guards a folder against another archive, other settings, and what is not a run."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from archive_folder import small_archive
from semeia.archive.atomic import write_json
from semeia.errors import InputError
from semeia.learning.cells import STATE
from semeia.learning.loop import LoopSettings
from semeia.studies.nodule import NoduleSettings
from semeia.studies.pictures.knee_settings import KneeSettings
from semeia.studies.run.holding import holding
from semeia.studies.run.record import begin_run, close_run, read_record
from small_training import killed_by

SETTINGS = NoduleSettings(seeds=(0,))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "archive"
    small_archive(path)
    return path


def learnt(run: Path, cell: str) -> None:
    """A checkpoint in a cell."""
    (run / cell).mkdir(parents=True)
    (run / cell / STATE).touch()


def test_a_new_run_says_what_it_is(tiny: Path, tmp_path: Path):
    begin_run(tmp_path / "run", tiny, study="nodule", settings=SETTINGS)
    record = read_record(tmp_path / "run")
    assert (record["kind"], record["study"], record["state"]) == ("study", "nodule", "running")
    assert record["config"]["seeds"] == [0]
    assert set(record["archive"]) == {"fingerprint", "simulated"}
    assert record["archive"]["simulated"] is False


def test_a_begun_run_goes_on_under_its_settings_only(tiny: Path, tmp_path: Path):
    begin_run(tmp_path, tiny, study="nodule", settings=SETTINGS)
    learnt(tmp_path, "pretrained/image_jepa/seed-0")
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
    learnt(tmp_path, "cells/random/frozen/1/seed-0")
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


def older(run: Path) -> None:
    """The record of a run that was begun under other versions, before sittings were kept apart."""
    about = read_record(run)
    del about["sittings"]
    about |= {"semeia_version": "0.0.9", "versions": about["versions"] | {"torch": "2.1.0"}}
    write_json(run / "run.json", about)


def test_going_on_under_other_versions_is_said_and_kept(tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    begin_run(tmp_path, tiny, study="nodule", settings=SETTINGS)
    learnt(tmp_path, "pretrained/image_jepa/seed-0")
    begin_run(tmp_path, tiny, study="nodule", settings=SETTINGS)
    assert not caplog.text
    older(tmp_path)
    begin_run(tmp_path, tiny, study="nodule", settings=SETTINGS)
    said = caplog.text
    assert "different versions (semeia 0.0.9, then " in said
    assert "; torch 2.1.0, then " in said
    about = read_record(tmp_path)
    assert [sitting["semeia"] for sitting in about["sittings"]] == ["0.0.9", about["semeia_version"]]
    close_run(tmp_path, {"notes": ["one"]})
    assert read_record(tmp_path)["notes"][0] == "one"
    assert "different versions" in read_record(tmp_path)["notes"][1]


def test_how_often_a_loop_saves_and_where_it_runs_may_change_and_the_rate_may_not(tiny: Path, tmp_path: Path):
    begin_run(tmp_path, tiny, study="nodule", settings=SETTINGS)
    learnt(tmp_path, "pretrained/image_jepa/seed-0")
    loop = LoopSettings(device="cpu", save_every=7, log_every=3)
    changed = replace(SETTINGS, pretraining=replace(SETTINGS.pretraining, loop=loop))
    begin_run(tmp_path, tiny, study="nodule", settings=changed)
    assert read_record(tmp_path)["config"]["pretraining"]["loop"]["save_every"] == 7
    faster = replace(changed.pretraining, optimiser=replace(changed.pretraining.optimiser, lr=0.5))
    with pytest.raises(InputError, match=r"pretraining\.optimiser\.lr: 0\.001 then, 0\.5 now"):
        begin_run(tmp_path, tiny, study="nodule", settings=replace(SETTINGS, pretraining=faster))


def test_a_kill_while_run_json_is_renamed_is_no_dead_end(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # Polars does not survive a fork.
    monkeypatch.setattr("semeia.studies.run.record.refuse_copies", lambda archive: None)

    def killed() -> None:
        def stop(one: object, other: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        os.replace = stop  # pyright: ignore[reportAttributeAccessIssue]
        with holding(tmp_path / "run"):
            begin_run(tmp_path / "run", tiny, study="nodule", settings=SETTINGS)

    assert killed_by(killed) == signal.SIGKILL
    assert [entry.suffix for entry in (tmp_path / "run").iterdir()] == [".partial"]
    with holding(tmp_path / "run"):
        begin_run(tmp_path / "run", tiny, study="nodule", settings=SETTINGS)
    assert [entry.name for entry in (tmp_path / "run").iterdir()] == ["run.json"]


def test_a_run_is_finished_only_after_its_report(tiny: Path, tmp_path: Path):
    begin_run(tmp_path, tiny, study="own", settings=SETTINGS)
    states: list[str] = []

    def report(run: Path) -> None:
        states.append(read_record(run)["state"])
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        close_run(tmp_path, {"seeds": [0]}, report=report)
    assert states == [read_record(tmp_path)["state"]] == ["running"]
    close_run(tmp_path, {"seeds": [0]})
    assert read_record(tmp_path)["state"] == "finished"


def test_another_kind_of_run_is_not_gone_on_with(tiny: Path, tmp_path: Path):
    begin_run(tmp_path, tiny, study="pretrain", settings=SETTINGS)
    learnt(tmp_path, "pretrained/image_jepa/seed-0")
    with pytest.raises(InputError, match=r"holds a run of another kind \(pretrain\)"):
        begin_run(tmp_path, tiny, study="nodule", settings=SETTINGS)
    unlike = r"another kind|does not describe a run"
    for content, message in (("null", "holds no JSON object"), ("[]", "holds no JSON object"), ("{}", unlike)):
        (tmp_path / "run.json").write_text(content)
        with pytest.raises(InputError, match=message):
            begin_run(tmp_path, tiny, study="nodule", settings=SETTINGS)
