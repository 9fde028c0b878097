"""Values of sections as sparse triplets, without an archive behind them."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np

from record_frames import small_channels
from semeia.signatures.channels import Channels
from semeia.signatures.curves import SectionValues
from semeia.signatures.scaling import SCALES, ModeScale, Scaling, ScalingFit

CHANNELS = small_channels()
ROWS = 400


def random_values(rng: np.random.Generator, rows: int = ROWS) -> SectionValues:
    """About half of all channels in each row, values as the modes have them."""
    there = rng.random((rows, len(CHANNELS))) < 0.5
    row, channel = np.nonzero(there)
    kind = np.array(CHANNELS.kinds)[channel]
    value = np.select(
        [kind == "condition", kind == "measurement", kind == "age"],
        [rng.lognormal(-5, 1, len(row)), rng.normal(140, 4, len(row)), rng.uniform(20, 90, len(row))],
        1.0,
    )
    value = np.where(kind == "medication", rng.integers(0, 2, len(row)), value)
    return SectionValues(row, channel.astype(np.int32), value, rows)


def cut(values: SectionValues, parts: int) -> list[SectionValues]:
    """The same rows in several batches."""
    bounds = np.linspace(0, values.rows, parts + 1).astype(int)
    pieces = []
    for start, end in pairwise(bounds):
        own = (values.row >= start) & (values.row < end)
        pieces.append(SectionValues(values.row[own] - start, values.channel[own], values.value[own], int(end - start)))
    return pieces


def dense(scaling: Scaling, values: SectionValues) -> np.ndarray:
    """Standardised rows, what is absent filled: [rows, channels]."""
    rows = np.tile(scaling.fill_row, (values.rows, 1))
    rows[values.row, values.channel] = scaling.standardised(values.channel, values.value)
    return rows


def fit_scaling(
    stream: Iterable[SectionValues], channels: Channels, *, scales: Mapping[str, ModeScale] = SCALES
) -> Scaling:
    """Fit in one pass over the values of the training sections."""
    fit = ScalingFit(channels, scales=scales)
    for _ in fit.watching(stream):
        pass
    return fit.scaling()
