"""The question: what is lost around a network, by this loop and by a plain one?

For each encoder of pictures, SimCLR on the same noise by the same modules, one thread a process:

- **ours**: `semeia.learning.loop.train`, which augments whole batches;
- **modules alone**: forward, backward and step on one batch that is ready, over and over;
- **plain loop**: as image libraries have it: a `DataLoader` over single pictures, each view made by Pillow (crop,
  mirror, turn, light), AdamW as PyTorch has it by default;

by processor time, so that other work on the machine changes little. Then by the clock, so with nothing else running:
**ours in two processes** that share each batch (torchrun's way), beside the plain loop with one worker that augments.

    python benchmarks/throughput.py
    python benchmarks/throughput.py --changes       # the modules alone: compiled, channels last, AdamW unfused
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import repeat

import numpy as np
import torch
from joblib.externals.loky import ProcessPoolExecutor
from PIL import Image, ImageEnhance
from shared.loop import run_loop
from shared.table import row
from shared.watch import processor
from torch.utils.data import DataLoader

from semeia.data.augment import RADIOGRAPH
from semeia.data.batch import Batch
from semeia.data.crops import CropSettings
from semeia.data.dataset import Dataset, array_dataset
from semeia.data.modalities import Picture
from semeia.data.preprocessing import fit_preprocessing, make_batch
from semeia.encoders.blocks import blocks_of
from semeia.encoders.build import build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.group import process_group, with_others
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.simclr import SimClr, SimClrSettings
from semeia.objectives.step import Step

CPU = torch.device("cpu")
Clock = Callable[[], float]
BATCH = 64
# Network: side of the pictures and of a patch in pixels, width, blocks.
NETWORKS = {
    "patches": (48, 12, 64, 2),
    "conv": (48, 8, 64, 2),
    "resnet18": (64, 32, 512, 0),
    "efficientnet_lite0": (96, 32, 1280, 0),
}


def drawn(network: str) -> np.ndarray:
    """Pictures of noise in colour, [n, side, side, 3]."""
    side = NETWORKS[network][0]
    return np.random.default_rng(0).integers(0, 256, (4 * BATCH, side, side, 3), dtype=np.uint8)


def prepared(network: str) -> tuple[SimClr, Dataset, Callable[..., Batch]]:
    """A fresh objective, pictures of noise in colour, and what makes a batch of two views of them."""
    side, patch, dim, depth = NETWORKS[network]
    crop = CropSettings(voxels=(1, side, side), patch=(1, patch, patch))
    data = array_dataset({"image": (Picture(crop=crop, network=network), drawn(network))})  # pyright: ignore[reportArgumentType]
    preprocessing = fit_preprocessing(data, np.arange(len(data)), modalities=("image",))
    encoder = build_encoder(EncoderSettings(dim=dim, depth=depth, heads=4), preprocessing, seed=0)

    def batch_of(chosen: np.ndarray, step: Step, device: torch.device) -> Batch:
        return make_batch(
            data,
            chosen,
            preprocessing=preprocessing,
            augmentation=RADIOGRAPH,
            generator=step.generator("augment"),
            views=2,
            device=device,
        )

    return SimClr(encoder, settings=SimClrSettings(), modality="image").train(), data, batch_of


def ours(network: str, steps: int, clock: Clock = time.process_time) -> float:
    """Pictures a second of the project's own loop, in whatever processes there are."""
    torch.set_num_threads(1)
    ticks = []
    with process_group():
        objective, data, batch_of = prepared(network)
        run_loop(
            objective,
            batch_of,
            units=len(data),
            optimiser=OptimiserSettings(steps=steps + 1, batch=BATCH),
            report=lambda done, terms: ticks.append(clock()),
            precision="fp32",
            save_every=0,
            log_every=0,
        )
    return BATCH / float(np.median(np.diff(ticks)))


def ours_in_two(network: str, steps: int) -> float:
    """`ours` in two processes, of which this is the first."""
    with with_others(2, partial(ours, network, steps)):
        return ours(network, steps, time.perf_counter)


def optimised(
    objective: SimClr,
    batches: Iterator[Batch],
    steps: int,
    *,
    fused: bool | None = None,
    clock: Clock = time.process_time,
) -> float:
    """Pictures a second of a loop of a few lines."""
    adam = torch.optim.AdamW(objective.parameters(), lr=1e-3, fused=fused)
    ticks = []
    for index in range(steps + 2):
        batch = next(batches)
        losses = objective.loss(batch, Step(index=index, total=steps, seed=0))
        adam.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        adam.step()
        ticks.append(clock())
    return BATCH / float(np.median(np.diff(ticks)[1:]))


