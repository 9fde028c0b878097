"""Mapped tables become an archive: times, units, outcomes; what is wrong is one line, what is left out is counted."""

import datetime as dt
import gzip
import os
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest

from semeia.archive import Archive, open_archive
from semeia.errors import InputError
from semeia.readers import ingest_table
from semeia.readers.records.sources import tables_in

PATIENTS = """id,hospital,gender,born,died
CANARY-1,north,M,1950-02-03,2021-01-01
CANARY-2,north,f,,
CANARY-3,south,unknown,1970-01-01,
,south,F,1970-01-01,
"""
LABS = """id,taken,test,result,unit
CANARY-1,2020-01-01T10:00:00+02:00,K,4.0,mmol/L
CANARY-1,2020-01-02 10:00:00,K,4.5,MMOL/L
CANARY-2,2020-01-02,K,16,mg/dL
CANARY-2,2020-01-03,K,4.4,
CANARY-2,soon,K,4.4,mmol/L
CANARY-2,,K,4.4,mmol/L
CANARY-3,2020-01-02T00:00:00Z,UA,cloudy,
CANARY-3,2020-01-02T00:00:00Z,,5,mmol/L
CANARY-9,2020-01-02T00:00:00Z,K,5,mmol/L
CANARY-3,2020-01-02T00:00:00Z,GONE,NaN,
"""
STAYS = """stay,id,start,ward,dead
s1,CANARY-1,2020-01-01,icu,1
s2,CANARY-2,2020-01-02,,0
"""
MAPPING = """
name: own
people: {from: patients, subject: id, site: hospital, sex: gender, birth: born, death: died}
events:
  labs: {from: labs, subject: id, time: taken, code: "'LAB/' || test", value: result, text: result, unit: unit}
  absent: {from: not_there, subject: id, code: x}
units:
  stay: {from: stays, subject: id, unit: stay, time: start, covariates: {ward: ward, rank: CAST(2 AS INTEGER)}}
outcomes:
  death: {from: stays, subject: id, unit: stay, prediction_time: "start::TIMESTAMP + INTERVAL 1 DAY", value: dead}
  ever: {from: patients, where: id IS NOT NULL, subject: id, prediction_time: "'2020-01-01'", value: "1"}
counts:
  rows of labs: SELECT count(*) FROM labs
  nothing: SELECT count(*) FROM not_there
"""


def folder_with(folder: Path, **change: str) -> Path:
    folder.mkdir()
    for name, text in ({"patients": PATIENTS, "labs": LABS, "stays": STAYS} | change).items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def ingest(folder: Path, *, mapping: str = MAPPING, **change: str) -> Archive:
    (folder / "own.yaml").write_text(mapping)
    ingest_table(folder_with(folder / "source", **change), mapping=folder / "own.yaml", into=folder / "archive")
    return open_archive(folder / "archive")


def events(archive: Archive) -> pl.DataFrame:
    return pl.concat(list(archive.event_batches()))


def test_rows_become_events_in_utc_and_units_stay_apart(tmp_path: Path):
    archive = ingest(tmp_path)
    assert events(archive).rows() == [
        (1, dt.datetime(1950, 2, 3), "MEDS_BIRTH", None, None),
        (1, dt.datetime(2020, 1, 1, 8), "LAB/K", 4.0, None),
        (1, dt.datetime(2020, 1, 2, 10), "LAB/K", 4.5, None),
        (1, dt.datetime(2021, 1, 1), "MEDS_DEATH", None, None),
        (2, dt.datetime(2020, 1, 2), "LAB/K//mg/dL", 16.0, None),
        (2, dt.datetime(2020, 1, 3), "LAB/K", pytest.approx(4.4), None),
        (3, dt.datetime(1970, 1, 1), "MEDS_BIRTH", None, None),
        (3, dt.datetime(2020, 1, 2), "LAB/GONE", None, None),
        (3, dt.datetime(2020, 1, 2), "LAB/UA", None, "cloudy"),
    ]
    assert archive.table("subjects").select("site", "sex", "birth").rows() == [
        ("north", "male", dt.date(1950, 2, 3)),
        ("north", "female", None),
        ("south", "unknown", dt.date(1970, 1, 1)),
    ]
    units = {row["code"]: row["unit"] for row in archive.codes().iter_rows(named=True)}
    assert (units["LAB/K"], units["LAB/K//mg/dL"], units["LAB/UA"]) == ("MMOL/L", "mg/dL", None)


