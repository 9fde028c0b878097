"""The claim: small networks trained as one stack take at least five times fewer seconds a cell than one at a time.

Both sides train the same networks on the same patients and batches in one process, on one thread: JEPA on unlabelled
patients (a context and a moving-average target encoder a modality, predictors both ways), in worlds of W1. One side is
`semeia.worlds.sweep.pretraining.pretrain`; the other is what one would write for one network, of `nn.Sequential` and
`torch.optim.AdamW`. Prints the machine, cells a minute of either side, their ratio, and by how much the weights that
come out differ. Processor time is counted, so that what else runs on the machine changes little.

    python benchmarks/worlds.py            # stacks of 8, 32 and 64 cells
    python benchmarks/worlds.py --steps 1000
"""

import argparse
import copy
import itertools
import os
import platform
from time import process_time

import numpy as np
import torch
from shared.table import row
from shared.watch import processor
from torch import nn
from torch.nn import functional as F

from semeia.worlds import WorldSettings, draw_patients
from semeia.worlds.draws import generator
from semeia.worlds.sweep.archives import fit_archive, stacked_pairs
from semeia.worlds.sweep.networks import MODALITIES, Encoders
from semeia.worlds.sweep.pretraining import Pairs, SmallPretraining, pretrain, warmed_cosine


class One(nn.Module):
    """Encoders and predictors of a single cell, started as a stack's."""

    def __init__(self, settings: SmallPretraining, seed: int) -> None:
        super().__init__()
        widths = {"image": 64, "record": 128}
        sizes = (settings.width, settings.predictor, settings.width)
        self.encoders = nn.ModuleDict(
            {
                m: perceptron((widths[m], settings.hidden, settings.width), generator(seed, "encoder", m))
                for m in MODALITIES
            }
        )
        self.predictors = nn.ModuleDict({m: perceptron(sizes, generator(seed, "predictor", m)) for m in MODALITIES})


def perceptron(sizes: tuple[int, ...], rng: np.random.Generator) -> nn.Sequential:
    """Linear layers with ReLU between, of the same numbers as a stack's."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layer, bound = nn.Linear(before, after), before**-0.5
        layer.weight.data = torch.from_numpy(
            rng.uniform(-bound, bound, (before, after)).astype(np.float32)
        ).T.contiguous()
        layer.bias.data = torch.from_numpy(rng.uniform(-bound, bound, (1, after)).astype(np.float32))[0]
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def alone(pairs: Pairs, source: int, settings: SmallPretraining, seed: int) -> nn.ModuleDict:
    """Pretrain one cell with the plain modules of PyTorch."""
    model = One(settings, seed)
    targets = copy.deepcopy(model.encoders).requires_grad_(False)
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.lr, weight_decay=0.0)
    rng, count = generator(seed, "batches"), int(pairs.count[source])
    centre = torch.zeros(2, settings.width)
    rows = np.concatenate([rng.integers(0, count, (50, settings.batch)) for _ in range(-(-settings.steps // 50))])
    for step in range(settings.steps):
        chosen = torch.from_numpy(rows[step])
        x = [pairs.values[m][source].index_select(0, chosen) for m in MODALITIES]
        for group in optimiser.param_groups:
            group["lr"] = settings.lr * warmed_cosine(step, settings.steps)
        with torch.no_grad():
            h = [F.layer_norm(targets[m](x[i]), (settings.width,)) for i, m in enumerate(MODALITIES)]
            centre.lerp_(torch.stack([t.mean(0) for t in h]), max(0.02, 1 / (step + 1)))
        loss = torch.zeros(())
        for i, m in enumerate(MODALITIES):
            predicted = model.predictors[m](model.encoders[m](x[i]))
            loss = loss + F.smooth_l1_loss(predicted, h[1 - i] - centre[1 - i]) / 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        momentum = settings.ema + (1 - settings.ema) * (step + 1) / settings.steps
        with torch.no_grad():
            for slow, fast in zip(targets.parameters(), model.encoders.parameters(), strict=True):
                slow.lerp_(fast, 1 - momentum)
    return targets


def difference(stack: Encoders, cell: int, single: nn.ModuleDict) -> float:
    """Largest difference of a weight."""
    worst = 0.0
    for modality in MODALITIES:
        layers = [layer for layer in single[modality] if isinstance(layer, nn.Linear)]  # pyright: ignore[reportGeneralTypeIssues]
        for weight, layer in zip(stack[modality].weights, layers, strict=True):  # pyright: ignore[reportArgumentType]
            worst = max(worst, float((weight[cell].T - layer.weight).abs().max()))
    return worst


def main() -> None:
    """Run both sides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--cells", type=int, nargs="+", default=[8, 32, 64])
    parser.add_argument("--alone", type=int, default=8, help="cells trained one at a time")
    given = parser.parse_args()
    torch.set_num_threads(1)
    settings = SmallPretraining(steps=given.steps)
    archives = [fit_archive(draw_patients(WorldSettings(seed=n), 8000, seed=n, part="unlabelled")) for n in range(4)]
    pairs = stacked_pairs(archives)
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    print(f"{processor()}, {os.cpu_count()} cores, one used; {versions}")
    networks = f"encoders 64/128-{settings.hidden}-{settings.width}"
    print(f"{settings.steps} steps of {settings.batch} patients of 8,000; {networks}")
    alone(pairs, 0, SmallPretraining(steps=20), 0)  # what is loaded or allocated once
    began = process_time()
    singles = [alone(pairs, cell % 4, settings, cell) for cell in range(given.alone)]
    single = (process_time() - began) / given.alone
    print(f"one at a time: {60 / single:7.1f} cells a minute ({single:.2f} s a cell)")
    for cells in given.cells:
        began = process_time()
        stack = pretrain(pairs, torch.arange(cells) % 4, objective="ema", settings=settings, seeds=list(range(cells)))
        each = (process_time() - began) / cells
        worst = max(difference(stack, cell, one) for cell, one in enumerate(singles[:cells]))
        row(
            f"{cells} small networks pretrained as one stack",
            ours=60 / each,
            other=60 / single,
            unit="cells a minute of processor",
            against="one at a time in plain PyTorch",
            more_is_better=True,
        )
        print(
            f"stack of {cells:4d}: {60 / each:7.1f} cells a minute ({each:.2f} s a cell), "
            f"{single / each:.1f} times as many; weights differ by {worst:.1g} at most"
        )


if __name__ == "__main__":
    main()
