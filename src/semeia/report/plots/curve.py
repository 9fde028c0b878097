"""Draw lines with bands, whiskers and marks on two axes as an inline SVG: small, the same bytes each time.

Widths are in units of the viewBox (`PANEL`), chosen so that 10-unit text is still read on a phone 390 px wide.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from semeia.errors import printable
from semeia.report.plots.style import INK, MUTED, RULE, Style, of_page

Number = float | int
Values = Sequence[Number]
PANEL = 360
SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "semeia",
    # An arm called "$x" is a name, not a formula.
    "text.parse_math": False,
    # Otherwise every word names ten fonts; the page sets its own in any case.
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "path.simplify_threshold": 0.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


@dataclass(frozen=True)
class Drawing:
    """A drawing under its heading."""

    title: str
    svg: Markup


@dataclass(frozen=True)
class Line:
    """One line of a drawing."""

    x: Values  # its points
    y: Values
    style: Style  # hue, dash and marker
    low: Values = ()  # ends of the interval at each point; none where empty
    high: Values = ()
    whiskers: bool = False  # draw intervals as a stroke a point and mark the points; else as a band
    width: Number = 1.6  # of the line; 0 draws marks only
    hollow: bool = False  # leave marks unfilled


@dataclass(frozen=True)
class Axes:
    """What stands along the axes: labels and limits, and words in place of numbers.

    `diagonal` draws where both are equal, `level` is a horizontal line, `bare` leaves the numbers out.
    """

    x: str
    y: str
    xlim: tuple[Number, Number] | None = None
    ylim: tuple[Number, Number] | None = None
    ticks: list[str] = field(default_factory=list)
    whole: bool = False
    diagonal: bool = False
    level: Number | None = None
    bare: bool = False


def curve(lines: list[Line], axes: Axes, *, key: str, title: str, alt: str, height: Number = 0.8 * PANEL) -> Drawing:
    """Draw lines, the last on top; `alt` is what a reader who cannot see them is told.

    `key` is made part of every id inside, since several drawings share one page; `height` is in units of which `PANEL`
    are the width.
    """
    import matplotlib
    from matplotlib.figure import Figure

    # matplotlib types its keys as literals, which a plain dict of settings is not.
    with matplotlib.rc_context(SETTINGS):  # pyright: ignore[reportArgumentType]
        figure = Figure(figsize=(PANEL / 72, height / 72), layout="constrained")
        drawn = figure.add_subplot()
        if axes.diagonal:
            drawn.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        if axes.level is not None:
            drawn.axhline(axes.level, color=INK, linewidth=1.1, linestyle=":" if axes.level else "-")
        for at, line in enumerate(lines):
            colour, dash, marker = line.style.colour, line.style.line, line.style.marker
            if len(line.low) and line.whiskers:
                drawn.vlines(line.x, line.low, line.high, color=colour, linewidth=1.4, alpha=0.75)
            elif len(line.low):
                drawn.fill_between(line.x, line.low, line.high, color=colour, alpha=0.15, linewidth=0)
            if line.width:
                # Several lines are told apart by marks, which stand at other places of each.
                several = len(lines) > 1 and not line.whiskers
                some = {"marker": marker, "ms": 4, "markevery": (at / 30, 0.13)} if several else {}
                drawn.plot(line.x, line.y, color=colour, linestyle=dash, linewidth=line.width, **some)
            if line.whiskers or not line.width or len(line.x) == 1:
                face = "none" if line.hollow else colour
                size = 5.5 if line.whiskers else 3.6
                drawn.plot(line.x, line.y, linestyle="", marker=marker, ms=size, color=colour, markerfacecolor=face)
        drawn.set(xlabel=axes.x, ylabel=axes.y, xlim=axes.xlim, ylim=axes.ylim)
        if axes.ticks:
            drawn.set_xticks(range(len(axes.ticks)), axes.ticks)
        elif axes.bare:
            drawn.set(xticks=[], yticks=[])
        else:
            drawn.locator_params(axis="x", nbins=6, integer=axes.whole)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return Drawing(title, small_svg(buffer.getvalue(), key=key, alt=alt))


def small_svg(text: str, *, key: str, alt: str) -> Markup:
    """Return what matplotlib wrote as an element of a page: headless, in tenths of a unit, in the page's colours."""
    box = re.search(r'viewBox="([^"]+)"', text)
    if box is None:
        raise ValueError("matplotlib wrote an SVG without a viewBox")
    text = text[text.index(">", text.index("<svg")) + 1 :]
    text = re.sub(
        r"<metadata>.*?</metadata>|<!--.*?-->|<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL
    )
    # A tenth of a unit is finer than a pixel; what is written on the drawing keeps its digits.
    text = re.sub(r' (?:d|x|y|width|height|transform)="[^"]*"', lambda part: _rounded(part[0]), text)
    text = _own_ids(text.replace("xlink:href", "href"), key)
    # Tags of a drawing hold no words of a run: those stand between them, where every sign is an entity.
    text = re.sub(r"<[^>]*>", lambda tag: _coloured(tag[0]), text)
    text = re.sub(r"<g>\s*</g>|\n\s*", lambda part: "\n" if part[0].startswith("\n") else "", text)
    opening = f'<svg class="plot" role="img" aria-label="{escape(alt)}" viewBox="{box.group(1)}">'
    return Markup(printable(opening + re.sub(r"\n+", "\n", text).strip()))


def _rounded(attribute: str) -> str:
    return re.sub(r"-?\d+\.\d+", lambda n: f"{float(n[0]):.1f}".removesuffix(".0"), attribute).replace(" \n", " ")


def _coloured(tag: str) -> str:
    """Write a tag in colours of the page; size and family of words are the page's own."""
    tag = re.sub(r"(fill|stroke): ?(#[0-9a-fA-F]{6})", lambda found: f"{found[1]}:{of_page(found[2])}", tag)
    tag = re.sub(r"font-size: [\d.]+px; ?|font-family: '[^']*'; ?| transform=\"rotate\(-0 [^\"]*\"", "", tag)
    return re.sub(r"([:;]) ", r"\1", tag)


def _own_ids(text: str, key: str) -> str:
    """Drop the ids that nothing refers to and make the others this drawing's own."""
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))

    def renamed(found: re.Match[str]) -> str:
        return f' id="{key}-{found.group(1)}"' if found.group(1) in used else ""

    text = re.sub(r' id="([^"]*)"', renamed, text)
    return re.sub(r'(href="#|url\(#)([^")]+)', rf"\g<1>{key}-\g<2>", text)
