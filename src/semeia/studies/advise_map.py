"""Fit the map of the adviser: where in made-up worlds pretraining gained something, and what was measured before.

Worlds of nine structures are drawn at random, as wide as archives are: few and many labels and patients, narrow and
wide features, records missing, images alone. In each a small JEPA is pretrained and fine-tuned, and held against the
same network from scratch and against ridge regression, on the same draws of labels. The map is judged on structures
that it was neither chosen nor fitted on. All of it is simulated.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.atomic import write_csv, write_json, write_parquet
from semeia.learning.advice.map import LEVEL, NOTABLE, Map, fit_line
from semeia.learning.advice.placing import MEASURES, Place
from semeia.progress import say
from semeia.settings_json import to_plain
from semeia.studies.advise_worlds import EACH, FAMILIES, GAINS, AdviserMapSettings, configuration, measure, train


def advise_study(*, out: Path, settings: AdviserMapSettings) -> str:
    """Train in every world, fit the map, write it, and say how it does on structures that were left out.

    Args:
        out: folder of the worlds (the same command goes on where it stopped), worlds.csv, and map.json; the one that is
            shipped is learning/advice/map.json.
        settings: see `AdviserMapSettings`.
    """
    table = trained_worlds(out, settings)
    family, terms = table["structure"].to_numpy(), terms_of(table)
    gains = {name: np.array(table[name].to_list()) for name in GAINS}
    fitted = {name: fit_line(terms, gain.mean(1), family) for name, gain in gains.items()}
    pairs = ~table["alone"].to_numpy()
    made = Map(
        lines={name: line for name, (line, _) in fitted.items()},
        low={name: round(float(values.min()), 4) for name, values in terms.items()},
        high={name: round(float(values.max()), 4) for name, values in terms.items()},
        usual={name: round(float(np.median(values[pairs])), 4) for name, values in terms.items()},
        worlds=len(table),
        families=FAMILIES,
    )
    write_json(out / "map.json", to_plain(made))
    both = {f"{name}_{word}": values for name in GAINS for word, values in
            (("found", gains[name].mean(1)), ("expected", fitted[name][1]))}  # fmt: skip
    write_csv(out / "worlds.csv", table.drop(GAINS).with_columns(**both))
    lines = [f"{len(table)} made-up worlds of {len(FAMILIES)} structures; each left out in turn.", ""]
    lines += ["| gain | mean (sd) | two halves of the draws | r | error | of a constant | holds | gain > .01 right |"]
    lines += ["|---" * 8 + "|"]
    lines += [judged(name, gain, fitted[name][1], family) for name, gain in gains.items()]
    expected = {name: one for name, (_, one) in fitted.items()}
    means = {name: gain.mean(1) for name, gain in gains.items()}
    return "\n".join([*lines, "", *by_family(means, expected, family), "", *weights_of(made)])


def trained_worlds(out: Path, settings: AdviserMapSettings) -> pl.DataFrame:
    """Train and measure what is not yet; a row a world: structure, measures, and its gains by draw of labels."""
    tables = []
    for first in range(0, settings.worlds, EACH):
        numbers = range(first, min(first + EACH, settings.worlds))
        drawn = [configuration(name, number, settings.seed) for number in numbers for name in FAMILIES]
        plain = json.dumps([*map(to_plain, drawn), to_plain(settings) | {"worlds": 0}], sort_keys=True)
        name = hashlib.sha256(plain.encode()).hexdigest()[:12]
        trained = _kept(out / f"trained-{name}.parquet", lambda drawn=drawn: train(drawn, settings))
        measured = _kept(out / f"measured-{name}.parquet", lambda drawn=drawn: pl.DataFrame(map(measure, drawn)))
        gains = trained.sort("world", "draw").group_by("world", maintain_order=True)
        gains = gains.agg(**{name: pl.col(arm) - pl.col(other) for name, (arm, other) in GAINS.items()})
        about = {"structure": [one.world.structure for one in drawn]}
        tables.append(pl.concat([pl.DataFrame(about), measured, gains.drop("world")], how="horizontal"))
        say(f"{sum(map(len, tables))} worlds are trained and measured")
    return pl.concat(tables)


def _kept(path: Path, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    if not path.exists():
        write_parquet(path, make())
    return pl.read_parquet(path)


def terms_of(table: pl.DataFrame) -> dict[str, np.ndarray]:
    """What lines are fitted on, by name, of each world."""
    rows = [Place(**row).terms() for row in table.select(MEASURES).iter_rows(named=True)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def judged(name: str, gains: np.ndarray, expected: np.ndarray, family: np.ndarray) -> str:
    """One row: how well gains, [world, draw], are expected in structures (families) that were left out."""
    gain = gains.mean(1)
    errors, inside, constant = gain - expected, np.zeros(len(gain), bool), np.empty(len(gain))
    for one in np.unique(family):
        own = family == one
        low, high = np.quantile(errors[~own], LEVEL)
        inside[own] = (errors[own] >= low) & (errors[own] <= high)
        constant[own] = np.abs(gain[own] - gain[~own].mean())
    right = np.mean((expected > NOTABLE) == (gain > NOTABLE))
    error = np.abs(errors).mean()
    shown = [
        f"{gain.mean():.3f} ({gain.std():.3f})",
        f"{halves(gains):.2f}",
        f"{np.corrcoef(gain, expected)[0, 1]:.2f}",
    ]
    shown += [f"{error:.4f} ({error / constant.mean() - 1:+.0%})", f"{constant.mean():.4f}", f"{inside.mean():.2f}"]
    return f"| {name} | {' | '.join(shown)} | {right:.2f} |"


def halves(gains: np.ndarray) -> float:
    """Correlation over worlds of the mean gain of every other draw with that of the others (split-half)."""
    return float(np.corrcoef(gains[:, ::2].mean(1), gains[:, 1::2].mean(1))[0, 1])


def by_family(gains: dict[str, np.ndarray], expected: dict[str, np.ndarray], family: np.ndarray) -> list[str]:
    """Mean gains of each structure, found, and expected by the others."""
    lines = [f"| structure left out | {' | '.join(f'{name}: found, expected' for name in gains)} |"]
    lines.append("|---" * (1 + len(gains)) + "|")
    for one in FAMILIES:
        cells = [
            f"{gain[family == one].mean():+.3f}, {expected[name][family == one].mean():+.3f}"
            for name, gain in gains.items()
        ]
        lines.append(f"| {one} | {' | '.join(cells)} |")
    return lines


def weights_of(made: Map) -> list[str]:
    """Standardised weights of the terms that a line reads, empty where another does not, and the terms of none."""
    weights = {name: dict(zip(line.reads, line.weights, strict=True)) for name, line in made.lines.items()}
    read = [term for term in made.usual if any(term in own for own in weights.values())]
    lines = [f"| term | {' | '.join(weights)} |", "|---" * (1 + len(weights)) + "|"]
    for term in read:
        cells = [f"{own[term]:+.4f}" if term in own else "" for own in weights.values()]
        lines.append(f"| {term} | {' | '.join(cells)} |")
    unread = [term for term in made.usual if term not in read]
    return [*lines, "", f"No line reads {', '.join(unread)}."] if unread else lines
