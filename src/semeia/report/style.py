"""One visual language for every figure: hue says how the arm was trained, the dash says what it sees. Of the many
starts of the knee study, hue and marker say which, the dash how it met the labels.

Colours are those of Okabe and Ito, which stay apart for colour-blind readers; dash and marker repeat what hue
says, so that a figure survives a black-and-white printer.
"""

from dataclasses import dataclass

from markupsafe import Markup

from semeia.report.names import IN_ORDER

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#767676"


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


PRETRAINED = {"finetune": (BLUE, "o"), "probe_finetune": (SKY, "D"), "frozen": (GREEN, "s")}
FIXED = {
    "random_encoder": Style(GREY, "dashdot", "X"),
    "diameter": Style(BLACK, "dotted", "v"),
    "z_extent": Style(GREY, "dotted", "<"),
    "scanner": Style(GREY, "dashed", ">"),
    "human_reader": Style(PURPLE, "dashdot", "*"),
    "reading_logistic": Style(ORANGE, "dotted", "P"),
    "reading_boosting": Style(ORANGE, "dashdot", "p"),
    "image_components": Style(ORANGE, "dashed", "h"),
    "picture_components": Style(BLACK, "dotted", "v"),
}
# Where weights come from, each with its own hue and marker; frozen encoders are dashed.
STARTS = {
    "random": (VERMILION, "^"),
    "imagenet": (BLACK, "P"),
    "simclr": (BLUE, "o"),
    "moco": (SKY, "p"),
    "byol": (ORANGE, "<"),
    "vicreg": (GREEN, "s"),
    "mae": (ORANGE, "D"),
    "mae_long": (VERMILION, "v"),
    "ijepa": (PURPLE, "*"),
    "clip": (GREEN, ">"),
    "convirt": (PURPLE, "s"),
    "slip": (BLACK, "D"),
    "simclr_oa": (SKY, "X"),
    "simclr_matched": (GREY, "h"),
}
# Grades in an order, darker with the grade.
GRADES = (
    Style("#C98500", "none", "o"),
    Style("#D9541E", "none", "s"),
    Style("#B12A6B", "none", "^"),
    Style("#6C1D8E", "none", "D"),
    Style("#1B1155", "none", "P"),
)
BY_MODE = {"frozen": "dashed", "probe_finetune": "dashdot"}
CYCLE = (
    Style(BLUE),
    Style(VERMILION, "dashed", "^"),
    Style(GREEN, "dashdot", "s"),
    Style(PURPLE, "dotted", "D"),
    Style(ORANGE, "solid", "v"),
    Style(BLACK, "dashed", "P"),
)


def style_of(arm: str, mode: str, *, role: str, family: str, position: int) -> Style:
    """The style of an arm; an arm of another study takes its place (`position`) in the cycle."""
    if arm in FIXED:
        return FIXED[arm]
    if arm.removesuffix(IN_ORDER) in STARTS:
        colour, marker = STARTS[arm.removesuffix(IN_ORDER)]
        return Style(colour, "dotted" if arm.endswith(IN_ORDER) else BY_MODE.get(mode, "solid"), marker)
    line = "dashed" if family == "image" else "solid"
    if role == "pretrained" and mode in PRETRAINED:
        colour, marker = PRETRAINED[mode]
        return Style(colour, line, marker)
    if role == "scratch":
        return Style(VERMILION, line, "^")
    return CYCLE[position % len(CYCLE)]


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


def swatch(style: Style) -> Markup:
    """The line, if any, and the marker of a legend entry, hidden from screen readers (its label says the name)."""
    line = Markup('<path d="M-16 0h32" fill="none" stroke="{0}" stroke-width="1.8" stroke-dasharray="{1}"/>')
    drawn = "" if style.line == "none" else line.format(style.colour, DASHES[style.line])
    return Markup(
        '<svg class="swatch" aria-hidden="true" width="{3}" height="12" viewBox="{4} -6 {3} 12">'
        '{1}<path d="{2}" fill="{0}"/></svg>'
    ).format(style.colour, drawn, OUTLINES[style.marker], *((34, -17) if drawn else (12, -6)))
