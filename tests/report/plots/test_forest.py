"""A forest is a table: every row has its words, a place on the axis, and stays inside the frame."""

import pytest

from semeia.report.content import Figure, Section
from semeia.report.html import Page, to_html
from semeia.report.plots.forest import Forest, ForestRow, forest_limits
from semeia.report.plots.style import Style

STYLE = Style("#0072B2")
ROWS = [
    ForestRow("Internal", "0.90 (0.80 to 0.95)", 0.9, (0.8, 0.95), STYLE, "A model"),
    ForestRow("<b>site</b> $x", "suppressed: fewer than 10", None, (None, None), STYLE, "A model"),
    ForestRow("Mean", "0.85 (0.7 to 0.9)", 0.85, (0.7, 0.9), STYLE, "All", (0.1, 0.99)),
]


def html(**given: object) -> str:
    limits = {"limits": forest_limits(ROWS, None)} | given
    forest = Forest("Panel", ROWS, "AUROC", **limits)  # pyright: ignore[reportArgumentType]
    return to_html(Page("Page", [Section("s", "S", figures=[Figure("f", "Title", "Look.", [forest])])]))


def test_every_row_has_its_words_beside_it():
    text = html()
    table = text[text.index('<table class="forest') : text.index("</table>")]
    assert "<caption>Panel</caption>" in table
    assert table.count('scope="row"') == 3
    assert table.count('scope="rowgroup"') == 2
    assert table.count("A model") == 1
    assert "suppressed: fewer than 10" in table
    assert "&lt;b&gt;site&lt;/b&gt; $x" in table
    assert table.count('class="mark"') == 2
    assert table.count("stroke-width=") == 3  # two intervals and a wide one


def test_long_names_have_a_wide_column_and_stand_whole_in_a_tooltip():
    name = "<b>a model</b> of a very long name"
    forest = Forest("Panel", [*ROWS, ForestRow(name, "", 0.5, (None, None), STYLE)], "AUROC")
    text = to_html(Page("Page", [Section("s", "S", figures=[Figure("f", "Title", "Look.", [forest])])]))
    assert '<table class="forest long">' in text
    escaped = "&lt;b&gt;a model&lt;/b&gt; of a very long name"
    assert f'title="{escaped}"><span class="name">{escaped}</span>' in text
    assert '<table class="forest">' in html()
    assert "title=" not in html()


def test_what_leaves_the_frame_ends_at_it_and_has_no_mark():
    forest = Forest("", ROWS, "", limits=(0.87, 1.0))
    assert forest.at(0.8) == "0.0%"
    assert forest.at(2.0) == "100.0%"
    assert not forest.holds(0.85)
    assert html(limits=(0.87, 1.0)).count('class="mark"') == 1


def test_limits_hold_every_row():
    low, high = forest_limits(ROWS, None)
    assert low < 0.1
    assert high > 0.99
    assert forest_limits(ROWS[:1], 0.0) == pytest.approx((-0.0475, 0.9975))
    assert forest_limits(ROWS[1:2], None) == (0.0, 1.0)
    assert forest_limits([ForestRow("", "", 0.0, (None, None), STYLE)], 0.0) == (-0.05, 0.05)


def test_ticks_are_round_and_inside():
    forest = Forest("", ROWS, "", 0.0, (-0.043, 0.032))
    assert [words for _, words in forest.ticks] == ["\u22120.04", "\u22120.02", "0.00", "+0.02"]
