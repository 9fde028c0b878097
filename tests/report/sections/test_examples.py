"""Examples go into a run and come back as pictures in their true proportions."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semeia.errors import InputError
from semeia.report.html import Page, to_html
from semeia.report.run_folder import Run
from semeia.report.sections.examples import Example, Plane, examples_section, read_examples, write_examples


def example(**changes: object) -> Example:
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    planes = {view: Plane(pixels, 40.0, 20.0) for view in ("axial", "coronal", "sagittal")}
    fields = {
        "unit_id": "../p1/n01",
        "label": 1,
        "score": 0.75,
        "planes": planes,
        "covariates": {"diameter_mm": 9.5},
    }
    return Example(**{**fields, **changes})


def test_what_goes_in_comes_out(tmp_path: Path):
    write_examples(tmp_path, [example(), example(label=None, score=None, covariates={"site": None})])
    first, second = read_examples(tmp_path)

    assert (first.unit_id, first.label, first.score) == ("../p1/n01", 1, 0.75)
    assert first.covariates == {"diameter_mm": 9.5}
    assert (second.label, second.score, second.covariates) == (None, None, {})
    picture = first.planes["axial"]
    content = base64.b64decode(picture.uri.removeprefix("data:image/png;base64,"))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), example().planes["axial"].pixels)
    assert list(first.planes) == ["axial", "coronal", "sagittal"]
    assert (picture.width_mm, picture.height_mm) == (40.0, 20.0)


def test_the_bar_is_a_round_length_of_its_true_share(tmp_path: Path):
    write_examples(tmp_path, [example()])
    assert read_examples(tmp_path)[0].planes["axial"].bar_mm == 10
    section = examples_section(Run(tmp_path, {}, [], None, []))
    assert section is not None
    assert '<span class="bar" style="width: 25.0%"><span>10 mm' in to_html(Page("Page", [section]))


def test_file_names_owe_nothing_to_the_units(tmp_path: Path):
    write_examples(tmp_path, [example()])

    names = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert names == ["000-axial.png", "000-coronal.png", "000-sagittal.png", "examples.json"]


def test_no_folder_no_examples(tmp_path: Path):
    assert read_examples(tmp_path) == []


def test_a_list_cannot_reach_outside_its_folder(tmp_path: Path):
    path = write_examples(tmp_path, [example()])
    (tmp_path / "secret.png").write_bytes(b"\x89PNG secret")
    path.write_text(path.read_text().replace("000-axial.png", "../secret.png"))

    with pytest.raises(InputError, match=r"examples\.json"):
        read_examples(tmp_path)


def test_only_pictures_are_embedded(tmp_path: Path):
    write_examples(tmp_path, [example()])
    (tmp_path / "examples" / "000-axial.png").write_bytes(b"<svg onload=x>")

    with pytest.raises(InputError, match="not a PNG"):
        read_examples(tmp_path)
