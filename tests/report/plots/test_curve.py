"""An inline drawing: the same bytes each time, ids of its own, words as words, the colours of the page."""

import re

import pytest

from semeia.report.plots.curve import Axes, Line, curve
from semeia.report.plots.style import BLUE, Style

ALT = 'say "so" & <more> 0.123456'


def draw(key: str = "a", x: str = "<b>$x & y 0.123456") -> str:
    lines = [
        Line([0, 1 / 3, 1], [0, 1 / 7, 1], Style(BLUE), [0, 0, 0.5], [0.1, 0.5, 1]),
        Line([0, 1], [1, 0], Style("#D55E00", "dashed", "s"), [0.9, 0], [1, 0.1], whiskers=True),
    ]
    axes = Axes(x, "share", (0, 1), (0, 0.5), diagonal=True, level=0.2)
    return str(curve(lines, axes, key=key, title="T", alt=ALT).svg)


@pytest.fixture(scope="module")
def svg() -> str:
    return draw()


def test_the_same_drawing_is_the_same_bytes(svg: str):
    assert draw() == svg


def test_ids_belong_to_the_figure(svg: str):
    assert 'id="a-' in svg
    assert svg.count(' id="') == svg.count(' id="a-')
    assert set(re.findall(r"url\(#([^)]+)", svg)) <= set(re.findall(r' id="([^"]+)"', svg))


def test_words_stay_words_and_are_escaped(svg: str):
    assert "&lt;b&gt;$x &amp; y 0.123456" in svg
    assert 'aria-label="say &#34;so&#34; &amp; &lt;more&gt; 0.123456"' in svg


def test_nothing_points_elsewhere(svg: str):
    assert "http" not in svg
    assert "<metadata" not in svg
    assert "<style" not in svg
    assert svg.startswith("<svg ")


def test_places_are_rounded(svg: str):
    assert not re.findall(r' d="[^"]*\.\d\d', svg)


def test_lines_are_cut_at_the_frame_and_turn_with_the_page(svg: str):
    assert "clip-path" in svg
    assert "stroke:var(--blue)" in svg
    assert "#0072b2" not in svg.lower()


def test_a_colour_in_words_stays_a_word():
    assert "fill: #1D2328" in draw(x="fill: #1D2328")
