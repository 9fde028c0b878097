"""Modalities in a table or in colour channels; copies that hide a missing one, lossless and in a JPEG."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lidc_folder import write_rows
from semeia.archive import open_archive
from semeia.errors import InputError
from semeia.readers import ingest_images
from semeia.readers.images.pairs import COPIES, Pairing


def plane(seed: int) -> np.ndarray:
    """A smooth plane."""
    rough = np.random.default_rng(seed).integers(0, 256, (5, 5), dtype=np.uint8)
    return np.asarray(Image.fromarray(rough).resize((40, 40), Image.Resampling.BICUBIC))


def channels_folder(folder: Path) -> Path:
    """Three patients of two slices: all sequences real; the last a copy of the middle one; all of them the same."""
    rows = []
    for patient in range(3):
        for slice_ in range(2):
            pre, flair, post = (plane(100 * patient + 10 * slice_ + place) for place in range(3))
            post = flair if patient else post
            pre = flair if patient == 2 else pre
            name = f"{patient}-{slice_}.jpg"
            picture = Image.fromarray(np.stack([pre, flair, post], axis=2))
            picture.save(folder / name, quality=92, subsampling=0)
            label = ("tumour", "none")[slice_]
            rows.append({"file": name, "case": patient, "label": label, "place": slice_ / 2, "word": "a"})
    return write_rows(folder / "slices.csv", rows)


def test_sequences_in_channels_and_a_copy_through_lossy_compression(tmp_path: Path):
    table = channels_folder(tmp_path)
    into = tmp_path / "archive"
    ingest_images(
        tmp_path, into=into, table=table, image="file", subject="case", label="label", classes=("none", "tumour"),
        channels=("pre", "flair", "post"), first="flair", covariates=("place", "word"), outcome="tumour",
    )  # fmt: skip
    archive = open_archive(into)
    kinds = archive.table("images")["kind"].value_counts().sort("kind").rows()
    assert kinds == [("flair", 6), ("post", 2), ("pre", 4)]
    assert archive.parts[0]["notes"]["counted"][COPIES] == 6
    units = archive.table("units")
    assert units["place"].sort().to_list() == [0, 0, 0, 0.5, 0.5, 0.5]
    assert units["word"].unique().to_list() == ["a"]
    assert archive.outcome("tumour")["value"].sort().to_list() == [0, 0, 0, 1, 1, 1]


def test_modalities_in_a_column_are_one_unit(tmp_path: Path):
    rows = []
    for lesion in range(2):
        for light in ("WLI", "NBI"):
            name = f"{lesion}{light}.png"
            Image.fromarray(np.stack([plane(10 * lesion + (light == "NBI") + k) for k in range(3)], 2)).save(
                tmp_path / name
            )
            rows.append({"file": name, "lesion": lesion, "light": light})
    table = write_rows(tmp_path / "t.csv", rows)
    ingest_images(
        tmp_path, into=tmp_path / "archive", table=table, image="file", subject="lesion", unit="lesion",
        modality="light",
    )  # fmt: skip
    images = open_archive(tmp_path / "archive").table("images")
    assert images.group_by("unit_id").agg("kind")["kind"].to_list() == [["wli", "nbi"]] * 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"channels": ("a", "b")}, "name the three channels"),
        ({"channels": ("a", "b", "c"), "column": "light"}, "not by both"),
        ({"channels": ("a", "b", "mask")}, "none of hu, mri"),
        ({"column": "light", "first": "white light"}, "letters, digits and underscores"),
    ],
)
def test_what_is_no_pairing_is_refused(given: dict, words: str):
    with pytest.raises(InputError, match=words):
        Pairing(**given)


def test_unknown_classes_and_no_label_are_refused(tmp_path: Path):
    table = channels_folder(tmp_path)
    wanted = {"into": tmp_path / "archive", "table": table, "image": "file", "subject": "case"}
    with pytest.raises(InputError, match=r"3 rows have a fault.*column label: is none of the classes tumour, other"):
        ingest_images(tmp_path, **wanted, label="label", classes=("tumour", "other"))
    with pytest.raises(InputError, match="give --label"):
        ingest_images(tmp_path, **wanted, classes=("tumour", "none"))