def alone(network: str, steps: int, change: str = "") -> float:
    """The modules on one batch that is ready: as they are, with their blocks compiled, or channels last."""
    torch.set_num_threads(1)
    objective, _, batch_of = prepared(network)
    batch = batch_of(np.arange(BATCH), Step(index=0, total=steps, seed=0), CPU)
    if change == "compiled":
        for block in blocks_of(objective) or [objective.encoder]:
            block.compile()
    if change == "channels last":
        for part in objective.modules():
            if isinstance(part, torch.nn.Conv2d):
                part.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return optimised(objective, repeat(batch), steps, fused=None if change == "unfused" else True)


class Pictures(torch.utils.data.Dataset):
    """Single pictures, two views of each, by Pillow."""

    def __init__(self, pictures: np.ndarray) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self._view(index), self._view(index)

    def _view(self, index: int) -> np.ndarray:
        picture, rng = Image.fromarray(self.pictures[index]), np.random.default_rng()
        side = picture.width
        seen = side * (1 - RADIOGRAPH.zoom * rng.random())
        left, top = rng.uniform(0, side - seen, 2)
        picture = picture.rotate(rng.uniform(-RADIOGRAPH.degrees, RADIOGRAPH.degrees), Image.Resampling.BILINEAR)
        box = (left, top, left + seen, top + seen)
        picture = picture.resize((side, side), Image.Resampling.BILINEAR, box=box)
        if rng.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        picture = ImageEnhance.Contrast(picture).enhance(rng.uniform(0.7, 1.3))
        picture = ImageEnhance.Brightness(picture).enhance(rng.uniform(0.85, 1.15))
        return np.asarray(picture, dtype=np.float32).transpose(2, 0, 1) / 255


def plain(network: str, steps: int, workers: int = 0) -> float:
    """The same modules fed by a `DataLoader` of single pictures."""
    torch.set_num_threads(1)
    objective, _, batch_of = prepared(network)
    form = batch_of(np.arange(BATCH), Step(index=0, total=steps, seed=0), CPU)
    # fork is what a DataLoader takes on Linux by itself; this process was started in another way.
    started = {"multiprocessing_context": "fork", "persistent_workers": True} if workers else {}
    loader = DataLoader(Pictures(drawn(network)), BATCH, shuffle=True, num_workers=workers, drop_last=True, **started)

    def batches() -> Iterator[Batch]:
        while True:
            for views in loader:
                one, other = (
                    {"image": replace(seen["image"], values=view[:, None, :, None])}
                    for seen, view in zip((form.modalities, form.second), views, strict=True)
                )
                yield Batch(one, second=other)

    return optimised(objective, batches(), steps, clock=time.perf_counter if workers else time.process_time)


def fresh(side: Callable[..., float], *given: object) -> float:
    """A side in a process of its own."""
    with ProcessPoolExecutor(max_workers=1) as executor:
        return executor.submit(side, *given).result()


def main(steps: int, networks: list[str], changes: bool) -> None:
    """All networks, one after another."""
    print(f"machine: {processor()}, {os.cpu_count()} cores, torch {torch.__version__}; load {os.getloadavg()[0]:.1f}")
    for network in networks:
        found = {"ours": fresh(ours, network, steps), "modules alone": fresh(alone, network, steps)}
        found["plain loop"] = fresh(plain, network, steps)
        found["ours, two processes"] = fresh(ours_in_two, network, steps)
        found["plain loop, one worker more"] = fresh(plain, network, steps, 1)
        for change in ("unfused", "compiled", "channels last") if changes else ():
            found[f"modules alone, {change}"] = fresh(alone, network, steps, change)
        words = ", ".join(f"{name} {speed:.0f}" for name, speed in found.items())
        print(f"{network} of {NETWORKS[network][0]} pixels, pictures/s: {words}", flush=True)
        one, two = found["ours"], found["ours, two processes"]
        print(
            f"  ours / modules alone {one / found['modules alone']:.2f}, ours / plain {one / found['plain loop']:.2f}"
        )
        print(f"  two / one {two / one:.2f}, two processes each {two / found['plain loop, one worker more']:.2f}")
        kept = partial(row, unit="pictures/s", more_is_better=True)
        kept(f"SimCLR, {network}", ours=one, other=found["modules alone"], against="the modules alone, one ready batch")
        kept(f"SimCLR, {network}", ours=one, other=found["plain loop"], against="DataLoader, Pillow picture by picture")
        kept(
            f"SimCLR, {network}, two processes",
            ours=two,
            other=found["plain loop, one worker more"],
            against="the same with one worker",
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--changes", action="store_true")
    main(**vars(parser.parse_args()))
