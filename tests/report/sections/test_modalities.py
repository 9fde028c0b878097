"""What was learnt of two modalities goes into a run and comes back on the page, legible without colour."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from descriptions import knee
from semeia.archive.atomic import write_json
from semeia.errors import InputError
from semeia.report.content import Section
from semeia.report.html import Page, to_html
from semeia.report.run_folder import Run
from semeia.report.sections.modalities import (
    Fused,
    Placed,
    Redrawn,
    Reliance,
    Strip,
    TwoModalities,
    modalities_section,
    read_modalities,
    write_modalities,
)

PICTURES = {f"0{n}.png": np.full((4, 4), 60 * n, np.uint8) for n in range(3)}
STRIP = Strip(("00.png", "01.png"), ("flair", "post"), "True class 1")
PLACED = Placed("", (0, 1, 1), ("internal", "internal", "external"), ((0.0, 1.0), (1.0, 0.0), (2.0, 2.0)))
FUSED = Fused(
    "mae", "finetune", 0.1, 0, "By a rule.", ("flair", "post_t1"),
    (
        Reliance("internal", 0, 12, 0.7, (0.5, 0.65), (None, 0.4)),
        Reliance("internal", 1, 9, 0.6, (0.6, 0.2), (None, 0.3)),
    ),
    (STRIP,), (PLACED, replace(PLACED, modality="post_t1")),
)  # fmt: skip
FOUND = TwoModalities(Redrawn("mae", 0, (Strip(("02.png",), ("flair",)),)), FUSED)


def section_of(folder: Path) -> Section:
    section = modalities_section(Run(folder, knee().record(), [], None, []))
    assert section is not None
    return section


def test_what_goes_in_comes_out_with_its_pictures(tmp_path: Path):
    write_modalities(tmp_path, FOUND, PICTURES)
    found = read_modalities(tmp_path)
    assert found is not None
    assert found.fused is not None
    assert (found.fused.reliance, found.fused.placed) == (FUSED.reliance, FUSED.placed)
    assert all(file.startswith("data:image/png;base64,") for file in found.fused.strips[0].files)
    write_modalities(tmp_path, TwoModalities(FOUND.redrawn, None), {"02.png": PICTURES["02.png"]})
    assert [path.name for path in (tmp_path / "modalities").glob("*.png")] == ["02.png"]
    assert section_of(tmp_path).figures == []


def test_the_page_says_what_the_answer_hangs_on(tmp_path: Path):
    write_modalities(tmp_path, FOUND, PICTURES)
    section = section_of(tmp_path)
    (table,) = section.tables
    assert table.table.columns[3:] == [
        "Chance of the true class", "without flair", "without post t1",
        "attention on the most looked at quarter of post t1",
    ]  # fmt: skip
    assert table.table.rows[0][2:] == ["12", "0.70", "0.50", "0.65", "40\u00a0%"]
    (figure,) = section.figures
    assert [panel.title for panel in figure.panels] == ["Before the shift", "Shifted by post t1"]
    assert "hollow" in figure.lead
    page = to_html(Page("t", [section]))
    assert page.count('<div class="plane">') == 3
    assert 'alt="flair"' in page


def test_a_run_without_any_has_no_such_section_and_one_that_was_edited_is_refused(tmp_path: Path):
    assert modalities_section(Run(tmp_path, {}, [], None, [])) is None
    write_modalities(tmp_path, FOUND, PICTURES)
    (tmp_path / "modalities" / "01.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="not readable"):
        read_modalities(tmp_path)
    write_json(tmp_path / "modalities" / "modalities.json", {"redrawn": None, "fused": {"arm": "mae"}})
    with pytest.raises(InputError, match="modalities"):
        read_modalities(tmp_path)
