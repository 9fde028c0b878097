"""The claim: 2,000 patient-bootstrap draws of an AUROC cost little more than a sort and some cumulative sums.

Prints the machine, the time of our draws, of a loop over scikit-learn's `roc_auc_score` on the same draws
(measured on fewer and scaled, as it says), the ratio, and the largest difference between the two.

    python benchmarks/evaluation.py
"""

import argparse
import os
import platform
from time import perf_counter

import numpy as np
from sklearn import __version__ as sklearn_version
from sklearn.metrics import roc_auc_score

from semeia.evaluation import patient_draws
from semeia.evaluation.discrimination import auroc_draws


def main(rows: int = 5_000, draws: int = 2_000, measured: int = 100) -> None:
    """Time both sides on `rows` predictions of `rows / 2` patients."""
    rng = np.random.default_rng(0)
    subjects = rng.integers(0, rows // 2, rows)
    label = (rng.random(rows) < 0.3).astype(np.int8)
    score = np.round(1 / (1 + np.exp(-rng.normal(label))), 3)

    # a first call of either side pays for its imports and caches.
    warm = patient_draws(subjects, label, draws=measured, seed=0)
    auroc_draws(label, score, warm)
    roc_auc_score(label, score, sample_weight=warm[0])

    start = perf_counter()
    weights = patient_draws(subjects, label, draws=draws, seed=0)
    drawing = perf_counter() - start
    start = perf_counter()
    ours = auroc_draws(label, score, weights)
    computing = perf_counter() - start

    start = perf_counter()
    theirs = [roc_auc_score(label, score, sample_weight=weight) for weight in weights[:measured]]
    loop = (perf_counter() - start) * draws / measured

    print(f"machine: {_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"task: AUROC of {rows:,} predictions in {draws:,} patient-bootstrap draws")
    print(f"semeia: {drawing + computing:.2f} s ({drawing:.2f} s drawing patients, {computing:.2f} s AUROC)")
    print(
        f"scikit-learn {sklearn_version}, a loop over roc_auc_score: {loop:.2f} s "
        f"(measured on {measured} draws, scaled to {draws:,}; the draws given to it)"
    )
    print(f"ratio: {loop / (drawing + computing):.1f} (AUROC alone {loop / computing:.1f})")
    print(f"largest difference: {np.abs(ours[:measured] - theirs).max():.1e}")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--measured", type=int, default=100)
    main(**vars(parser.parse_args()))
