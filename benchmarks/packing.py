"""The claim: tokens of patients who lack visits mix faster packed to the left than where they lie, to the same values.

Each patient has one to all of the visits, and a part of the tokens is hidden, as the context of latent prediction is;
the same transformer blocks mix what is there, forward and backward, packed (`Tokens.select`) and padded in between.

    python benchmarks/packing.py
"""

import argparse
import os
import statistics
import time

import torch
from shared.table import row
from shared.watch import processor

from semeia.encoders.blocks import TransformerBlocks
from semeia.encoders.tokens import Tokens


def context_of(patients: int, visits: int, tokens: int, dim: int) -> tuple[Tokens, Tokens]:
    """The same tokens packed and padded; of each visit seven in ten are kept."""
    generator = torch.Generator().manual_seed(0)
    had = torch.randint(1, visits + 1, (patients, 1), generator=generator)
    present = (torch.arange(visits) < had).repeat_interleave(tokens, 1)
    keep = present & (torch.rand(present.shape, generator=generator) < 0.7)
    x, none = torch.randn(*present.shape, dim, generator=generator), torch.zeros(present.shape)
    whole = Tokens(x=x, present=present, kind=none.long(), where=none[..., None].expand(-1, -1, 3), when=none)
    return whole.select(keep), whole.holding(x, present=keep)


def mixed(blocks: TransformerBlocks, tokens: Tokens) -> torch.Tensor:
    """The values of the tokens that are there, [token, dim]."""
    seen = tokens.present[:, None, :].expand(-1, tokens.present.shape[1], -1)
    return blocks(tokens.x, seen)[tokens.present]


def main(patients: int, visits: int, tokens: int, dim: int, depth: int, rounds: int) -> None:
    """Both sides, taking turns."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    blocks = TransformerBlocks(dim, depth=depth, heads=4, mlp_ratio=2.0)
    sides = dict(zip(("packed", "padded"), context_of(patients, visits, tokens, dim), strict=True))
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    found = {}
    for _ in range(rounds + 1):
        for name, side in sides.items():
            start = time.process_time()
            found[name] = mixed(blocks, side)
            found[name].square().mean().backward()
            seconds[name].append(time.process_time() - start)
    torch.testing.assert_close(found["packed"], found["padded"], atol=1e-4, rtol=1e-4)
    count = len(found["packed"])
    packed, padded = (count / statistics.median(times[1:]) for times in seconds.values())
    print(f"machine: {processor()}, {os.cpu_count()} cores, torch {torch.__version__}; load {os.getloadavg()[0]:.1f}")
    print(
        f"{patients} patients of up to {visits} visits of {tokens} tokens, {count} of them there; {dim} wide, {depth} "
        f"blocks, one thread: packed {packed:,.0f} tokens a second of processor, padded {padded:,.0f}, "
        f"ratio {packed / padded:.2f}"
    )
    what = f"mixing {count} tokens of patients with 1 to {visits} visits"
    row(what, ours=packed, other=padded, unit="tokens/s of processor", against="padded in between", more_is_better=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = {"patients": 64, "visits": 4, "tokens": 16, "dim": 128, "depth": 4, "rounds": 7}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    main(**vars(parser.parse_args()))
