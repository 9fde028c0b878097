"""Pictures come upright and gray where they are gray; a table of them becomes a part or one clear line."""

import struct
import warnings
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import polars as pl
import pytest
from PIL import Image

from archive_folder import listing
from lidc_folder import read_rows, write_rows
from semeia.archive import Summary, open_archive
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
def test_a_picture_that_claims_an_absurd_size_is_refused(tmp_path: Path, side: int):
    (tmp_path / "p.png").write_bytes(_claims(side, side))
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # as a user runs it: Pillow only warns of the middle size
        with pytest.raises(InputError, match=r"p.png: claims an absurd size"):
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


def _ingest(folder: Path, **change: str | None) -> Summary:
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


def test_a_second_time_is_refused_and_ids_are_nowhere(folder: Path):
    _ingest(folder)
    before = listing(folder / "a")
    with pytest.raises(InputError, match="refused: 6 of 6 units"):
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
        ("grade", "mild", "row 3, column grade: must be 0 or 1"),
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
    with pytest.raises(InputError, match="kind is 'mri'"):
        _ingest(folder, kind="mri")
    write_rows(folder / "t.csv", [{"image": "x.dcm", "id": "1"}])
    with pytest.raises(InputError, match=r"row 2, column image: is DICOM, which is not read yet"):
        _ingest(folder, label=None, split=None, site=None)
    assert not (folder / "a").exists()


def _table(folder: Path, **columns: list[str]) -> Path:
    """A table `t.csv` of pictures with these columns; a picture is made for every plain name that has none."""
    for place, name in enumerate(columns["image"]):
        path = folder / "images" / name
        if len(name) < 100 and not name.startswith("/") and "\\" not in name and "\0" not in name and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.roll(GRAY, place + 7)).save(path)
    return write_rows(
        folder / "t.csv", [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    )


def _plain(folder: Path, **change: object) -> Summary:
    given: dict = {"image": "image", "subject": "id", "into": folder / "a", "table": folder / "t.csv"} | change
    return ingest_images(folder / "images", **given)


@pytest.mark.parametrize(
    ("listed", "stored"),
    [
        ("sub\\a.png", "sub/a.png"),
        ("./a.png", "a.png"),
        ("\u00dcber.png", "U\u0308ber.png"),
        ("U\u0308ber.png", "\u00dcber.png"),
    ],
)
def test_a_path_may_be_written_in_several_ways(tmp_path: Path, listed: str, stored: str):
    _table(tmp_path, image=[stored], id=["1"])
    (tmp_path / "t.csv").write_text(f"image,id\n{listed},1\n")
    assert _plain(tmp_path).images == 1
    (tmp_path / "t.csv").write_text(f"image,id\n{stored},1\n")
    with pytest.raises(InputError, match="refused: 1 of 1 units"):
        _plain(tmp_path)


def test_links_are_followed_and_a_dead_one_is_named(tmp_path: Path):
    _table(tmp_path, image=["a.png"], id=["1"])
    (tmp_path / "images" / "a.png").rename(tmp_path / "store.png")
    (tmp_path / "images" / "a.png").symlink_to(tmp_path / "store.png")
    assert _plain(tmp_path).images == 1
    (tmp_path / "store.png").unlink()
    with pytest.raises(InputError, match="row 2, column image: is a link to a file that is not there"):
        _plain(tmp_path, into=tmp_path / "b")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CANARY-" * 60 + ".png", "there is no such file"),
        ("CANARY/" * 900 + "x.png", "there is no such file"),
        ("C:\\CANARY\\x.png", "leads out of the folder"),
        ("..\\CANARY.png", "leads out of the folder"),
        ("CANARY.PNG", "there is no such file.*differs in upper and lower case"),
        ("CANARY.tiff", "is a picture of another kind"),
        ("CANARY.dcm", "is DICOM"),
        ("CANARY", "must end in one of"),
    ],
)
def test_a_path_that_cannot_be_read_is_not_shown(tmp_path: Path, name: str, words: str):
    _table(tmp_path, image=["canary.png"], id=["1"])
    (tmp_path / "t.csv").write_text(f"image,id\n{name},1\n")
    with pytest.raises(InputError, match=f"^t.csv, row 2, column image: {words}") as caught:
        _plain(tmp_path)
    assert "CANARY" not in str(caught.value)


def test_a_nul_in_a_path_of_parquet_is_refused(tmp_path: Path):
    _table(tmp_path, image=["a.png"], id=["1"])
    pl.DataFrame({"image": ["a\0.png"], "id": ["1"]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"row 2, column image: leads out of the folder"):
        _plain(tmp_path, table=tmp_path / "t.parquet")


def test_a_site_told_in_one_row_holds_for_the_patients_others(tmp_path: Path):
    names = [f"{place}.png" for place in range(4)]
    _table(tmp_path, image=names, id=["A", "A", "B", "B "], site=["north", "", "NA", ""])
    _plain(tmp_path, site="site")
    assert open_archive(tmp_path / "a").table("subjects")["site"].to_list() == ["north", None]


def test_an_empty_site_of_an_id_at_two_sites_is_refused(tmp_path: Path):
    _table(tmp_path, image=["0.png", "1.png", "2.png"], id=["A", "A", "A"], site=["north", "south", ""])
    with pytest.raises(InputError, match="row 4, column site: is empty, and this id is at 2 sites"):
        _plain(tmp_path, site="site")


def test_ids_of_a_second_table_with_decimals_are_the_same_patients(tmp_path: Path):
    _table(tmp_path, image=["0.png", "1.png"], id=["12", "13"], split=["train", "train"])
    _plain(tmp_path, split="split")
    _table(tmp_path, image=["2.png", "3.png"], id=["12.0", "13.0"], split=["test", "test"])
    with pytest.raises(InputError, match="two values of split"):
        _plain(tmp_path, split="split")
    _plain(tmp_path)
    assert open_archive(tmp_path / "a").table("subjects").height == 2


def test_all_faults_are_told_and_may_be_left_out(tmp_path: Path):
    names = [f"{place}.png" for place in range(6)]
    _table(tmp_path, image=names, id=["A", "", "C", "D", "E", "F"], y=["1", "1", "often", "0", "1", "0"])
    (tmp_path / "images" / "3.png").unlink()
    (tmp_path / "images" / "4.png").write_bytes(b"x")
    with pytest.raises(
        InputError, match=r"3 rows have a fault: \(1\) row 3, .* \(2\) row 4, .* \(3\) row 5, "
    ) as caught:
        _plain(tmp_path, label="y")
    assert "often" not in str(caught.value)
    with pytest.raises(InputError, match=r"4 rows have a fault: .*row 6.*not a readable PNG"):
        _plain(tmp_path, label="y", skip_bad_rows=3)
    assert not (tmp_path / "a").exists()
    summary = _plain(tmp_path, label="y", skip_bad_rows=4)
    assert (summary.images, summary.units, summary.outcomes) == (2, 2, {"label": 2})
    assert "4 rows with a fault were left out" in str(summary)


def test_what_training_will_want_to_know_is_noted(tmp_path: Path):
    _table(tmp_path, image=["0.png", "1.png"], id=["A", "B"], y=["1", "2"], remark=["x", "y"])
    said = str(_plain(tmp_path, label="y"))
    assert "the labels of label are 1 and 2" in said
    assert "columns not read: remark" in said
    assert "Note" not in str(_plain(tmp_path, into=tmp_path / "b", table=_table(tmp_path, image=["0.png"], id=["A"])))
