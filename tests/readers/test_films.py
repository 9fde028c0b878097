"""Real films with dates and the labs of the same patients come in through commands alone; what is later is not seen."""

import csv
import math
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.archive import Archive, open_archive
from semeia.cli import main
from semeia.data.dataset import Dataset, open_dataset
from semeia.data.modalities import Picture, Record

FILMS, CASES = (
    Path(os.environ.get("SEMEIA_DATA", "absent")) / "cxr_serial" / name for name in ("hannover", "many_sites")
)
ACCEPT = ["--accept", "words on films: side and position"]
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
pytestmark = pytest.mark.skipif(not FILMS.is_dir(), reason="needs the chest films (SEMEIA_DATA)")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """As a stranger makes it: the commands of docs/how-to/films-and-records.md."""
    into = str(tmp_path_factory.mktemp("films") / "archive")
    images = ["ingest", "images", str(FILMS / "images"), "--table", str(FILMS / "scans.csv"), *ACCEPT]
    columns = ["--image", "image_id", "--unit", "image_id", "--subject", "patient_id"]
    dates = ["--time", "day_since_admission", "--day-zero", "2000-01-01", "--history"]
    assert main([*images, *columns, *dates, "--covariate", "projection,modality,sex", "--into", into]) == 0
    assert main(["ingest", "table", str(FILMS), "--mapping", str(HOW_TO / "films.yaml"), "--into", into]) == 0
    return open_archive(into)


@pytest.fixture(scope="module")
def data(archive: Archive) -> Dataset:
    return open_dataset(archive, {"image": Picture(), "record": Record()})


def scans() -> list[dict[str, str]]:
    with (FILMS / "scans.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def labs() -> dict[tuple[str, str], dict[int, float]]:
    """The readings of each patient and lab by day, of several on one day the largest."""
    found: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    with (FILMS / "events.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["code"].startswith("LAB//") and math.isfinite(float(row["value"])):
                days = found[row["patient_id"], row["code"]]
                days[int(row["day"])] = max(float(row["value"]), days.get(int(row["day"]), -math.inf))
    return found


def test_films_labels_and_labs_are_all_there(archive: Archive, data: Dataset):
    rows = scans()
    assert (len(data), data.units["subject_id"].n_unique()) == (len(rows), len({row["patient_id"] for row in rows}))
    labels = archive.outcome("intensive_care")
    inside = [row for row in rows if row["icu_admission_offset"] and float(row["icu_admission_offset"]) <= 0]
    positive = sum(not row["icu_release_offset"] or float(row["icu_release_offset"]) >= 0 for row in inside)
    assert (labels.height, labels["value"].sum()) == (len(rows), positive)
    assert labels.join(data.units, on="unit_id").filter(pl.col("prediction_time") != pl.col("time")).is_empty()
    assert sorted(data.units["projection"].unique()) == ["ap", "pa"]
    assert not [code for code in archive.codes()["code"] if "ICU" in code or "FILM" in code]


def test_of_each_lab_the_last_value_by_the_day_of_the_film_is_seen_and_none_after_it(archive: Archive, data: Dataset):
    """Beside every fifth film the table has labs that were taken later: read naively, the future is seen."""
    known, of_unit = labs(), by_unit(archive)
    names = data.observations["record"].arrays.names
    later = 0
    for row, unit in enumerate(data.units["unit_id"]):
        scan = of_unit[unit]
        sample = data[row].values["record"]
        seen = dict(zip(names, sample[0], strict=True)) if len(sample) else {}
        day = int(scan["day_since_admission"])
        for name in names:
            so_far = {when: value for when, value in known[scan["patient_id"], name].items() if when <= day}
            value = seen.get(name, math.nan)
            assert math.isnan(value) if not so_far else value == pytest.approx(so_far[max(so_far)], rel=1e-6)
            offset = scan[f"{name.removeprefix('LAB//')}_offset"]
            later += offset != "" and float(offset) > 0
    assert later == 44


def test_earlier_films_of_the_patient_are_seen_and_later_ones_are_not(archive: Archive, data: Dataset):
    of_unit, films = by_unit(archive), data.observations["image"]
    days: dict[str, list[int]] = defaultdict(list)
    for scan in of_unit.values():
        days[scan["patient_id"]].append(int(scan["day_since_admission"]))
    for row, unit in enumerate(data.units["unit_id"]):
        own = int(of_unit[unit]["day_since_admission"])
        before = sorted(own - day for day in days[of_unit[unit]["patient_id"]] if day <= own)[:16]
        there = films.slot[row] >= 0
        assert np.round(films.when[row][there] * 365.25 / 12).astype(int).tolist() == before


def by_unit(archive: Archive) -> dict[str, dict[str, str]]:
    """The row of the table that each unit is of, through the names that the archive's key gives."""
    from semeia.archive.keys import keyed, own_key, pseudonym, read_key

    key = read_key(own_key(archive.path))
    return {f"{pseudonym(key, row['patient_id'], site=None)}/{keyed(key, row['image_id'])}": row for row in scans()}


def test_published_cases_are_another_archive_with_the_same_outcome(tmp_path: Path):
    into = str(tmp_path / "cases")
    images = ["ingest", "images", str(CASES / "images"), "--table", str(CASES / "scans.csv"), "--into", into, *ACCEPT]
    assert main([*images, "--image", "image", "--unit", "image", "--subject", "person"]) == 0
    assert main(["ingest", "table", str(CASES), "--mapping", str(HOW_TO / "cases.yaml"), "--into", into]) == 0
    labels = open_archive(into).outcome("intensive_care")
    with (CASES / "scans.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["in_icu"] in ("Y", "N") and row["view"] != "L"]
    assert (labels.height, labels["value"].sum()) == (len(rows), sum(row["in_icu"] == "Y" for row in rows))
