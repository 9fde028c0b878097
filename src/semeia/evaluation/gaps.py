"""What is lost away from home: gaps between cohorts, and of two arms' gaps, as rows of the tidy table."""

from collections.abc import Iterator

from semeia.evaluation.cells import Cell
from semeia.evaluation.contrasts import Folds, gap_draws, paired, reference_cell
from semeia.evaluation.estimands import HOME, REFERENCE, Family
from semeia.evaluation.judged import Place
from semeia.evaluation.measured import Context, Key, Values
from semeia.evaluation.rows import GAP_MINUS_GAP, MINUS_HOME, Group, Row, make_row, mean_of, values_of
from semeia.evaluation.shapes import Rows
from semeia.evaluation.tables.across_seeds import mostly_defined
from semeia.evaluation.uncertainty import carriers, interval_of, interval_of_draws


def pair_of(group: Group, cell: Cell, other: Cell, one: Folds, two: Folds, *, note: bool = True) -> tuple[Folds, Folds]:
    """Cut the folds of two arms down to the units both predicted; note where that leaves units out."""
    mine, theirs = paired(one, two)
    one_class = {seed for seed, fold in mine.items() if fold.one_class()} if note else set()
    changed = any(len(mine[seed].unit) < max(len(one[seed].unit), len(two[seed].unit)) for seed in mine)
    if changed and note:
        group.judged.notes.add(f"difference from {other.arm} taken on the units both predicted", group.name(cell))
    kept = [{seed: fold for seed, fold in folds.items() if seed not in one_class} for folds in (mine, theirs)]
    return kept[0], kept[1]


def away_from_home(places: list[Place], groups: dict[str, Group]) -> Iterator[Row]:
    """Gaps between the home cohort and each other, and of two arms' gaps."""
    home = next((place for place in places if place.inside), None)
    others = [place for place in places if place is not home]
    judged = groups[places[0].cohort].judged
    if home is None:
        if places[0].kind != "classes":
            reason = "transport left out, no cohort is named 'internal' to start from"
            judged.notes.add(reason, places[0].outcome)
        return
    for place in others:
        at = (groups[home.cohort], groups[place.cohort])
        for cell in [cell for cell in place.full if cell in home.full]:
            yield from _gaps(at, cell, [group.place.full[cell] for group in at])
            for reference in judged.settings.references:
                other = reference_cell(reference, cell, [c for c in place.full if c in home.full])
                if other is not None:
                    pairs = [pair_of(g, cell, other, g.place.full[cell], g.place.full[other]) for g in at]
                    if all(mine for mine, _ in pairs):
                        mine, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
                        yield from _gaps(at, cell, mine, less=theirs, reference=reference)


def _gaps(
    at: tuple[Group, Group], cell: Cell, folds: list[Folds], *, less: list[Folds] | None = None, reference: str = ""
) -> Iterator[Row]:
    """Rows of the gaps of one cell, or of what they are more than those of its reference."""
    for family in at[0].families(HOME):
        inside, outside = (_means(family, one, group.context) for one, group in zip(folds, at, strict=True))
        if less is not None:
            below = [_means(family, one, group.context) for one, group in zip(less, at, strict=True)]
            inside, outside = (
                {key: known[key] - other[key] for key in known if key in other}
                for known, other in zip((inside, outside), below, strict=True)
            )
        for key in [key for key in inside if key in outside]:
            estimand = family.find(key[0])
            if at[1].wants(estimand, HOME) and (less is None or at[1].wants(estimand, REFERENCE)):
                yield from _gap_row(at, cell, key, (inside[key], outside[key]), reference, bool(less))


def _gap_row(
    at: tuple[Group, Group], cell: Cell, key: Key, values: tuple[Rows, Rows], reference: str, of_gaps: bool
) -> Iterator[Row]:
    home, group = at
    draws, notes = group.context.draws, group.judged.notes
    if not all(mostly_defined(one, each.context.draws) for one, each in zip(values, at, strict=True)):
        notes.add(f"gap of {key[0]} left out, it is undefined in one of the cohorts", group.name(cell))
        return
    gap = gap_draws(*values, number=draws.number)
    patients = min(carriers(each.place.full[cell].values(), key[0]) for each in at)
    ends = [
        interval_of(each.context.draws, one, each.place.full[cell].values(), key[0], difference=of_gaps)
        for one, each in zip(values, at, strict=True)
    ]
    interval = interval_of_draws(draws, gap, patients=patients)
    why = next((end.why_none for end in (*ends, interval) if end.why_none), "")
    if not why and not all(end.method == draws.words for end in ends):
        why = "it does not vary in one cohort"
    if why:
        notes.add(f"gap of {key[0]} left out, no interval: {why.removeprefix('none: ')}", group.name(cell))
        return
    contrast, there = GAP_MINUS_GAP if of_gaps else MINUS_HOME, list(group.place.full[cell].values())
    row = make_row(group, cell, key, gap, there, contrast=contrast, reference=reference, interval=interval)
    yield {**row, "home": home.place.cohort}


def _means(family: Family, folds: Folds, context: Context) -> Values:
    if family.estimands[0].needs == "covariate":
        folds = {seed: fold for seed, fold in folds.items() if not fold.with_covariate.one_class()}
    every = values_of(family, folds, context)
    keys = next(iter(every.values()), {})
    return {key: mean_of([values[key] for values in every.values()]) for key in keys}
