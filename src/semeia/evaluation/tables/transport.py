"""What becomes of each metric away from home: internal value, the other cohort's, and their difference, the gap.

Cohorts hold different patients, so the draws of one say nothing about those of the other: a draw of the gap is the
difference of a draw of each, the home cohort's being taken one draw further on, because the draws of two cohorts follow
from one seed. Every arm is judged in the same draws, so that *differences of gaps* (does the pretrained arm lose more
outside than its reference?) are paired.
"""

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.evaluation.cells import Cell, Fold, same_units
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.metrics import (
    CARRIED,
    COMPARED,
    Values,
    absolute_metrics,
    by_name,
    compared_metrics,
    gain_metrics,
)
from semeia.evaluation.references import reference_cell
from semeia.evaluation.statistics.power import detectable_difference
from semeia.evaluation.summary import Row
from semeia.evaluation.tables.across_seeds import mean_over_seeds, mostly_defined
from semeia.evaluation.tables.table_rows import (
    COUNT_COLUMNS,
    INTERVAL_COLUMNS,
    PLACE_COLUMNS,
    count_columns,
    place_columns,
)
from semeia.evaluation.uncertainty import carriers, interval_of, interval_of_draws

METRICS = (*COMPARED, "calibration_slope", "calibration_intercept", *CARRIED)
TRANSPORT_COLUMNS: dict[str, type[pl.DataType]] = {
    **PLACE_COLUMNS,
    "reference": pl.String,
    "metric": pl.String,
    "home": pl.String,
    "inside": pl.Float64,
    "inside_low": pl.Float64,
    "inside_high": pl.Float64,
    "outside": pl.Float64,
    "outside_low": pl.Float64,
    "outside_high": pl.Float64,
    "gap": pl.Float64,
    **INTERVAL_COLUMNS,
    "detectable": pl.Float64,
    **COUNT_COLUMNS,
}

Folds = dict[int, Fold]


def transport(judged: Judged) -> pl.DataFrame:
    """The table "transport": a row an arm, other cohort and metric, then a row a reference, too.

    `gap` is the other cohort's value less the home cohort's, with its interval; `detectable` is the smallest true gap
    that these patients would have shown with 80 % power, given where the interval holds zero. Where `reference` is not
    empty, `inside`, `outside` and `gap` are all differences: the arm's less the reference's (auroc, auprc, brier).
    """
    rows: list[Row] = []
    for (_, outcome), places in judged.outcomes().items():
        home = next((place for place in places if place.inside), None)
        others = [place for place in places if place is not home]
        if home is None:
            judged.notes.add("transport left out, no cohort is named 'internal' to start from", outcome)
        elif others:
            inside = {cell: _metrics(judged, home, folds) for cell, folds in home.full.items()}
            for place in others:
                rows += _rows(judged, home, place, inside)
    return pl.DataFrame(rows, schema=TRANSPORT_COLUMNS)


def gap_draws(
    inside: Float[np.ndarray, "rows"], outside: Float[np.ndarray, "others"], *, number: int
) -> Float[np.ndarray, "every"]:
    """Outside less inside: as they are, in each of `number` draws, and with groups of either cohort left out in turn.

    Args:
        inside: as `Draws.apply` gives them.
        outside: likewise; as many draws.
        number: of draws.
    """
    drawn = outside[1 : 1 + number] - np.roll(inside[1 : 1 + number], -1)
    left_out = [outside[1 + number :] - inside[0], outside[0] - inside[1 + number :]]
    return np.concatenate([[outside[0] - inside[0]], drawn, *left_out])


def _rows(judged: Judged, home: Place, place: Place, inside: dict[Cell, Values]) -> list[Row]:
    outside = {cell: _metrics(judged, place, folds) for cell, folds in place.full.items() if cell in inside}
    rows: list[Row] = []
    for cell in outside:
        rows += _of_cell(judged, home, place, cell, "", inside[cell], outside[cell])
    for reference in judged.settings.references:
        for cell in outside:
            other = reference_cell(reference, cell, list(outside))
            if other is not None:
                less = [_less(judged, at, cell, other, known) for at, known in ((home, inside), (place, outside))]
                rows += _of_cell(judged, home, place, cell, reference, *less)
    return rows


