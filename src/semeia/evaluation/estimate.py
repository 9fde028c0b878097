"""From judged predictions to the tidy table: estimand x group x contrast, a row each.

A group is a study, outcome, cohort and part of the table (a stratum), and within it maybe a subgroup or a site; in it
an arm, mode and label fraction. Every estimand (estimands.py) is averaged over seeds in every draw; a seed for which it
does not exist on its own rows enters none. `contrast` is "level" (the value itself), "minus reference" (less that of
another arm on the units both predicted), "minus home" (less that of the cohort `home`) or "gap minus gap" (the gap of
an arm less that of its reference). `at` is where on its grid an estimand is taken: a threshold, a fixed specificity, a
prevalence, a predicted probability. A difference of AUROCs stands twice, by the bootstrap and by DeLong's test, which
`method` tells apart; the latter has the p-value, and `family` says among which tests it is adjusted.

An estimand that does not exist on the rows is left out and named in a note; one that can have no interval
(uncertainty.py) stands without, and the note says why. `note` says what is withheld. Nothing here holds NaN.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from semeia.errors import InputError
from semeia.evaluation.cells import Cell, concatenate, counts, restrict
from semeia.evaluation.contrasts import Folds, is_reference, reference_cell
from semeia.evaluation.estimands import FULL, PARTS, REFERENCE, SITES, SUBGROUPS, Family
from semeia.evaluation.gaps import away_from_home, pair_of
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.measured import Context
from semeia.evaluation.rows import (
    ESTIMATE_COLUMNS,
    MINUS_REFERENCE,
    Group,
    Row,
    level_rows,
    make_row,
    mean_of,
    values_of,
)
from semeia.evaluation.statistics.calibration_curve import central_grid
from semeia.evaluation.statistics.delong import NO_ERROR, areas, mean_areas
from semeia.evaluation.statistics.intervals import detectable_difference, holm
from semeia.evaluation.statistics.net_benefit import threshold_grid, treat_all_draws
from semeia.evaluation.tables.characteristics import drawn_prevalence
from semeia.evaluation.tables.suppression import SHOWN, SUPPRESSED, suppress
from semeia.evaluation.uncertainty import FEWEST, Interval, carriers

FAMILY_COLUMNS = ("study", "outcome", "cohort", "stratum", "arm", "mode", "fraction", "reference")

DELONG = "normal, DeLong clustered by patient"
NO_ARM = Cell("", "", 1.0)
# Differences of these are what a cohort is asked to show.
DETECTABLE = ("auroc", "macro_auroc", "c_index")
DETECTED = "normal approximation: 80% power, two-sided 5%"


def estimate(judged: Judged) -> pl.DataFrame:
    """The tidy table (ESTIMATE_COLUMNS) of everything but what further tables add (views.py)."""
    rows: list[Row] = []
    for places in judged.outcomes().values():
        source = _prevalence(places, judged)
        groups = {place.cohort: _group(judged, place, source) for place in places}
        for place in places:
            for part in judged.parts:
                group = replace(groups[place.cohort], stratum=part.text)
                rows += _of_part(group, place.within(part))
            rows += _of_whole(groups[place.cohort])
        rows += away_from_home(places, groups)
    return pl.DataFrame(_with_families(rows, judged.settings.family), schema=ESTIMATE_COLUMNS)


def _group(judged: Judged, place: Place, source: float | Place | None) -> Group:
    prevalence = drawn_prevalence(source, seen_from=place) if isinstance(source, Place) else source
    context = Context(place.draws, judged.settings, judged.covariate if place.cross_fitted else None, prevalence)
    return Group(judged, place, context, place.base.text)


def _prevalence(places: list[Place], judged: Judged) -> float | Place | None:
    """As the settings state it, else the cohort the threshold is chosen on; None when none is chosen."""
    inside = next((place for place in places if place.inside), None)
    if inside is None or judged.settings.prevalence is not None:
        return None if inside is None else judged.settings.prevalence
    return inside if inside.cells else None


def _of_part(group: Group, present: dict[Cell, Folds]) -> Iterator[Row]:
    """Levels and differences of the cells in one part of the table."""
    if not present:
        group.judged.notes.add("no rows in", f"{group.place.outcome}, {group.place.cohort} [{group.stratum}]")
    references = group.judged.settings.references
    usable: dict[Cell, Folds] = {}
    # what is subtracted comes after what it is subtracted from, whatever the order of the table's rows.
    for cell in sorted(present, key=lambda cell: is_reference(cell, references)):
        usable[cell] = _with_both_classes(group, cell, present[cell])
        if usable[cell]:
            _note_absent_classes(group, cell, usable[cell])
            for family in group.families(PARTS):
                yield from _with_covariate(group, cell, family, usable[cell])
    for reference in references:
        for cell, folds in usable.items():
            other = reference_cell(reference, cell, list(present))
            if other is not None and folds and usable[other]:
                pair = pair_of(group, cell, other, folds, usable[other])
                yield from _differences(group, cell, reference, pair, where=PARTS)
                if group.stratum == group.place.base.text and group.place.kind == "binary":
                    yield from _tested(group, cell, reference, *pair)


def _with_covariate(group: Group, cell: Cell, family: Family, folds: Folds) -> Iterable[Row]:
    """Levels; those that need the covariate are of the rows of which it is known what it adds."""
    if family.estimands[0].needs != "covariate":
        return level_rows(group, cell, family, folds, where=PARTS)
    if group.context.covariate is None:
        return []
    known = {seed: fold.with_covariate for seed, fold in folds.items()}
    known = _with_both_classes(group, cell, known, f"gain over {group.context.covariate}")
    return level_rows(group, cell, family, known, where=PARTS) if known else []


def _of_whole(group: Group) -> Iterator[Row]:
    """Of all rows at the largest label fractions: what rests on a grid, decisions, subgroups and sites."""
    place, judged = group.place, group.judged
    grid = threshold_grid(*judged.settings.thresholds)
    if place.full and place.kind == "binary":
        every = concatenate([fold for seeds in place.full.values() for fold in seeds.values()])
        once = every.take(np.unique(every.unit, return_index=True)[1])
        all_treated = place.draws.apply(once.patient, lambda w: treat_all_draws(once.label, w, thresholds=grid))
        for at, values in zip(grid, all_treated.T, strict=True):
            yield make_row(group, NO_ARM, ("net_benefit_treat_all", float(at)), values, [once])
    for cell, folds in place.full.items():
        on_grid = group
        if place.kind == "binary":
            scores = concatenate(list(folds.values())).score
            on_grid = replace(group, context=replace(group.context, grid=central_grid(scores)))
        for family in group.families(FULL):
            yield from level_rows(on_grid, cell, family, folds, where=FULL)
        for reference in judged.settings.references:
            other = reference_cell(reference, cell, list(place.full))
            if other is not None:
                pair = pair_of(group, cell, other, folds, place.full[other], note=False)
                yield from _differences(group, cell, reference, pair, where=FULL)
    if place.kind == "binary":
        for column, parts in judged.subgroups.items():
            masks = {f"{column}={part.text}": part.rows for part in parts}
            for cell, folds in place.full.items():
                yield from _levels_of(group, cell, masks, folds, SUBGROUPS)
        yield from _sites(group)


def _sites(group: Group) -> Iterator[Row]:
    column = group.judged.table["site"]
    for cell, folds in group.place.full.items():
        present = column.gather(np.concatenate([fold.row for fold in folds.values()]))
        if group.judged.several_sites and present.null_count():
            group.judged.notes.add("rows without a site do not enter the table of sites", group.name(cell))
        names = present.drop_nulls().unique().sort().to_list() if group.judged.several_sites else []
        masks = {name: (column == name).fill_null(False).to_numpy() for name in names}
        yield from _levels_of(group, cell, masks, folds, SITES)


def _levels_of(group: Group, cell: Cell, masks: dict[str, np.ndarray], folds: Folds, where: str) -> Iterator[Row]:
    """Levels within subgroups or sites; of those with few patients of a class neither counts nor values."""
    within = {name: kept for name, mask in masks.items() if (kept := restrict(folds, mask))}
    if where == SUBGROUPS and len(within) < 2:
        return
    for (name, kept), state in zip(within.items(), states_of(within), strict=True):
        at = replace(group, **{"subgroup" if where == SUBGROUPS else "site": name})
        if state != SUPPRESSED:
            for family in group.families(where):
                yield from level_rows(at, cell, family, kept, where=where, shown=state == SHOWN)
        elif where == SITES:
            why = "site left out, it has fewer than 10 patients, positives or negatives"
            group.judged.notes.add(why, f"{name}, {group.place.cohort}")
        else:
            names = [e.name for family in group.families(where) for e in family.estimands if at.wants(e, where)]
            hidden = make_row(at, cell, ("", None), np.zeros(1), [], interval=Interval(None, None, ""), shown=False)
            for e in names:
                yield {**hidden, "estimand": e, "value": None, "se": None, "seeds": None, "note": state}


def states_of(within: dict[str, Folds]) -> list[str]:
    """Whether each level is shown, shown without its counts, or suppressed."""
    each = [counts(folds.values()) for folds in within.values()]
    sizes = [(count["n_patients"], count["n_positive"], count["n"] - count["n_positive"]) for count in each]
    return suppress(np.array(sizes)) if sizes else []


def _differences(group: Group, cell: Cell, reference: str, pair: tuple[Folds, Folds], *, where: str) -> Iterator[Row]:
    """Paired differences of one cell from another, and the difference this cohort could have shown."""
    mine, theirs = pair
    if not mine:
        if where == PARTS:
            reason = f"difference from {reference} left out, no seed tests the same units"
            group.judged.notes.add(reason, group.name(cell))
        return
    for family in group.families(REFERENCE):
        left, right = (values_of(family, folds, group.context) for folds in (mine, theirs))
        for key in next(iter(left.values()), {}):
            estimand = family.find(key[0])
            if not (group.wants(estimand, REFERENCE) and group.wants(estimand, where)):
                continue
            apart = mean_of([left[seed][key] - right[seed][key] for seed in left])
            if np.isnan(apart[0]):
                continue
            row = make_row(group, cell, key, apart, list(mine.values()), contrast=MINUS_REFERENCE, reference=reference)
            yield row
            if key[0] in DETECTABLE and row["low"] is not None:
                value = detectable_difference(group.context.draws.error(apart))
                own: Row = {"estimand": f"{key[0]}_detectable_difference", "value": value, "method": DETECTED}
                yield {**row, **own, "low": None, "high": None, "se": None}


def _tested(group: Group, cell: Cell, reference: str, mine: Folds, theirs: Folds) -> Iterator[Row]:
    """The difference of AUROCs tested by DeLong, clustered by patient, averaged over seeds."""
    shared = list(mine.values())
    found = [areas(fold.label, np.stack([fold.score, theirs[seed].score]), fold.patient) for seed, fold in mine.items()]
    difference = mean_areas(found).contrast((1, -1)) if found else None
    if difference is None:
        why = "no seed tests the same units"
    elif np.isnan(difference.error) or carriers(shared, "auroc") < FEWEST:
        why = f"fewer than {FEWEST} patients have a unit of one class"
    elif difference.error < NO_ERROR:
        why = "its standard error is zero"
    else:
        level = group.judged.settings.level
        ends = Interval(*difference.interval(level=level), f"{level:.0%} {DELONG}")
        value = np.array([difference.value])
        row = make_row(
            group, cell, ("auroc", None), value, shared, contrast=MINUS_REFERENCE, reference=reference, interval=ends
        )
        yield {**row, "se": difference.error, "p": difference.p}
        return
    group.judged.notes.add(f"paired test against {reference} left out, {why}", group.name(cell))


def _with_families(rows: list[Row], family: tuple[str, ...]) -> list[Row]:
    """Rows that have a p-value with Holm's over their family."""
    unknown = [name for name in family if name not in FAMILY_COLUMNS]
    if unknown:
        raise InputError(f"family: '{unknown[0]}' is not one of {', '.join(FAMILY_COLUMNS)}.")
    members: dict[tuple[str | float | int | None, ...], list[int]] = {}
    for number, row in enumerate(rows):
        if row.get("p") is not None:
            members.setdefault(tuple(row[name] for name in family), []).append(number)
    for key, numbers in members.items():
        text = ", ".join(f"{name} {value}" for name, value in zip(family, key, strict=True)) or "all tests"
        adjusted = holm(np.array([rows[number]["p"] for number in numbers], dtype=np.float64))
        for number, p in zip(numbers, adjusted, strict=True):
            rows[number] = {**rows[number], "p_adjusted": float(p), "family": text}
    return rows


def _with_both_classes(group: Group, cell: Cell, folds: Folds, what: str = "the cell") -> Folds:
    both = {seed: fold for seed, fold in folds.items() if not fold.one_class()}
    if not both:
        labels = next(iter(folds.values())).label if folds else []
        label = labels[0] if len(labels) else "none"
        reason = f"{what} left out, its rows are all of one class"
        group.judged.notes.add(reason, f"{group.name(cell)} (each label is {label})")
    elif len(both) < len(folds):
        lost = len(folds) - len(both)
        reason = f"{what}: seeds left out, their rows are all of one class"
        group.judged.notes.add(reason, f"{group.name(cell)} ({lost})")
    return both


def _note_absent_classes(group: Group, cell: Cell, folds: Folds) -> None:
    for number in range(next(iter(folds.values())).classes.shape[1]):
        without = sum(not (fold.label == number).any() for fold in folds.values())
        if without:
            where = "" if without == len(folds) else f" in {without} of {len(folds)} seeds"
            reason = f"class {number} has no rows{where} and enters no average over classes"
            group.judged.notes.add(reason, group.name(cell))
