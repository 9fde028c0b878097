"""Draw AUROC by label fraction, a panel for each family of arms and cohort."""

from semeia.report.content import DataTable, Figure, Section
from semeia.report.estimates import Estimate, cohorts_of, full_labels, pairs_of
from semeia.report.names import MODES, Names, Pair
from semeia.report.numbers import estimate, percent
from semeia.report.plots.curve import Axes, Drawing, Line, curve
from semeia.report.run_folder import Run

MOST_LINES = 6
# Networks first; a baseline given several label fractions is in the table behind the figure.
DRAWN = ("pretrained", "scratch", "random", "model")


def fraction_section(run: Run) -> Section | None:
    """Show how the arms fare with fewer labels."""
    figure = fraction_figure(run)
    lead = "Where the lines part at the left, a start is worth labels; where intervals overlap, that is not shown."
    return figure and Section("labels", "With fewer labels", lead, figures=[figure], files=("results.csv",))


def fraction_figure(run: Run) -> Figure | None:
    """Draw the figure; None when no arm was given more than one label fraction."""
    names, levels = run.names, run.find(run.metric)
    several = [pair for pair in names.in_order(pairs_of(levels)) if len(_fractions(_of(levels, pair))) > 1]
    arms = [pair for pair in several if names.about(pair[0]).role in DRAWN] or several
    if not arms:
        return None
    shown = [e for e in levels if (e.arm, e.mode) in arms]
    ends = [x for e in shown for x in (e.value, e.low, e.high) if x is not None]
    limits = (min(ends) - 0.02, max(ends) + 0.02)
    yardstick = next(iter(names.description.yardsticks), "")
    panels, parts = [], _parts(arms, names)
    for words, members in parts:
        for cohort in cohorts_of(shown):
            rows = [e for e in shown if e.cohort == cohort and (e.arm, e.mode) in members]
            mark = [e.value for e in full_labels(levels) if e.cohort == cohort and e.arm == yardstick]
            title = names.cohort(cohort) + (f", {words}" if words else "")
            panels.append(_draw(rows, members, mark, names, limits, title, f"fractions{len(panels)}"))
    lead = "AUROC with its 95\u00a0% interval against the share of the labelled training patients that was used."
    lead += f" The dotted line is {names.arm(yardstick)}." if any(e.arm == yardstick for e in levels) else ""
    # Panels that say how the labels were met need one mark an arm only.
    apart = len(parts) > 1 and parts[0][0] in MODES.values()
    first = dict(reversed(arms))
    entries = [(arm, first[arm]) for arm in dict.fromkeys(arm for arm, _ in arms)] if apart else arms
    legend = names.legend(entries, modes=not apart)
    return Figure("fractions", "AUROC by label fraction", lead, panels, _table(names, shown), legend)


def _table(names: Names, rows: list[Estimate]) -> DataTable:
    """The numbers, a column a share of the labels."""
    fractions = _fractions(rows)
    at = {(e.cohort, e.arm, e.mode, e.fraction): estimate(e.value, e.low, e.high) for e in rows}
    lines = list(dict.fromkeys((e.cohort, e.arm, e.mode) for e in rows))
    cells = [[names.cohort(c), names.arm(a, m), *(at.get((c, a, m, f), "") for f in fractions)] for c, a, m in lines]
    return DataTable(["Cohort", "Arm", *(f"{percent(f)} of the labels" for f in fractions)], cells)


def _parts(arms: list[Pair], names: Names) -> list[tuple[str, list[Pair]]]:
    """What stands in one panel: the arms of an input; or, where there are too many lines, those of a mode."""
    families = [family for family in dict.fromkeys(names.about(arm).family for arm, _ in arms) if family]
    if len(families) > 1:
        # An arm of no family is a yardstick for all of them.
        return [(family, [pair for pair in arms if names.about(pair[0]).family in (family, "")]) for family in families]
    modes = [mode for mode in dict.fromkeys(mode for _, mode in arms) if MODES.get(mode)]
    if len(arms) <= MOST_LINES or len(modes) < 2:
        return [("", arms)]
    return [(MODES[mode], [pair for pair in arms if pair[1] == mode or not MODES.get(pair[1])]) for mode in modes]


def _of(levels: list[Estimate], pair: Pair) -> list[Estimate]:
    return [e for e in levels if (e.arm, e.mode) == pair]


def _fractions(rows: list[Estimate]) -> list[float]:
    return sorted({e.fraction for e in rows})


def _draw(
    rows: list[Estimate],
    members: list[Pair],
    mark: list[float],
    names: Names,
    limits: tuple[float, float],
    title: str,
    key: str,
) -> Drawing:
    fractions = _fractions(rows)
    said = [f"{names.arm(e.arm, e.mode)} at {percent(e.fraction)}: {estimate(e.value, e.low, e.high)}" for e in rows]
    present = [pair for pair in members if _of(rows, pair)]
    apart = min(0.11, 0.8 / max(len(present), 1))
    lines = []
    for index, pair in enumerate(present):
        points = sorted(_of(rows, pair), key=lambda e: e.fraction)
        # Places are even and the arms stand side by side: intervals on top of each other cannot be read.
        x = [fractions.index(e.fraction) + apart * (index - (len(present) - 1) / 2) for e in points]
        ends = [(e.value if e.low is None else e.low, e.value if e.high is None else e.high) for e in points]
        low, high = ([end[side] for end in ends] for side in (0, 1))
        lines.append(Line(x, [e.value for e in points], names.style(*pair), low, high, whiskers=True, width=1.2))
    ticks, level = [percent(f) for f in fractions], mark[0] if mark else None
    axes = Axes("Share of the labels", "AUROC", (-0.5, len(fractions) - 0.5), limits, ticks, level=level)
    return curve(lines, axes, key=key, title=title, alt=f"AUROC by label fraction, {title}. {'; '.join(said)}")
