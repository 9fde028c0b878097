"""A simulated hospital's raw files, read back: what was written is what the archive holds, and nothing else is."""

import re
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pydicom
import pytest

from semeia.archive import open_archive
from semeia.archive.store import Archive
from semeia.cli import main
from semeia.errors import InputError
from semeia.readers import ingest_hospital
from semeia.worlds.draws import generator
from semeia.worlds.hospital import HospitalSettings, write_hospital
from semeia.worlds.hospital.course import MONTHS, Course, course_of
from semeia.worlds.hospital.dicom_files import CANARY
from semeia.worlds.hospital.scan import nodule_mm, scan_of, scanner_of

SETTINGS = HospitalSettings(patients=12, labelled=4, cause="workup", seed=3)
COURSES = [course_of(number, SETTINGS) for number in range(SETTINGS.patients)]
OWN = {"person_id": pl.String}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "hospital"
    write_hospital(SETTINGS, out=folder)
    return folder


@pytest.fixture(scope="module")
def archive(hospital: Path) -> Archive:
    ingest_hospital(hospital, into=hospital.parent / "archive", workers=1)
    return open_archive(hospital.parent / "archive")


def scan(course: Course, place: int) -> np.ndarray:
    """The volume that the world drew, [x, y, z] in RAS."""
    months = course.scans[place]
    latents = course.image[MONTHS - round(months)]
    rng = generator(SETTINGS.seed, "scan", str(course.number), str(place))
    drawn = scan_of(latents, nodule_mm(latents, course.image[-1][1], months), scanner_of(course.site), rng)
    return drawn.transpose(2, 1, 0)[::-1, ::-1]


def copy(hospital: Path, into: Path) -> Path:
    return Path(shutil.copytree(hospital, into / "copy"))


def test_every_scan_is_there_with_its_date_and_its_values(archive: Archive):
    images = archive.table("images").sort("subject_id", "time")
    drawn = [(course, place) for course in COURSES for place in range(len(course.scans))]
    assert images.height == len(drawn) >= 12
    assert images["unit_id"].null_count() == images.height
    for image, (course, place) in zip(images.iter_rows(named=True), drawn, strict=True):
        days = round(course.scans[place] * 365.25 / 12)
        assert (course.index - image["time"]).days == days
        assert image["time"].hour == course.index.hour
        scanner = scanner_of(course.site)
        assert np.allclose(image["spacing"], [scanner.pixel_mm, scanner.pixel_mm, scanner.slice_mm])
        assert (image["orientation"], image["intensity"], image["format"]) == ("RAS", "hu", "dicom")
        assert np.array_equal(archive.pixels(image), scan(course, place))


def test_units_are_patients_at_their_index_dates(archive: Archive):
    units = archive.table("units").sort("subject_id")
    assert units["kind"].unique().to_list() == ["patient"]
    assert [time.date() for time in units["time"]] == [course.index.date() for course in COURSES]
    newest = archive.table("images").group_by("subject_id").agg(pl.col("time").max())
    both = newest.join(units, on="subject_id")
    assert (both["time"] <= both["time_right"]).all()


def test_labels_are_those_of_the_first_home_patients_and_of_all_others(archive: Archive):
    home = [course for course in COURSES if course.site == 0][:4]
    expected = {course.number + 1: course.label for course in COURSES if course in home or course.site}
    outcome = archive.outcome("cancer")
    assert dict(outcome.select("subject_id", "value").iter_rows()) == expected
    assert set(archive.table("subjects")["site"]) == {"simulated hospital 1", "simulated hospital 2"}


def test_the_record_is_there_and_goes_on_after_the_index_date(archive: Archive, hospital: Path):
    events = pl.concat(archive.event_batches())
    written = {name: pl.read_csv(hospital / "omop" / f"{name}.csv").height for name in ("measurement", "drug_exposure")}
    assert events.filter(pl.col("code").str.starts_with("Simulated/M")).height == written["measurement"]
    assert events.filter(pl.col("code").str.starts_with("Simulated/D")).height == written["drug_exposure"]
    ends = archive.table("units").select("subject_id", end="time")
    diagnoses = events.filter(pl.col("code") == "Simulated/C31").join(ends, on="subject_id")
    ill = [course.number + 1 for course in COURSES if course.label and course.has_record]
    assert sorted(diagnoses["subject_id"]) == ill
    assert ill
    assert (diagnoses["time"] > diagnoses["end"]).all()


def test_no_identifier_reaches_the_archive(archive: Archive, hospital: Path):
    header = pydicom.dcmread(next((hospital / "dicom").glob("*/*/0000")), stop_before_pixels=True)
    canaries = [CANARY, header.SeriesInstanceUID, header.StudyInstanceUID]
    canaries += [course.hospital_number(SETTINGS.seed) for course in COURSES] + [course.name for course in COURSES]
    raw = b"".join(path.read_bytes() for path in hospital.rglob("*") if path.is_file())
    assert all(canary.encode() in raw for canary in canaries)
    files = [path for path in archive.path.rglob("*") if path.is_file()]
    found = [canary for canary in canaries for path in files if canary.encode() in path.read_bytes()]
    names = [canary for canary in canaries for path in files if canary in path.name]
    assert not found
    assert not names
    for name in ("subjects", "units", "images", "codes"):  # parquet hides text under its compression
        cells = archive.table(name).write_json()
        assert not [canary for canary in canaries if canary in cells]
    cells = pl.concat(archive.event_batches()).write_json()
    assert not [canary for canary in canaries if canary in cells]


