"""A table of dates names patients by the hospital's own ids: never by an archive's numbers, and dates are ISO."""

import datetime as dt
from pathlib import Path

import pytest

from semeia.archive import Archive, open_archive, writing
from semeia.archive.keys import own_key
from semeia.errors import InputError
from semeia.readers import read_dates

END_OF_DAY = dt.datetime(2020, 6, 1, 23, 59, 59, 999999)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Patients 14, 7, 3 and 2 in this order, so that an archive's number 3 is the hospital's patient 3, and 4 is 2."""
    with writing(tmp_path / "a", source="test") as draft:
        for original in ("14", "7", "3", "2"):
            number, _ = draft.subject(original, site="south" if original == "2" else "north")
            draft.unit(f"u{original}", number, "scan")
    return open_archive(tmp_path / "a")


def write(archive: Archive, text: str) -> Path:
    file = archive.path.parent / "dates.csv"
    file.write_text(text)
    return file


@pytest.mark.parametrize("column", ["patient_id", "subject_id", "person_id", "Subject_ID"])
def test_small_whole_numbers_are_the_hospitals_ids(archive: Archive, column: str):
    file = write(archive, f"{column},date\n7,2020-06-01\n2.0,2020-06-01\n14,2020-06-01\n")
    table, counted = read_dates(file, archive)
    assert table.rows() == [(2, END_OF_DAY), (4, END_OF_DAY), (1, END_OF_DAY)]
    assert counted == {}


def test_columns_of_other_names_are_named(archive: Archive):
    file = write(archive, "Fall,Datum\n7,2020-06-01\n")
    with pytest.raises(InputError, match="--map patient_id=COLUMN says which one it is"):
        read_dates(file, archive)
    table, _ = read_dates(file, archive, named=("patient_id=fall", "date=Datum"))
    assert table.rows() == [(2, END_OF_DAY)]
    with pytest.raises(InputError, match="has no column"):
        read_dates(file, archive, named=("patient_id=Nummer",))


def test_a_number_of_the_archive_is_nobodys_id(archive: Archive):
    with pytest.raises(InputError, match="row 2, column subject_id: names a patient who is not in the archive"):
        read_dates(write(archive, "subject_id,time\n1,2020-06-01\n"), archive)


def test_pseudonyms_need_no_key_and_ids_do(archive: Archive, tmp_path: Path):
    own_key(archive.path).rename(tmp_path / "key")
    name = archive.table("subjects")["pseudonym"][1]
    for column in ("pseudonym", "subject_id"):  # our own tables of predictions call it subject_id
        table, _ = read_dates(write(archive, f"{column},time\n{name},2020-06-01 10:00\n"), archive)
        assert table.rows() == [(2, dt.datetime(2020, 6, 1, 10))]
    file = write(archive, "subject_id,time\n7,2020-06-01\n")
    with pytest.raises(InputError, match=r"hospital's own ids through the pseudonym key.*kept elsewhere"):
        read_dates(file, archive)
    assert read_dates(file, archive, key=tmp_path / "key")[0]["subject_id"].to_list() == [2]


def test_one_id_at_two_sites_needs_the_site(archive: Archive):
    with writing(archive.path, source="more") as draft:
        draft.unit("u", draft.subject("7", site="south")[0], "scan")
    archive = open_archive(archive.path)
    with pytest.raises(InputError, match="id of 2 patients, of several sites; add a column site"):
        read_dates(write(archive, "patient_id,time\n7,2020-06-01\n"), archive)
    file = write(archive, "patient_id,site,time\n7,south,2020-06-01\n7,north,2020-06-01\n")
    assert read_dates(file, archive)[0]["subject_id"].to_list() == [5, 2]


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2020-06-01", END_OF_DAY),
        ("2020-06-01 10:00", dt.datetime(2020, 6, 1, 10)),
        ("2020-06-01T10:00:30.5", dt.datetime(2020, 6, 1, 10, 0, 30, 500000)),
        ("2020-06-01T10:00:00+02:00", dt.datetime(2020, 6, 1, 8)),
        ("2020-06-01 10:00:00 -0500", dt.datetime(2020, 6, 1, 15)),
        ("2020-06-01T10:00Z", dt.datetime(2020, 6, 1, 10)),
    ],
)
def test_times_in_iso(archive: Archive, cell: str, time: dt.datetime):
    assert read_dates(write(archive, f"patient_id,time\n7,{cell}\n"), archive)[0].rows() == [(2, time)]


@pytest.mark.parametrize(
    "cell", ["04/03/2020", "06-01-2020", "01.06.2020", "2020-02-30", "20200601", "43831", "2020-06-01 10:00 PM", ""]
)
def test_other_dates_are_not_guessed(archive: Archive, cell: str):
    with pytest.raises(InputError, match=r"^dates.csv, row 2, column time: is (not a date in ISO|empty)") as caught:
        read_dates(write(archive, f"patient_id,time\n7,{cell}\n"), archive)
    assert not cell or cell not in str(caught.value)


def test_ten_faults_are_told_at_once_or_left_out_by_number(archive: Archive):
    rows = "".join(f"99{place},2020-06-01\n" for place in range(12))
    file = write(archive, f"patient_id,time\n{rows}7,2020-06-01\n")
    with pytest.raises(InputError, match=r"12 rows have a fault: \(1\) row 2.*\(10\) row 11.*and 2 more.*rows 12\.$"):
        read_dates(file, archive)
    with pytest.raises(InputError, match="12 rows"):
        read_dates(file, archive, skip_bad_rows=11)
    table, counted = read_dates(file, archive, skip_bad_rows=12)
    assert table["subject_id"].to_list() == [2]
    assert list(counted.values()) == [12]
