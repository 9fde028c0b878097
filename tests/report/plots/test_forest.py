"""A forest: every row is drawn and read out, one without a value keeps its words."""

import re

import pytest

from semeia.report.plots.forest import ForestRow, forest_limits, forest_panel
from semeia.report.plots.style import Style

STYLE = Style("#0072B2")
ROWS = [
    ForestRow("Internal", "0.90 (0.80 to 0.95)", 0.9, (0.8, 0.95), STYLE, "A model"),
    ForestRow("<b>site</b> $x", "suppressed: fewer than 10", None, (None, None), STYLE, "A model"),
    ForestRow("Mean", "0.85 (0.7 to 0.9)", 0.85, (0.7, 0.9), STYLE, "All", (0.1, 0.99)),
]


def test_every_row_is_drawn_and_read_out():
    svg = str(forest_panel(ROWS, key="f", title="Panel", alt="AUROC by site.", axis="AUROC").svg)
    label = re.search(r'aria-label="([^"]*)"', svg)
    assert label is not None
    assert label.group(1).startswith("AUROC by site. A model, Internal: 0.90 (0.80 to 0.95); A model, &lt;b&gt;site")
    assert "suppressed: fewer than 10" in svg
    assert "<b>" not in svg
    assert svg.count("A model") == 2 + 1  # read out twice, written once


def test_limits_hold_every_row():
    low, high = forest_limits(ROWS, None)
    assert low < 0.1
    assert high > 0.99
    assert forest_limits(ROWS[:1], 0.0) == pytest.approx((-1.026, 1.026))
    assert forest_limits(ROWS[1:2], None) == (0.0, 1.0)
    assert forest_limits([ForestRow("", "", 0.0, (None, None), STYLE)], 0.0) == (-1.0, 1.0)
