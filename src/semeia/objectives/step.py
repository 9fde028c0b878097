"""One step of training as a value: everything random in it is a pure function of (seed, index, purpose)."""

import zlib
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Step:
    """Where training stands.

    Attributes:
        index: steps done before this one.
    """

    index: int
    total: int
    seed: int

    @property
    def progress(self) -> float:
        """From 0 at the first step to 1 at the last."""
        return min(self.index / max(self.total - 1, 1), 1.0)

    def generator(self, purpose: str) -> torch.Generator:
        """Make a fresh generator on the CPU for one purpose ("masks", "augment", ...) of this step."""
        mixed = zlib.crc32(f"{self.seed}/{self.index}/{purpose}".encode())
        return torch.Generator().manual_seed(mixed)
