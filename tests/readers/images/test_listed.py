"""Images listed in a table: paths in any way of writing, patients who are one, faults told together."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from lidc_folder import write_rows
from semeia.archive import Summary, open_archive
from semeia.errors import InputError
from semeia.readers import ingest_images
from semeia.readers.images.listed import Folder
from semeia.readers.rows import Row

GRAY = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)


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
        ("sub/../a.png", "a.png"),
        ("\u00dcber.png", "U\u0308ber.png"),
        ("U\u0308ber.png", "\u00dcber.png"),
    ],
)
def test_a_path_may_be_written_in_several_ways(tmp_path: Path, listed: str, stored: str):
    _table(tmp_path, image=[stored], id=["1"])
    (tmp_path / "t.csv").write_text(f"image,id\n{listed},1\n")
    assert _plain(tmp_path).images == 1
    (tmp_path / "t.csv").write_text(f"image,id\n{stored},1\n")
    again = _plain(tmp_path)
    assert (again.repeated, len(open_archive(tmp_path / "a").parts)) == (True, 1)


def test_a_path_from_the_root_may_lead_into_the_folder(tmp_path: Path):
    _table(tmp_path, image=["a.png"], id=["1"])
    (tmp_path / "t.csv").write_text(f"image,id\n{tmp_path / 'images' / 'a.png'},1\n")
    assert _plain(tmp_path).images == 1


def test_links_are_followed_and_a_dead_one_is_named(tmp_path: Path):
    _table(tmp_path, image=["a.png"], id=["1"])
    (tmp_path / "images" / "a.png").rename(tmp_path / "store.png")
    (tmp_path / "images" / "a.png").symlink_to(tmp_path / "store.png")
    assert _plain(tmp_path).images == 1
    (tmp_path / "images" / "b.png").mkdir()
    _table(tmp_path, image=["b.png"], id=["1"])
    with pytest.raises(InputError, match="row 2, column image: is a folder, a device or a pipe; give a file"):
        _plain(tmp_path, into=tmp_path / "c")
    _table(tmp_path, image=["a.png"], id=["1"])
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
        ("CANARY.dcm", "there is no such file"),
        ("CANARY", "there is no such file"),
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
    assert (summary.images, summary.units, summary.outcomes) == (2, 2, {"y": 2})
    assert "4 rows with a fault were left out" in str(summary)


def test_what_training_will_want_to_know_is_noted(tmp_path: Path):
    _table(tmp_path, image=["0.png", "1.png"], id=["A", "B"], y=["1", "2"], remark=["x", "y"])
    said = str(_plain(tmp_path, label="y"))
    assert "the labels of y are 1 and 2" in said
    assert "columns not read: remark" in said
    assert "Note" not in str(_plain(tmp_path, into=tmp_path / "b", table=_table(tmp_path, image=["0.png"], id=["A"])))


def test_a_file_is_found_without_its_ending_where_one_fits(tmp_path: Path):
    for name in ("a1.png", "b.2.jpg", "c.png", "c.nii.gz"):
        (tmp_path / name).write_bytes(b"x")
    folder = Folder(tmp_path)
    for cell, file in (("a1", "a1.png"), ("b.2", "b.2.jpg"), ("a1.png", "a1.png")):
        assert folder.find(Row("t.csv", 2, {"image": cell}), "image") == tmp_path / file
    with pytest.raises(InputError, match="row 2, column image: fits 2 files that differ in their ending"):
        folder.find(Row("t.csv", 2, {"image": "c"}), "image")
    with pytest.raises(InputError, match="there is no such file"):
        folder.find(Row("t.csv", 2, {"image": "a"}), "image")


@pytest.mark.parametrize(
    ("column", "name"),
    [("malignant", "malignant"), ("Malignant (0/1)", "malignant_0_1"), ("2nd read", "label_2nd_read")],
)
def test_an_outcome_is_called_as_its_column(column: str, name: str, tmp_path: Path):
    _table(tmp_path, image=["0.png", "1.png"], id=["A", "B"], **{column: ["0", "1"]})
    assert _plain(tmp_path, label=column).outcomes == {name: 2}
