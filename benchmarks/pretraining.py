"""The claim: the training loop costs at most 5 % over the same modules in a bare loop, and its memory stays flat.

Prints the machine; then crops a second of `semeia.learning.loop.train` (order, rates, logging, checks, checkpoints) and
of a bare loop (batch, loss, backward, step, moving average, nothing else), taking turns in one process, in fp32 and in
bf16, on one thread and on two; then the resident memory after each of some epochs (synthetic data in memory, default
model); then memory of the process itself, without what is mapped from the file, along one pass over pictures on disk,
and over patients of three dates of 2,000 signatures.

    python benchmarks/pretraining.py            # 2,000 pictures, and as many patients, on disk
    python benchmarks/pretraining.py --full     # 100,000 of each, some minutes
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import psutil
import torch
from shared.loop import run_loop
from shared.table import row
from shared.watch import processor

from semeia.data.batch import Batch
from semeia.data.dataset import Dataset, array_dataset
from semeia.data.modalities import Picture, Table, Vector, Volume
from semeia.data.preprocessing import fit_preprocessing, make_batch
from semeia.encoders.blocks import TransformerBlocks
from semeia.encoders.build import build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.encoders.settings import ModelSettings
from semeia.learning.devices import WIDE, autocast, pick_precision
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.latent_prediction import LatentPrediction
from semeia.objectives.step import Step

CPU = torch.device("cpu")
DEFAULT = PretrainSettings()
# Small, so that a pass over all pictures is a matter of minutes.
SMALL = PretrainSettings(model=ModelSettings(encoder=EncoderSettings(dim=32, depth=1, heads=2)))
Batches = Callable[[np.ndarray, Step, torch.device], Batch]


def synthetic(units: int) -> Dataset:
    """Noise of the default size: the cost of a step does not depend on what is in it."""
    rng = np.random.default_rng(0)
    voxels = DEFAULT.model.crop.voxels
    crops = rng.integers(0, 256, (units, *voxels), dtype=np.uint8)
    readings = rng.integers(1, 6, (units, 8)).astype(np.float32)
    data = array_dataset({"image": (Volume(), crops), "reading": (Table(), readings)})
    for place, planes in enumerate(rng.integers(8, voxels[0] + 1, units)):
        data.observations["image"].arrays.mask[place, planes:] = False
    return data


def prepared(data: Dataset, settings: PretrainSettings = DEFAULT) -> tuple[LatentPrediction, Batches]:
    """A fresh objective, and what makes its batches."""
    preprocessing = fit_preprocessing(data, np.arange(len(data)), modalities=tuple(data.modalities))
    encoder = build_encoder(settings.model.encoder, preprocessing, seed=0)
    objective = LatentPrediction(encoder, settings=settings.objective.jepa)

    def batch_of(chosen: np.ndarray, step: Step, device: torch.device) -> Batch:
        return make_batch(
            data,
            chosen,
            preprocessing=preprocessing,
            augmentation=settings.augmentation,
            generator=step.generator("augment"),
            device=device,
        )

    return objective, batch_of


class Bare:
    """The same modules without the loop: batch, loss, backward, step, moving average."""

    def __init__(self, data: Dataset, precision: str) -> None:
        self.objective, self.batch_of = prepared(data)
        self.objective.train()
        self.adam = torch.optim.AdamW(self.objective.parameters(), lr=1e-3)
        self.precision, self.units = precision, len(data)
        self.rng = np.random.default_rng(0)

    def step(self, index: int, total: int, batch: int) -> None:
        """One step."""
        step = Step(index=index, total=total, seed=0)
        seen = self.batch_of(self.rng.integers(0, self.units, batch), step, CPU)
        with autocast(CPU, self.precision):
            losses = self.objective.loss(seen, step)
        self.adam.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.objective.parameters(), 1.0)
        self.adam.step()
        self.objective.after_step(step)


class Enough(Exception):  # noqa: N818
    """Raised by the callback once the time is up."""


def compare(
    data: Dataset, *, precision: str, threads: int, rounds: int, steps: int, batch: int, seconds_at_most: float
) -> None:
    """One line: both speeds and the overhead, as medians over rounds of `steps` steps.

    The sides take turns step by step (a bare step is run from the loop's own callback, and not counted as the loop's),
    so that whatever else keeps the machine busy slows both. Each round of the loop has one line of metrics and one
    checkpoint; pretraining saves every 50 steps.
    """
    torch.set_num_threads(threads)
    bare, (objective, batch_of) = Bare(data, precision), prepared(data)
    total = rounds * steps + 1
    seconds: dict[str, list[float]] = {"loop": [], "bare": []}
    began = perf_counter()
    left = [0.0]

    def report(done: int, terms: dict[str, float]) -> None:
        came = perf_counter()
        bare.step(done - 1, total, batch)
        after = perf_counter()
        if done > 1:  # the first step of either side pays for caches
            seconds["loop"].append(came - left[0])
            seconds["bare"].append(after - came)
        if seconds["loop"] and len(seconds["loop"]) % steps == 0 and after - began > seconds_at_most:
            raise Enough
        left[0] = perf_counter()

    with suppress(Enough):
        run_loop(
            objective,
            batch_of,
            units=len(data),
            optimiser=OptimiserSettings(steps=total, batch=batch),
            report=report,
            precision=precision,
            save_every=steps,
            log_every=steps,
        )
    sums = {name: [sum(found[i : i + steps]) for i in range(0, len(found), steps)] for name, found in seconds.items()}
    overhead = [100 * (ours / theirs - 1) for ours, theirs in zip(sums["loop"], sums["bare"], strict=True)]
    speed = {name: steps * batch / statistics.median(found) for name, found in sums.items()}
    row(
        f"pretraining, {precision}, {threads} thread(s)",
        ours=speed["loop"],
        other=speed["bare"],
        unit="crops/s",
        against="a bare loop over the same modules",
        more_is_better=True,
    )
    print(
        f"{precision}, {threads} thread{'s' if threads > 1 else ' '}: loop {speed['loop']:4.0f} crops/s, bare "
        f"{speed['bare']:4.0f} crops/s, overhead {statistics.median(overhead):+.1f} % "
        f"({len(overhead)} rounds of {steps} steps: {min(overhead):+.1f} to {max(overhead):+.1f})",
        flush=True,
    )


def memory(data: Dataset, *, epochs: int, batch: int, precision: str) -> None:
    """Resident memory at the end of each epoch of one run."""
    torch.set_num_threads(1)
    objective, batch_of = prepared(data)
    optimiser = OptimiserSettings(epochs=epochs, batch=batch)
    per_epoch = optimiser.per_epoch(len(data))
    found: list[float] = []

    def report(done: int, terms: dict[str, float]) -> None:
        if done % per_epoch == 0:
            found.append(psutil.Process().memory_info().rss / 2**20)

    run_loop(
        objective,
        batch_of,
        units=len(data),
        optimiser=optimiser,
        report=report,
        precision=precision,
        save_every=per_epoch,
    )
    print(
        f"memory at the end of {epochs} epochs of {per_epoch} steps, a checkpoint each: "
        f"{' '.join(f'{value:.0f}' for value in found)} MiB; last / second {found[-1] / found[1]:.3f} (flat is 1)"
    )


def stream(what: str, data: Dataset, file: Path, *, batch: int, precision: str) -> None:
    """Fit the preprocessing, and make one pass over a memory-mapped file larger than what is ever held of it."""
    torch.set_num_threads(1)
    fitted = perf_counter()
    objective, batch_of = prepared(data, SMALL)
    began, size = perf_counter(), file.stat().st_size / 2**20
    units, optimiser, own = len(data), OptimiserSettings(epochs=1, batch=batch), []
    total = optimiser.total(units)

    def report(done: int, terms: dict[str, float]) -> None:
        if done in {max(total * tenth // 10, 1) for tenth in range(1, 11)}:
            info = psutil.Process().memory_info()
            own.append((info.rss - getattr(info, "shared", 0)) / 2**20)

    run_loop(objective, batch_of, units=units, optimiser=optimiser, report=report, precision=precision, save_every=0)
    seconds = perf_counter() - began
    row(f"pretraining on {units:,} {what}, small network", ours=units / seconds, unit="units/s")
    row("its own memory at the end of the pass", ours=own[-1], other=own[1], unit="MiB", against="after a fifth of it")
    print(
        f"{units:,} {what} ({size:.0f} MiB on disk): scales fitted in {began - fitted:.0f} s, one pass of "
        f"{total} steps in {seconds:.0f} s ({units / seconds:.0f} units/s); own memory at each tenth: "
        f"{' '.join(f'{value:.0f}' for value in own)} MiB; last / second {own[-1] / own[1]:.3f} (flat is 1)"
    )


def written(
    path: Path, shape: tuple[int, ...], dtype: type, draw: Callable[[tuple[int, ...]], np.ndarray]
) -> np.ndarray:
    """Fill a file with draws, and map it into memory."""
    values = np.lib.format.open_memmap(path, "w+", dtype, shape)
    for start in range(0, shape[0], 1000):
        values[start : start + 1000] = draw(values[start : start + 1000].shape)
    values.flush()
    return np.load(path, mmap_mode="r")


def stream_pictures(pictures: int, *, batch: int, precision: str) -> None:
    """Pictures of 64 x 64."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pictures.npy"
        drawn = written(file, (pictures, 64, 64), np.uint8, lambda shape: rng.integers(0, 256, shape, np.uint8))
        data = array_dataset({"image": (Picture(), drawn)})
        stream("pictures of 64 x 64", data, file, batch=batch, precision=precision)


