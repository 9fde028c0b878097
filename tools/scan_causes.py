"""Print how much of its causes a simulated scan shows: python tools/scan_causes.py [--scans N]

A small 3-D network is fitted to four fifths of N scans and the eight causes that drew them, far more labels than any
study has, and judged on the rest: R2 of each cause, and of the sum of the first four, which decide the label where
causes are common. One scan shows no growth: that is between two. Two grids of crops: that of docs/studies/patient.md,
and one of eight times as many voxels.
"""

import argparse
from itertools import pairwise

import numpy as np
import torch
from scipy.ndimage import zoom
from torch import nn

from semeia.worlds.hospital.scan import SCANNERS, SIDE, SLICES, nodule_mm, scan_of

CAUSES = ("size", "growth", "spiculation", "density", "length", "vessels", "lung", "calcium")
SHARED = 4
GRIDS = {"8 x 16 x 16 (4, 2, 2 mm)": ((8, 16, 16), (4, 2, 2)), "16 x 32 x 32 (2, 1, 1 mm)": ((16, 32, 32), (2, 1, 1))}
EPOCHS, BATCH, LR = 20, 64, 3e-3


def main(scans: int) -> None:
    """Draw scans, fit a network on each grid, and print a row each."""
    rng = np.random.default_rng(0)
    causes = rng.standard_normal((scans, len(CAUSES))).astype(np.float32)
    volumes = [
        scan_of(one, nodule_mm(one, one[1], 0.0), SCANNERS[0], np.random.default_rng(n)) for n, one in enumerate(causes)
    ]
    print(f"| R2, {scans - scans * 4 // 5} scans of {scans} | {' | '.join(CAUSES)} | sum of the first {SHARED} |")
    print("|---" * (len(CAUSES) + 2) + "|")
    for title, (shape, mm) in GRIDS.items():
        print(
            f"| {title} | {' | '.join(f'{value:.2f}' for value in explained(crops(volumes, shape, mm), causes))} |",
            flush=True,
        )


def crops(volumes: list[np.ndarray], shape: tuple[int, int, int], mm: tuple[float, float, float]) -> torch.Tensor:
    """Cut the middle of each scan on a grid, [scan, 1, slice, row, column]; the lung window is 0 to 1."""
    scanner = SCANNERS[0]
    spacing = np.array([scanner.slice_mm, scanner.pixel_mm, scanner.pixel_mm])
    window = np.ceil(np.array(shape) * mm / spacing).astype(int)
    begin = (np.array([SLICES, SIDE, SIDE]) - np.minimum(window, [SLICES, SIDE, SIDE])) // 2
    middle = tuple(slice(at, at + size) for at, size in zip(begin, window, strict=True))
    cut = [zoom(one[middle].astype(np.float32), np.array(shape) / one[middle].shape, order=1) for one in volumes]
    return ((torch.from_numpy(np.stack(cut)) + 1350) / 1500).clamp(0, 1)[:, None]


def explained(images: torch.Tensor, causes: np.ndarray) -> list[float]:
    """Fit a network, and give R2 of each cause and of the shared ones' sum, in scans left out."""
    torch.manual_seed(0)
    widths = (1, 16, 32, 64)
    layers = [
        layer
        for before, width in pairwise(widths)
        for layer in (nn.Conv3d(before, width, 3, 2, 1), nn.BatchNorm3d(width), nn.ReLU())
    ]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(widths[-1], len(CAUSES)))
    train, target = len(images) * 4 // 5, torch.from_numpy(causes)
    optimiser = torch.optim.AdamW(network.parameters(), LR, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, LR, total_steps=EPOCHS * (train // BATCH))
    for _ in range(EPOCHS):
        for rows in torch.randperm(train)[: train // BATCH * BATCH].split(BATCH):
            seen = images[rows].flip([axis for axis in (3, 4) if torch.rand(1) < 0.5])
            loss = nn.functional.mse_loss(network(seen), target[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()
    with torch.no_grad():
        told = network.eval()(images[train:]).numpy()
    truth = causes[train:]
    pairs = [*zip(told.T, truth.T, strict=True), (told[:, :SHARED].sum(1), truth[:, :SHARED].sum(1))]
    return [float(1 - ((one - true) ** 2).mean() / true.var()) for one, true in pairs]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=3000, help="how many are drawn")
    main(parser.parse_args().scans)
