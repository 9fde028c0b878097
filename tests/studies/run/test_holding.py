"""A run folder is one process's at a time, is swept after a kill, and leaves nothing of a try that failed."""

import os
import signal
from pathlib import Path

import pytest

from semeia.errors import InputError
from semeia.learning.cells import STATE
from semeia.studies.run.grid import delete_cells
from semeia.studies.run.holding import has_learnt, holding
from small_training import killed_by


def test_a_second_process_is_refused_and_may_come_after(tmp_path: Path):
    run = tmp_path / "run"

    def second() -> None:
        with pytest.raises(InputError, match="another process is working in this run folder"), holding(run):
            pass
        with pytest.raises(InputError, match="another process"):
            delete_cells(run, "*")

    with holding(run):
        (run / "run.json").touch()
        assert killed_by(second) == 0
    with holding(run):
        pass
    assert [entry.name for entry in run.iterdir()] == ["run.json"]


def test_a_killed_process_holds_nothing(tmp_path: Path):
    def first() -> None:
        with holding(tmp_path):
            (tmp_path / ".run.json.0123.partial").write_text("{")
            os.kill(os.getpid(), signal.SIGKILL)

    assert killed_by(first) == signal.SIGKILL
    assert list(tmp_path.iterdir())
    with holding(tmp_path):
        assert not list(tmp_path.iterdir())


def test_a_failed_try_leaves_nothing_and_an_interrupt_or_a_checkpoint_stays(tmp_path: Path):
    def attempt(run: Path, error: type[BaseException], *, learnt: bool) -> None:
        def work() -> None:
            with holding(run):
                cell = run / "pretrained/image_jepa/seed-0"
                cell.mkdir(parents=True)
                (run / "run.json").touch()
                (cell / (STATE if learnt else "metrics.jsonl")).touch()
                raise error

        with pytest.raises(error):
            work()

    attempt(tmp_path / "new/deep", ValueError, learnt=False)
    assert not (tmp_path / "new").exists()
    attempt(tmp_path / "stopped", KeyboardInterrupt, learnt=False)
    assert (tmp_path / "stopped/run.json").exists()
    attempt(tmp_path / "learnt", ValueError, learnt=True)
    assert has_learnt(tmp_path / "learnt")


def test_a_folder_that_was_there_keeps_what_is_in_it(tmp_path: Path):
    (tmp_path / "note.txt").touch()
    with pytest.raises(ValueError), holding(tmp_path):  # noqa: PT011
        raise ValueError
    assert (tmp_path / "note.txt").exists()
    with pytest.raises(InputError, match="cannot be created"), holding(tmp_path / "note.txt"):
        pass
