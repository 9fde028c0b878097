"""The LIDC layout: the reader protocol, what lands in the archive, and one line for each thing wrong."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import polars as pl
import pytest

from archive_folder import listing
from lidc_folder import read_rows, write_lidc_folder, write_rows
from semeia.archive import open_archive
from semeia.errors import InputError
from semeia.readers import ingest_nodules, input_reader
from semeia.readers.images.nodules import malignancy_label, others_malignancy
from semeia.readers.rows import LEFT_OUT


def test_the_input_reader_is_fixed_by_patient_and_nodule_and_spread_evenly():
    assert [input_reader("LIDC-IDRI-0078", nodule, 4) for nodule in range(6)] == [
        input_reader("LIDC-IDRI-0078", nodule, 4) for nodule in range(6)
    ]
    counts = np.bincount([input_reader(f"P{place}", 0, 4) for place in range(4000)])
    assert counts.min() > 900
    assert input_reader("P", 0, 1) == 0


@pytest.mark.parametrize(
    ("ratings", "reader", "others", "label"),
    [
        ([5, 1, 2, 2], 0, 2.0, 0.0),
        ([1, 5, 4, 4], 0, 4.0, 1.0),
        ([5, 3, 3, 3], 0, 3.0, None),
        ([1, 1, 4, 5], 3, 1.0, 0.0),
        ([4, 5, 5], 1, 4.5, 1.0),
        ([4, 5, 3], 1, 3.5, None),
        ([5, 5], 0, None, None),
        ([5], 0, None, None),
        ([5, 5, 5, 5, 5], 0, None, None),
    ],
)
def test_the_label_is_the_others_median(ratings: list[int], reader: int, others: float | None, label: float | None):
    assert others_malignancy(ratings, reader) == others
    assert malignancy_label(others) == label


def test_what_lands_in_the_archive(tmp_path: Path):
    folder = write_lidc_folder(tmp_path / "lidc", 4, dx=True)
    summary = ingest_nodules(folder, into=tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    assert (summary.subjects, summary.units, summary.images, summary.readings) == (4, 12, 12, 72)
    assert summary.outcomes == {"malignancy": 4, "diagnosis": 4}
    assert archive.table("subjects")["site"].to_list() == ["GE", "SIEMENS", "GE", "SIEMENS"]
    assert archive.outcome("diagnosis")["value"].to_list() == [0.0, 0.0, 1.0, 1.0]
    assert archive.outcome("diagnosis")["unit_id"].to_list() == archive.table("subjects")["pseudonym"].to_list()
    row, unit = read_rows(folder / "nodules.csv")[0], archive.table("units").row(0, named=True)
    assert unit["unit_id"] == archive.table("subjects")["pseudonym"][0] + "/n00"
    assert unit["diameter_mm"] == float(str(row["diameter_mm"]))
    assert (unit["manufacturer"], unit["kernel"], unit["n_readings"]) == ("GE", "STANDARD", 4)
    assert unit["contrast"] == (row["contrast"] == "True")
    slices = nib.load(next(folder.glob("*9001/*n00_img8.nii.gz"))).shape[2]
    assert unit["z_extent_mm"] == pytest.approx(2.5 * slices)
    assert archive.verify() == []


def test_readings_are_the_input_readers_and_the_label_the_others(tmp_path: Path):
    folder = write_lidc_folder(tmp_path / "lidc", 4)
    ingest_nodules(folder, into=tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    readings = archive.table("readings")
    for place, row in enumerate(read_rows(folder / "nodules.csv")):
        unit_id = archive.table("units")["unit_id"][place]
        mine = readings.filter(unit_id=unit_id)
        malignancies = str(row["malignancies"]).split("|")
        chosen = input_reader(str(row["patient_id"]), int(str(row["nodule"])), len(malignancies))
        assert mine.filter(reader="input").height == 8
        assert mine.filter(item="margin")["value"].item() == float(str(row["margin"]).split("|")[chosen])
        assert mine.filter(item="malignancy")["reader"].item() == "input_opinion"
        assert mine.filter(item="malignancy")["value"].item() == float(malignancies.pop(chosen))
        label = archive.outcome("malignancy").filter(unit_id=unit_id)["value"].to_list()
        expected = malignancy_label(float(np.median([int(rating) for rating in malignancies])))
        assert label == ([expected] if len(malignancies) > 1 else [])


def test_img8_and_hu_of_a_nodule_show_the_same_way_up(tmp_path: Path):
    ingest_nodules(write_lidc_folder(tmp_path / "lidc", 2), into=tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    images = archive.table("images").filter(pl.col("unit_id").str.ends_with("n00"))
    for unit_id in images["unit_id"].unique():
        kinds = {row["kind"]: row for row in images.filter(unit_id=unit_id).iter_rows(named=True)}
        img8, hu = archive.pixels(kinds["img8"]), archive.pixels(kinds["hu"])
        assert kinds["img8"]["orientation"] == kinds["hu"]["orientation"] == "RAS"
        assert kinds["img8"]["intensity"] == "per_slice_stretched"
        assert np.corrcoef(img8[10:54, 10:54, 1].ravel(), hu[:, :, 1].ravel())[0, 1] > 0.99
        assert kinds["img8"]["affine"] is None


def test_the_shortest_table_will_do(tmp_path: Path):
    ingest_nodules(write_lidc_folder(tmp_path / "lidc", 2, optional=False, hu=False), into=tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    assert archive.table("subjects")["site"].to_list() == [None, None]
    assert archive.table("units")["kvp"].null_count() == 4


def test_numbering_does_not_depend_on_the_key_or_the_order_of_rows(tmp_path: Path):
    folder = write_lidc_folder(tmp_path / "lidc", 4)
    ingest_nodules(folder, into=tmp_path / "a")
    write_rows(folder / "nodules.csv", read_rows(folder / "nodules.csv")[::-1])
    ingest_nodules(folder, into=tmp_path / "b")
    first, second = (open_archive(tmp_path / name) for name in "ab")
    assert first.table("units")["diameter_mm"].equals(second.table("units")["diameter_mm"])
    assert first.table("units")["subject_id"].equals(second.table("units")["subject_id"])
    assert not first.table("subjects")["pseudonym"].equals(second.table("subjects")["pseudonym"])


def test_a_second_cohort_joins_and_the_same_one_changes_nothing(tmp_path: Path):
    folder = write_lidc_folder(tmp_path / "one", 2)
    ingest_nodules(folder, into=tmp_path / "a")
    ingest_nodules(write_lidc_folder(tmp_path / "two", 2, first=9500, dx=True), into=tmp_path / "a")
    before = listing(tmp_path / "a")
    again = ingest_nodules(folder, into=tmp_path / "a")
    assert again.repeated
    assert again.part == 1
    assert listing(tmp_path / "a") == before
    assert open_archive(tmp_path / "a").table("subjects")["subject_id"].to_list() == [1, 2, 3, 4]


def _set(column: str, value: object, row: int = 2) -> Callable[[list[dict[str, object]]], object]:
    return lambda rows: rows[row - 2].update({column: value})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set("malignancies", "3|4|6|1"), "row 2, column malignancies: each rating must be .* 1 to 5"),
        (_set("internalStructure", "1|1|5|1"), "row 2, column internalStructure: .* 1 to 4"),
        (_set("calcification", "1|1|7|1"), "row 2, column calcification: .* 1 to 6"),
        (_set("margin", "1|0|1|1"), "row 2, column margin: .* 1 to 5"),
        (_set("margin", "1||1|1"), "row 2, column margin: .* 1 to 5"),
        (_set("margin", "1|2.5|1|1"), "row 2, column margin: .* 1 to 5"),
        (_set("margin", "1|2|3"), "row 2, column margin: has 3 ratings where malignancies has 4"),
        (_set("malignancies", ""), "row 2, column malignancies: is empty"),
        (_set("diameter_mm", ""), "row 2, column diameter_mm: is empty"),
        (_set("diameter_mm", "0"), "row 2, column diameter_mm: must be above 0"),
        (_set("diameter_mm", "wide"), "row 2, column diameter_mm: is not a number"),
        (_set("nodule", "1.5"), "row 2, column nodule: must be a whole number"),
        (_set("nodule", "1", 2), "row 3, column nodule: repeats the nodule of row 2|row 2, .* of row 3"),
        (_set("nodule", "7"), "row 2: its file <patient>_n07_img8.nii.gz: no such file"),
        (_set("patient_id", ""), "row 2, column patient_id: is empty"),
        (_set("patient_id", "../CANARY"), "row 2, column patient_id: must be letters"),
        (_set("dx", "4"), "row 2, column dx: must be 0"),
        (_set("dx", "2", 3), "row 3, column dx: contradicts row 2 of the same patient"),
        (_set("manufacturer", "Philips", 3), "row 3, column manufacturer: contradicts row 2"),
        (lambda rows: [row.pop("margin") for row in rows], r"lacks the column\(s\) margin"),
        (lambda rows: rows.clear(), "cannot be read|no rows|lacks"),
    ],
)
def test_each_thing_wrong_is_one_line_and_leaves_nothing(
    tmp_path: Path, change: Callable[[list[dict[str, object]]], object], words: str
):
    folder = write_lidc_folder(tmp_path / "lidc", 2, dx=True)
    rows = read_rows(folder / "nodules.csv")
    header = list(rows[0])
    change(rows)
    write_rows(folder / "nodules.csv", rows or [dict.fromkeys(header[:2], "")])
    with pytest.raises(InputError, match=f"^[^\n]*nodules.csv[^\n]*({words})[^\n]*$") as caught:
        ingest_nodules(folder, into=tmp_path / "a")
    assert "LIDC-IDRI" not in str(caught.value)
    assert "CANARY" not in str(caught.value)
    assert not (tmp_path / "a").exists()


def test_unknown_diagnoses_give_no_label_and_metastatic_counts_as_malignant(tmp_path: Path):
    folder = write_lidc_folder(tmp_path / "lidc", 4, nodules=2, dx=True)
    rows = read_rows(folder / "nodules.csv")
    for row, dx in zip(rows, ["0", "", "3", "2", "1", "0", "1", "1"], strict=True):
        row["dx"] = dx
    write_rows(folder / "nodules.csv", rows)
    ingest_nodules(folder, into=tmp_path / "a")
    outcome = open_archive(tmp_path / "a").outcome("diagnosis")
    assert outcome.select("subject_id", "value").rows() == [(2, 1.0), (3, 0.0), (4, 0.0)]


@pytest.mark.parametrize("kind", ["img8", "hu"])
def test_a_damaged_crop_is_named_by_row_and_leaves_nothing(tmp_path: Path, kind: str):
    folder = write_lidc_folder(tmp_path / "lidc", 3)
    crop = next(folder.glob(f"*9002/*n00_{kind}.nii.gz"))
    crop.write_bytes(crop.read_bytes()[:200])
    with pytest.raises(InputError, match=rf"row 4: its file <patient>_n00_{kind}.nii.gz: .*") as caught:
        ingest_nodules(folder, into=tmp_path / "a")
    assert "LIDC-IDRI" not in str(caught.value)
    assert not (tmp_path / "a").exists()


def test_nodules_with_a_fault_are_told_together_or_left_out(tmp_path: Path):
    write_lidc_folder(tmp_path / "l", patients=3)
    rows = read_rows(tmp_path / "l" / "nodules.csv")
    rows[0]["texture"] = rows[0]["texture"].replace("|", "|9", 1)
    rows[3]["diameter_mm"] = "0"
    write_rows(tmp_path / "l" / "nodules.csv", rows)
    with pytest.raises(InputError, match=r"2 rows have a fault: \(1\) row 2, column texture: .* \(2\) row 5, "):
        ingest_nodules(tmp_path / "l", into=tmp_path / "a")
    crop = tmp_path / "l" / rows[4]["patient_id"] / f"{rows[4]['patient_id']}_n00_img8.nii.gz"
    crop.write_bytes(b"x")
    with pytest.raises(InputError, match=r"3 rows have a fault.*row 6: its file <patient>_n00_img8") as caught:
        ingest_nodules(tmp_path / "l", into=tmp_path / "a", skip_bad_rows=2)
    assert "LIDC-IDRI" not in str(caught.value)
    summary = ingest_nodules(tmp_path / "l", into=tmp_path / "a", skip_bad_rows=3)
    assert (summary.units, summary.notes["counted"]) == (3, {LEFT_OUT: 3})


def test_original_ids_reach_no_table_and_no_listing(tmp_path: Path):
    ingest_nodules(write_lidc_folder(tmp_path / "lidc", 2, dx=True), into=tmp_path / "a")
    assert all(b"LIDC-IDRI" not in content for content in listing(tmp_path / "a").values())
    archive = open_archive(tmp_path / "a")
    tables = [archive.table(name) for name in ("subjects", "units", "images", "readings")]
    tables += [archive.outcome(name) for name in archive.outcomes()]
    assert not any("LIDC-IDRI" in str(row) or "900" in str(row[0]) for table in tables for row in table.rows())


def test_an_absent_folder_or_table_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="absent: no such folder"):
        ingest_nodules(tmp_path / "absent", into=tmp_path / "a")
    with pytest.raises(InputError, match=r"nodules.csv: no such table"):
        ingest_nodules(tmp_path, into=tmp_path / "a")


@pytest.mark.full_data
def test_the_full_set(tmp_path: Path, lidc_full: Path):
    summary = ingest_nodules(lidc_full, into=tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    assert (summary.subjects, summary.units, summary.images) == (594, 1843, 2496)
    sites = archive.outcome("malignancy").join(archive.table("subjects"), on="subject_id")
    home = sites.filter(site="GE")
    away = sites.filter(pl.col("site") != "GE")
    assert 230 < home.height < 280
    assert 175 < away.height + sites["site"].null_count() < 225
    assert 0.4 < home["value"].mean() < 0.6
    assert archive.verify() == []
