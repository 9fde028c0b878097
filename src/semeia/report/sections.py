"""What a section of the page is: a short answer first, then points, figures and tables in words.

A section is one file with `def <name>_section(run, palette, *, outcome) -> Section | None` and one line in
`page.SECTIONS`; None leaves it out. The template `section.html.j2` turns it into HTML and escapes every word.
"""

from dataclasses import dataclass, field

from semeia.report.figures import DataTable, Figure


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
    """

    key: str
    heading: str
    lead: str = ""
    points: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    tables: list[TitledTable] = field(default_factory=list)
    own: object = None
