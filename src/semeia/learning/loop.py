"""Train an objective: the one loop.

Everything random is a function of (seed, step), so that a run killed at any moment goes on from its last checkpoint to
the same bits. Ctrl-C ends the current step, saves, and says how to go on.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from semeia.archive.atomic import make_folder, naming, write_text
from semeia.archive.small_file import MEGABYTE, read_text
from semeia.data.batch import Batch
from semeia.encoders.blocks import blocks_of
from semeia.errors import InputError
from semeia.group import largest, process_of
from semeia.learning.cells import STATE
from semeia.learning.checkpoint import (
    Tensors,
    load_into,
    load_tensors,
    optimiser_tensors,
    require_same_settings,
    restore_optimiser,
    save_tensors,
)
from semeia.learning.devices import Precision, autocast, pick_device, pick_precision, require_device
from semeia.learning.interrupt import Interrupted, listening
from semeia.learning.schedule import OptimiserSettings, batch_rows, make_optimiser, tune
from semeia.learning.tracking import Show, Tracker, tracking
from semeia.objectives.objective import Objective, Trained
from semeia.objectives.step import Step
from semeia.progress import Report, silent
from semeia.ranges import FROM_0, require_ranges
from semeia.shapes import Scalar
from semeia.sharding import shard, whole, whole_again
from semeia.spread import average_gradients, begin_alike, spreading

LARGEST = 1024 * MEGABYTE


class MetricsLog:
    """Appends lines; on resuming, forgets those after the checkpoint.

    Args:
        start: first step that will be logged; later lines of an earlier attempt are dropped.
    """

    def __init__(self, path: Path, *, start: int = 0, show: Show = lambda entry: None) -> None:
        self.path, self.show = path, show
        with naming(path.parent):
            make_folder(path.parent)
        if path.exists():
            kept = [line for line in read_text(path, most=LARGEST).splitlines() if _before(line, start)]
            write_text(path, "".join(f"{line}\n" for line in kept))
            for line in kept:
                show(json.loads(line))

    def write(self, entry: dict[str, object]) -> None:
        """Adds a line."""
        with naming(self.path), self.path.open("a") as handle:
            handle.write(json.dumps(entry) + "\n")
        self.show(entry)


def _before(line: str, start: int) -> bool:
    try:
        return json.loads(line)["step"] < start
    except (ValueError, KeyError, TypeError, RecursionError):
        return False  # cut short by a kill


@dataclass(frozen=True)
class LoopSettings:
    """How training is run; none of it changes what is learnt, but for the precision.

    Attributes:
        device: "auto", "cpu", "cuda", "cuda:1", ...
        precision: "auto" takes bf16 where the hardware has it and it is faster (learning/devices.py).
        save_every: steps between checkpoints; 0 saves only at the end and when interrupted.
        log_every: steps between lines of metrics.jsonl; 0 writes only the last.
        tracker: "tensorboard" or "mlflow" shows these lines there, too, in a folder of that name beside them.
        at_once: rows (patients, or observations of theirs) that a network takes at once; 0 is the whole batch. Fewer
            need less memory and one more forward pass, and change no loss: that is of the whole batch.
        shard: whether each process of a group keeps its part of the weights alone (sharding.py).
    """

    device: str = "auto"
    precision: Precision = "auto"
    save_every: int = 50
    log_every: int = 10
    tracker: Tracker = "none"
    at_once: int = 0
    shard: bool = False

    def __post_init__(self) -> None:
        require_device(self.device)
        if self.precision not in get_args(Precision):
            raise InputError(f"loop: precision is '{self.precision}'; there are {', '.join(get_args(Precision))}")
        if self.tracker not in get_args(Tracker):
            raise InputError(f"loop: tracker is '{self.tracker}'; there are {', '.join(get_args(Tracker))}")
        require_ranges("loop", self, {"save_every": FROM_0, "log_every": FROM_0, "at_once": FROM_0})


def train(
    objective: Trained,
    batch_of: Callable[[np.ndarray, Step, torch.device], Batch],
    *,
    units: int,
    optimiser: OptimiserSettings,
    seed: int,
    folder: Path,
    cell: str,
    phase: str,
    settings: LoopSettings,
    report: Report = silent,
) -> Trained:
    """Train until the last step, from the folder's checkpoint if it has one; in place, but for one that was sharded.

    The processes of a group train one model, each on its share of every batch; the first one alone writes.

    Args:
        batch_of: the batch of some units (indices below `units`) for a step, on a device.
        cell, phase: written into every line of the metrics.
        report: called after every step with the steps done and the latest terms.

    Raises:
        InputError: the loss is not finite, or the folder was begun with other settings.
        Interrupted: a signal came; the state is saved.
    """
    device = pick_device(settings.device)
    objective.to(device).train()
    precision = pick_precision(settings.precision, device, width=objective.encoder.settings.dim)
    about = {"optimiser": asdict(optimiser), "seed": seed, "units": units, "precision": precision}
    path = folder / STATE
    saved, start = restore(path, objective, about) if path.exists() else ({}, 0)
    begin_alike(objective)
    shared = settings.shard and process_of()[1] > 1
    plain = shard(objective, blocks_of(objective), method="loss") if shared else None
    adam = make_optimiser(objective, optimiser)
    restore_optimiser(adam, saved, path=path)
    total, first = optimiser.total(units), process_of()[0] == 0
    terms: dict[str, float] = {}
    tracker = settings.tracker if first else "none"
    with tracking(tracker, folder, cell=cell) as show, listening() as stop, spreading(at_once=settings.at_once):
        log = MetricsLog(folder / "metrics.jsonl", start=start, show=show) if first else None
        for index in range(start, total):
            step = Step(index=index, total=total, seed=seed)
            batch = batch_of(batch_rows(step, units, optimiser), step, device)
            losses, grad_norm = one_step(objective, batch, adam, step, optimiser, autocast(device, precision))
            last = index == total - 1
            # Asked once: a signal that comes later in this step is heard, and saved for, at the end of the next.
            stopping = largest(stop.signal or 0)
            due = stopping or last or (settings.save_every > 0 and (index + 1) % settings.save_every == 0)
            logged = last or (settings.log_every > 0 and index % settings.log_every == 0)
            if due or logged:
                terms = finite(losses, grad_norm, step, path)
            if logged and log:
                epoch = index // optimiser.per_epoch(units)
                log.write({"cell": cell, "phase": phase, "step": index, "epoch": epoch, **terms})
            report(index + 1, terms)
            if due:
                tensors = {f"objective.{name}": whole(value) for name, value in objective.state_dict().items()}
                tensors |= optimiser_tensors(adam)
                if first:
                    save_tensors(path, tensors, {**about, "step": index + 1})
            if stopping or (stop and last):
                words = f"stopped after step {index + 1} of {total}; saved in {folder}"
                raise Interrupted(words, signal=stopping or stop.signal)
    return (whole_again(plain, objective) if plain is not None else objective).eval()


def one_step(
    objective: Objective,
    batch: Batch,
    adam: torch.optim.Optimizer,
    step: Step,
    settings: OptimiserSettings,
    precision: torch.autocast,
) -> tuple[dict[str, Scalar], Scalar]:
    """Forward, backward, clip, step, moving averages; returns the terms and the norm of the gradient."""
    # Dropout draws from the global generator; this makes it a function of the step, too.
    torch.manual_seed(step.generator("dropout").initial_seed())
    tune(adam, step, settings)
    with precision:
        losses = objective.loss(batch, step)
    adam.zero_grad(set_to_none=True)
    torch.stack(list(losses.values())).sum().backward()
    average_gradients(objective.parameters())
    grad_norm = whole(torch.nn.utils.clip_grad_norm_(objective.parameters(), settings.clip))
    adam.step()
    objective.after_step(step)
    return losses, grad_norm


def finite(losses: dict[str, Scalar], grad_norm: Scalar, step: Step, path: Path) -> dict[str, float]:
    """The terms as numbers, one transfer for all of them; refuses a loss or a gradient that is not a number."""
    *values, norm = torch.stack([value.detach().float() for value in (*losses.values(), grad_norm)]).tolist()
    wrong = [
        name for name, value in zip((*losses, "gradient"), (*values, norm), strict=True) if not math.isfinite(value)
    ]
    if wrong:
        raise InputError(
            f"{path.parent}: the loss is not finite at step {step.index} ({', '.join(wrong)}); lower the learning "
            f"rate. {'The last checkpoint is kept' if path.exists() else 'No checkpoint was due yet'}"
        )
    return dict(zip(losses, values, strict=True))


def restore(path: Path, objective: Objective, about: dict) -> tuple[Tensors, int]:
    """Load the weights of a checkpoint; returns all of its tensors and the number of steps done."""
    tensors, before = load_tensors(path)
    done = before.pop("step", 0)
    if type(done) is not int or done < 0:
        raise InputError(f"{path}: damaged checkpoint (it does not say after which step); delete it to start again")
    # Through JSON, so that tuples compare equal to what was read back.
    require_same_settings(before, json.loads(json.dumps(about)), path=path.parent)
    load_into(
        objective, {k: v for k, v in tensors.items() if k.startswith("objective.")}, path=path, prefix="objective."
    )
    return tensors, done
