"""Draw AUROC by label fraction, a panel for each family of arms and cohort."""

from markupsafe import Markup

from semeia.report.content import Figure, Panel, Section
from semeia.report.estimates import Estimate, cohorts_of, find, full_labels, headline_metric, pairs_of
from semeia.report.names import MODES, Names
from semeia.report.numbers import estimate, percent
from semeia.report.plots.intervals import estimates_table
from semeia.report.plots.style import LegendItem
from semeia.report.plots.svg import PANEL, drawing, to_svg
from semeia.report.run_folder import Run

MOST_LINES = 6
# Networks first; a baseline given several label fractions is in the table behind the figure.
DRAWN = ("pretrained", "scratch", "random", "model")


def fraction_section(run: Run) -> Section | None:
    """Show how the arms fare with fewer labels."""
    names = run.names
    figure = fraction_figure(run.estimates, names, outcome=run.outcome)
    return figure and Section("labels", "With fewer labels", figures=[figure])


def fraction_figure(estimates: list[Estimate], names: Names, *, outcome: str) -> Figure | None:
    """Draw the figure; None when no arm was given more than one label fraction."""
    levels = find(estimates, metric=headline_metric(estimates, outcome=outcome), outcome=outcome)
    several = [pair for pair in names.in_order(pairs_of(levels)) if len(_fractions(_of(levels, pair))) > 1]
    arms = [pair for pair in several if names.about(pair[0]).role in DRAWN] or several
    if not arms:
        return None
    shown = [e for e in levels if (e.arm, e.mode) in arms]
    ends = [x for e in shown for x in (e.value, e.low, e.high) if x is not None]
    limits = (min(ends) - 0.02, max(ends) + 0.02)
    panels = []
    yardstick = next(iter(names.description.yardsticks), "")
    parts = _parts(arms, names)
    for words, members in parts:
        for cohort in cohorts_of(shown):
            rows = [e for e in shown if e.cohort == cohort and (e.arm, e.mode) in members]
            title = names.cohort(cohort) + (f", {words}" if words else "")
            mark = [e for e in full_labels(levels) if e.cohort == cohort and e.arm == yardstick]
            name = f"fractions{len(panels)}"
            panels.append(Panel(title, _draw(rows, members, mark, names, limits=limits, title=title, name=name)))
    lead = "AUROC with its 95\u00a0% interval against the share of the labelled training patients that was used."
    drawn_mark = any(e.arm == yardstick for e in levels)
    lead += f" The dotted line is {names.arm(yardstick)}." if drawn_mark else ""
    table = estimates_table(names, [e for e in levels if (e.arm, e.mode) in several])
    # Panels that say how the labels were met need one mark an arm only.
    apart = len(parts) > 1 and parts[0][0] in MODES.values()
    first: dict[str, str] = {}
    for arm, mode in arms:
        first.setdefault(arm, mode)
    once = [LegendItem(names.arm(arm, "none"), names.style(arm, mode)) for arm, mode in first.items()]
    return Figure("fractions", "AUROC by label fraction", lead, panels, table, once if apart else names.legend(arms))


def _parts(arms: list[tuple[str, str]], names: Names) -> list[tuple[str, list[tuple[str, str]]]]:
    """What stands in one panel: the arms of an input; or, where there are too many lines, those of a mode."""
    families = [family for family in dict.fromkeys(names.about(arm).family for arm, _ in arms) if family]
    if len(families) > 1:
        # An arm of no family is a yardstick for all of them.
        return [(family, [pair for pair in arms if names.about(pair[0]).family in (family, "")]) for family in families]
    modes = [mode for mode in dict.fromkeys(mode for _, mode in arms) if MODES.get(mode)]
    if len(arms) <= MOST_LINES or len(modes) < 2:
        return [("", arms)]
    return [(MODES[mode], [pair for pair in arms if pair[1] == mode or not MODES.get(pair[1])]) for mode in modes]


def _of(levels: list[Estimate], pair: tuple[str, str]) -> list[Estimate]:
    return [e for e in levels if (e.arm, e.mode) == pair]


def _fractions(rows: list[Estimate]) -> list[float]:
    return sorted({e.fraction for e in rows})


def _draw(
    rows: list[Estimate],
    members: list[tuple[str, str]],
    mark: list[Estimate],
    names: Names,
    *,
    limits: tuple[float, float],
    title: str,
    name: str,
) -> Markup:
    fractions = _fractions(rows)
    words = "; ".join(
        f"{names.arm(e.arm, e.mode)} at {percent(e.fraction)}: {estimate(e.value, e.low, e.high)}" for e in rows
    )
    with drawing(PANEL * 0.8) as figure:
        axes = figure.add_subplot()
        for e in mark:
            axes.axhline(e.value, color="black", linewidth=1.1, linestyle=":")
        present = [pair for pair in members if _of(rows, pair)]
        apart = min(0.11, 0.8 / max(len(present), 1))
        for index, pair in enumerate(present):
            style, points = names.style(*pair), sorted(_of(rows, pair), key=lambda e: e.fraction)
            # Places are even and the arms stand side by side: intervals on top of each other cannot be read.
            x = [fractions.index(e.fraction) + apart * (index - (len(present) - 1) / 2) for e in points]
            axes.plot(x, [e.value for e in points], color=style.colour, linestyle=style.line, linewidth=1.2)
            axes.plot(
                x, [e.value for e in points], color=style.colour, marker=style.marker, markersize=5.5, linestyle=""
            )
            for at, e in zip(x, points, strict=True):
                if e.low is not None and e.high is not None:
                    axes.plot([at, at], [e.low, e.high], color=style.colour, linewidth=1.4, alpha=0.75)
        axes.set_xticks(range(len(fractions)), [percent(f) for f in fractions])
        axes.grid(axis="x", visible=False)
        axes.set(ylim=limits, xlabel="Share of the labels", ylabel="AUROC", xlim=(-0.5, len(fractions) - 0.5))
        return to_svg(figure, name=name, alt=f"AUROC by label fraction, {title}. {words}")
