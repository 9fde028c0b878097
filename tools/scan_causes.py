"""Print how much of its causes a simulated scan shows: python tools/scan_causes.py [--scans N]

A small 3-D network is fitted to four fifths of N scans and the eight causes that drew them, far more labels than any
study has, and judged on the rest: R2 of each cause, and of the sum of the first four, which decide the label where
causes are common. The crops are those of docs/studies/patient.md.
"""

import argparse
from itertools import pairwise

import numpy as np
import torch
from study_tables import table
from torch import nn

from semeia.data.crops import CropSettings, crop_image
from semeia.worlds.hospital.scan import SCANNERS, nodule_mm, scan_of

CAUSES = ("size", "growth", "spiculation", "density", "length", "vessels", "lung", "calcium")
SHARED = 4
CROP = CropSettings(voxels=(8, 16, 16), voxel_mm=(4.0, 2.0, 2.0), patch=(8, 8, 8))
EPOCHS, BATCH, LR = 20, 64, 3e-3


def main(scans: int) -> None:
    """Draw scans, fit a network, and print what it reads of those left out."""
    rng = np.random.default_rng(0)
    causes = rng.standard_normal((scans, len(CAUSES))).astype(np.float32)
    images = torch.from_numpy(np.stack([crop(one, number) for number, one in enumerate(causes)]))
    found = [f"{value:.2f}" for value in explained(images, causes)]
    table([f"R2, {scans - scans * 4 // 5} scans of {scans}", *CAUSES, f"sum of the first {SHARED}"], [["", *found]])


def crop(causes: np.ndarray, number: int) -> np.ndarray:
    """Draw a scan by the scanner of the home hospital and cut its middle, as the study does: [1, *voxels], 0 to 1."""
    scanner = SCANNERS[0]
    drawn = scan_of(causes, nodule_mm(causes, causes[1], 0.0), scanner, np.random.default_rng(number))
    spacing = [scanner.pixel_mm, scanner.pixel_mm, scanner.slice_mm]
    return crop_image(drawn.transpose(2, 1, 0), spacing, intensity="hu", settings=CROP).voxels


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
