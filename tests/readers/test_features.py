"""Vectors with dates come in from columns or files, each once, all of one shape; what cannot be is said by row."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from archive_folder import listing
from lidc_folder import read_rows, write_rows
from semeia.archive import Archive, Summary, open_archive
from semeia.data.dataset import open_dataset
from semeia.data.modalities import Vector
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.readers import ingest_features

VECTORS = np.random.default_rng(0).normal(size=(5, 12)).astype(np.float32)
PATIENTS = ("CANARY2", "CANARY2", "CANARY1", "CANARY1", "CANARY3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five scans of three patients with twelve numbers each, in a table whose columns stand in the order of words."""
    rows: list[dict[str, object]] = []
    for place, patient in enumerate(PATIENTS):
        scan = f"{patient}time{place}"
        facts: dict[str, object] = {"who": patient, "when": f"2020-03-0{place + 1}", "scan": scan}
        rows.append(facts | {name: float(VECTORS[place, int(name[1:])]) for name in sorted(f"f{k}" for k in range(12))})
        np.save(tmp_path / f"{scan}.npy", np.stack([VECTORS[place] + region for region in range(3)]))
    np.savez(tmp_path / "all.npz", **{str(row["scan"]): VECTORS[place] for place, row in enumerate(rows)})
    np.save(tmp_path / "all.npy", VECTORS)
    write_rows(tmp_path / "t.csv", rows)
    return tmp_path


def ingest(folder: Path, **change) -> Summary:
    given: dict = {"modality": "sybil512", "subject": "who", "time": "when"} | change
    if "arrays" not in given:
        given = {"columns": "f"} | given
    return ingest_features(given.pop("table", folder / "t.csv"), into=folder / "a", **given)


def vectors(archive: Archive, modality: str = "sybil512") -> np.ndarray:
    return np.stack([archive.pixels(row) for row in archive.arrays(modality).iter_rows(named=True)])


@pytest.mark.parametrize("source", ["columns", "all.npy", "all.npz"])
def test_the_three_ways_give_the_same(folder: Path, source: str):
    change = {} if source == "columns" else {"arrays": folder / source}
    summary = ingest(folder, **change, **({"file": "scan"} if source == "all.npz" else {}))
    assert (summary.arrays, summary.subjects, summary.units) == (5, 3, 0)
    archive = open_archive(folder / "a")
    np.testing.assert_allclose(vectors(archive), VECTORS, rtol=1e-6)
    assert archive.arrays("sybil512")["subject_id"].to_list() == [2, 2, 1, 1, 3]
    assert archive.arrays("sybil512")["time"].to_list() == [dt.datetime(2020, 3, day) for day in range(1, 6)]
    assert all(b"CANARY" not in content for content in listing(folder / "a").values())


def test_regions_from_files_may_be_missing_and_a_model_reads_them(folder: Path):
    short = np.load(folder / "CANARY3time4.npy")
    short[2] = np.nan
    np.save(folder / "CANARY3time4.npy", short)
    zeros = np.load(folder / "CANARY1time2.npy")
    zeros[2] = 0
    np.save(folder / "CANARY1time2.npy", zeros)
    rows = read_rows(folder / "t.csv")
    write_rows(folder / "t.csv", [row | {"scan": f"{row['scan']}.npy"} for row in rows])
    summary = ingest(folder, modality="liao128", arrays=folder, file="scan")
    assert "1 vectors have regions of zeros only" in str(summary)
    archive = open_archive(folder / "a")
    assert vectors(archive, "liao128").shape == (5, 3, 12)
    units = archive.table("subjects").select("subject_id", unit_id="pseudonym")
    units = units.with_columns(time=dt.datetime(2020, 3, 4))
    model = ModelSettings(modalities={"liao128": Vector(source="liao128")})
    data = open_dataset(archive, model.modalities_of(archive), units=units)
    assert [(sample.values["liao128"].shape[0]) for sample in data] == [2, 2, 0]  # nothing after the date


def test_patients_are_those_of_the_images_and_may_be_named_by_pseudonym(folder: Path):
    ingest(folder)
    people = open_archive(folder / "a").table("subjects")
    rows = [{"pseudonym": name, "f0": place} for place, name in enumerate(people["pseudonym"])]
    write_rows(folder / "again.csv", rows)
    summary = ingest(folder, table=folder / "again.csv", modality="age", subject="pseudonym", time=None)
    assert (summary.subjects, summary.arrays) == (0, 3)
    assert open_archive(folder / "a").arrays("age")["subject_id"].to_list() == people["subject_id"].to_list()
    write_rows(folder / "again.csv", [*rows, {"pseudonym": "0" * 12, "f0": 1}])
    with pytest.raises(InputError, match="row 5, column pseudonym: is no pseudonym of this archive"):
        ingest(folder, table=folder / "again.csv", modality="more", subject="pseudonym", time=None)


