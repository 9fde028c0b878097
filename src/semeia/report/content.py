"""Hold what the page shows: sections of points, figures and tables, all in words; templates escape every word."""

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
    """Panels side by side and one legend."""

    key: str  # made part of its id
    title: str
    lead: str  # what to look at, one or two sentences
    panels: list[Drawing | Forest | Matrix]  # forests and matrices carry their numbers; drawings have them in `table`
    table: DataTable | None = None  # the numbers of what is drawn
    legend: list[LegendItem] = field(default_factory=list)  # of the arms in it


@dataclass(frozen=True)
class TitledTable:
    """A table under its heading."""

    title: str  # heading, and the caption that a screen reader says
    note: str  # one or two sentences on how to read it; may be empty
    table: DataTable  # the words
    folded: bool = False  # shown only when opened (always in print)


@dataclass(frozen=True)
class Section:
    """One section of the page, top to bottom."""

    key: str  # its id in the page: lower case letters, digits and dashes, a letter first
    heading: str  # a few plain words, also shown in the list of sections
    lead: str = ""  # the short answer, one or two sentences; may be empty
    points: list[str] = field(default_factory=list)  # what else to know, a sentence or two each
    figures: list[Figure] = field(default_factory=list)  # drawings with their numbers
    tables: list[TitledTable] = field(default_factory=list)  # tables under their headings, after the figures
    # what only this section has, after the lead; the macro of the section's key in `own.html.j2` shows it
    own: object = None
    files: tuple[str, ...] = ()  # of the run folder, that hold every row of what is shown here
