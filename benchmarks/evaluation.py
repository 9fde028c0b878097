"""The claims: bootstrapping is two orders of magnitude faster than a loop; a million predictions end in minutes.

1. 2,000 patient-bootstrap draws of the AUROC of 8 arms of 5,000 predictions, the drawing of patients included, against
   a loop over scikit-learn's `roc_auc_score` on the same draws (measured on fewer and scaled, as it says).
2. `evaluate` (every metric, every table) on a million predictions: time and peak memory, in a process of its own.

    python benchmarks/evaluation.py
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
from time import perf_counter, process_time

import numpy as np
import polars as pl
from shared.table import row
from shared.watch import processor
from sklearn import __version__ as sklearn_version
from sklearn.metrics import roc_auc_score

from semeia.evaluation import EvaluationSettings, evaluate
from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.discrimination import auroc_draws


def against_a_loop(*, rows: int, arms: int, draws: int, measured: int) -> None:
    """Time both sides on `rows` predictions of about `rows / 2` patients by each of `arms` arms."""
    rng = np.random.default_rng(0)
    _, patient = np.unique(rng.integers(0, rows // 2, rows), return_inverse=True)
    label = (rng.random(rows) < 0.3).astype(np.int8)
    scores = [1 / (1 + np.exp(-rng.normal(label))) for _ in range(arms)]
    strata = np.bincount(patient, weights=label) > 0

    def bootstrap(number: int) -> np.ndarray:
        drawn = Draws(strata, number)
        return np.stack([drawn.apply(patient, lambda w, s=score: auroc_draws(label, s, w)) for score in scores])

    # a first call of either side pays for its imports and caches.
    bootstrap(measured)
    roc_auc_score(label, scores[0])

    start = process_time()
    ours = bootstrap(draws)
    mine = process_time() - start
    weights = Draws(strata, draws).apply(patient, lambda weights: weights)[1 : 1 + measured]
    start = process_time()
    theirs = [[roc_auc_score(label, score, sample_weight=weight) for weight in weights] for score in scores]
    loop = (process_time() - start) * draws / measured

    print(f"task: AUROC of {arms} arms x {rows:,} predictions in {draws:,} patient-bootstrap draws")
    print(f"semeia, drawing patients included: {mine:.2f} s of processor")
    print(
        f"scikit-learn {sklearn_version}, a loop over roc_auc_score: {loop:.1f} s of processor "
        f"(measured on {measured} draws an arm, scaled to {draws:,}; the draws given to it)"
    )
    what = f"AUROC of {arms} arms x {rows:,} predictions, {draws:,} patient-bootstrap draws"
    row(what, ours=mine, other=loop, unit="s of processor", against="a loop over scikit-learn's roc_auc_score (scaled)")
    print(f"ratio: {loop / mine:.0f}; largest difference: {np.abs(ours[:, 1 : 1 + measured] - theirs).max():.1e}")


def many_predictions(rows: int, *, arms: int, draws: int) -> None:
    """Evaluate `rows` predictions of `arms` arms, two units a patient, inside and outside."""
    rng = np.random.default_rng(0)
    units = rows // arms
    label = (rng.random(units) < 0.1).astype(np.int8)
    columns = {
        "subject_id": (np.arange(units) // 2).astype(str),
        "unit_id": np.arange(units).astype(str),
        "cohort": np.where(np.arange(units) // 2 % 2, "internal", "external"),
        "label": label,
        "diameter_mm": rng.gamma(3, 3, units),
    }
    base = pl.DataFrame(columns)
    tables = [
        base.with_columns(arm=pl.lit(f"arm{arm}"), score=1 / (1 + np.exp(1 - rng.normal(label)))) for arm in range(arms)
    ]
    start, processor = perf_counter(), process_time()
    found = evaluate(pl.concat(tables), settings=EvaluationSettings(draws=draws, references=("arm0",)))
    seconds, processor = perf_counter() - start, process_time() - processor
    row(f"every metric and table of {rows:,} predictions, {draws:,} draws", ours=processor, unit="s of processor")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"task: evaluate {rows:,} predictions ({arms} arms, {units:,} units), {draws:,} draws, every metric and table"
    )
    print(
        f"semeia: {seconds / 60:.1f} min ({processor / 60:.1f} min of one processor), peak memory {peak:.2f} GiB, "
        f"{found.results.height} rows of results"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--arms", type=int, default=8)
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--measured", type=int, default=50, help="draws of each arm that the loop is timed on")
    parser.add_argument("--many", type=int, default=1_000_000, help="predictions of the second task; 0 leaves it out")
    parser.add_argument("--only-many", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only_many:
        many_predictions(given.many, arms=given.arms, draws=given.draws)
        sys.exit()
    print(f"machine: {processor()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    against_a_loop(rows=given.rows, arms=given.arms, draws=given.draws, measured=given.measured)
    if given.many:
        same = ["--only-many", "--many", str(given.many), "--arms", str(given.arms), "--draws", str(given.draws)]
        subprocess.run([sys.executable, __file__, *same], check=True)
