"""Lines are added one by one; a resumed log forgets what came after the checkpoint."""

from pathlib import Path

from semeia.learning.loop import MetricsLog
from small_training import read_metrics


def test_lines_come_back_and_the_folder_is_made(tmp_path: Path):
    path = tmp_path / "new" / "metrics.jsonl"
    assert read_metrics(path) == []
    log = MetricsLog(path)
    for step in range(3):
        log.write({"step": step, "loss": step / 2})
    assert read_metrics(path) == [{"step": step, "loss": step / 2} for step in range(3)]


def test_resuming_forgets_later_lines_and_one_cut_short(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    for step in range(5):
        log.write({"step": step})
    path.write_text(path.read_text() + '{"step": 1, "lo')
    MetricsLog(path, start=3).write({"step": 3, "again": True})
    assert read_metrics(path) == [{"step": 0}, {"step": 1}, {"step": 2}, {"step": 3, "again": True}]
