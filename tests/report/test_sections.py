"""A section in words becomes HTML: everything it holds is there, escaped, under headings in order."""

import re
from pathlib import Path

import pytest

from run_folder import fabricate_evaluation
from semeia.report import page, write_report
from semeia.report.content import DataTable, Section, TitledTable
from semeia.report.run_folder import Run

HOSTILE = "<script>alert(1)</script>"


def example_section(run: Run) -> Section | None:
    table = DataTable(["Arm", HOSTILE], [["a", HOSTILE]])
    return Section(
        key="example",
        heading=f"Example {HOSTILE}",
        lead=f"Of {run.outcome} {HOSTILE}.",
        points=["One point.", HOSTILE],
        tables=[TitledTable("Open table", "A note.", table), TitledTable(HOSTILE, "", table, folded=True)],
    )


def absent_section(run: Run) -> Section | None:
    return None


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(page, "SECTIONS", (*page.SECTIONS, (absent_section, page.OPEN), (example_section, page.OPEN)))
    fabricate_evaluation(tmp_path)
    return write_report(tmp_path).read_text(encoding="utf-8")


def test_a_section_shows_what_it_holds(text: str):
    section = text[text.index('<section id="example"') :]
    section = section[: section.index("</section>")]

    assert re.findall(r"<h[2-4]", section) == ["<h2", "<h3"]
    for words in ("One point.", "Open table", "A note.", "<details", "<caption"):
        assert words in section
    assert section.index("Open table") < section.index("<details")


def test_a_section_is_listed_and_escaped(text: str):
    assert 'href="#example"' in text
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 8
