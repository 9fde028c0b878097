"""Sections in words become one HTML page: everything inline, nothing fetched, no script, every text escaped."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from semeia.errors import printable
from semeia.report.content import Section
from semeia.report.metrics import covariate_title
from semeia.report.numbers import count, number, percent, share
from semeia.report.plots.style import mark, of_page, swatch

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True)
class Page:
    """What stands on a page."""

    title: str  # the heading of the page, best the question it answers
    # in the order in which they are read; the list of sections stands after one called "answer"
    sections: list[Section]
    about: str = ""  # what the page is of, a word or two above the heading
    folded: frozenset[str] = frozenset()  # keys of the sections that are shown when opened
    remark: str = ""  # one sentence under the title that holds for everything below; may be empty
    sizes: list[str] = field(default_factory=list)  # how much data, a line each
    links: list[tuple[str, str]] = field(default_factory=list)  # pages beside this one, as (file, words)


def to_html(page: Page) -> str:
    """Return the page as text, the same for the same words."""
    return template("page.html.j2").render(page=page) + "\n"


def shown(value: object) -> object:
    """What a template puts out, with control characters of names and notes written out; markup of ours as it is."""
    return printable(value) if type(value) is str else value


def template(name: str) -> "Template":
    """Return a template of the house, which escapes every word that it is given."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("semeia.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {f.__name__: f for f in (swatch, mark, of_page, count, number, percent, share)}
    environment.filters["words"] = covariate_title
    return environment.get_template(name)
