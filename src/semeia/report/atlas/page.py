"""Write the atlas of signatures, one HTML page to browse: cards, bars and timelines in words.

Self-contained like the report. Its one script filters the cards as one types; the page is whole without it.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from semeia.archive.atomic import write_text
from semeia.report.content import DataTable
from semeia.report.html import template


@dataclass(frozen=True)
class Bar:
    """One channel of a signature."""

    name: str  # what people read
    kind: str  # condition, medication, measurement or demographic
    weight: float  # its entry of the mixing column, on the standardised scale
    share: float | None  # of the training sections that have it; None where it is too small to show


@dataclass(frozen=True)
class Track:
    """One line of a timeline: events as ticks, a curve, or both. Positions run from 0 (first event) to 1 (last)."""

    name: str  # what it is of
    ticks: list[float] = field(default_factory=list)  # positions of events
    # (position, height) of the curve, heights from 0 to 1
    line: list[tuple[float, float]] = field(default_factory=list)
    words: str = ""  # what the curve's lowest and highest value are, or how many events there are


@dataclass(frozen=True)
class Timeline:
    """A patient's record without a name or a date."""

    title: str
    span: str  # its length in words
    tracks: list[Track]  # top to bottom


@dataclass(frozen=True)
class Card:
    """One signature; `label` says in a few words what it raises most, `holds` which channels vary with it alone."""

    name: str
    label: str
    explained: float
    stability: float | None
    stability_low: float | None
    unstable: bool
    bars: list[Bar]
    timelines: list[Timeline] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)

    @property
    def largest(self) -> float:
        """Return the largest |weight| of its bars."""
        return max((abs(bar.weight) for bar in self.bars), default=0.0) or 1.0


@dataclass(frozen=True)
class Atlas:
    """The page."""

    title: str
    facts: list[tuple[str, str]]  # names and words of what was fitted on what
    remarks: list[str]  # sentences to read first, warnings among them
    cards: list[Card] = field(default_factory=list)  # in the order of the signatures; a page of one patient has none
    timelines: list[Timeline] = field(default_factory=list)  # whole records, with the signatures over time
    # how much of each site's records the signatures do not know; None where it was not asked
    sites: DataTable | None = None


def write_atlas(atlas: Atlas, path: Path) -> Path:
    """Write the page."""
    write_text(path, atlas_html(atlas))
    return path


def atlas_html(atlas: Atlas) -> str:
    """Return the page as text, every word escaped."""
    script = resources.files("semeia.report").joinpath("templates/atlas.js").read_text(encoding="utf-8")
    # The page may run this script and no other: the policy names its hash.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = template("atlas.html.j2")
    return page.render(atlas=atlas, script=script, digest=digest, points=polyline) + "\n"


def polyline(line: list[tuple[float, float]]) -> str:
    """Return a polyline in a box 100 wide and 20 high, upside up."""
    return " ".join(f"{100 * x:.2f},{19 - 18 * y:.2f}" for x, y in line)
