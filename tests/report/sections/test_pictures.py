"""Pictures go into a run and come back on the page: map over picture, chances beside it, and nobody's name."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from descriptions import knee
from html_tree import parse
from semeia.errors import InputError
from semeia.report.html import Page, to_html
from semeia.report.page import SECTIONS
from semeia.report.run_folder import Run
from semeia.report.sections.pictures import (
    Explained,
    Shown,
    overlaid,
    pictures_section,
    read_pictures,
    write_pictures,
)

SHOWN = Shown("simclr", "finetune", 1.0, 0, "By a rule.")
CHANCES = (0.1, 0.05, 0.6, 0.2, 0.05)


def explained(*, label: int = 2, cohort: str = "internal") -> Explained:
    rng = np.random.default_rng(label)
    where = np.zeros((6, 9))
    where[2:4, 3:6] = 1
    return Explained(rng.integers(0, 255, (6, 9), dtype=np.uint8), where, label, CHANCES, cohort, "shown by a rule")


def test_what_goes_in_comes_out(tmp_path: Path):
    path = write_pictures(tmp_path, SHOWN, [explained(), explained(label=3, cohort="external")])
    found = read_pictures(Run(tmp_path, {}, [], None, []))
    assert found is not None
    shown, (first, second) = found
    assert shown == SHOWN
    assert [(one.label, one.called) for one in (first, second)] == [(2, 2), (3, 2)]
    assert (second.cohort, second.caption) == ("external", "shown by a rule")
    assert first.chances == CHANCES
    kept = np.asarray(Image.open(io.BytesIO((path.parent / "00.png").read_bytes())))
    np.testing.assert_array_equal(kept, explained().pixels)
    assert {one.name for one in path.parent.iterdir()} == {
        *("00.png", "00-map.png", "01.png", "01-map.png", "pictures.json")
    }


def test_pictures_of_an_earlier_evaluation_are_gone(tmp_path: Path):
    write_pictures(tmp_path, SHOWN, [explained()] * 3)
    write_pictures(tmp_path, SHOWN, [explained()])
    assert sorted(path.name for path in (tmp_path / "pictures").glob("*.png")) == ["00-map.png", "00.png"]


def test_the_map_tints_what_it_covers_and_nothing_else():
    one = explained()
    mixed = overlaid(one.pixels, one.map).astype(int)
    gray = np.repeat(one.pixels[..., None].astype(int), 3, axis=2)
    far = np.ones((6, 9), bool)
    far[1:5, 2:7] = False
    np.testing.assert_array_equal(mixed[far], gray[far])
    ring = [(2, 3), (3, 5)]
    assert all((mixed[place] == 0).all() for place in ring)
    assert (mixed[1, 3:6] == 255).all()
    plain = overlaid(one.pixels, np.full((6, 9), 0.4)).astype(int)
    assert (plain[..., 0] - plain[..., 2] > 30).all()
    # Nothing depends on anything: the picture stays as it is.
    np.testing.assert_array_equal(overlaid(one.pixels, np.zeros((6, 9))), gray)


def test_a_run_without_pictures_has_no_such_section(tmp_path: Path):
    assert read_pictures(Run(tmp_path, {}, [], None, [])) is None
    run = Run(tmp_path, {}, [], None, [])
    assert pictures_section(run) is None
    write_pictures(tmp_path, SHOWN, [])
    assert read_pictures(Run(tmp_path, {}, [], None, [])) is None


def test_the_page_reads_without_seeing(tmp_path: Path):
    assert pictures_section in [section for section, _ in SECTIONS]
    write_pictures(tmp_path, SHOWN, [explained(), explained(label=4)])
    section = pictures_section(Run(tmp_path, knee().record(), [], None, []))
    assert section is not None
    text = to_html(Page("Page", [section]))
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    tree = parse(tmp_path / "page.html")
    assert len([tag for tag in tree.named("img") if tag.attributes["alt"]]) == 4
    assert "Single cases illustrate; they prove nothing." in text
    assert text.count("the true one</span>") == 2
    assert "True grade 4, called grade 2</h3>" in text
    assert re.findall(r'class="chance">(.*?)<', text)[:5] == [f"{n}\u00a0%" for n in (10, 5, 60, 20, 5)]
    assert re.findall(r'"true"><span class="grade">(Grade \d)', text) == ["Grade 2", "Grade 4"]
    assert "Home hospital: shown by a rule." in text
    assert "SimCLR (fine-tuned)" in text
    assert "By a rule." in text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: record | {"pictures": [{"file": "00.png"}]},
        lambda record: record | {"pictures": [record["pictures"][0] | {"file": "../../secret.png"}]},
        lambda record: record | {"pictures": [record["pictures"][0] | {"label": "two"}]},
        lambda record: {"pictures": record["pictures"]},
    ],
)
def test_a_spoilt_list_is_named(tmp_path: Path, spoil):
    path = write_pictures(tmp_path / "run", SHOWN, [explained()])
    (tmp_path / "secret.png").write_bytes(b"\x89PNG secret")
    path.write_text(json.dumps(spoil(json.loads(path.read_text()))))
    with pytest.raises(InputError, match=r"pictures\.json: not readable"):
        read_pictures(Run(tmp_path / "run", {}, [], None, []))


def test_only_pictures_are_embedded(tmp_path: Path):
    path = write_pictures(tmp_path, SHOWN, [explained()])
    (path.parent / "00-map.png").write_bytes(b"<svg onload=x>")
    with pytest.raises(InputError, match="not a PNG"):
        read_pictures(Run(tmp_path, {}, [], None, []))