def test_a_second_time_changes_nothing_and_a_part_of_it_is_refused(folder: Path):
    ingest(folder)
    before = listing(folder / "a")
    assert ingest(folder).repeated
    write_rows(folder / "t.csv", read_rows(folder / "t.csv")[:2])
    with pytest.raises(InputError, match="refused: 2 of 2 rows of arrays are already in the archive"):
        ingest(folder)
    assert listing(folder / "a") == before


def test_what_is_left_out_is_counted(folder: Path):
    rows = read_rows(folder / "t.csv")
    rows.append(rows[0] | {})
    rows.append(rows[1] | {f"f{k}": "NaN" for k in range(12)})
    rows.append(rows[2] | {"f3": "7"})  # another scan of the same day stays another
    rows.append(rows[2] | {"f3": "words"})
    write_rows(folder / "t.csv", rows)
    summary = ingest(folder, skip_bad_rows=1)
    assert summary.arrays == 6
    for words in ("1 vectors repeat another", "1 rows have no number at all", "1 rows with a fault were left out"):
        assert words in str(summary)


@pytest.mark.parametrize(
    ("cell", "value", "words"),
    [
        ("f3", "", "row 3: 1 of 12 numbers are missing or not finite"),
        ("f3", "inf", "row 3: 1 of 12 numbers are missing or not finite"),
        ("f3", "1e300", "row 3: 1 of 12 numbers are missing or not finite in single precision"),
        ("f3", "high", "row 3: 1 of 12 numbers are missing or not finite"),
        ("when", "03/04/2020", "row 3, column when: is not a date in ISO"),
        ("who", "", "row 3, column who: is empty"),
        ("who", "1.2E+11", "row 3, column who: is an id that a spreadsheet has rounded"),
    ],
)
def test_each_thing_wrong_with_a_row_is_one_line(folder: Path, cell: str, value: str, words: str):
    rows = read_rows(folder / "t.csv")
    rows[1][cell] = value
    write_rows(folder / "t.csv", rows)
    with pytest.raises(InputError, match=words) as caught:
        ingest(folder)
    assert "CANARY" not in str(caught.value)
    assert not (folder / "a").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time": None}, "row 3: is another vector of the patient in row 2; name dates with --time"),
        ({"columns": "g"}, "no column's name begins with 'g'"),
        ({"columns": "f", "arrays": "t.csv"}, "say where the numbers are"),
        ({"arrays": "t.csv"}, "is no array of numbers that NumPy has saved"),
        ({"arrays": "absent.npy"}, "absent.npy: no such file"),
        ({"arrays": "."}, "name the column that says which file"),
        ({"arrays": ".", "file": "who"}, "row 2, column who: there is no such file in the folder"),
        ({"arrays": "all.npz", "file": "who"}, "row 2, column who: there is no such array in the file"),
        ({"arrays": "odd.npy"}, "holds 4 x 12 numbers; the table has 5 rows"),
        ({"arrays": ".", "file": "mixed"}, "row 3: has 12 numbers where the others have 3 x 12"),
        ({"arrays": ".", "file": "texts"}, "row 2, column texts: holds str"),
        ({"time": None, "day_zero": "2000-01-01"}, "day_zero needs a column of dates"),
        ({"modality": "Sybil-512"}, "a name is lower case letters"),
    ],
)
def test_what_does_not_fit_together_is_refused(folder: Path, change: dict, words: str):
    np.save(folder / "odd.npy", VECTORS[:4])
    np.save(folder / "flat.npy", VECTORS[0])
    np.save(folder / "texts.npy", np.array(["a", "b"]))
    rows = read_rows(folder / "t.csv")
    for place, row in enumerate(rows):
        row["scan"] = f"{row['scan']}.npy" if change.get("arrays") == "." else row["scan"]
        row |= {"mixed": "flat.npy" if place == 1 else row["scan"], "texts": "texts.npy"}
    write_rows(folder / "t.csv", rows)
    given = {name: folder / value if name == "arrays" else value for name, value in change.items()}
    with pytest.raises(InputError, match=words) as caught:
        ingest(folder, **given)
    assert "CANARY" not in str(caught.value)
    assert not (folder / "a").exists()


def test_vectors_of_another_shape_than_the_archives_are_refused(folder: Path):
    ingest(folder)
    write_rows(folder / "t.csv", [{"who": "CANARY9", "when": "2020-03-01", "f0": 1}])
    with pytest.raises(InputError, match="row 2: has 1 numbers where the others have 12"):
        ingest(folder)
