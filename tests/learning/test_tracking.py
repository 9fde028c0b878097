"""What a tracker is given is what metrics.jsonl holds, each point once, however often training was stopped."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from semeia.errors import InputError
from semeia.learning.loop import LoopSettings, MetricsLog, train
from semeia.learning.schedule import OptimiserSettings
from semeia.learning.tracking import Tracker, mlflow_store, tracking
from semeia.settings_json import from_plain
from small_batches import Fragile, small_batch

TRACKERS = [("tensorboard", "closed", "closed"), ("mlflow", "KILLED", "FINISHED")]
Points = list[tuple[str, float, int]]


class Writer:
    """In the place of TensorBoard's: one file a writer, a line a point."""

    def __init__(self, folder: str) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        self.path = Path(folder) / f"events-{len(list(Path(folder).iterdir()))}"
        self.path.touch()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        with self.path.open("a") as file:
            file.write('"closed"\n')

    def add_scalar(self, name: str, value: float, step: int) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps([name, value, step]) + "\n")


class Client:
    """In the place of MLflow's."""

    def __init__(self, uri: str) -> None:
        self.folder = Path(uri.removeprefix("sqlite:///")).parent

    def search_runs(self, experiments: list[str]) -> list[SimpleNamespace]:
        assert experiments == ["0"]
        return [SimpleNamespace(info=SimpleNamespace(run_id=path.name)) for path in self.folder.iterdir()]

    def delete_run(self, run: str) -> None:
        (self.folder / run).unlink()

    def create_run(self, experiment: str, *, run_name: str) -> SimpleNamespace:
        assert experiment == "0"
        return SimpleNamespace(info=SimpleNamespace(run_id=run_name.replace("/", "-")))

    def log_metric(self, run: str, name: str, value: float, *, step: int) -> None:
        with (self.folder / run).open("a") as file:
            file.write(json.dumps([name, value, step]) + "\n")

    def set_terminated(self, run: str, status: str) -> None:
        with (self.folder / run).open("a") as file:
            file.write(json.dumps(status) + "\n")


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch):
    for name, attribute, stub in (
        ("torch.utils.tensorboard", "SummaryWriter", Writer),
        ("mlflow.tracking", "MlflowClient", Client),
    ):
        module = ModuleType(name)
        setattr(module, attribute, stub)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))


def go(folder: Path, tracker: Tracker, breaks: str = "") -> None:
    train(
        Fragile(breaks),
        lambda chosen, step, device: small_batch(),
        units=8,
        optimiser=OptimiserSettings(steps=12, batch=4),
        seed=0,
        folder=folder,
        cell="pretrained/jepa/seed-0",
        phase="pretrain",
        settings=LoopSettings(device="cpu", precision="fp32", save_every=2, log_every=1, tracker=tracker),
    )


def shown(folder: Path) -> tuple[Points, list[str]]:
    """The points, and how writing ended, over all files of a tracker's folder."""
    lines = [json.loads(line) for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]
    points = [(line[0], line[1], line[2]) for line in lines if isinstance(line, list)]
    return points, [line for line in lines if isinstance(line, str)]


@pytest.mark.usefixtures("stubs")
@pytest.mark.parametrize(("tracker", "killed", "ended"), TRACKERS)
def test_stopped_and_resumed_training_shows_every_line_once(tmp_path: Path, tracker: Tracker, killed: str, ended: str):
    with pytest.raises(InputError, match="not finite at step 5"):
        go(tmp_path, tracker, "loss")
    points, ends = shown(tmp_path / tracker)
    assert [step for _, _, step in points] == [0, 1, 2, 3, 4]
    assert ends == [killed]
    go(tmp_path, tracker)
    points, ends = shown(tmp_path / tracker)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert points == [("pretrain/square", line["square"], line["step"]) for line in lines]
    assert len(points) == 12
    assert ends == [ended]


@pytest.mark.parametrize("tracker", ["tensorboard", "mlflow"])
def test_one_that_is_missing_is_asked_for(tmp_path: Path, tracker: Tracker, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    for module in ("tensorboard", "mlflow"):
        monkeypatch.setitem(sys.modules, module, None)
    words = rf'loop.tracker: this needs {tracker}, which is not installed: pip install "semeia\[tracking\]"'
    with pytest.raises(InputError, match=words):
        go(tmp_path, tracker)
    assert not (tmp_path / "metrics.jsonl").exists()


def test_another_tracker_is_refused():
    with pytest.raises(InputError, match=r"loop\.tracker must be one of none, tensorboard, mlflow"):
        from_plain(LoopSettings, {"tracker": "wandb"}, where="loop")


def stopped_and_resumed(folder: Path, tracker: Tracker) -> None:
    """Show three steps, and the last of them again as a run that goes on does."""
    for start in (0, 2):
        with tracking(tracker, folder, cell="cell") as show:
            log = MetricsLog(folder / "metrics.jsonl", start=start, show=show)
            for step in range(start, 3):
                log.write({"cell": "cell", "phase": "pretrain", "step": step, "epoch": 0, "loss": float(step)})


def test_real_files_hold_each_point_once(tmp_path: Path):
    """With the packages themselves, where they are installed."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    stopped_and_resumed(tmp_path, "tensorboard")
    found = EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    assert [(event.step, event.value) for event in found.Scalars("pretrain/loss")] == [(0, 0.0), (1, 1.0), (2, 2.0)]


def test_a_real_local_store_holds_each_point_once(tmp_path: Path):
    """With the package itself, where it is installed."""
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient  # pyright: ignore[reportMissingImports]

    stopped_and_resumed(tmp_path, "mlflow")
    client = MlflowClient(mlflow_store(tmp_path))
    (run,) = client.search_runs(["0"])
    assert run.info.status == "FINISHED"
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "pretrain/loss")] == [
        (0, 0.0), (1, 1.0), (2, 2.0),
    ]  # fmt: skip
