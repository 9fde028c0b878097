"""Numbers that are not what they are taken for are named; ordinary images raise nothing."""

from pathlib import Path

import numpy as np
import pytest

from semeia.archive import open_archive, writing
from semeia.archive.audit.value_findings import value_findings

RNG = np.random.default_rng(0)
CT = RNG.normal(-700, 200, (12, 11, 10))


def _found(path: Path, arrays: list[np.ndarray], *, kind: str, intensity: str) -> dict[str, int]:
    """Findings by their first words."""
    with writing(path, source="test") as draft:
        for place, array in enumerate(arrays):
            subject_id, pseudonym = draft.subject(str(place))
            unit_id = draft.unit(f"{pseudonym}/n", subject_id, "image")
            geometry = {} if intensity == "display" else {"spacing": (1.0, 1.0, 1.0), "orientation": "RAS"}
            draft.image(array, unit_id=unit_id, subject_id=subject_id, kind=kind, intensity=intensity, **geometry)
    found = value_findings(open_archive(path).table("images"))
    return {f"{finding.severity}: {' '.join(finding.words.split()[:5])}": finding.count for finding in found}


@pytest.mark.parametrize(
    ("array", "finding"),
    [
        (CT.astype(np.int16), None),
        (((CT + 1500) / 2500).clip(0, 1).astype(np.float32), "error: images called hu hold values"),
        (np.full((4, 4, 4), -1000, np.int16), None),  # without contrast, which another finding says
        (((CT + 1500) / 10).clip(0, 255).astype(np.uint8), "warning: images called hu have no"),
        ((CT + 1524).astype(np.uint16), "warning: images called hu have no"),
        ((CT * 20).astype(np.int16), "warning: images called hu have values"),
    ],
)
def test_values_that_are_not_hounsfield_units(tmp_path: Path, array: np.ndarray, finding: str | None):
    expected = {} if finding is None else {finding: 2}
    assert _found(tmp_path / "a", [array, array], kind="hu", intensity="hu") == expected


def test_mri_may_have_any_values(tmp_path: Path):
    assert _found(tmp_path / "a", [np.abs(CT).astype(np.float32)], kind="mri", intensity="arbitrary") == {}


@pytest.mark.parametrize(("shift", "narrow"), [(8, False), (4, True), (0, True)])
def test_twelve_bits_kept_in_sixteen_are_said_to_be_dark(tmp_path: Path, shift: int, narrow: bool):
    picture = RNG.integers(0, 256, (20, 20)).astype(np.uint16) << shift
    picture[0, 0] = 65535  # burnt-in text is white: it must not hide that the picture is dark
    expected = {"warning: images use little of the": 3} if narrow else {}
    assert _found(tmp_path / "a", [picture] * 3, kind="picture", intensity="display") == expected


def _limb(rng: np.random.Generator, *, edge: int = 0) -> np.ndarray:
    """A radiograph of a limb: bright in the middle, black in the margin of a collimator."""
    x = np.arange(72)[None] - 35.5 - rng.integers(-3, 4)
    shape = 30 + 190 * np.exp(-((x / (12 + rng.integers(0, 4))) ** 2)) * (1 - np.linspace(-0.3, 0.3, 64)[:, None] ** 2)
    picture = (shape + rng.normal(0, 3, (64, 72))).clip(1, 254).astype(np.uint8)
    picture[:, :edge] = picture[:, 72 - edge :] = 0
    return picture


@pytest.mark.parametrize(("edge", "every"), [(0, 2), (16, 5)])
def test_negatives_among_pictures_of_one_kind_are_counted(tmp_path: Path, every: int, edge: int):
    limbs = [_limb(np.random.default_rng(place), edge=edge) for place in range(20)]
    mixed = [255 - limb if place % every == 0 else limb for place, limb in enumerate(limbs)]
    said = "warning: gray images of kind picture"
    assert _found(tmp_path / "a", limbs, kind="picture", intensity="display") == {}
    assert _found(tmp_path / "b", mixed, kind="picture", intensity="display") == {said: 20 // every}


def test_mirror_images_and_pictures_of_many_things_are_no_negatives(tmp_path: Path):
    breast = np.linspace(250, 5, 72)[None] * np.ones((64, 1))
    sides = [(breast[:, ::-1] if place % 2 else breast) - place for place in range(12)]
    scenes = [np.kron(RNG.integers(0, 250, (8, 9)), np.ones((8, 8))) for _ in range(40)]
    for place, pictures in enumerate((sides, scenes)):
        arrays = [picture.clip(0, 255).astype(np.uint8) for picture in pictures]
        assert _found(tmp_path / str(place), arrays, kind="picture", intensity="display") == {}


def test_colours_and_pixel_types_are_noted(tmp_path: Path):
    gray, colour = RNG.integers(0, 256, (9, 9), np.uint8), RNG.integers(0, 256, (9, 9, 3), np.uint8)
    found = _found(tmp_path / "a", [gray, colour, gray.astype(np.uint16) * 257], kind="picture", intensity="display")
    assert found == {"note: pictures are in colour, 2": 1, "note: pictures are of 2 pixel": 3}
