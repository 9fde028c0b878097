"""Inline SVG: the same bytes each time, ids of its own, words as words."""

import re

from semeia.report.plots.svg import drawing, fitting, to_svg


def draw(name: str) -> str:
    with drawing(100) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], marker="o")
        axes.set_title("<b>$x & y")
        return to_svg(figure, name=name, alt='say "so" & <more>')


def test_the_same_drawing_is_the_same_bytes():
    assert draw("a") == draw("a")


def test_ids_belong_to_the_figure():
    svg = draw("roc0")

    assert 'id="roc0-' in svg
    assert svg.count(' id="') == svg.count(' id="roc0-')
    assert "url(#roc0-" in svg


def test_words_stay_words_and_are_escaped():
    svg = draw("a")

    assert "&lt;b&gt;$x &amp; y" in svg
    assert 'aria-label="say &#34;so&#34; &amp; &lt;more&gt;"' in svg


def test_nothing_points_elsewhere():
    svg = draw("a")

    assert "http" not in svg
    assert "<metadata" not in svg
    assert "<style" not in svg
    assert svg.startswith("<svg ")


def test_places_are_rounded_and_words_are_not():
    with drawing(100) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1 / 3], [0, 1 / 7])
        axes.set_title("0.123456")
        svg = to_svg(figure, name="a", alt="0.123456")

    assert svg.count("0.123456") == 2
    assert not re.findall(r' d="[^"]*\.\d\d\d', svg)
    assert "Bitstream" not in svg


def test_long_words_are_cut():
    assert fitting("a" * 60) == "a" * 60
    assert fitting("word " * 20, 10) == "word word\u2026"
    assert len(fitting("a" * 100)) == 60
