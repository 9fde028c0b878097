"""The table of comparisons: every arm, at every label fraction, against each reference, tested in pairs.

Places with their cells come in; one row a pair goes out: the difference of AUROCs with DeLong's error (clustered by
patient, averaged over seeds), its p-value, Holm's over the family it belongs to, and what the cohort could have shown.
A pair is taken on the units that both arms predicted with the same seed.
"""

import numpy as np
import polars as pl

from semeia.errors import InputError
from semeia.evaluation.cells import Cell, Fold
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.references import reference_cell
from semeia.evaluation.statistics.delong import NO_ERROR, Difference, areas, mean_areas
from semeia.evaluation.statistics.holm import holm
from semeia.evaluation.statistics.power import detectable_difference, power_at
from semeia.evaluation.summary import Row
from semeia.evaluation.tables.table_rows import (
    COUNT_COLUMNS,
    INTERVAL_COLUMNS,
    PLACE_COLUMNS,
    count_columns,
    place_columns,
)
from semeia.evaluation.uncertainty import FEWEST, carriers

COMPARISON_COLUMNS: dict[str, type[pl.DataType]] = {
    **PLACE_COLUMNS,
    "reference": pl.String,
    "difference": pl.Float64,
    **INTERVAL_COLUMNS,
    "se": pl.Float64,
    "z": pl.Float64,
    "p": pl.Float64,
    "p_holm": pl.Float64,
    "family": pl.String,
    "family_tests": pl.Int64,
    "detectable_difference": pl.Float64,
    "relevant_difference": pl.Float64,
    "power": pl.Float64,
    **COUNT_COLUMNS,
    "seeds": pl.Int64,
}
FAMILY_COLUMNS = (*PLACE_COLUMNS, "reference")


def comparisons(judged: Judged) -> pl.DataFrame:
    """The paired tests of AUROC of every cell against every reference of the settings.

    Returns:
        COMPARISON_COLUMNS. `detectable_difference` is found with 80 % power, and `power` is that of finding
        `relevant_difference`, by one two-sided test at 5 %, without regard to the family.

    Raises:
        InputError: the settings' family names what is not a column.
    """
    family = judged.settings.family
    unknown = [name for name in family if name not in FAMILY_COLUMNS]
    if unknown:
        raise InputError(f"family: '{unknown[0]}' is not one of {', '.join(FAMILY_COLUMNS)}.")
    rows: list[Row] = []
    for place in judged.places:
        for reference in judged.settings.references:
            for cell in place.cells:
                other = reference_cell(reference, cell, list(place.cells))
                if other is not None:
                    rows += _tested(place, cell, other, reference, judged)
    return pl.DataFrame(_with_families(rows, family), schema=COMPARISON_COLUMNS)


def paired_difference(
    one: dict[int, Fold], other: dict[int, Fold]
) -> tuple[Difference | None, dict[int, Fold], list[str]]:
    """AUROC of `one` minus that of `other`, averaged over the seeds in which both predicted the same units.

    Returns:
        The difference (None when no seed has units of both classes), the rows it was taken on by seed, and what was
        left out in words.
    """
    found, shared, left_out = [], {}, []
    for seed in sorted(one.keys() & other.keys()):
        _, mine, theirs = np.intersect1d(one[seed].unit, other[seed].unit, return_indices=True)
        fold = one[seed].take(mine)
        if len(mine) < max(len(one[seed].unit), len(other[seed].unit)):
            left_out.append("units that only one of them predicted left out")
        if fold.one_class():
            left_out.append("seeds left out whose units are all of one class")
            continue
        shared[seed] = fold
        scores = np.stack([fold.score, other[seed].score[theirs]])
        found.append(areas(fold.label, scores, fold.patient))
    return (mean_areas(found).contrast((1, -1)) if found else None), shared, left_out


def _tested(place: Place, cell: Cell, other: Cell, reference: str, judged: Judged) -> list[Row]:
    difference, shared, left_out = paired_difference(place.cells[cell], place.cells[other])
    for words in left_out:
        judged.notes.add(f"paired test against {reference}: {words}", place.name(cell))
    if difference is None:
        why = "no seed tests the same units"
    elif np.isnan(difference.error) or carriers(shared.values(), "auroc") < FEWEST:
        why = f"fewer than {FEWEST} patients have a unit of one class"
    elif difference.error < NO_ERROR:
        why = "its standard error is zero"
    else:
        return [_row(place, cell, reference, difference, shared, judged)]
    judged.notes.add(f"paired test against {reference} left out, {why}", place.name(cell))
    return []


def _row(
    place: Place, cell: Cell, reference: str, difference: Difference, shared: dict[int, Fold], judged: Judged
) -> Row:
    settings = judged.settings
    low, high = difference.interval(level=settings.level)
    return {
        **place_columns(place, cell),
        "reference": reference,
        "difference": difference.value,
        "low": low,
        "high": high,
        "interval_method": f"{settings.level:.0%} normal, DeLong clustered by patient",
        "se": difference.error,
        "z": difference.z,
        "p": difference.p,
        "detectable_difference": detectable_difference(difference.error),
        "relevant_difference": settings.relevant_difference,
        "power": power_at(settings.relevant_difference, difference.error),
        **count_columns(shared),
        "seeds": len(shared),
    }


def _with_families(rows: list[Row], family: tuple[str, ...]) -> list[Row]:
    members: dict[tuple[str | float | int | None, ...], list[int]] = {}
    for number, row in enumerate(rows):
        members.setdefault(tuple(row[name] for name in family), []).append(number)
    out = list(rows)
    for key, numbers in members.items():
        text = ", ".join(f"{name} {value}" for name, value in zip(family, key, strict=True)) or "all tests"
        adjusted = holm(np.array([rows[number]["p"] for number in numbers], dtype=np.float64))
        for number, p in zip(numbers, adjusted, strict=True):
            out[number] = {**rows[number], "p_holm": float(p), "family": text, "family_tests": len(numbers)}
    return out