def _of_cell(
    judged: Judged, home: Place, place: Place, cell: Cell, reference: str, inside: Values, outside: Values
) -> list[Row]:
    rows: list[Row] = []
    for metric in [name for name in inside if name in outside]:
        if not (mostly_defined(inside[metric], home.draws) and mostly_defined(outside[metric], place.draws)):
            judged.notes.add(f"gap of {metric} left out, it is undefined in one of the cohorts", place.name(cell))
            continue
        gap = gap_draws(inside[metric], outside[metric], number=place.draws.number)
        patients = min(carriers(folds, metric) for folds in (home.full[cell].values(), place.full[cell].values()))
        interval = interval_of_draws(place.draws, gap, patients=patients)
        own: Row = {"reference": reference, "metric": metric, "home": home.cohort, "gap": float(gap[0])}
        ends = [
            interval_of(at.draws, known[metric], at.full[cell].values(), metric, difference=bool(reference))
            for at, known in ((home, inside), (place, outside))
        ]
        why = next((end.why_none for end in (*ends, interval) if end.why_none), "")
        if not why and not all(end.method == place.draws.words for end in ends):
            why = "it does not vary in one cohort"
        if why:
            judged.notes.add(f"gap of {metric} left out, no interval: {why.removeprefix('none: ')}", place.name(cell))
            continue
        for name, known, end in zip(("inside", "outside"), (inside, outside), ends, strict=True):
            own |= {name: float(known[metric][0]), f"{name}_low": end.low, f"{name}_high": end.high}
        own |= interval.columns()
        unclear = interval.low is not None and interval.high is not None and interval.low <= 0 <= interval.high
        own |= {"detectable": detectable_difference(place.draws.error(gap)) if unclear else None}
        rows.append(place_columns(place, cell) | own | count_columns(place.full[cell]))
    return rows


def _metrics(judged: Judged, place: Place, folds: Folds) -> Values:
    """Every metric in every draw, averaged over seeds; the gain over the covariate where there is one."""
    draws = place.draws
    names = tuple(name for name in METRICS if place.carried or name not in CARRIED)
    every = [compared_metrics(fold, draws) | absolute_metrics(fold, draws) for fold in folds.values()]
    found = _averaged(every, names)
    if judged.covariate is not None and place.carried:
        known = [fold.with_covariate for fold in folds.values()]
        gains = [gain_metrics(fold, draws, covariate=judged.covariate) for fold in known if not fold.one_class()]
        found |= _averaged(gains, (f"auroc_gain_over_{judged.covariate}",)) if gains else {}
    return found


def _averaged(every: list[Values], names: tuple[str, ...]) -> Values:
    stacked = np.stack([np.column_stack([values[name] for name in names]) for values in every])
    return by_name(names, mean_over_seeds(stacked))


def _less(judged: Judged, place: Place, cell: Cell, other: Cell, known: dict[Cell, Values]) -> Values:
    """The metrics of `cell` less those of `other`, over the seeds and units that both predicted."""
    mine, theirs = place.full[cell], place.full[other]
    first, second = known[cell], known[other]
    if not same_units(mine, theirs):
        pairs = _shared(mine, theirs)
        if not pairs:
            return {}
        judged.notes.add(f"difference of gaps from {other.arm} taken on the units both predicted", place.name(cell))
        first, second = (_metrics(judged, place, {seed: both[side] for seed, both in pairs.items()}) for side in (0, 1))
    return {metric: first[metric] - second[metric] for metric in COMPARED}


def _shared(mine: Folds, theirs: Folds) -> dict[int, tuple[Fold, Fold]]:
    pairs = {}
    for seed in mine.keys() & theirs.keys():
        _, at, there = np.intersect1d(mine[seed].unit, theirs[seed].unit, return_indices=True)
        if len(at):
            pairs[seed] = (mine[seed].take(at), theirs[seed].take(there))
    return pairs
