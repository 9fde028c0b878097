"""Show training in TensorBoard or MLflow, too. `metrics.jsonl` stays what counts: what is shown is read from its lines.

Neither reaches a network: each writes a folder of its name beside the lines. Training that goes on is shown again from
its first line, so that no point is there twice.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Literal

from semeia.errors import InputError, missing_extra

Tracker = Literal["none", "tensorboard", "mlflow"]
Show = Callable[[dict[str, object]], None]


def tracking(tracker: Tracker, folder: Path, *, cell: str) -> AbstractContextManager[Show]:
    """A context that gives what shows a line of metrics of a cell, such as pretrained/jepa/seed-0."""
    if tracker == "none":
        return nullcontext(lambda entry: None)
    return _tensorboard(folder) if tracker == "tensorboard" else _mlflow(folder, cell)


@contextmanager
def _tensorboard(folder: Path) -> Iterator[Show]:
    with _told_what_to_install():
        from torch.utils.tensorboard import SummaryWriter

    shutil.rmtree(folder / "tensorboard", ignore_errors=True)
    with SummaryWriter(str(folder / "tensorboard")) as writer:

        def show(entry: dict[str, object]) -> None:
            for name, value, step in _points(entry):
                writer.add_scalar(name, value, step)

        yield show


@contextmanager
def _mlflow(folder: Path, cell: str) -> Iterator[Show]:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with _told_what_to_install():
        from mlflow.tracking import MlflowClient  # pyright: ignore[reportMissingImports]

    (folder / "mlflow").mkdir(parents=True, exist_ok=True)
    client = MlflowClient(mlflow_store(folder))
    for stopped in client.search_runs(["0"]):  # the database itself stays: MLflow keeps it open
        client.delete_run(stopped.info.run_id)
    run, status = client.create_run("0", run_name=cell).info.run_id, "KILLED"

    def show(entry: dict[str, object]) -> None:
        for name, value, step in _points(entry):
            client.log_metric(run, name, value, step=step)

    try:
        yield show
        status = "FINISHED"
    finally:
        client.set_terminated(run, status)


def mlflow_store(folder: Path) -> str:
    """The address of a cell's own store: a database, since MLflow no longer takes plain folders."""
    return f"sqlite:///{(folder / 'mlflow').absolute()}/mlflow.db"


def _points(entry: dict[str, object]) -> Iterator[tuple[str, float, int]]:
    """The terms of a line as (phase/name, value, step)."""
    step = entry["step"]
    for name, value in entry.items():
        if isinstance(value, float) and isinstance(step, int):
            yield f"{entry['phase']}/{name}", value, step


@contextmanager
def _told_what_to_install() -> Iterator[None]:
    """An import that fails becomes words, here: the error's own do not survive the way from a worker process."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(f"loop.tracker: {missing_extra(error) or error}") from error
