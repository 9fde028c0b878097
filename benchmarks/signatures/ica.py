"""The claims: components are fitted faster than by scikit-learn, in a fraction of its memory, from any number of rows.

1. Fits of planted, noiseless Laplace sources by Semeia as it comes; by Semeia with scikit-learn's steps (all rows from
   the first iteration, the same start), from memory and from a file; by scikit-learn's FastICA
   (`whiten_solver="eigh"`) on all threads and on one; by picard where it ends soon. Same dtype, tolerance and start.
   Each fit is a process of its own and the sides take turns; the shortest time and the largest memory count. Memory is
   the peak of the fit beyond what the process held before it (libraries and sample matrix).
2. One iteration with 2,000 components on rows of a file against the rate of matrix products measured before and after,
   and what a fit will take: 60,000 rows, or as many as --iteration says.
3. That iteration's products in bfloat16 against float32 on this processor.

    python benchmarks/signatures/ica.py --sizes 50000x64 200000x64 200000x256 600000x256
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from semeia.signatures.ica.blocks import ArraySamples, Samples, open_samples
from semeia.signatures.ica.components import amari_index, canonical
from semeia.signatures.ica.fastica import fast_ica, has_bf16
from semeia.signatures.ica.moments import moments
from semeia.signatures.ica.settings import IcaSettings, initial
from semeia.signatures.ica.solvers import separate
from semeia.signatures.ica.sweep import Pass, rows_of, sweep
from semeia.signatures.ica.whitening import whiten, whitened
from semeia.signatures.threads import in_order, one_thread_each

sys.path.insert(0, str(Path(__file__).parents[1]))

from shared.table import row
from shared.watch import processor

GIGA, MIB = 1e9, 2**20
CPU = torch.device("cpu")
THREADS = len(os.sched_getaffinity(0))
SIDES = ("semeia", "semeia, same steps", "same, from a file", "scikit-learn", "scikit-learn, 1 thread", "picard")
# picard takes minutes beyond.
PICARD_ELEMENTS = 50_000 * 64
COMPONENTS, LARGE = 2_000, 600_000
Found = tuple[np.ndarray, int]


def plant(path: Path, rows: int, sources: int, dtype: str) -> None:
    """Write rows of Laplace sources through a random mixing, and the mixing beside them."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((sources, sources))
    values = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(rows, sources))
    for start in range(0, rows, 10_000):
        drawn = rng.laplace(size=(min(10_000, rows - start), sources)) / np.sqrt(2)
        values[start : start + len(drawn)] = drawn @ mixing.T
    np.save(path.with_name("mixing.npy"), mixing)


def scikit_learn(samples: ArraySamples, settings: IcaSettings) -> Found:
    """Its FastICA with the whitening that is fastest for many rows."""
    from sklearn.decomposition import FastICA

    size = samples.shape[1]
    start = initial(size, seed=0).astype(settings.dtype)
    solver = FastICA(size, whiten_solver="eigh", tol=settings.tolerance, max_iter=400, w_init=start)
    return solver.fit(samples.values).components_, solver.n_iter_


