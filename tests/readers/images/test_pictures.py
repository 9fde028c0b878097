"""Pictures come upright and gray where they are gray; a table of them becomes a part or one clear line."""

import struct
import warnings
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from archive_folder import listing
from lidc_folder import read_rows, write_rows
from semeia.archive import Summary, open_archive
from semeia.data.dataset import open_dataset
from semeia.data.modalities import Picture
from semeia.errors import InputError
from semeia.readers import ingest_images, read_picture

GRAY = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_gray_stays_gray_and_colour_colour(tmp_path: Path):
    saved = {
        "gray": Image.fromarray(GRAY),
        "equal": Image.fromarray(np.stack([GRAY] * 3, axis=-1)),
        "colour": Image.fromarray(COLOUR),
        "palette": Image.fromarray(GRAY).convert("P"),
        "alpha": Image.fromarray(GRAY).convert("LA"),
        "deep": Image.fromarray(GRAY.astype(np.uint16) * 256),
    }
    for name, picture in saved.items():
        picture.save(tmp_path / f"{name}.png")
    for name in ("gray", "equal", "palette", "alpha"):
        assert np.array_equal(read_picture(tmp_path / f"{name}.png"), GRAY), name
    assert np.array_equal(read_picture(tmp_path / "colour.png"), COLOUR)
    deep = read_picture(tmp_path / "deep.png")
    assert deep.dtype == np.uint16
    assert np.array_equal(deep, GRAY.astype(np.uint16) * 256)


def test_a_jpeg_taken_sideways_is_turned(tmp_path: Path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.kron(GRAY[:4, :6], np.ones((8, 8), np.uint8))).save(tmp_path / "p.jpg", exif=exif, quality=95)
    assert read_picture(tmp_path / "p.jpg").shape == (48, 32)


def _claims(width: int, height: int) -> bytes:
    """A tiny PNG that claims to be large."""
    chunks = [
        (b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(9))),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [8_200, 9_800, 60_000])
def test_a_picture_that_claims_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, side: int):
    (tmp_path / "p.png").write_bytes(_claims(side, side))
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # as a user runs it: Pillow only warns of the middle size
        with pytest.raises(InputError, match=r"p.png: .*(million|134217728).*shrink it.*SEMEIA_MOST_PIXELS"):
            read_picture(tmp_path / "p.png")


