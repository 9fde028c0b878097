"""Trees of pictures as they are published become archives: classes, modalities, sides, and scenes that look alike."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from semeia.archive import open_archive
from semeia.errors import InputError
from semeia.readers import ingest_folders
from semeia.readers.images.pairs import COPIES

KVASIR = ("dyed-lifted-polyps", "normal-cecum", "polyps")


def smooth(seed: int, *, size: int = 32) -> np.ndarray:
    """A picture in colours that looks like no other one."""
    rough = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(rough).resize((size, size), Image.Resampling.BICUBIC))


def write(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))


def test_one_folder_a_class_in_the_layouts_of_kvasir_and_hyperkvasir(tmp_path: Path):
    for place, name in enumerate(KVASIR):
        for number in range(2):
            seed = 10 * place + number
            write(tmp_path / "v2" / name / f"{seed}.jpg", smooth(seed))
            write(tmp_path / "hyper" / "lower-gi-tract" / "findings" / name / f"{seed}.jpg", smooth(seed))
    for layout in ("v2", "hyper"):
        ingest_folders(tmp_path / layout, into=tmp_path / f"{layout}-archive")
        archive = open_archive(tmp_path / f"{layout}-archive")
        values = archive.outcome("label")["value"].sort().to_list()
        assert values == [0, 0, 1, 1, 2, 2]
        assert archive.parts[0]["notes"]["classes"] == ["0: dyed-lifted-polyps", "1: normal-cecum", "2: polyps"]
        assert archive.table("subjects").height == 6
    # Numbers mean the same in a tree that lacks a class; a class that is not named is unlabelled.
    ingest_folders(tmp_path / "v2", into=tmp_path / "few", classes=("polyps", "ulcer", "normal-cecum"))
    assert open_archive(tmp_path / "few").outcome("label")["value"].sort().to_list() == [0, 0, 2, 2]


def test_frames_that_look_alike_are_one_patient(tmp_path: Path):
    scene = smooth(0, size=64)
    write(tmp_path / "files" / "a" / "1.png", scene)
    write(tmp_path / "files" / "a" / "2.png", np.clip(scene.astype(int) + 3, 0, 255).astype(np.uint8))
    write(tmp_path / "files" / "b" / "3.png", np.asarray(Image.fromarray(scene).resize((50, 50))))
    write(tmp_path / "files" / "b" / "4.png", smooth(1))
    ingest_folders(tmp_path / "files", into=tmp_path / "archive")
    units = open_archive(tmp_path / "archive").table("units")
    assert sorted(units.group_by("subject_id").len()["len"]) == [1, 3]


def test_polypdb_by_centre_and_modality_without_its_masks(tmp_path: Path):
    for name in ("WLI", "NBI"):
        for number in range(2):
            picture = smooth(number + (10 if name == "NBI" else 0))
            write(tmp_path / "files" / "Karolinska" / name / "images" / f"{number}.jpg", picture)
            write(tmp_path / "files" / "Karolinska" / name / "masks" / f"{number}.jpg", smooth(99))
    ingest_folders(tmp_path / "files", into=tmp_path / "archive", paired=("WLI", "NBI"))
    archive = open_archive(tmp_path / "archive")
    assert archive.outcomes() == []  # one centre's name is no label
    assert archive.table("images")["kind"].value_counts().sort("kind").rows() == [("nbi", 2), ("wli", 2)]
    assert archive.table("images")["shape"].to_list() == [[32, 32, 3]] * 4
    with pytest.raises(InputError, match="4 of 4 pictures lie in no folder of the modalities BLI"):
        ingest_folders(tmp_path / "files", into=tmp_path / "other", paired=("BLI",))


def test_two_modalities_of_one_scene_are_one_unit_of_one_patient_however_little_they_look_alike(tmp_path: Path):
    for number in range(3):
        write(tmp_path / "files" / "WLI" / "polyp" / f"{number}.png", smooth(number))
        write(tmp_path / "files" / "NBI" / "polyp" / f"{number}.png", smooth(number + 10))
    ingest_folders(tmp_path / "files", into=tmp_path / "archive", paired=("WLI", "NBI"))
    archive = open_archive(tmp_path / "archive")
    assert (archive.table("units").height, archive.table("subjects").height) == (3, 3)
    kinds = archive.table("images").group_by("unit_id").agg(pl.col("kind").sort())["kind"].to_list()
    assert kinds == [["nbi", "wli"]] * 3


def test_piccolo_has_sides_and_cases_in_its_names(tmp_path: Path):
    for side, case in (("train", "001"), ("validation", "002"), ("test", "003")):
        for frame in range(2):
            name = f"{case}_VP1_frame{frame:04d}.png"
            write(tmp_path / "files" / side / "polyps" / name, smooth(int(case) * 10 + frame))
            write(tmp_path / "files" / side / "void" / name, smooth(99))
    ingest_folders(tmp_path / "files", into=tmp_path / "archive", subject=r"^(\d+)_VP")
    subjects = open_archive(tmp_path / "archive").table("subjects")
    assert sorted(subjects["split"]) == ["test", "train", "val"]
    for wrong, words in (("(", "no regular expression"), ("VP", "no group"), ("(CANARY)", "6 of 6 file names")):
        with pytest.raises(InputError, match=words):
            ingest_folders(tmp_path / "files", into=tmp_path / "other", subject=wrong)


def test_a_folder_a_class_and_modality_pairs_by_name_and_a_hidden_copy_is_missing(tmp_path: Path):
    for number in range(3):
        white = smooth(number)
        write(tmp_path / "files" / "polyps_WLI" / f"{number}.png", white)
        # Two real pairs; the third scene was never seen in narrow band.
        write(tmp_path / "files" / "polyps_NBI" / f"{number}.png", white if number == 2 else white[..., ::-1])
        write(tmp_path / "files" / "cecum_WLI" / f"{number}.png", smooth(50 + number))
    ingest_folders(tmp_path / "files", into=tmp_path / "archive", paired=("WLI", "NBI"), subject=r"(\d+)")
    archive = open_archive(tmp_path / "archive")
    assert archive.table("units").height == 6
    kinds = archive.table("images")["kind"].value_counts().sort("kind").rows()
    assert kinds == [("nbi", 2), ("wli", 6)]
    assert archive.parts[0]["notes"]["counted"][COPIES] == 1


def test_a_tree_without_pictures_is_refused(tmp_path: Path):
    (tmp_path / "files" / "a").mkdir(parents=True)
    with pytest.raises(InputError, match="no PNG or JPEG picture"):
        ingest_folders(tmp_path / "files", into=tmp_path / "archive")
