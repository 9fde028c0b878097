"""Draw the map of the adviser: where in made-up worlds pretraining gained something, and what was measured before.

Worlds of nine structures are drawn at random, as wide as archives are: few and many labels and patients, narrow and
wide features, records missing, images alone. In each a small JEPA is pretrained and fine-tuned, and held against the
same network from scratch and against ridge regression, on the same draws of labels. The map is judged on structures
that it does not hold. All of it is simulated.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.atomic import write_csv, write_parquet
from semeia.learning.advice.map import EXPECTED, FAMILY, FILE, FOUND, LEVEL, NOTABLE, Map, forest, load_map, matrix
from semeia.learning.advice.placing import MEASURES
from semeia.progress import say
from semeia.settings_json import to_plain
from semeia.studies.advise_worlds import EACH, FAMILIES, GAINS, AdviserMapSettings, configuration, measure, train

DIGITS = 5


def advise_study(*, out: Path, settings: AdviserMapSettings) -> str:
    """Train in every world, draw the map, and say how it does on structures that were left out.

    Where the worlds are others than those of the map that is shipped, that one is judged on them, too.

    Args:
        out: folder of the worlds (the same command goes on where it stopped) and of the map, worlds.csv; the one that
            is shipped is learning/advice/worlds.csv.
        settings: see `AdviserMapSettings`.
    """
    table = trained_worlds(out, settings)
    gains = {name: np.array(table[name].to_list()) for name in GAINS}
    found = {f"{name}{FOUND}": gain.mean(1) for name, gain in gains.items()}
    bare = Map(table.select(FAMILY, *MEASURES).with_columns(**found).with_columns(pl.col(pl.Float64).round(DIGITS)))
    made = held_out(bare, bare)
    write_csv(out / FILE, made.worlds)
    lines = [f"{len(table)} made-up worlds of {len(FAMILIES)} structures; each left out in turn.", ""]
    lines += [*figures(made, gains), "", *by_family(made), "", *ranks(made)]
    shipped = load_map()
    if not len(made.worlds.join(shipped.worlds, on=MEASURES, how="inner")):
        about = f"The shipped map, of {len(shipped.worlds)} other worlds, here; each structure left out of it."
        lines += ["", about, "", *figures(held_out(shipped, bare), gains)]
    return "\n".join(lines)


def held_out(chart: Map, worlds: Map) -> Map:
    """Add to worlds what the other structures of a map expect of them."""
    family, others = (one.worlds[FAMILY].to_numpy() for one in (worlds, chart))
    x, known = matrix(worlds.terms), matrix(chart.terms)
    columns = {}
    for name in worlds.gains:
        gain, expected = chart.worlds[name + FOUND].to_numpy(), np.empty(len(x))
        for one in np.unique(family):
            rest = others != one
            expected[family == one] = forest(known[rest], gain[rest])(x[family == one])
        columns[name + EXPECTED] = expected.round(DIGITS)
    return Map(worlds.worlds.with_columns(**columns))


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


def figures(worlds: Map, gains: dict[str, np.ndarray]) -> list[str]:
    """How well each gain, [world, draw], was expected."""
    lines = ["| gain | mean (sd) | two halves of the draws | r | error | of a constant | holds | gain > .01 right |"]
    family = worlds.worlds[FAMILY].to_numpy()
    rows = [judged(name, gain, worlds.worlds[name + EXPECTED].to_numpy(), family) for name, gain in gains.items()]
    return [*lines, "|---" * 8 + "|", *rows]


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


def by_family(made: Map) -> list[str]:
    """Mean gains of each structure, found, and expected by the others."""
    lines = [f"| structure left out | {' | '.join(f'{name}: found, expected' for name in made.gains)} |"]
    lines.append("|---" * (1 + len(made.gains)) + "|")
    for one in FAMILIES:
        mean = made.worlds.filter(pl.col(FAMILY) == one).mean().row(0, named=True)
        cells = [f"{mean[name + FOUND]:+.3f}, {mean[name + EXPECTED]:+.3f}" for name in made.gains]
        lines.append(f"| {one} | {' | '.join(cells)} |")
    return lines


def ranks(made: Map) -> list[str]:
    """Spearman's correlation over worlds of each term with each gain that was found."""
    table = pl.DataFrame(made.terms).hstack(made.worlds.select(name + FOUND for name in made.gains))
    lines = [f"| Spearman's r with | {' | '.join(made.gains)} |", "|---" * (1 + len(made.gains)) + "|"]
    for term in made.terms[0]:
        row = table.select(pl.corr(term, name + FOUND, method="spearman").alias(name) for name in made.gains).row(0)
        lines.append(f"| {term} | {' | '.join(f'{value:+.2f}' for value in row)} |")
    return lines
