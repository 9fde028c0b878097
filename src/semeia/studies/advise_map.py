"""Fit the map of the adviser: where in made-up worlds pretraining gained something, and what was measured before.

Worlds of nine structures are drawn at random, with many sizes and shares of missing records. In each a small JEPA is
pretrained and fine-tuned, and held against the same network from scratch and against ridge regression, on the same
draws of labels. The map is judged on structures that it was not fitted on. All of it is simulated.
"""

from pathlib import Path

import numpy as np

from semeia.archive.atomic import write_json
from semeia.errors import InputError
from semeia.learning.advice.map import LEVEL, NAMES, NOTABLE, Map, fit_ridge
from semeia.learning.progress import say
from semeia.settings_json import to_plain
from semeia.studies.advise_worlds import FAMILIES, GAINS, TOGETHER, MapSettings, Trained, configuration, train


def advise_study(*, out: Path, settings: MapSettings) -> str:
    """Train in every world, fit the map, write it, and say how it does on structures that were left out.

    Args:
        out: the map, .json; the one that is shipped is learning/advice/map.json.
        settings: see `MapSettings`.
    """
    if out.exists():
        raise InputError(f"{out}: is there already and is not overwritten; name another file with --out")
    drawn = [configuration(name, number, settings.seed) for number in range(settings.worlds) for name in FAMILIES]
    trained: list[Trained] = []
    for start in range(0, len(drawn), TOGETHER):
        trained += train(drawn[start : start + TOGETHER], settings)
        say(f"{len(trained)} of {len(drawn)} worlds are trained")
    numbers = np.stack([one.place.numbers() for one in trained])
    family = tuple(one.family for one in trained)
    gains = {name: np.array([getattr(one, name) for one in trained]) for name in GAINS}
    fitted = {name: fit_ridge(numbers, gain, family) for name, gain in gains.items()}
    made = Map(
        scratch=fitted["scratch"][0],
        frozen=fitted["frozen"][0],
        ridge=fitted["ridge"][0],
        low=tuple(numbers.min(0).round(4).tolist()),
        high=tuple(numbers.max(0).round(4).tolist()),
        worlds=len(trained),
        families=FAMILIES,
    )
    write_json(out, to_plain(made))
    lines = [f"{len(trained)} made-up worlds of {len(FAMILIES)} structures; each left out in turn.", ""]
    lines += ["| gain | mean (sd) | r | error | of a constant | 80 % intervals hold | gain > .01 right |"]
    lines += ["|---" * 7 + "|"]
    for name, gain in gains.items():
        lines.append(judged(name, gain, fitted[name][1], family))
    return "\n".join(
        [*lines, "", *by_family(gains, {name: one[1] for name, one in fitted.items()}, family), "", *weights_of(made)]
    )


def judged(name: str, gain: np.ndarray, expected: np.ndarray, family: tuple[str, ...]) -> str:
    """One row: how well gains are expected in structures that were left out."""
    errors, families = gain - expected, np.array(family)
    inside = np.zeros(len(gain), bool)
    constant = np.empty(len(gain))
    for one in np.unique(families):
        own = families == one
        low, high = np.quantile(errors[~own], LEVEL)
        inside[own] = (errors[own] >= low) & (errors[own] <= high)
        constant[own] = np.abs(gain[own] - gain[~own].mean())
    right = np.mean((expected > NOTABLE) == (gain > NOTABLE))
    shown = [f"{np.corrcoef(gain, expected)[0, 1]:.2f}", f"{np.abs(errors).mean():.4f}", f"{constant.mean():.4f}"]
    words = f"{inside.mean():.2f} | {right:.2f}"
    return f"| {name} | {gain.mean():.3f} ({gain.std():.3f}) | {' | '.join(shown)} | {words} |"


def by_family(gains: dict[str, np.ndarray], expected: dict[str, np.ndarray], family: tuple[str, ...]) -> list[str]:
    """Mean gains of each structure, found, and expected by the others."""
    lines = [f"| structure left out | {' | '.join(f'{name}: found, expected' for name in gains)} |"]
    lines.append("|---" * (1 + len(gains)) + "|")
    for one in FAMILIES:
        own = np.array(family) == one
        cells = [f"{gain[own].mean():+.3f}, {expected[name][own].mean():+.3f}" for name, gain in gains.items()]
        lines.append(f"| {one} | {' | '.join(cells)} |")
    return lines


def weights_of(made: Map) -> list[str]:
    """The map's weights, of standardised numbers."""
    lines = ["| number | weight, scratch | frozen | ridge | its standard deviation |", "|---" * 5 + "|"]
    columns = (made.scratch.weights, made.frozen.weights, made.ridge.weights, made.scratch.sd)
    for name, *weights, sd in zip(NAMES, *columns, strict=True):
        lines.append(f"| {name} | {' | '.join(f'{weight:+.4f}' for weight in weights)} | {sd:.3f} |")
    return lines
