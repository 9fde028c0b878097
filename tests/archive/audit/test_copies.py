"""The same picture under two patients is found, exactly or nearly; mere likeness is not taken for a copy."""

from pathlib import Path

import numpy as np
import pytest

from semeia.archive import open_archive, writing
from semeia.archive.audit import copies
from semeia.errors import InputError

RNG = np.random.default_rng(0)
SCENE = np.kron(RNG.integers(40, 200, (8, 9)), np.ones((8, 8))).astype(np.uint8)
OTHER = np.kron(RNG.integers(40, 200, (8, 9)), np.ones((8, 8))).astype(np.uint8)
SIMILAR = (SCENE // 2 + 20 + RNG.integers(0, 50, (64, 72)) * (SCENE > 120)).astype(np.uint8)


def _found(path: Path, pictures: list[tuple[str, str | None, np.ndarray]]) -> dict[str, int]:
    with writing(path, source="test") as draft:
        for place, (patient, split, array) in enumerate(pictures):
            subject_id, pseudonym = draft.subject(patient, split=split)
            unit_id = draft.unit(f"{pseudonym}/{place}", subject_id, "image")
            draft.image(array, unit_id=unit_id, subject_id=subject_id, kind="picture", intensity="display")
    return {finding.words: finding.count for finding in copies.copies(open_archive(path))}


def test_exact_copies_count_across_patients_and_worse_across_splits(tmp_path: Path):
    same = "images have identical pixels under two patients"
    assert _found(tmp_path / "a", [("1", "train", SCENE), ("1", "train", SCENE), ("2", "train", OTHER)]) == {}
    assert _found(tmp_path / "b", [("1", "train", SCENE), ("2", "train", SCENE)]) == {same: 2}
    parted = {f"{same}, who are or may come to be on both sides of a split": 2}
    assert _found(tmp_path / "c", [("1", "train", SCENE), ("2", "test", SCENE)]) == parted
    assert _found(tmp_path / "d", [("1", None, SCENE), ("2", None, SCENE)]) == parted


def test_nobody_trains_where_a_split_may_part_two_copies(tmp_path: Path):
    blank = np.full((9, 9), 7, np.uint8)
    _found(tmp_path / "a", [("1", None, SCENE), ("2", None, SCENE)])
    with pytest.raises(InputError, match="2 images have identical pixels under two patients"):
        copies.refuse_copies(open_archive(tmp_path / "a"))
    _found(tmp_path / "b", [("1", "train", SCENE), ("2", "train", SCENE), ("3", None, blank), ("4", "test", blank)])
    copies.refuse_copies(open_archive(tmp_path / "b"))


@pytest.mark.parametrize("most", [20_000, 1])
def test_near_copies_are_found_and_mere_likeness_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int):
    monkeypatch.setattr(copies, "_MOST_COMPARED", most)
    brighter = (SCENE + 9).astype(np.uint8)
    colour = np.stack([brighter] * 3, axis=-1)
    near = {"pairs of images of two patients look nearly the same": 1}
    assert _found(tmp_path / "a", [("1", "train", SCENE), ("2", "train", brighter), ("3", "train", OTHER)]) == near
    assert _found(tmp_path / "b", [("1", "train", SCENE), ("2", "train", colour)]) == near
    assert _found(tmp_path / "c", [("1", "train", SCENE), ("2", "train", SIMILAR)]) == {}


def test_blank_pictures_are_counted_and_match_nothing(tmp_path: Path):
    pictures = [(str(level), "train", np.full((9, 9), level, np.uint8)) for level in range(3)]
    assert _found(tmp_path / "a", pictures) == {"images have a middle slice without any contrast": 3}