def test_the_same_seed_writes_the_same_bytes_and_more_patients_change_none(hospital: Path, tmp_path: Path):
    again = HospitalSettings(patients=3, labelled=4, cause="workup", seed=3)
    write_hospital(again, out=tmp_path / "again")
    files = [path for path in (tmp_path / "again" / "dicom").rglob("*") if path.is_file()]
    assert len(files) > 16
    for path in files:
        assert path.read_bytes() == (hospital / path.relative_to(tmp_path / "again")).read_bytes()
    persons = [folder / "omop/person.csv" for folder in (tmp_path / "again", hospital)]
    few, all_of_them = (pl.read_csv(path) for path in persons)
    assert few.equals(all_of_them.head(3))


def test_what_the_link_does_not_name_is_counted_and_its_day_is_believed(hospital: Path, tmp_path: Path):
    folder = copy(hospital, tmp_path)
    link = folder / "omop/image_occurrence.csv"
    rows = pl.read_csv(link, schema_overrides=OWN)
    lost = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("2.25.1")).otherwise("image_series_uid")
    strange = pl.when(pl.int_range(pl.len()) == 1).then(pl.lit("1")).otherwise("person_id")
    moved = rows.with_columns(image_series_uid=lost, person_id=strange, image_occurrence_date=pl.lit("2001-02-03"))
    moved.write_csv(link)
    summary = ingest_hospital(folder, into=tmp_path / "archive", workers=1)
    counted = summary.notes["counted"]
    assert counted["left out: series that no row of image_occurrence names"] == 1
    assert counted["left out: series of a person who is not in the record"] == 1
    assert [number for words, number in counted.items() if words.startswith("rows of image_occurrence name")] == [2]
    assert [number for words, number in counted.items() if words.startswith("series have another day")] == [
        summary.images
    ]
    images = open_archive(tmp_path / "archive").table("images")
    assert images.height == rows.height - 2
    assert images["time"].unique().to_list() == [datetime(2001, 2, 3)]


def test_one_number_in_the_headers_for_two_persons_is_said(
    hospital: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    folder = copy(hospital, tmp_path)
    (folder / "labels.csv").unlink()
    link = folder / "omop/image_occurrence.csv"
    rows = pl.read_csv(link, schema_overrides=OWN)
    often = rows["person_id"].value_counts(sort=True)["person_id"][0]
    place = rows["person_id"].to_list().index(often)
    other = next(course.name for course in COURSES if course.name != often)
    moved = pl.when(pl.int_range(pl.len()) == place).then(pl.lit(other)).otherwise("person_id")
    rows.with_columns(person_id=moved).write_csv(link)
    ingest_hospital(folder, into=tmp_path / "archive", workers=1)
    assert "1 patient ids of the DICOM headers are linked to several persons" in caplog.text


def test_without_labels_the_newest_scan_is_the_index_date(hospital: Path, tmp_path: Path):
    folder = copy(hospital, tmp_path)
    (folder / "labels.csv").unlink()
    summary = ingest_hospital(folder, into=tmp_path / "archive", workers=1)
    assert summary.units == sum(bool(course.scans) for course in COURSES) < SETTINGS.patients
    archive = open_archive(tmp_path / "archive")
    newest = archive.table("images").group_by("subject_id").agg(pl.col("time").max()).sort("subject_id")
    assert archive.table("units").sort("subject_id")["time"].to_list() == newest["time"].to_list()


def test_a_patient_may_be_looked_at_several_times(hospital: Path, tmp_path: Path):
    folder = copy(hospital, tmp_path)
    one, two = COURSES[0].name, COURSES[1].name
    lines = [
        "person_id,index_date,cancer",
        f"{one},2016-01-01,0",
        f"{one},2017-01-01,1",
        f"{two},2017-05-05,",
        "1,2017-01-01,1",
    ]
    (folder / "labels.csv").write_text("\n".join([*lines, f"{two},soon,1", f"{one},2017-01-01,0"]))
    with pytest.raises(InputError, match=r"2 rows have a fault: .*row 6, column index_date.*row 7, column index_date"):
        ingest_hospital(folder, into=tmp_path / "archive", workers=1)
    labels = (folder / "labels.csv").rename(folder / "marks.csv")
    labels.write_text(labels.read_text().replace("person_id,index_date", "Patient,Stichtag"))
    words = ["ingest", "hospital", str(folder), "--labels", str(labels), "--workers", "1", "--skip_bad_rows", "2"]
    named = ["--map", "person_id=Patient", "index_date=Stichtag"]
    assert main([*words, "--into", str(tmp_path / "archive"), *named]) == 0
    assert open_archive(tmp_path / "archive").outcome("cancer").height == 2
    archive = open_archive(tmp_path / "archive")
    units = archive.table("units").filter(pl.col("subject_id") <= 2).sort("time")
    assert [str(time) for time in units["time"]] == [
        f"{day} 23:59:59.999999" for day in ("2016-01-01", "2017-01-01", "2017-05-05")
    ]
    pseudonyms = archive.table("subjects").sort("subject_id")["pseudonym"]
    assert units["unit_id"].to_list() == [f"{pseudonyms[0]}/20160101", f"{pseudonyms[0]}/20170101", pseudonyms[1]]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "omop/image_occurrence.csv").unlink(), "has no table image_occurrence"),
        (lambda folder: (folder / "omop/person.csv").unlink(), "has no table person"),
        (lambda folder: shutil.rmtree(folder / "dicom"), "no such folder"),
        (lambda folder: (folder / "labels.csv").write_text("person_id,index_date,cancer\n910273000,soon,1\n"), "row 2"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_written(hospital: Path, tmp_path: Path, damage, words: str):
    folder = copy(hospital, tmp_path)
    damage(folder)
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        ingest_hospital(folder, into=tmp_path / "archive", workers=1)
    assert not any(course.name in str(caught.value) for course in COURSES)
    assert not (tmp_path / "archive").exists()
