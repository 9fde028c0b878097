"""A matrix is a table: every cell has its words, its shade follows its size, what shows nothing is hatched."""

from semeia.report.content import Figure, Section
from semeia.report.html import Page, to_html
from semeia.report.plots.matrix import Matrix, MatrixCell

CELLS = [
    ("0", [MatrixCell("+0.080", shade=1.0), MatrixCell("\u22120.010", shade=-0.1, hatched=True)]),
    ("1", [MatrixCell(""), MatrixCell("30", "9")]),
]


def test_cells_are_read_and_shaded():
    matrix = Matrix("A < B", "lam, labels \u2192", ["60", "200"], CELLS)
    text = to_html(Page("Page", [Section("s", "S", figures=[Figure("f", "Title", "Look.", [matrix])])]))
    table = text[text.index('<table class="matrix">') : text.index("</table>")]
    assert "<caption>A &lt; B</caption>" in table
    assert table.count('class="hatched"') == 1
    assert "#0b5a8a 45%" in table
    assert "#b35806 4%" in table
    assert table.count("not shown") == 1


def test_shades_do_not_run_over():
    assert MatrixCell("x", shade=3.0).colour == MatrixCell("x", shade=1.0).colour
