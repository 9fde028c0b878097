"""The stages of a fit: cheaper iterations first, on part of the rows or in bfloat16, then all rows in full precision.

A stage hands its rotation to the next. Only the last can converge, so how a fit began changes the number of its
iterations, and within the tolerance nothing else.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from semeia.signatures.ica.blocks import ArraySamples, LeadingRows, Samples
from semeia.signatures.ica.moments import moments
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.ica.sweep import Pass, rows_of
from semeia.signatures.ica.update import Plan, Rotation, turned, updated

# The part of the rows a fit begins with: at least so many for each component, from so many places, and twice as many
# while the first update on them turns the rows of W by more than so much of what noise would turn them by.
ROWS_A_COMPONENT = 50
PLACES = 64
MOST_TURN = 0.9
# Components from which on bfloat16 is faster; with fewer, converting costs more than it saves, and all machines agree.
WIDE = 256
# A part this small is kept in memory.
KEPT_BYTES = 2**23
# A direction with less of its variance in the part is left as it is: the part does not know it.
LEAST_VARIANCE = 0.1


def plans(white: Samples, settings: IcaSettings, start: Rotation, *, warm: bool) -> Iterator[Plan]:
    """The stages in order; from a `warm` start, which knows more than a part of the rows would, all rows at once."""
    device = start.device
    full = Pass(settings.nonlinearity, threads=settings.at_once())
    pays = settings.products == "auto" and white.shape[1] >= WIDE and has_bf16(device)
    quick = replace(full, bf16=settings.products == "bf16" or pays)
    part = None if warm else _part(white, settings, start, quick)
    if part is not None:
        yield part
    every = rows_of(white, device, settings.block)
    if quick.bf16:
        yield Plan("bf16", every, quick)
    yield Plan("full", every, full)


def _part(white: Samples, settings: IcaSettings, start: Rotation, how: Pass) -> Plan | None:
    """The part of the rows that `settings` asks for, or the smallest that tells a start where to go."""
    if settings.subsample is not None:
        return _part_of(white, settings.subsample, settings, start.device, how) if settings.subsample < 1 else None
    rows, components = white.shape
    share = ROWS_A_COMPONENT * components / rows
    # The mean of 1 - |cosine| to an arbitrary direction.
    by_noise = 1 - math.sqrt(2 / (math.pi * components))
    while share < 0.5:
        plan = _part_of(white, share, settings, start.device, how)
        if float(turned(start, updated(start, plan)).mean()) < MOST_TURN * by_noise:
            return plan
        share *= 2
    return None


def _part_of(white: Samples, share: float, settings: IcaSettings, device: torch.device, how: Pass) -> Plan:
    piece = -(-white.shape[0] // PLACES)
    part: Samples = LeadingRows(white, piece, max(1, round(share * piece)))
    if part.shape[0] * part.shape[1] * 4 <= KEPT_BYTES:
        part = ArraySamples(part.rows(0, part.shape[0]))
    # Made white on their own: the update would drown in what these rows are not white by.
    variances, directions = np.linalg.eigh(moments(part, threads=how.threads).covariance)
    variances = np.where(variances < LEAST_VARIANCE, 1.0, variances)
    whitener = (directions / np.sqrt(variances)) @ directions.T
    return Plan("subsample", rows_of(part, device, settings.block), how, torch.from_numpy(whitener).to(device))


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 natively; emulated, it is many times slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
