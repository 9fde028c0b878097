"""Style every figure alike: hue and marker say which arm it is, the dash how it met the labels.

Colours are those of Okabe and Ito, for colour-blind readers; marker and dash repeat what hue says, for black and white.
"""

from dataclasses import dataclass

from markupsafe import Markup

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#767676"
INK, MUTED, RULE = "#1D2328", "#5B646C", "#D5D9DC"
FOURTH, FIFTH = "#6C1D8E", "#1B1155"  # grades
# Colours that turn when the page is dark, by their name in style.css.
COLOURS = {BLACK: "ink", INK: "ink", MUTED: "muted", RULE: "rule", BLUE: "blue", FOURTH: "fourth", FIFTH: "fifth"}


@dataclass(frozen=True)
class Style:
    """How one arm is drawn: colour, line and marker by matplotlib's names."""

    colour: str
    line: str = "solid"
    marker: str = "o"


@dataclass(frozen=True)
class LegendItem:
    """One entry of the legend that stands under the panels as text of the page."""

    label: str
    style: Style


# Hues and markers of each part an arm may play; seven hues and nine markers repeat after 63 arms. The first of one part
# are no pair of another's: a run may hold models beside pretrained networks and networks from scratch.
HUES = {
    "pretrained": (BLUE, GREEN, ORANGE, PURPLE, SKY, BLACK, VERMILION),
    "scratch": (VERMILION,),
    "random": (GREY,),
    "model": (BLUE, VERMILION, GREEN, PURPLE, ORANGE, BLACK, SKY),
    "simple": (ORANGE,),
    "shortcut": (BLACK, GREY),
    "human": (PURPLE,),
}
MARKERS = {
    "pretrained": ("o", "s", "D", "v", "<", ">", "p", "h", "*"),
    "scratch": ("^", "X", "P"),
    "random": ("X", "D", "P"),
    "model": ("s", "D", "o", "^", "h", "v", "p", "<", ">"),
    "simple": ("P", "p", "h", "X"),
    "shortcut": ("v", "<", ">"),
    "human": ("*",),
}
LINES = {"frozen": "dashed", "probe_finetune": "dashdot"}
DOTTED = ("simple", "shortcut", "human")
# Grades in an order, darker with the grade.
GRADES = (
    Style("#C98500", "none", "o"),
    Style("#D9541E", "none", "s"),
    Style("#B12A6B", "none", "^"),
    Style(FOURTH, "none", "D"),
    Style(FIFTH, "none", "P"),
)


def style_of(role: str, mode: str, *, position: int) -> Style:
    """Style an arm by the part it plays, its place among those that play it, and its mode."""
    hues, markers = HUES[role], MARKERS[role]
    line = "dotted" if role in DOTTED else LINES.get(mode, "solid")
    return Style(hues[position % len(hues)], line, markers[position % len(markers)])


DASHES = {"solid": "", "dashed": "5 3", "dotted": "1.5 2.5", "dashdot": "6 2.5 1.5 2.5"}
# Outlines of matplotlib's markers in a box 8 wide around (0, 0).
OUTLINES = {
    "": "",
    "o": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "s": "M-3.5-3.5h7v7h-7z",
    "D": "M0-4.5L4.5 0 0 4.5-4.5 0z",
    "^": "M0-4.2L4.2 3.6h-8.4z",
    "v": "M0 4.2L4.2-3.6h-8.4z",
    "<": "M-4.2 0L3.6-4.2v8.4z",
    ">": "M4.2 0L-3.6-4.2v8.4z",
    "P": "M-1.4-4.2h2.8v2.8h2.8v2.8h-2.8v2.8h-2.8v-2.8h-2.8v-2.8h2.8z",
    "X": "M-4-2.2L-2.2-4 0-1.8 2.2-4 4-2.2 1.8 0 4 2.2 2.2 4 0 1.8-2.2 4-4 2.2-1.8 0z",
    "*": "M0-5l1.2 3.4 3.6.1-2.9 2.2 1 3.5L0 2.1l-2.9 2.1 1-3.5-2.9-2.2 3.6-.1z",
    "p": "M0-4.4L4.2-1.3 2.6 3.6h-5.2L-4.2-1.3z",
    "h": "M0-4.4L3.8-2.2v4.4L0 4.4-3.8 2.2v-4.4z",
}


def of_page(colour: str) -> str:
    """Return a colour as the page writes it: one that turns in the dark by its name."""
    name = COLOURS.get(colour.upper())
    return f"var(--{name})" if name else colour


def swatch(style: Style) -> Markup:
    """Draw the line, if any, and the marker of a legend entry, hidden from screen readers (its label says the name)."""
    line = Markup('<path d="M-16 0h32" fill="none" stroke="{0}" stroke-width="1.8" stroke-dasharray="{1}"/>')
    drawn = "" if style.line == "none" else line.format(of_page(style.colour), DASHES[style.line])
    return Markup(
        '<svg class="swatch" aria-hidden="true" width="{2}" height="12" viewBox="{3} -6 {2} 12">{0}{1}</svg>'
    ).format(drawn, mark(style), *((34, -17) if drawn else (12, -6)))


def mark(style: Style, at: str = "") -> Markup:
    """Draw a marker around (0, 0), or in a row of a forest at so many per cent of its width."""
    place = Markup(' x="{}" y="9"').format(at) if at else ""
    path = Markup('<path d="{}" fill="{}"/>').format(OUTLINES[style.marker], of_page(style.colour))
    return Markup('<svg class="mark" aria-hidden="true"{}>{}</svg>').format(place, path) if at else path
