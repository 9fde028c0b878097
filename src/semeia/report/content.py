"""Hold what the page shows: sections of points, figures and tables, all in words.

A section is one file in sections/ with `def <name>_section(run: Run) -> Section | None` and one line in
`page.SECTIONS`; None leaves it out. The template `section.html.j2` turns it into HTML and escapes every word.
"""

from dataclasses import dataclass, field

from semeia.report.plots.curve import Drawing
from semeia.report.plots.forest import Forest
from semeia.report.plots.matrix import Matrix
from semeia.report.plots.style import LegendItem


@dataclass(frozen=True)
class DataTable:
    """A plain table of words: column names and rows."""

    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Figure:
    """Panels side by side and one legend.

    Attributes:
        key: made part of its id.
        title: heading.
        lead: what to look at, one or two sentences.
        panels: forests and matrices carry their numbers; drawings have them in `table`.
        table: the numbers of what is drawn.
        legend: of the arms in it.
    """

    key: str
    title: str
    lead: str
    panels: list[Drawing | Forest | Matrix]
    table: DataTable | None = None
    legend: list[LegendItem] = field(default_factory=list)


@dataclass(frozen=True)
class TitledTable:
    """A table under its heading.

    Attributes:
        title: heading, and the caption that a screen reader says.
        note: one or two sentences on how to read it; may be empty.
        table: the words.
        folded: shown only when opened (always in print).
    """

    title: str
    note: str
    table: DataTable
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """One section of the page, top to bottom.

    Attributes:
        key: its id in the page: lower case letters, digits and dashes, a letter first.
        heading: a few plain words, also shown in the list of sections.
        lead: the short answer, one or two sentences; may be empty.
        points: what else to know, a sentence or two each.
        figures: drawings with their numbers.
        tables: tables under their headings, after the figures.
        own: what only this section has, after the lead; the macro of the section's key in `own.html.j2` shows it.
        files: of the run folder, that hold every row of what is shown here.
    """

    key: str
    heading: str
    lead: str = ""
    points: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    tables: list[TitledTable] = field(default_factory=list)
    own: object = None
    files: tuple[str, ...] = ()
