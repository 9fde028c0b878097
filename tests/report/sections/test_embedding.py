"""A map of embeddings goes into a run and comes back as a scatter a start, legible without colour."""

import json
from pathlib import Path

import numpy as np
import pytest

from descriptions import knee
from html_tree import parse
from semeia.errors import InputError
from semeia.report.content import Section
from semeia.report.html import Page, to_html
from semeia.report.page import SECTIONS
from semeia.report.run_folder import Run
from semeia.report.sections.embedding import (
    FILE,
    EmbeddingMap,
    Place,
    embedding_section,
    read_embedding,
    style_of_grade,
    write_embedding,
)


def embedding(*, outside: bool = True, n: int = 30) -> EmbeddingMap:
    rng = np.random.default_rng(0)
    starts = [
        Place(arm, shares, rng.normal(size=(n, 2))) for arm, shares in (("random", (0.4, 0.1)), ("mae", (0.256, 0.2)))
    ]
    labels = [place % 5 for place in range(n)]
    cohorts = ["external" if outside and place >= n // 2 else "internal" for place in range(n)]
    return EmbeddingMap(0, 90, labels, cohorts, starts)


def section_of(folder: Path) -> Section | None:
    return embedding_section(Run(folder, knee().record(), [], None, []))


def test_what_goes_in_comes_out(tmp_path: Path):
    given = embedding()
    write_embedding(tmp_path, given)
    found = read_embedding(tmp_path)
    assert found is not None
    assert (found.seed, found.fitted, found.labels, found.cohorts) == (0, 90, given.labels, given.cohorts)
    for one, other in zip(given.starts, found.starts, strict=True):
        assert (one.arm, one.shares) == (other.arm, other.shares)
        np.testing.assert_allclose(one.points, other.points, atol=5e-4)


def test_a_panel_a_start_with_its_shares(tmp_path: Path):
    write_embedding(tmp_path, embedding())
    section = section_of(tmp_path)
    assert section is not None
    (figure,) = section.figures
    assert [panel.title for panel in figure.panels] == ["Random weights", "Masked autoencoder"]
    assert "First component (26\u00a0%)" in figure.panels[1].svg
    assert "30 tested units on two components, 40\u00a0% and 10\u00a0% of the variance" in figure.panels[0].svg
    assert "hollow: other hospital" in figure.lead
    assert [item.label for item in figure.legend] == [f"Grade {grade}" for grade in range(5)]
    rows = figure.table.rows
    assert len(rows) == 2 * 5 * 2
    assert sum(int(row[5]) for row in rows if row[0] == "Random weights") == 30


def test_one_cohort_needs_no_word_on_cohorts(tmp_path: Path):
    write_embedding(tmp_path, embedding(outside=False))
    section = section_of(tmp_path)
    assert section is not None
    assert "hollow" not in section.figures[0].lead


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_grades_are_told_by_shape_and_darken_in_order():
    styles = [style_of_grade(grade) for grade in range(5)]
    assert len({style.marker for style in styles}) == 5
    shades = [luminance(style.colour) for style in styles]
    assert shades == sorted(shades, reverse=True)
    # Each is seen on white: 3 to 1, as WCAG asks of drawings.
    assert all(1.05 / (shade + 0.05) >= 3 for shade in shades)
    assert style_of_grade(9) == styles[-1]


def test_a_stray_unit_does_not_hide_the_others(tmp_path: Path):
    given = embedding(n=500)
    given.starts[0].points[0] = 1e6
    write_embedding(tmp_path, given)
    assert section_of(tmp_path) is not None


def test_no_file_no_section(tmp_path: Path):
    assert section_of(tmp_path) is None
    write_embedding(tmp_path, EmbeddingMap(0, 0, [], [], []))
    assert section_of(tmp_path) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: record | {"labels": record["labels"][:-1]},
        lambda record: record | {"cohorts": record["cohorts"][:-1]},
        lambda record: record | {"starts": [{"arm": "mae"}]},
        lambda record: record | {"labels": ["a"] * 30},
        lambda record: [record],
    ],
)
def test_a_spoilt_file_is_named(tmp_path: Path, spoil):
    write_embedding(tmp_path, embedding())
    (tmp_path / FILE).write_text(json.dumps(spoil(json.loads((tmp_path / FILE).read_text()))))
    with pytest.raises(InputError, match=r"embedding\.json: not readable"):
        read_embedding(tmp_path)


def test_it_stands_on_the_page(tmp_path: Path):
    assert embedding_section in [section for section, _ in SECTIONS]
    write_embedding(tmp_path, embedding())
    section = section_of(tmp_path)
    assert section is not None
    (tmp_path / "page.html").write_text(to_html(Page("Page", [section])), encoding="utf-8")
    tree = parse(tmp_path / "page.html")
    drawings = [tag for tag in tree.named("svg") if tag.attributes.get("role") == "img"]
    assert len(drawings) == 2
    assert all(tag.attributes["aria-label"] for tag in drawings)
