"""Print whether a small pilot sharpens what the map of `semeia advise` expects: python tools/advise_pilot.py [WORLDS]

In each of WORLDS worlds a structure (12) of the map's own: the unlabelled patients pretrain briefly, the labelled ones
give a gain in cross-validation with a standard error (DeLong), and both are put together with what the map, without
that structure, expects (its 80 % interval taken as normal), weighted by inverse variance. Held against the mean gain
over the map's six draws of labels at full length. A pilot helps, by a rule set beforehand, if together they have a
smaller error and a smaller interval score than the map alone, and 80 % intervals that hold in 70 to 90 %.
"""

import sys

import numpy as np
import polars as pl
import torch
from study_tables import table

from semeia.learning.advice.map import EXPECTED, FAMILY, FOUND, LEVEL, load_map
from semeia.learning.advice.predictability import FOLDS, patient_folds
from semeia.learning.advice.sharpening import WIDE, as_normal, together
from semeia.progress import say
from semeia.studies.advise_pilot import GAINS, SETTINGS, STEPS, gains_of, part
from semeia.studies.advise_worlds import EACH, FAMILIES, configuration, finetuned
from semeia.worlds.sweep.archives import fit_archive, stacked_pairs
from semeia.worlds.sweep.pretraining import pretrain

Numbers = np.ndarray


def main(worlds: int) -> None:
    """Run the pilots and print a table of each gain: map, pilot, both."""
    rows = [row for first in range(0, worlds, EACH) for row in piloted(range(first, first + EACH))]
    chart = load_map().worlds
    pilots, first = pl.DataFrame(rows), slice(len(rows))
    if chart[FAMILY].to_list()[first] != list(FAMILIES) * worlds:
        raise SystemExit("the shipped map has its worlds in another order")
    lines = []
    for name in GAINS:
        found, expected = (chart[name + end].to_numpy() for end in (FOUND, EXPECTED))
        middle, spread = prior_of(chart[FAMILY].to_numpy(), found - expected, expected)
        prior = middle[first], spread[first]
        pilot = pilots[name].to_numpy(), pilots[f"{name}_error"].to_numpy()
        both = together(prior, pilot)
        for which, one in {"map": prior, f"pilot of {STEPS} steps": pilot, "both": both}.items():
            lines.append([name, which, *judged(found[first], *one)])
    print(f"{len(rows)} worlds of {len(FAMILIES)} structures")
    table(["gain", "", "r", "mean error", "80 % interval holds", "its width", "interval score"], lines)


def piloted(numbers: range) -> list[dict[str, float]]:
    """Run the pilots of some worlds of every structure, trained as one; a row a world."""
    drawn = [configuration(name, number, 0) for number in numbers for name in FAMILIES]
    archives = [fit_archive(one.patients("unlabelled", one.unlabelled)) for one in drawn]
    seeds = [one.world.seed for one in drawn]
    cells = torch.arange(len(drawn))
    encoders = pretrain(stacked_pairs(archives), cells, objective="ema", settings=SETTINGS.pretraining, seeds=seeds)
    cohorts = [
        archive.cohort(one.patients("labelled 0", one.labels)) for one, archive in zip(drawn, archives, strict=True)
    ]
    folds = [
        patient_folds(np.arange(len(cohort.patients.label)), seed=0, labels=cohort.patients.label.astype(float))
        for cohort in cohorts
    ]
    training = [
        [part(cohort, fold != held) for held in range(FOLDS)] for cohort, fold in zip(cohorts, folds, strict=True)
    ]
    models = finetuned(training, {"jepa": encoders}, seeds, SETTINGS)
    rows = []
    for world, (cohort, fold) in enumerate(zip(cohorts, folds, strict=True)):
        own = torch.arange(FOLDS) + world * FOLDS
        gains = gains_of(
            [(training[world][held], part(cohort, fold == held)) for held in range(FOLDS)],
            {name: stack.of_cells(own) for name, stack in models.items()},
            encoders.of_cells(torch.full((FOLDS,), world)),
        )
        rows.append({name: gain.value for name, gain in gains.items()})
        rows[-1] |= {f"{name}_error": gain.error for name, gain in gains.items()}
    say(f"pilots of worlds {numbers.start} to {numbers.stop - 1} of each structure")
    return rows


def prior_of(family: Numbers, errors: Numbers, expected: Numbers) -> tuple[Numbers, Numbers]:
    """Middle and standard error of what the map expects, by what it missed in the other structures."""
    middle, spread = np.empty(len(family)), np.empty(len(family))
    for one in np.unique(family):
        low, high = np.quantile(errors[family != one], LEVEL)
        own = expected[family == one]
        middle[family == one], spread[family == one] = as_normal(own + low, own + high)
    return middle, spread


def judged(found: Numbers, value: Numbers, error: Numbers) -> list[str]:
    """Hold estimates against what was found; the interval score is that of Gneiting and Raftery (2007), equation 43."""
    half = WIDE * error
    outside = np.maximum(np.abs(found - value) - half, 0)
    score = 2 * half + 2 / (1 - LEVEL[1] + LEVEL[0]) * outside
    numbers = [np.corrcoef(found, value)[0, 1], np.abs(found - value).mean(), np.mean(outside == 0)]
    numbers += [2 * half.mean(), score.mean()]
    return [f"{number:.{digits}f}" for number, digits in zip(numbers, (2, 4, 2, 3, 3), strict=True)]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12)