def test_what_is_left_out_or_mended_is_counted(tmp_path: Path):
    notes = ingest(tmp_path).parts[0]["notes"]
    assert notes["counted"] == {
        "patients without an id were left out": 1,
        "events without a code were left out": 1,
        "events of nobody among the patients were left out": 1,
        "events whose time cannot be read were left out": 1,
        "events without a time were left out": 1,
        "values that are no numbers were kept as text": 1,
        "dates without a time of day were taken to be the start of that day": 2,
        "times with a time zone were converted to UTC": 5,
        "times without a zone, beside others with one, were taken to be UTC": 4,
        "values without a unit were taken to be in their code's usual one": 1,
        "values in another unit than most of their code got a code of their own": 1,
        "values that are not finite numbers were emptied": 1,
        "rows of labs": 10,
    }
    assert notes["tables not there"] == ["not_there"]


def test_stays_and_outcomes_are_named_by_keyed_hashes(tmp_path: Path):
    archive = ingest(tmp_path)
    units = archive.table("units").filter(pl.col("kind") == "stay")
    assert units.select("subject_id", "time", "ward", "rank").rows() == [
        (1, dt.datetime(2020, 1, 1), "icu", 2),
        (2, dt.datetime(2020, 1, 2), None, 2),
    ]
    death = archive.outcome("death").join(units.select("unit_id"), on="unit_id", how="semi")
    assert death.select("subject_id", "prediction_time", "value").rows() == [
        (1, dt.datetime(2020, 1, 2), 1.0),
        (2, dt.datetime(2020, 1, 3), 0.0),
    ]
    patients = archive.table("subjects")["pseudonym"].to_list()
    assert sorted(archive.outcome("ever")["unit_id"]) == sorted(patients)
    texts = [archive.table("units").write_csv(), events(archive).write_csv(), str(archive.parts)]
    assert not [text for text in texts for name in ("CANARY", "s1", "s2") if name in text]


def test_words_that_stand_for_labels_are_read(tmp_path: Path):
    words = STAYS.replace(",1\n", ",Yes\n").replace(",0\n", ",negative\n")
    assert sorted(ingest(tmp_path, stays=words).outcome("death")["value"]) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mapping": MAPPING.replace("|| test", "|| tset")}, "own, labs: .*tset"),
        ({"mapping": MAPPING.replace("|| test", "|| 'test")}, "own, labs: unterminated string"),
        ({"mapping": MAPPING.replace("value: dead", "value: ward")}, "death: 2 of 2 rows have no number .ward., 1 of"),
        ({"mapping": MAPPING.replace("from: stays, subject: id, unit: stay, prediction", "from: stays, subject: id, "
          "unit: ward, prediction")}, "death: a row is of a unit that is not among the units"),
        ({"mapping": MAPPING.replace("taken, code", "taken, mode: \"'odd'\", code")}, "the mode 'odd' is none of"),
        ({"mapping": MAPPING.replace("from: labs", "from: secrets")}, "own: none of the tables with events"),
        ({"mapping": MAPPING.replace("FROM labs", "FROM labs, read_csv('/etc/passwd')")}, "a file outside the folder"),
        ({"mapping": MAPPING.replace("from: patients, subject", "from: people, subject")}, "no table 'people'"),
        ({"patients": PATIENTS + "CANARY-1,south,M,1950-02-03,\n"}, "1 patients have several rows .* in site"),
        ({"patients": "id,hospital,gender,born,died\n"}, "no patient"),
        ({"stays": STAYS.replace("s1", "")}, "stay: a unit has no id"),
        ({"stays": STAYS.replace(",1\n", ",\n")}, "outcome death: 1 of 2 rows have no number .dead., 0 of them"),
        ({"labs": ""}, r"labs.csv: has 0 bytes"),
        ({"labs": "id,id,test\n1,2,3\n"}, r"labs.csv: row 1 must name each column, and no two alike"),
        ({"labs": LABS.replace("CANARY-2,2020-01-02,K,16,mg/dL", "CANARY-2,2020-01-02,K,16,mg/dL,more,and,more")},
         r"labs.csv: damaged or cut short, no row of it was taken; row \d+ does not fit its header"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_without_ids(tmp_path: Path, change: dict[str, str], words: str):
    with pytest.raises(InputError, match=words) as caught:
        ingest(tmp_path, **change)
    assert "CANARY" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "archive").exists()


