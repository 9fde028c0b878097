"""Draw a matplotlib figure as an inline SVG: small, the same bytes each time, text kept as text, nothing fetched.

Widths are in units of the viewBox (`PANEL`), chosen so that 10-unit text is still read on a phone 390 px
wide.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from semeia.errors import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL = 360
INK, MUTED, RULE = "#1d2328", "#5b646c", "#d5d9dc"

SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "semeia",
    # An arm called "$x" is a name, not a formula.
    "text.parse_math": False,
    # Otherwise every word names ten fonts; the page sets its own in any case.
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.labelsize": 10.5,
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
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


@contextmanager
def drawing(height: float | int, *, width: float | int = PANEL) -> Iterator["Figure"]:
    """Draw a figure of the given size; draw and call `to_svg` inside the block, where the house settings hold."""
    import matplotlib
    from matplotlib.figure import Figure

    # matplotlib types its keys as literals, which a plain dict of settings is not.
    with matplotlib.rc_context(SETTINGS):  # pyright: ignore[reportArgumentType]
        yield Figure(figsize=(width / 72, height / 72), layout="constrained")


def fitting(words: str, most: int = 60) -> str:
    """Return words cut to what fits a panel; whole, they stand in the text read out and in the table of the figure."""
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}\u2026"


def to_svg(figure: "Figure", *, name: str, alt: str) -> Markup:
    """Return the figure as an SVG element to be placed inside a page.

    Args:
        figure: what was drawn.
        name: made part of every id inside, since several figures share one page.
        alt: what a reader who cannot see it is told.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    # matplotlib's own rule would apply to the whole page.
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    # A hundredth of a unit is finer than any screen; what is written on the drawing keeps its digits.
    text = re.sub(r' (?:d|x|y|transform)="[^"]*"', lambda found: re.sub(r"(\.\d\d)\d+", r"\1", found[0]), text)
    text = _own_ids(text.replace("xlink:href", "href"), name)
    box = re.search(r'viewBox="([^"]+)"', text)
    if box is None:
        raise ValueError("matplotlib wrote an SVG without a viewBox")
    opening = f'<svg class="plot" role="img" aria-label="{escape(alt)}" viewBox="{box.group(1)}">'
    text = opening + text[text.index(">") + 1 :]
    return Markup(printable(re.sub(r"\n\s*", "\n", text).strip()))


def _own_ids(text: str, name: str) -> str:
    """Drop the ids that nothing refers to and make the others this figure's own."""
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))

    def renamed(found: re.Match[str]) -> str:
        return f' id="{name}-{found.group(1)}"' if found.group(1) in used else ""

    text = re.sub(r' id="([^"]*)"', renamed, text)
    return re.sub(r'(href="#|url\(#)([^")]+)', rf"\g<1>{name}-\g<2>", text)
