"""A map of differences: every cell is drawn and read out, what is not shown is hatched, a line is drawn at 0."""

import re

from semeia.report.plots.heat_map import MapCell, heat_map_panel

CELLS = [
    [MapCell(0.08, 0.05, 0.11), MapCell(0.01, -0.02, 0.04)],
    [MapCell(-0.03, -0.05, -0.01), MapCell(-0.002, -0.03, 0.02)],
]


def drawn(cells: list[list[MapCell]]) -> str:
    rows = ["0", "1"][: len(cells)]
    return str(
        heat_map_panel(cells, key="m", title="A < B", rows=rows, columns=["60", "200"], axes=("lam", "labels")).svg
    )


def test_every_cell_is_read_out_with_whether_it_is_shown():
    label = re.search(r'aria-label="([^"]*)"', drawn(CELLS))
    assert label is not None
    assert label.group(1) == (
        "A &lt; B. lam 0, labels 60: +0.080; lam 0, labels 200: +0.010 (not shown); lam 1, labels 60: \u22120.030; "
        "lam 1, labels 200: \u22120.002 (not shown)."
    )


def test_cells_are_hatched_where_the_interval_holds_0_and_only_there():
    shown = [[MapCell(0.1, 0.05, 0.2)] * 2] * 2
    assert "<pattern" in drawn(CELLS)
    assert "<pattern" not in drawn(shown)
    assert [MapCell(0.1, 0.0, 0.2).shown, MapCell(0.1, 0.01, 0.2).shown, MapCell(-0.1, -0.2, -0.01).shown] == [0, 1, 1]


def test_a_line_is_drawn_where_the_sign_changes():
    above = [[MapCell(0.1, 0.05, 0.2)] * 2] * 2
    across = [[MapCell(-0.1, -0.2, -0.05), MapCell(0.1, 0.05, 0.2)]] * 2
    strokes = [len(re.findall("stroke-width: 1.4", drawn(cells))) for cells in (above, across)]
    assert strokes == [0, 1]


def test_a_single_row_is_drawn():
    assert "+0.080" in drawn(CELLS[:1])