def test_shards_gzip_and_capitals_are_one_table(tmp_path: Path):
    expected = events(ingest(tmp_path))
    source = tmp_path / "more"
    (source / "LABS").mkdir(parents=True)
    lines = LABS.splitlines(keepends=True)
    for number, part in enumerate((lines[1:4], lines[4:], [])):
        text = lines[0].upper() + "".join(part)
        (source / "LABS" / f"{number}.csv.gz").write_bytes(gzip.compress(text.encode()))
    (source / "Patients.tsv").write_text(PATIENTS.replace(",", "\t"))
    (source / "stays.csv").write_text(STAYS)
    (source / "readme.txt").write_text("no table")
    assert set(tables_in(source)) == {"labs", "patients", "stays"}
    ingest_table(source, mapping=tmp_path / "own.yaml", into=tmp_path / "other")
    assert events(open_archive(tmp_path / "other")).equals(expected)


def test_two_files_of_one_table_are_refused(tmp_path: Path):
    source = folder_with(tmp_path / "source")
    pl.DataFrame({"id": [1]}).write_parquet(source / "labs.parquet")
    with pytest.raises(InputError, match=r"labs.parquet: labs.csv is the table 'labs', too"):
        ingest_table(source, mapping="synthea", into=tmp_path / "archive")


DATA = Path(os.environ.get("SEMEIA_DATA", ""))
REAL = pytest.mark.skipif("SEMEIA_DATA" not in os.environ, reason="SEMEIA_DATA is not set: no real records")


def some_patients(source: Path, into: Path, *, column: str, ids: list) -> None:
    """Copy the tables, of those that have `column` only the rows of `ids`; and the same as text, as it is published."""
    text = into.with_name(f"{into.name}_csv")
    into.mkdir()
    text.mkdir()
    for file in source.glob("*.parquet"):
        table = pl.scan_parquet(file)
        names = {name.lower(): name for name in table.collect_schema().names()}
        chosen = (table.filter(pl.col(names[column]).is_in(ids)) if column in names else table).collect()
        chosen.write_parquet(into / file.name)
        naive = chosen.with_columns(cs.datetime("us", "*").dt.replace_time_zone(None).dt.to_string("%F %T"))
        naive.write_csv(text / f"{file.stem}.csv")


def same_from_text(folder: Path, mapping: str, archive: Archive) -> None:
    """The tables as text give the same events and codes as those in parquet."""
    ingest_table(folder / "source_csv", mapping=mapping, into=folder / "text")
    text = open_archive(folder / "text")
    assert events(text).equals(events(archive))
    assert text.codes().equals(archive.codes())
    keyed = ("pseudonym", "spelling")  # each archive has a key of its own
    assert text.table("subjects").drop(keyed).equals(archive.table("subjects").drop(keyed))


@REAL
def test_eicu_takes_first_stays_and_labels_those_longer_than_a_day(tmp_path: Path):
    source = DATA / "ehr" / "eicu_demo"
    stays = pl.read_parquet(source / "patient.parquet").head(60)
    some_patients(source, tmp_path / "source", column="patientunitstayid", ids=stays["patientunitstayid"].to_list())
    ingest_table(tmp_path / "source", mapping="eicu", into=tmp_path / "archive")
    archive = open_archive(tmp_path / "archive")
    patients = stays["uniquepid"].n_unique()
    assert archive.table("subjects").height == archive.table("units").height == patients
    counted = archive.parts[0]["notes"]["counted"]
    assert counted["later stays of the same patient were left out"] == stays.height - patients
    labels = archive.outcome("hospital_mortality").join(archive.table("units"), on="unit_id")
    assert (labels["length_hours"] > 24).all()
    assert set(labels["prediction_time"]) == {dt.datetime(2000, 1, 2)}
    assert archive.parts[0]["notes"]["tables not there"] == ["lab"]
    seen = events(archive).filter(pl.col("code").str.starts_with("APACHE/"))
    assert set(seen["time"]) == {dt.datetime(2000, 1, 2)}
    same_from_text(tmp_path, "eicu", archive)