def test_broken_pictures_are_refused(tmp_path: Path):
    Image.fromarray(GRAY).save(tmp_path / "p.png")
    whole = (tmp_path / "p.png").read_bytes()
    for content in (b"", b"GIF89a", whole[: len(whole) // 2], whole[:20]):
        (tmp_path / "CANARY.png").write_bytes(content)
        with pytest.raises(InputError, match=r"^row 3: not a readable PNG or JPEG"):
            read_picture(tmp_path / "CANARY.png", name="row 3")
    with pytest.raises(InputError, match="absent: no such file"):
        read_picture(tmp_path / "absent")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures of three patients, two each, with grade, split and site; ids are in the file names."""
    rows = []
    (tmp_path / "images").mkdir()
    for place in range(6):
        patient, name = f"CANARY{3 - place // 2}", f"CANARY{3 - place // 2}_{'LR'[place % 2]}.png"
        Image.fromarray(np.roll(GRAY, place)).save(tmp_path / "images" / name)
        split, site = ("train", "val", "train")[place // 2], "ab"[place // 4]
        rows.append(
            {
                "image": name,
                "id": patient,
                "grade": place,
                "split": split,
                "site": site,
                "knee": "LR"[place % 2],
            }
        )
    write_rows(tmp_path / "t.csv", rows)
    return tmp_path


def _ingest(folder: Path, **change) -> Summary:
    table = folder / (change.pop("table", None) or "t.csv")
    given: dict = {"label": "grade", "split": "split", "site": "site", "outcome": "grade"} | change
    return ingest_images(folder / "images", table=table, image="image", subject="id", into=folder / "a", **given)


def test_pictures_land_in_the_archive(folder: Path):
    summary = _ingest(folder)
    archive = open_archive(folder / "a")
    assert (summary.subjects, summary.units, summary.images, summary.outcomes) == (3, 6, 6, {"grade": 6})
    assert archive.table("subjects")["split"].to_list() == ["train", "val", "train"]
    assert archive.table("subjects")["site"].to_list() == ["b", "a", "a"]
    assert archive.outcome("grade")["value"].to_list() == [4.0, 5.0, 2.0, 3.0, 0.0, 1.0]
    for row, place in zip(archive.table("images").iter_rows(named=True), (4, 5, 2, 3, 0, 1), strict=True):
        assert np.array_equal(archive.pixels(row), np.roll(GRAY, place))
        assert (row["kind"], row["intensity"], row["spacing"]) == ("picture", "display", None)
    assert archive.verify() == []


def test_a_second_time_changes_nothing_half_of_it_is_refused_and_ids_are_nowhere(folder: Path):
    _ingest(folder)
    before = listing(folder / "a")
    assert _ingest(folder).repeated
    assert listing(folder / "a") == before
    write_rows(folder / "t.csv", read_rows(folder / "t.csv")[:3])
    with pytest.raises(InputError, match="refused: 3 of 3 units"):
        _ingest(folder)
    assert listing(folder / "a") == before
    assert all(b"CANARY" not in content for content in before.values())


def test_units_may_be_told_by_a_column_or_be_the_patients(folder: Path):
    rows = read_rows(folder / "t.csv")
    for row in rows:
        row["grade"] = "1" if row["id"] == "CANARY1" else ""
    write_rows(folder / "t.csv", rows)
    assert _ingest(folder, unit="id").units == 3
    units = open_archive(folder / "a").table("units")
    assert units["kind"].unique().to_list() == ["patient"]
    assert units["unit_id"].to_list() == open_archive(folder / "a").table("subjects")["pseudonym"].to_list()
    assert open_archive(folder / "a").outcome("grade").height == 1
    with pytest.raises(InputError, match="6 of 6 rows of images are already"):
        _ingest(folder, unit="id", label=None)
    assert _ingest(folder, unit="knee").units == 6


def test_volumes_are_told_by_their_suffix(folder: Path):
    nib.save(
        nib.Nifti1Image(np.ones((3, 4, 5), np.int16), np.diag([-1.0, -1, 2, 1])),
        folder / "images" / "v.nii.gz",
    )
    write_rows(folder / "t.csv", [{"image": "v.nii.gz", "id": "1"}])
    _ingest(folder, label=None, split=None, site=None)
    row = open_archive(folder / "a").table("images").row(0, named=True)
    assert (row["kind"], row["intensity"], row["orientation"], row["shape"]) == ("hu", "hu", "RAS", [3, 4, 5])
    assert row["spacing"] == [1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("image", "absent.png", "row 3, column image: there is no such file"),
        ("image", "../t.csv", "row 3, column image: leads out of the folder"),
        ("image", "/etc/passwd", "row 3, column image: leads out of the folder"),
        ("image", "CANARY3_L.png", "column grade: this unit has another label in row"),
        ("image", "", "row 3, column image: is empty"),
        ("id", "", "row 3, column id: is empty"),
        ("grade", "mild", "row 3, column grade: must be 0 or 1 [^\\n]* Names of classes[^\\n]*--classes"),
        ("grade", "1.5", "row 3, column grade: must be 0 or 1 [^\\n]*, or a whole grade"),
        ("split", "dev", "row 3, column split: must be one of train, val, test"),
        ("split", "test", "column split: this patient is in another split in row"),
    ],
)
def test_each_thing_wrong_is_one_line_and_leaves_nothing(folder: Path, column: str, value: str, words: str):
    rows = read_rows(folder / "t.csv")
    rows[1][column] = value
    write_rows(folder / "t.csv", rows)
    with pytest.raises(InputError, match=f"^t.csv, [^\n]*{words}[^\n]*$") as caught:
        _ingest(folder)
    assert "CANARY" not in str(caught.value)
    assert not (folder / "a").exists()


def test_a_broken_picture_a_wrong_suffix_and_two_labels_of_a_unit(folder: Path):
    (folder / "images" / "CANARY3_R.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"^t.csv, row 3, column image: the file: not a readable PNG or JPEG"):
        _ingest(folder)
    with pytest.raises(InputError, match="column grade: this unit has another label in row"):
        _ingest(folder, unit="id")
    with pytest.raises(InputError, match=r"t.csv: lacks the column\(s\) birth"):
        _ingest(folder, label="birth")
    write_rows(folder / "twice.csv", read_rows(folder / "t.csv")[:1] * 2)
    with pytest.raises(InputError, match="column image: repeats the image of row 2"):
        _ingest(folder, table="twice.csv")
    with pytest.raises(InputError, match="kind is 'pet'"):
        _ingest(folder, kind="pet")
    write_rows(folder / "t.csv", [{"image": "x.dcm", "id": "1"}])
    (folder / "images" / "x.dcm").write_bytes(bytes(128) + b"DICM" + bytes(99))
    with pytest.raises(
        InputError, match=r"row 2, column image: the file: is DICOM, which is not read here; `semeia ingest dicom`"
    ):
        _ingest(folder, label=None, split=None, site=None)
    assert not (folder / "a").exists()


def _dated(folder: Path) -> None:
    """The six pictures with dates, two of a patient ten days apart, and what is known of each."""
    rows = read_rows(folder / "t.csv")
    for place, row in enumerate(rows):
        row |= {"taken": f"2020-03-0{1 + place}" if place % 2 == 0 else f"2020-03-1{place}", "day": f"{place - 2}"}
        row |= {"age": f"{60 + place}.5", "sex": "FM"[place // 2 % 2], "diameter": "" if place == 3 else f"{place}"}
    write_rows(folder / "t.csv", rows)


def test_dates_and_covariates_stay_with_the_units(folder: Path):
    _dated(folder)
    _ingest(folder, time="taken", covariates=("age", "sex", "diameter"))
    archive = open_archive(folder / "a")
    units = archive.table("units")
    assert units["time"].dt.strftime("%m-%d").to_list() == ["03-05", "03-15", "03-03", "03-13", "03-01", "03-11"]
    assert units["age"].to_list() == [64.5, 65.5, 62.5, 63.5, 60.5, 61.5]
    assert units["sex"].to_list() == ["F", "F", "M", "M", "F", "F"]
    assert units["diameter"].to_list() == [4.0, 5.0, 2.0, None, 0.0, 1.0]
    assert archive.table("images")["time"].equals(units["time"])
    assert archive.outcome("grade")["prediction_time"].equals(units["time"].rename("prediction_time"))
    assert archive.parts[0]["notes"]["columns not read"] == ["day", "knee"]


@pytest.mark.parametrize(
    "cells", [["\u22125"], ["1 234"], ["1,234"], ["1.234,5"], ["50%"], [">89", "90+", "60"], ["< 0,5", "7"]]
)
def test_numbers_that_cannot_be_read_are_no_words(folder: Path, cells: list[str]):
    rows = read_rows(folder / "t.csv")
    for place, row in enumerate(rows):
        row["age"] = cells[place % len(cells)]
    write_rows(folder / "t.csv", rows)
    with pytest.raises(InputError, match=r"row 2, column age: is not a number"):
        _ingest(folder, covariates=("age",))
    assert not (folder / "a").exists()


@pytest.mark.parametrize("cells", [["60-69", "70-79", "80"], ["16", "64", "MX8000"], ["2020-01-02"], ["1.2.3"]])
def test_words_with_digits_stay_words(folder: Path, cells: list[str]):
    rows = read_rows(folder / "t.csv")
    for place, row in enumerate(rows):
        row["model"] = cells[place % len(cells)]
    write_rows(folder / "t.csv", rows)
    _ingest(folder, covariates=("model",))
    assert set(open_archive(folder / "a").table("units")["model"]) == set(cells)


def test_days_are_counted_from_a_day_and_a_patient_has_the_date_of_the_last_image(folder: Path):
    _dated(folder)
    _ingest(folder, label=None, unit="id", time="day", day_zero="2000-01-01", covariates=("age",))
    archive = open_archive(folder / "a")
    units = archive.table("units")
    assert units["time"].dt.strftime("%Y-%m-%d").to_list() == ["2000-01-04", "2000-01-02", "1999-12-31"]
    assert units["age"].to_list() == [65.5, 63.5, 61.5]
    data = open_dataset(archive, {"image": Picture()})
    assert np.round(data.observations["image"].when * 30.4).tolist() == [[0, 1]] * 3


def test_earlier_images_are_seen_and_later_ones_never_are(folder: Path):
    _dated(folder)
    _ingest(folder, time="taken", history=True)
    archive = open_archive(folder / "a")
    assert archive.table("images")["unit_id"].null_count() == 6
    data = open_dataset(archive, {"image": Picture()})
    seen = data.observations["image"]
    assert (seen.slot >= 0).sum(1).tolist() == [2 if time.day > 9 else 1 for time in data.units["time"]]
    assert (seen.when >= 0).all()
    assert seen.there.all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time": "age"}, r"row 2, column age: is not a date in ISO"),
        ({"time": "day", "day_zero": "1.1.2000"}, r"day_zero is '1.1.2000'; it must be a date in ISO"),
        ({"time": "age", "day_zero": "2000-01-01"}, r"column age: is not a date in ISO.*nor a whole number of days"),
        ({"history": True}, "history needs a column of dates"),
        ({"covariates": ("age", "age")}, "must each be given once"),
        ({"covariates": ("grade",)}, "'grade' is the label"),
        ({"covariates": ("site",)}, "'site' is a name that the archive uses"),
        ({"covariates": ("weight",)}, r"lacks the column\(s\) weight"),
        ({"unit": "id", "label": None, "covariates": ("age",)}, "column age: this unit has another value in row"),
    ],
)
def test_dates_and_covariates_that_cannot_be_are_refused(folder: Path, change: dict, words: str):
    _dated(folder)
    with pytest.raises(InputError, match=words):
        _ingest(folder, **change)
    assert not (folder / "a").exists()
