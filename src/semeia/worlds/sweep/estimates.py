"""From the areas of many seeds to values with intervals: of arms, of paired differences, of labels saved.

An interval is a percentile bootstrap over seeds and, within a seed, over its test patients: seeds are drawn with
replacement, and of each a draw of its patients, the same for every arm. It is wide rather than narrow: the spread
between seeds holds that of the patients already.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.evaluation.statistics.intervals import percentile_interval
from semeia.worlds.sweep.arms import SIMPLE

REPLICATES = 2000
BEST_SIMPLE = "best_simple"
AT = ("sweep", "value", "labels", "cohort")
KEY = {"sweep": pl.String, "value": pl.String, "labels": pl.Int64, "cohort": pl.String}


@dataclass(frozen=True)
class Areas:
    """AUROC of one arm at one place and cohort: of each seed, and of replicates of the whole.

    Attributes:
        by_seed: [seed].
        replicates: mean over drawn seeds and patients; two arms of one place have the same draws.
    """

    by_seed: Float[np.ndarray, " seed"]
    replicates: Float[np.ndarray, " replicate"]

    def minus(self, other: "Areas") -> "Areas":
        """The paired difference."""
        return Areas(self.by_seed - other.by_seed, self.replicates - other.replicates)

    @property
    def estimate(self) -> tuple[float, float, float]:
        """Mean over seeds, and its 95 % interval."""
        return float(self.by_seed.mean()), *percentile_interval(self.replicates)

    @property
    def above_0(self) -> float:
        """One-sided p of a mean above 0: Student's t over seeds; NaN of a single one."""
        from scipy.stats import t

        n = len(self.by_seed)
        if n < 2:
            return np.nan
        return float(t.sf(self.by_seed.mean() / (self.by_seed.std(ddof=1) / np.sqrt(n)), n - 1))


Place = tuple[str, str, int, str]
Map = dict[Place, dict[str, Areas]]


def areas_of(areas: pl.DataFrame) -> Map:
    """Every arm's `Areas` by (sweep, value, labels, cohort); "best_simple" is the best of `SIMPLE`, by its mean."""
    found: Map = {}
    for (*at, arm), rows in areas.group_by(*AT, "arm", maintain_order=True):
        rows = rows.sort("seed")
        draws = np.array(rows["draws"].to_list(), float)
        rng = np.random.default_rng(0)  # of one number of seeds, the same picks everywhere
        seeds, drawn = (rng.integers(0, size, (REPLICATES, len(draws))) for size in draws.shape)
        by_seed = rows["auroc"].to_numpy()
        found.setdefault(tuple(at), {})[str(arm)] = Areas(by_seed, draws[seeds, drawn].mean(1))  # pyright: ignore[reportArgumentType]
    for arms in found.values():
        if simple := [arm for arm in SIMPLE if arm in arms]:
            arms[BEST_SIMPLE] = arms[max(simple, key=lambda arm: arms[arm].by_seed.mean())]
    return found


def results(found: Map, *, references: tuple[str, ...]) -> pl.DataFrame:
    """Levels (`reference` empty) and paired differences from the references, each with its interval.

    Returns:
        sweep, value, labels, cohort, arm, reference, auroc, low, high, seeds.
    """
    rows = []
    for at, arms in found.items():
        for arm, own in arms.items():
            rows.append((*at, arm, "", *own.estimate, len(own.by_seed)))
            for reference in references:
                if reference in arms and reference != arm:
                    rows.append((*at, arm, reference, *own.minus(arms[reference]).estimate, len(own.by_seed)))
    numbers = {"auroc": pl.Float64, "low": pl.Float64, "high": pl.Float64, "seeds": pl.Int64}
    return pl.DataFrame(rows, schema={**KEY, "arm": pl.String, "reference": pl.String, **numbers}, orient="row")


def label_equivalence(found: Map, *, arm: str, reference: str) -> pl.DataFrame:
    """How many labels the reference needs to be as good as the arm, between the numbers of labels that were run.

    Returns:
        sweep, value, cohort, labels, needed, low, high (the reference's labels by linear interpolation in their
        logarithm; infinite where its best is worse, and no less than the fewest run).
    """
    curves: dict[tuple[str, str, str], dict[int, dict[str, Areas]]] = {}
    for (sweep, value, labels, cohort), arms in found.items():
        if arm in arms and reference in arms:
            curves.setdefault((sweep, value, cohort), {})[labels] = arms
    rows = []
    for at, curve in curves.items():
        counts = sorted(curve)
        if len(counts) < 2:
            continue
        means = np.array([curve[n][reference].by_seed.mean() for n in counts])
        replicates = np.array([curve[n][reference].replicates for n in counts]).T
        for n in counts:
            own = curve[n][arm]
            needed = _needed(np.array(counts), means, own.by_seed.mean())
            each = [_needed(np.array(counts), row, area) for row, area in zip(replicates, own.replicates, strict=True)]
            low, high = np.quantile(each, [0.025, 0.975], method="inverted_cdf")
            rows.append((*at, n, needed, float(low), float(high)))
    schema = {"sweep": pl.String, "value": pl.String, "cohort": pl.String, "labels": pl.Int64}
    numbers = {"needed": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(rows, schema={**schema, **numbers}, orient="row")


def _needed(counts: np.ndarray, curve: np.ndarray, area: float) -> float:
    """Labels at which a learning curve (made to rise) reaches an area."""
    rising = np.maximum.accumulate(curve)
    if area > rising[-1]:
        return np.inf
    reached = int(np.searchsorted(rising, area))
    if reached == 0:
        return float(counts[0])
    low, high = rising[reached - 1 : reached + 1]
    share = (area - low) / (high - low)
    return float(np.exp((1 - share) * np.log(counts[reached - 1]) + share * np.log(counts[reached])))