def same_steps(samples: Samples, settings: IcaSettings) -> Found:
    """Ours from scikit-learn's start: its eigenvectors have a positive first entry, ours a positive largest one."""
    whitening = whiten(moments(samples, threads=THREADS))
    start = initial(samples.shape[1], seed=0) * np.sign(whitening.matrix[:, 0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "white.npy"
        white = whitened(samples, whitening, path=path, dtype=settings.dtype, threads=THREADS)
        found = fast_ica(white, settings, start=start)
    return canonical(found.rotation, whitening).unmixing, found.iterations


def fit(side: str, path: Path) -> dict[str, float]:
    """One fit in this process."""
    values = np.load(path, mmap_mode="r" if "file" in side else None)
    samples = open_samples(path) if "file" in side else ArraySamples(values)
    settings = IcaSettings(dtype="float32" if values.dtype == np.float32 else "float64", threads=THREADS)
    # What is imported on first use is no part of a fit.
    separate(ArraySamples(np.random.default_rng(0).laplace(size=(99, 2))), settings, components=2)
    scikit_learn(ArraySamples(np.random.default_rng(0).laplace(size=(99, 2))), settings)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    began = perf_counter()
    if side.startswith("scikit-learn"):
        unmixing, iterations = scikit_learn(ArraySamples(values), settings)
    elif "same" in side:
        unmixing, iterations = same_steps(samples, settings)
    else:
        solver = "picard" if side == "picard" else "fastica"
        found = separate(samples, settings, components=samples.shape[1], solver=solver)
        unmixing, iterations = found.components.unmixing, found.unmixing.iterations
    seconds = perf_counter() - began
    amari = amari_index(unmixing.astype(np.float64), np.load(path.with_name("mixing.npy")))
    return {"seconds": seconds, "mib": resident("VmHWM") - before, "iterations": iterations, "amari": amari}


def resident(field: str) -> float:
    """VmRSS (now) or VmHWM (at most) of this process, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def compare(rows: int, sources: int, dtype: str, *, repeats: int, folder: Path) -> None:
    """All sides on one matrix, taking turns; one line a side."""
    path = folder / "rows.npy"
    plant(path, rows, sources, dtype)
    sides = [side for side in SIDES if side != "picard" or rows * sources <= PICARD_ELEMENTS]
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side in sides:
            threads = "1" if side.endswith("1 thread") else str(THREADS)
            pinned = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
            command = [sys.executable, __file__, "--side", side, "--file", str(path)]
            done = subprocess.run(command, env={**os.environ, **pinned}, capture_output=True, text=True, check=True)
            found[side].append(json.loads(done.stdout.splitlines()[-1]))
    theirs = [min(fit["seconds"] for fit in found[side]) for side in sides if side.startswith("scikit-learn")]
    memory = max(fit["mib"] for fit in found["scikit-learn"])
    size = path.stat().st_size / MIB
    ours = min(fit["seconds"] for fit in found["semeia"]), max(fit["mib"] for fit in found["semeia"])
    for mine, other, unit in zip(ours, (min(theirs), memory), ("s", "MiB"), strict=True):
        what = f"{sources} components of {rows:,} rows, {dtype}"
        row(what, ours=mine, other=other, unit=unit, against="FastICA of scikit-learn")
    print(f"\n{rows:,} rows x {sources} components, {dtype} ({size:.0f} MiB)")
    for side in sides:
        best, peak = min(found[side], key=lambda fit: fit["seconds"]), max(fit["mib"] for fit in found[side])
        print(
            f"  {side:24} {best['seconds']:7.2f} s ({min(theirs) / best['seconds']:5.2f} x scikit-learn's best), "
            f"{peak:6.0f} MiB ({peak / memory:4.2f} of scikit-learn's), {best['iterations']:3.0f} iterations, "
            f"Amari index {best['amari']:.5f}",
            flush=True,
        )


def product_rate(seconds: float = 2.0) -> float:
    """GF/s of float32 products of square matrices, one in each thread."""
    size = 2048
    a = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
    best = np.inf
    with one_thread_each():
        began = perf_counter()
        while perf_counter() - began < seconds:
            start = perf_counter()
            for _ in in_order(range(2 * THREADS), lambda _: a @ a, threads=THREADS):
                pass
            best = min(best, (perf_counter() - start) / (2 * THREADS))
    return 2 * size**3 / best / GIGA


def one_iteration(rows: int, *, folder: Path) -> None:
    """One pass with many components, its rate, memory and what a whole fit will take."""
    path = folder / "white.npy"
    rng = np.random.default_rng(0)
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, COMPONENTS))
    with path.open("r+b") as stream:
        stream.seek(open_samples(path).offset)
        for start in range(0, rows, 10_000):
            stream.write(rng.standard_normal((min(10_000, rows - start), COMPONENTS), dtype=np.float32).data)
    white = open_samples(path)
    unmixing = torch.linalg.qr(torch.from_numpy(initial(COMPONENTS, seed=0)))[0].float()
    how = Pass(threads=THREADS)
    before = product_rate()
    began = perf_counter()
    sweep(rows_of(white, CPU), unmixing, how)
    seconds = perf_counter() - began
    after = product_rate()
    rate, most = 4 * COMPONENTS**2 * rows / seconds / GIGA, max(before, after)
    print(
        f"\none iteration, {COMPONENTS:,} components x {rows:,} rows of a file ({path.stat().st_size / 2**30:.1f} GiB)"
    )
    print(
        f"  {seconds:.1f} s, {rate:.0f} GF/s, {100 * rate / most:.0f} % of {most:.0f} (products before and after: "
        f"{before:.0f}, {after:.0f} GF/s); peak memory of the process {resident('VmHWM') / 1024:.2f} GiB"
    )
    whole = seconds * LARGE / rows / 3600
    early = 50 * COMPONENTS / LARGE
    print(f"  at {LARGE:,} rows an iteration takes {whole * 60:.1f} min; a fit of 200 iterations {200 * whole:.1f} h;")
    print(f"  of 200 on the {early:.0%} of the rows it begins with and 10 on all, {(200 * early + 10) * whole:.1f} h")
    few = ArraySamples(white.rows(0, 4096))
    times = {}
    for bf16 in (False, True):
        began = perf_counter()
        sweep(rows_of(few, CPU), unmixing, replace(how, bf16=bf16, threads=1))
        times[bf16] = perf_counter() - began
    chosen = "" if has_bf16(CPU) else "not "
    print(f"  bfloat16: {times[False] / times[True]:.2f} x the speed of float32 here; chosen by itself: {chosen}here")


def main(sizes: list[str], dtypes: list[str], repeats: int, iteration: int) -> None:
    """All fits, then the one iteration."""
    print(
        f"machine: {processor()}, {THREADS} threads, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in ("numpy", "torch", "scikit-learn", "python-picard"))
    )
    print(f"busy with other work: load {os.getloadavg()[0]:.1f} when this began")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            for dtype in dtypes:
                rows, sources = map(int, size.split("x"))
                compare(rows, sources, dtype, repeats=repeats, folder=Path(folder))
        if iteration:
            one_iteration(iteration, folder=Path(folder))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", default=["50000x64", "200000x64", "200000x256"])
    parser.add_argument("--dtypes", nargs="*", default=["float32", "float64"])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--iteration", type=int, default=60_000, help="rows of the one iteration; 600000: 5 GB of disk")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        print(json.dumps(fit(given.side, given.file)))
    else:
        main(given.sizes, given.dtypes, given.repeats, given.iteration)