def stream_patients(patients: int, *, batch: int, precision: str) -> None:
    """Patients of three dates of 2,000 signatures each."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "signatures.npy"
        drawn = written(file, (3 * patients, 2000), np.float32, lambda shape: rng.standard_normal(shape, np.float32))
        dates = array_dataset({"record": (Vector(), drawn)})
        slot = np.arange(3 * patients).reshape(patients, 3)
        when = np.broadcast_to(np.array([0.0, 6.0, 12.0], np.float32), slot.shape)
        history = replace(dates.observations["record"], slot=slot, when=when)
        data = Dataset(dates.units.head(patients), dates.modalities, {"record": history})
        stream("patients of 3 x 2,000 signatures", data, file, batch=batch, precision=precision)


def by_width(*, emulated: bool) -> None:
    """Print what a step of transformer blocks takes in either precision, by their width, on one thread."""
    torch.set_num_threads(1)
    for width, tokens, batch in ((64, 17, 32), (128, 28, 64), (256, 64, 32), (384, 64, 16)):
        blocks = TransformerBlocks(width, depth=4, heads=4, mlp_ratio=2.0)
        x, attend = torch.randn(batch, tokens, width), torch.ones(batch, tokens, tokens, dtype=torch.bool)

        def step(precision: str) -> float:
            start = time.process_time()
            with autocast(CPU, precision):
                out = blocks(x, attend)  # noqa: B023 (called at once)
            out.float().square().mean().backward()
            return time.process_time() - start

        repeats = 1 if emulated else 5
        slow, fast = (statistics.median([step(name) for _ in range(repeats + 1)][1:]) for name in ("fp32", "bf16"))
        print(f"{width:>4} wide: fp32 {1000 * slow:.1f} ms, bf16 {1000 * fast:.1f} ms, ratio {slow / fast:.2f}")


def main(
    units: int = 256,
    rounds: int = 10,
    steps: int = 5,
    batch: int = 64,
    epochs: int = 6,
    pictures: int = 2000,
    patients: int = 2000,
    seconds_at_most: float = 25,
    full: bool = False,
) -> None:
    """All comparisons, then the memory."""
    data = synthetic(units)
    parameters = sum(value.numel() for value in prepared(data)[0].encoder.parameters())
    python, torch_version = platform.python_version(), torch.__version__
    print(f"machine: {processor()}, {os.cpu_count()} cores, Python {python}, torch {torch_version}")
    print(f"busy with other work: load {os.getloadavg()[0]:.1f} when this began")
    shape = " x ".join(str(size) for size in DEFAULT.model.crop.voxels)
    print(f"task: LatentPrediction, {DEFAULT.model.image} of {shape} voxels, {parameters:,} parameters, batch {batch}")
    auto = pick_precision("auto", CPU, width=DEFAULT.model.encoder.dim)
    native = pick_precision("auto", CPU, width=WIDE) == "bf16"
    print(f"'auto' takes {auto} here" + ("" if native else ": bf16 is emulated, so only a step of it is run"))
    by_width(emulated=not native)
    for threads in (1, 2):
        for precision in ("fp32", "bf16"):
            emulated = precision == "bf16" and not native
            size = {"rounds": 1, "steps": 1} if emulated else {"rounds": rounds, "steps": steps}
            compare(data, precision=precision, threads=threads, batch=batch, seconds_at_most=seconds_at_most, **size)
    memory(data, epochs=epochs, batch=batch, precision=auto)
    stream_pictures(100_000 if full else pictures, batch=batch, precision=auto)
    stream_patients(100_000 if full else patients, batch=batch, precision=auto)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (
        ("units", 256),
        ("rounds", 10),
        ("steps", 5),
        ("batch", 64),
        ("epochs", 6),
        ("pictures", 2000),
        ("patients", 2000),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds-at-most", type=float, default=25, help="for each line; its last round is finished")
    parser.add_argument("--full", action="store_true", help="stream 100,000 pictures and patients")
    main(**vars(parser.parse_args()))
