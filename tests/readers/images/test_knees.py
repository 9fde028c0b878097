"""A folder of knees becomes one unit a knee, which (patient, side) and the key find again."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from knee_folder import PATIENTS, write_knees
from lidc_folder import read_rows, write_rows
from semeia.archive import Archive, open_archive
from semeia.archive.keys import keyed, own_key, pseudonym, read_key
from semeia.errors import InputError
from semeia.readers import ingest_knees, ingest_reports
from semeia.readers.images.knees import knee_name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_knees(tmp_path / "knee")
    return tmp_path / "knee"


def _change(folder: Path, change: dict[str, str], *, row: int | None = None) -> None:
    rows = read_rows(folder / "labels.csv")
    for place, cells in enumerate(rows):
        if row is None or place == row:
            cells.update(change)
    write_rows(folder / "labels.csv", rows)


def _ingest(folder: Path, **given: str) -> Archive:
    ingest_knees(folder, into=folder.parent / "a", **given)
    return open_archive(folder.parent / "a")


@pytest.mark.parametrize("site", [None, "north"])
def test_a_knee_is_found_again_from_patient_and_side(folder: Path, site: str | None):
    archive = _ingest(folder, **({} if site is None else {"site": site}))
    secret = read_key(own_key(archive.path))
    units = {row["unit_id"]: row for row in archive.table("units").iter_rows(named=True)}
    grades = dict(archive.outcome("kl_grade").select("unit_id", "value").iter_rows())
    for place, (patient, side) in enumerate((patient, side) for patient in PATIENTS for side in "LR"):
        unit = f"{pseudonym(secret, patient, site=site)}/{keyed(secret, patient + side)}"
        assert (units[unit]["kind"], units[unit]["side"], grades[unit]) == ("knee", side, place % 5)
    assert len(units) == 6
    assert archive.table("subjects")["split"].to_list() == ["train", "train", "val"]
    assert archive.table("subjects")["site"].to_list() == [site] * 3


def test_a_held_out_folder_has_no_sides_no_split_and_perhaps_no_grades(folder: Path):
    rows = [{"image": row["image"], "patient_id": row["patient_id"]} for row in read_rows(folder / "labels.csv")]
    write_rows(folder / "labels.csv", [row | {"side": side} for row, side in zip(rows, "U UuUU", strict=True)])
    archive = _ingest(folder)
    units = archive.table("units")
    assert (units.height, set(units["side"]), archive.outcomes()) == (6, {"U"}, [])
    assert archive.table("subjects")["split"].null_count() == 3
    secret = read_key(own_key(archive.path))
    names = {keyed(secret, knee_name(str(row["patient_id"]), "U", str(row["image"]))) for row in rows}
    assert {unit.split("/")[1] for unit in units["unit_id"]} == names
    write_rows(folder / "labels.csv", rows)
    again = ingest_knees(folder, into=archive.path)
    assert (again.repeated, again.part, len(open_archive(archive.path).parts)) == (True, 1, 1)


def test_pictures_of_any_kind_are_gray_and_as_deep_as_they_were(folder: Path):
    gray = np.random.default_rng(1).integers(0, 256, (30, 16), dtype=np.uint8)
    images = {
        "rgb.png": Image.fromarray(np.stack([gray] * 3, -1)),
        "deep.png": Image.fromarray(gray.astype(np.uint16) * 257),
        "rgb.jpg": Image.fromarray(np.stack([gray] * 3, -1)),
    }
    for place, (name, picture) in enumerate(images.items()):
        picture.save(folder / "images" / name)
        _change(folder, {"image": name}, row=place)
    archive = _ingest(folder)
    stored = [archive.pixels(row) for row in archive.table("images").iter_rows(named=True)]
    assert all(picture.ndim == 2 for picture in stored)
    assert [np.array_equal(picture, gray) for picture in stored].count(True) == 1
    deep = [picture for picture in stored if picture.dtype == np.uint16]
    assert len(deep) == 1
    assert np.array_equal(deep[0], gray.astype(np.uint16) * 257)


def test_an_empty_grade_is_unlabelled(folder: Path):
    _change(folder, {"grade": ""}, row=2)
    assert _ingest(folder).outcome("kl_grade").height == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"side": "links"}, "row 3, column side: must be one of L, R, U"),
        ({"side": "L"}, "row 3, column side: is the knee of row 2 again"),
        ({"grade": "5"}, "row 3, column grade: must be a Kellgren-Lawrence grade, 0 to 4"),
        ({"grade": "2.5"}, "row 3, column grade: must be a Kellgren-Lawrence grade, 0 to 4"),
        ({"image": "none.png"}, "row 3, column image: there is no such file"),
        ({"patient_id": ""}, "row 3, column patient_id: is empty"),
        ({"split": "val"}, r"row \d, column split: this patient is in another split"),
    ],
)
def test_each_thing_wrong_is_one_line_that_names_nobody(folder: Path, change: dict[str, str], words: str):
    _change(folder, change, row=1)
    with pytest.raises(InputError, match=f"^labels.csv, {words}[^\n]*$") as caught:
        _ingest(folder)
    assert "CANARY" not in str(caught.value)
    assert not (folder.parent / "a").exists()


def test_two_images_of_unknown_side_need_two_names(folder: Path):
    picture = folder / "images" / f"{PATIENTS[0]}L.png"
    Image.open(picture).convert("RGB").save(picture.with_suffix(".jpg"))
    _change(folder, {"side": "U"})
    _change(folder, {"image": picture.with_suffix(".jpg").name}, row=1)
    with pytest.raises(InputError, match="row 3, column image: has the name of row 2's"):
        _ingest(folder)


def test_the_folder_must_hold_a_table_and_images(folder: Path):
    (folder / "images").rename(folder / "pictures")
    with pytest.raises(InputError, match="images: no such folder"):
        _ingest(folder)
    (folder / "labels.csv").unlink()
    with pytest.raises(InputError, match=r"labels.csv: no such table"):
        _ingest(folder)


def test_the_real_folder(tmp_path: Path):
    """Its first rows, through links to the images."""
    if "SEMEIA_DATA" not in os.environ:
        pytest.skip("SEMEIA_DATA is not set: the full knee set is not at hand")
    source = Path(os.environ["SEMEIA_DATA"]) / "knee"
    rows = read_rows(source / "labels.csv")[:40]
    (tmp_path / "knee" / "images").mkdir(parents=True)
    for row in rows:
        name = str(row["image"])
        (tmp_path / "knee" / "images" / name).write_bytes((source / "images" / name).read_bytes())
    write_rows(tmp_path / "knee" / "labels.csv", rows)
    archive = _ingest(tmp_path / "knee", site="oai")
    assert archive.outcome("kl_grade").height == 40
    assert set(archive.table("images")["dtype"]) == {"uint8"}


def test_sides_in_words_and_ids_with_decimals_are_the_same_knees(folder: Path):
    labels = folder / "labels.csv"
    labels.write_text(labels.read_text().replace(",L,", ",Left,").replace(",R,", ",right,").replace("CANARY", "1"))
    for file in (folder / "images").iterdir():
        file.rename(file.with_name(file.name.replace("CANARY", "1")))
    ingest_knees(folder, into=folder / "a")
    archive = open_archive(folder / "a")
    assert set(archive.table("units")["side"]) == {"L", "R"}
    rows = "19001.0,left,fine\n19001,R,worn\n"
    (folder / "r.csv").write_text("Patient_ID;Side;Text\n".lower() + rows.replace(",", ";"))
    assert ingest_reports(folder / "r.csv", into=folder / "a").reports == 2


def test_knees_with_a_fault_may_be_left_out(folder: Path):
    _change(folder, {"grade": "7"}, row=1)
    _change(folder, {"image": "none.png"}, row=2)
    with pytest.raises(InputError, match="2 rows have a fault"):
        ingest_knees(folder, into=folder / "a")
    assert ingest_knees(folder, into=folder / "a", skip_bad_rows=2).images == 4