@REAL
def test_mimic3_codes_are_seen_from_the_discharge_on(tmp_path: Path):
    source = DATA / "ehr" / "mimic3_demo"
    some_patients(source, tmp_path / "source", column="subject_id", ids=[10006, 10011, 10013])
    ingest_table(tmp_path / "source", mapping="mimic3", into=tmp_path / "archive")
    archive = open_archive(tmp_path / "archive")
    discharges = pl.read_parquet(tmp_path / "source" / "admissions.parquet")["dischtime"].dt.replace_time_zone(None)
    coded = events(archive).filter(pl.col("code").str.contains("^ICD9"))
    assert coded.height > 10
    assert set(coded["time"]) <= set(discharges)
    assert archive.codes().filter(pl.col("code").str.starts_with("LOINC/"))["name"].null_count() == 0
    same_from_text(tmp_path, "mimic3", archive)


@REAL
def test_synthea_asks_everyone_at_fifty(tmp_path: Path):
    source = DATA / "synthea"
    some_patients(
        source, tmp_path / "source", column="patient_id",
        ids=pl.read_parquet(source / "patients.parquet")["patient_id"].sort().head(30).to_list(),
    )  # fmt: skip
    ingest_table(tmp_path / "source", mapping="synthea", into=tmp_path / "archive")
    archive = open_archive(tmp_path / "archive")
    labels = archive.outcome("lung_cancer").join(archive.table("subjects"), on="subject_id")
    fifty = labels["birth"].dt.offset_by("50y").cast(pl.Datetime("us"))
    assert labels["prediction_time"].equals(fifty.alias("prediction_time"))
    suspected = events(archive).filter(pl.col("code") == "SNOMED/162573006").join(labels, on="subject_id")
    assert (suspected["time"] > suspected["prediction_time"]).all()
    assert not archive.codes()["code"].str.contains("56799-0").any()


@REAL
def test_synthea_csv_has_readable_names(tmp_path: Path):
    ingest_table(DATA / "synthea_csv", mapping="synthea_csv", into=tmp_path / "archive")
    archive = open_archive(tmp_path / "archive")
    assert archive.table("subjects").height == 59
    assert archive.codes().filter(~pl.col("code").str.starts_with("MEDS_"))["name"].null_count() == 0


def test_a_mapping_may_bring_labels_alone_of_images_that_are_there(tmp_path: Path):
    from PIL import Image

    from semeia.archive.audit.findings import gaps
    from semeia.readers import ingest_images

    folder = folder_with(tmp_path / "t", films="film,id,day,ill\nf1,CANARY-1,2020-01-01,1\nf2,CANARY-1,2020-01-05,0\n")
    for name in ("f1", "f2"):
        Image.effect_noise((16, 16), 60).save(folder / f"{name}.png")
    given = {"table": folder / "films.csv", "image": "film", "unit": "film", "subject": "id", "time": "day"}
    ingest_images(folder, **given, history=True, into=tmp_path / "a")
    labels = "{from: films, subject: id, unit: film, prediction_time: day, value: ill}"
    (tmp_path / "m.yaml").write_text(f"people: {{from: films, subject: id}}\noutcomes:\n  ill: {labels}\n")
    summary = ingest_table(folder, mapping=tmp_path / "m.yaml", into=tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    assert (summary.subjects, summary.units, summary.events, summary.outcomes) == (0, 0, 0, {"ill": 2})
    units = archive.table("units").sort("time")
    assert archive.outcome("ill").sort("prediction_time")["unit_id"].equals(units["unit_id"])
    assert archive.outcome("ill").sort("prediction_time")["value"].to_list() == [1.0, 0.0]
    assert not [one for one in gaps(archive) if "image" in one.words]  # a patient's images are its units'
    (folder / "films.csv").write_text("film,id,day,ill\nf9,CANARY-1,2020-01-01,1\n")
    with pytest.raises(InputError, match="outcome ill: a row is of a unit that is not among the units"):
        ingest_table(folder, mapping=tmp_path / "m.yaml", into=tmp_path / "a")
