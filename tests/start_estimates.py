"""Estimates of a study with many starts and five grades, written down: no evaluation is run."""

from dataclasses import replace
from itertools import product
from pathlib import Path

from descriptions import knee
from semeia.report.estimates import Estimate
from semeia.report.names import Names
from semeia.report.run_folder import Run

STARTS = ("random", "simclr", "vicreg", "mae", "ijepa", "simclr_oa", "simclr_matched")
FRACTIONS = (0.05, 0.25, 1.0)
COHORTS = ("internal", "external")
REFERENCES = (("random", "frozen"), ("random", "finetune"), ("simclr_matched", "frozen"))
GAIN = 0.03  # of each pretrained arm over random weights in its own mode; half as much again in kappa
TUNED = 0.02  # of fine-tuning over probing
HALF = 0.01  # half the width of the interval of a difference; twice as much in kappa


def start_estimates(
    starts: tuple[str, ...] = STARTS,
    *,
    modes: tuple[str, ...] = ("frozen", "finetune"),
    fractions: tuple[float, ...] = FRACTIONS,
) -> list[Estimate]:
    """Levels of each arm, and its differences from random weights in either mode and from the matched corpus."""
    found: list[Estimate] = []
    for arm, mode, fraction, cohort in product(starts, modes, fractions, COHORTS):
        value = level(arm, mode)
        there = value + 0.05 * fraction - 0.05 * (cohort == "external")
        one = Estimate(
            *("knee", "kl_grade", arm, "", mode, fraction, cohort, "all", "macro_auroc", there, there - 0.02),
            *(there + 0.02, "95% percentile", 300, 150, 200, "3"),
        )
        found.append(one)
        for name, other in REFERENCES:
            if name in starts and other in modes and (name, other) != (arm, mode):
                minus = replace(one, reference=f"{name}/{other}")
                step = value - level(name, other)
                found.append(difference(minus, "macro_auroc", step, HALF))
                found.append(difference(minus, "quadratic_kappa", 1.5 * step, 2 * HALF))
                found.append(
                    replace(minus, metric="macro_auroc_detectable_difference", value=0.014, low=None, high=None)
                )
    return found


def level(arm: str, mode: str) -> float:
    """Macro AUROC inside, without any labels to speak of."""
    return 0.7 + GAIN * (arm != "random") + TUNED * (mode == "finetune")


def difference(row: Estimate, metric: str, value: float, half: float) -> Estimate:
    """The row as a difference in another metric."""
    return replace(row, metric=metric, value=value, low=value - half, high=value + half)


def run_of(estimates: list[Estimate]) -> Run:
    """A run of the knee study that holds these estimates and nothing else."""
    return Run(Path("nowhere"), knee().record(), estimates, None, [])


def names_of(estimates: list[Estimate]) -> Names:
    """The words of such a run."""
    return run_of(estimates).names
