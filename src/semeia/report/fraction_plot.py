"""AUROC by label fraction: one panel for each kind of input and cohort, pretrained arms beside the others."""

from markupsafe import Markup

from semeia.report.estimates import Estimate, arms_of, cohorts_of, find, headline_metric
from semeia.report.figures import Figure, Palette, Panel
from semeia.report.interval_plot import estimates_table
from semeia.report.names import MODES, arm_title, cohort_title
from semeia.report.numbers import estimate, percent
from semeia.report.run_folder import Run
from semeia.report.sections import Section
from semeia.report.style import LegendItem
from semeia.report.svg import PANEL, drawing, to_svg

FAMILIES = {"multimodal": "multimodal", "image": "image only", "": ""}
MOST_LINES = 6
# Networks first; a baseline given several label fractions is in the table behind the figure.
DRAWN = ("pretrained", "scratch", "random", "other")


def fraction_section(run: Run, palette: Palette, *, outcome: str) -> Section | None:
    """How the arms fare with fewer labels."""
    figure = fraction_figure(run.estimates, palette, outcome=outcome)
    return figure and Section("labels", "With fewer labels", figures=[figure])


def fraction_figure(estimates: list[Estimate], palette: Palette, *, outcome: str) -> Figure | None:
    """The figure; None when no arm was given more than one label fraction."""
    levels = find(estimates, metric=headline_metric(estimates, outcome=outcome), outcome=outcome)
    several = [pair for pair in arms_of(levels, palette.pretrained) if len(_fractions(_of(levels, pair))) > 1]
    arms = [pair for pair in several if palette.arm(pair[0]).role in DRAWN] or several
    if not arms:
        return None
    shown = [e for e in levels if (e.arm, e.mode) in arms]
    ends = [x for e in shown for x in (e.value, e.low, e.high) if x is not None]
    limits = (min(ends) - 0.02, max(ends) + 0.02)
    panels = []
    parts = _parts(arms, palette)
    for words, members in parts:
        for cohort in cohorts_of(shown):
            rows = [e for e in shown if e.cohort == cohort and (e.arm, e.mode) in members]
            title = cohort_title(cohort) + (f", {words}" if words else "")
            mark = [e for e in levels if e.cohort == cohort and e.arm == "diameter" and e.fraction == 1.0]
            name = f"fractions{len(panels)}"
            panels.append(Panel(title, _draw(rows, members, mark, palette, limits=limits, title=title, name=name)))
    lead = (
        "AUROC with its 95\u00a0% interval against the share of the labelled training patients that was "
        "used; each smaller share is part of the next."
    )
    lead += " The dotted line is the diameter alone." if any(e.arm == "diameter" for e in levels) else ""
    table = estimates_table([e for e in levels if (e.arm, e.mode) in several])
    # Panels that say how the labels were met need one mark an arm only.
    apart = len(parts) > 1 and parts[0][0] not in FAMILIES.values()
    first: dict[str, str] = {}
    for arm, mode in arms:
        first.setdefault(arm, mode)
    once = [LegendItem(arm_title(arm, "none"), palette.style(arm, mode)) for arm, mode in first.items()]
    return Figure("fractions", "AUROC by label fraction", lead, panels, table, once if apart else palette.legend(arms))


def _parts(arms: list[tuple[str, str]], palette: Palette) -> list[tuple[str, list[tuple[str, str]]]]:
    """What stands in one panel: the arms of an input; or, where there are too many lines, those of a mode."""
    # An arm of no family (the random encoder) is a yardstick for all of them.
    families = [f for f in FAMILIES if f and any(palette.arm(arm).family == f for arm, _ in arms)]
    if families:
        return [
            (FAMILIES[family], [pair for pair in arms if palette.arm(pair[0]).family in (family, "")])
            for family in families
        ]
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
    palette: Palette,
    *,
    limits: tuple[float, float],
    title: str,
    name: str,
) -> Markup:
    fractions = _fractions(rows)
    words = "; ".join(
        f"{arm_title(e.arm, e.mode)} at {percent(e.fraction)}: {estimate(e.value, e.low, e.high)}" for e in rows
    )
    with drawing(PANEL * 0.8) as figure:
        axes = figure.add_subplot()
        for e in mark:
            axes.axhline(e.value, color="black", linewidth=1.1, linestyle=":")
        present = [pair for pair in members if _of(rows, pair)]
        apart = min(0.11, 0.8 / max(len(present), 1))
        for index, pair in enumerate(present):
            style, points = palette.style(*pair), sorted(_of(rows, pair), key=lambda e: e.fraction)
            # Places are even and the arms stand side by side: intervals on top of each other cannot be read.
            x = [fractions.index(e.fraction) + apart * (index - (len(present) - 1) / 2) for e in points]
            axes.plot(x, [e.value for e in points], color=style.colour, linestyle=style.line, linewidth=1.2)
            axes.plot(
                x,
                [e.value for e in points],
                color=style.colour,
                marker=style.marker,
                markersize=5.5,
                linestyle="",
            )
            for at, e in zip(x, points, strict=True):
                if e.low is not None and e.high is not None:
                    axes.plot([at, at], [e.low, e.high], color=style.colour, linewidth=1.4, alpha=0.75)
        axes.set_xticks(range(len(fractions)), [percent(f) for f in fractions])
        axes.grid(axis="x", visible=False)
        axes.set(ylim=limits, xlabel="Share of the labels", ylabel="AUROC", xlim=(-0.5, len(fractions) - 0.5))
        return to_svg(figure, name=name, alt=f"AUROC by label fraction, {title}. {words}")
