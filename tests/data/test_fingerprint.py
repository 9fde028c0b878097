"""Patients are known again by pseudonym or by any of their pixels, and by nothing that names them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from archive_folder import small_archive
from semeia.archive import open_archive, writing
from semeia.data.crops import CropSettings
from semeia.data.dataset import Dataset, open_dataset
from semeia.data.fingerprint import NEAR_BITS, Fingerprint, _alike, fingerprint
from semeia.data.modalities import Picture, Volume

CROP = CropSettings(voxels=(4, 8, 8), patch=(2, 2, 2))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = tmp_path_factory.mktemp("a") / "archive"
    small_archive(path, 6)
    return open_dataset(open_archive(path), {"image": Volume(crop=CROP)})


def renamed(data: Dataset) -> Dataset:
    """As if under another key."""
    return replace(data, units=data.units.with_columns(("x" + pl.col("pseudonym")).alias("pseudonym")))


def unhashed(data: Dataset) -> Dataset:
    """As if no image had a hash of its bytes."""
    return replace(data, observations={name: replace(one, sha256=()) for name, one in data.observations.items()})


def unlike(data: Dataset) -> Dataset:
    """As if no image had a hash of its looks."""
    return replace(data, observations={name: replace(one, looks=()) for name, one in data.observations.items()})


def test_known_by_pseudonym_or_by_pixels(data: Dataset):
    mark = fingerprint(data, np.array([1, 4]))
    expected = [False, True, False, False, True, False]
    assert mark.seen(data).tolist() == expected
    assert mark.seen(renamed(data)).tolist() == expected
    assert mark.seen(unhashed(data)).tolist() == expected
    assert not mark.seen(unlike(unhashed(renamed(data)))).any()


def test_known_by_looks_where_pixels_and_key_have_changed(tmp_path: Path):
    """As after another export: another key, and every image has a voxel that differs."""
    rng = np.random.default_rng(0)
    scans = [np.kron(rng.integers(0, 250, (8, 9)), np.ones((8, 8))).astype(np.uint8) for _ in range(6)]
    blank = np.full((64, 72), 9, np.uint8)
    blank[0, 0] = 10
    fitted = pictures(tmp_path / "a", [*scans[:3], blank])
    changed = [scan.copy() for scan in scans]
    for scan in changed:
        scan[5, 5] ^= 128
    other = pictures(tmp_path / "b", [*changed, blank + 1])
    mark = fingerprint(fitted, np.arange(4))
    assert set(fitted.observations["image"].sha256).isdisjoint(other.observations["image"].sha256)
    assert mark.seen(other).tolist() == [True] * 3 + [False] * 4
    assert not replace(mark, looks=()).seen(other).any()  # as an older model has it


def test_under_the_same_key_likeness_is_nobodys_name(tmp_path: Path):
    scan = np.kron(np.random.default_rng(0).integers(0, 250, (8, 9)), np.ones((8, 8))).astype(np.uint8)
    data = pictures(tmp_path / "a", [scan, scan + 1, scan + 2])
    assert fingerprint(data, np.array([0])).seen(data).tolist() == [True, False, False]


def pictures(path: Path, arrays: list[np.ndarray]) -> Dataset:
    """An archive of pictures, one patient each."""
    with writing(path, source="test") as draft:
        for place, array in enumerate(arrays):
            subject_id, pseudonym = draft.subject(str(place))
            unit_id = draft.unit(f"{pseudonym}/n", subject_id, "image")
            draft.image(array, unit_id=unit_id, subject_id=subject_id, kind="picture", intensity="display")
    return open_dataset(open_archive(path), {"image": Picture()})


def test_all_units_of_a_patient_are_seen_when_one_is(data: Dataset):
    two = replace(data, units=data.units.with_columns(pl.lit(7).cast(pl.Int64).alias("subject_id")))
    mark = fingerprint(data, np.array([0]))
    assert mark.seen(two).all()


def test_every_image_of_a_patient_is_marked_not_only_those_trained_on(data: Dataset):
    pairs = replace(
        data,
        units=data.units.with_columns(
            pl.Series("subject_id", [0, 0, 1, 1, 2, 2]), pl.Series("pseudonym", list("aabbcc"))
        ),
    )
    mark = fingerprint(pairs, np.array([0]))
    assert (len(mark.patients), len(mark.images)) == (1, 2)
    assert mark.seen(data).tolist() == [True, True, False, False, False, False]


def test_both(data: Dataset):
    one, other = fingerprint(data, np.array([0, 1])), fingerprint(data, np.array([1, 2]))
    assert one | other == fingerprint(data, np.array([0, 1, 2])) == other | one
    assert one | Fingerprint((), ()) == one


def test_nobody_is_named(data: Dataset):
    mark = fingerprint(data, np.arange(6))
    names = set(data.units["pseudonym"]) | {f"CANARY-{place}" for place in range(6)}
    assert not any(name in repr(mark) for name in names)
    assert not Fingerprint((), ()).seen(data).any()


@pytest.mark.parametrize("border", [False, True])
def test_near_looks_are_those_that_a_comparison_of_all_pairs_finds(border: bool):
    rng = np.random.default_rng(0)
    known, asked = rng.integers(0, 2**64, (2, 300, 4), dtype=np.uint64)
    if border:  # as where the first rows of all images are black
        known[:, 0], asked[:, 0] = 0, 0
    asked[:150] = known[:150]
    for place in range(150):
        for bit in rng.integers(0, 256, place % 6):
            asked[place, bit // 64] ^= np.uint64(1 << int(bit % 64))
    pairs = np.bitwise_count(asked[:, None] ^ known[None]).sum(2)
    alike = _alike(*(tuple(row.tobytes().hex() for row in words) for words in (asked, known)))
    assert alike.tolist() == (pairs <= NEAR_BITS).any(1).tolist()
    assert 90 < alike.sum() < 150
