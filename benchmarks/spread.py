"""The claim: two processes take less than one for a step of the same losses; a few rows at once take less memory, and
so do weights in parts (`--dim 768 --depth 12 --batch 4 --steps 2`: of a network whose weights outweigh the batch).

Each way pretrains the same network by latent prediction on the same noise (crops of the default size, a network wider
than the default, one thread a process) in fresh processes, and ends with the same loss. Where the machine has other
work, the processor time of the first process says more than the clock: it is what a free core would take.

    python benchmarks/spread.py
"""

import argparse
import os
import resource
import time
from functools import partial
from typing import Any

import numpy as np
import torch
from joblib.externals.loky import ProcessPoolExecutor
from pretraining import prepared, synthetic
from shared.loop import run_loop
from shared.table import row
from shared.watch import processor

from semeia.encoders.patient import EncoderSettings
from semeia.encoders.settings import ModelSettings
from semeia.group import process_group, with_others
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings

Found = dict[str, float]


def run(*, steps: int, batch: int, dim: int, depth: int, at_once: int = 0, shard: bool = False) -> Found:
    """Train in whatever processes there are; processor and clock seconds of a step, memory, and the last loss."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    settings = PretrainSettings(model=ModelSettings(encoder=EncoderSettings(dim=dim, depth=depth, heads=8)))
    data, ticks, losses = synthetic(batch), [], []

    def report(done: int, terms: dict[str, float]) -> None:
        ticks.append((time.process_time(), time.perf_counter()))
        losses.append(sum(terms.values()))

    with process_group():
        objective, batch_of = prepared(data, settings)
        before = memory()
        run_loop(
            objective,
            batch_of,
            units=len(data),
            optimiser=OptimiserSettings(steps=steps + 1, batch=batch),
            report=report,
            precision="fp32",
            save_every=0,
            log_every=1,
            at_once=at_once,
            shard=shard,
        )
    used, passed = np.median(np.diff(np.array(ticks), axis=0), axis=0)
    return {"processor": used, "clock": passed, "memory": memory() - before, "loss": losses[-1]}


def memory() -> float:
    """The largest resident memory so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def shared(processes: int, **sizes: Any) -> Found:
    """`run` in so many processes, of which this is the first."""
    with with_others(processes, partial(run, **sizes)):
        return run(**sizes)


def fresh(processes: int, **sizes: Any) -> Found:
    """`shared` in a process of its own, whose memory nothing else has used."""
    with ProcessPoolExecutor(max_workers=1) as executor:
        return executor.submit(shared, processes, **sizes).result()


def main(steps: int, batch: int, dim: int, depth: int, at_once: int) -> None:
    """All ways, one after another."""
    print(f"machine: {processor()}, {os.cpu_count()} cores, torch {torch.__version__}; load {os.getloadavg()[0]:.1f}")
    print(f"latent prediction, {dim} wide, {depth} blocks, batch {batch}, {steps} steps of one thread a process")
    sizes = {"steps": steps, "batch": batch, "dim": dim, "depth": depth}
    ways = {
        "one process": fresh(1, **sizes),
        "two processes": fresh(2, **sizes),
        f"one, {at_once} rows at once": fresh(1, **sizes, at_once=at_once),
        "two, weights in parts": fresh(2, **sizes, shard=True),
    }
    one, two, few, parts = ways.values()
    for name, found in ways.items():
        print(
            f"{name:>24}: {1000 * found['processor']:6.0f} ms of processor a step, {1000 * found['clock']:6.0f} by the "
            f"clock, {found['memory']:5.0f} MiB more than before training, loss {found['loss']:.6f}"
        )
    faster, slower = one["processor"] / two["processor"], few["processor"] / one["processor"]
    print(f"two processes: {faster:.2f} times as fast, memory of each {two['memory'] / one['memory']:.2f} of one's")
    held, longer = parts["memory"] / two["memory"], parts["processor"] / two["processor"]
    print(f"weights in parts: memory {held:.2f} of two processes with all of them, {longer:.2f} times the time")
    less = few["memory"] / one["memory"]
    print(f"{at_once} rows at once: memory {less:.2f} of all at once, {slower:.2f} times the time")
    against = "one process, the whole batch at once"
    row(
        "a step shared by two processes",
        ours=two["processor"],
        other=one["processor"],
        unit="s of processor",
        against=against,
    )
    row(
        f"memory of a step, {at_once} rows at once",
        ours=few["memory"],
        other=one["memory"],
        unit="MiB",
        against=against,
    )
    row(
        "memory of two processes, weights in parts",
        ours=parts["memory"],
        other=two["memory"],
        unit="MiB",
        against="two processes with all weights each",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("steps", 8), ("batch", 64), ("dim", 256), ("depth", 6), ("at-once", 8)):
        parser.add_argument(f"--{name}", type=int, default=default)
    main(**vars(parser.parse_args()))
