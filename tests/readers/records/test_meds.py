"""MEDS becomes an archive: shards, splits, names, modes; the looser form, too; damage is one clear line."""

import datetime as dt
import os
from pathlib import Path

import polars as pl
import pytest

from meds_folder import PATIENTS, SCHEMA, day, frame, record, write_meds
from semeia.archive import Archive, audit, open_archive
from semeia.errors import InputError
from semeia.readers import ingest_meds


def events(archive: Archive) -> pl.DataFrame:
    return pl.concat(list(archive.event_batches()))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("meds")
    write_meds(folder / "source")
    ingest_meds(folder / "source", into=folder / "archive")
    return open_archive(folder / "archive")


def test_subjects_have_sex_birth_and_split(archive: Archive):
    subjects = archive.table("subjects")
    assert subjects["sex"].to_list() == ["female", "male"] * 3
    assert subjects["birth"].to_list() == [dt.date(1950, 1, 1 + int(patient) % 28) for patient in PATIENTS]
    assert subjects["split"].to_list() == ["train", "train", "val", "test", "test", None]
    words = "patients have a split of another name than train, tuning, held_out"
    assert archive.parts[0]["notes"]["counted"][words] == 1


def test_every_event_but_the_sex_comes_back_once(archive: Archive):
    expected = frame([row for patient in PATIENTS for row in record(int(patient))])
    expected = expected.filter(~pl.col("code").str.starts_with("GENDER")).unique()
    expected = expected.with_columns(pl.col("subject_id") - int(PATIENTS[0]) + 1).sort(list(SCHEMA))
    assert events(archive).equals(expected)
    copies = archive.parts[0]["notes"]["counted"]["events that repeat another in every column were dropped"]
    assert copies == len(PATIENTS)


def test_codes_have_modes_by_rule_names_and_units(archive: Archive):
    codes = {row[0]: row[1:] for row in archive.codes().select("code", "mode", "name", "unit", "rule").rows()}
    assert codes == {
        "DIAGNOSIS//ICD//10//E119": ("condition", None, None, "vocabulary of diagnoses"),
        "LAB//50912//mg/dL": ("measurement", None, "mg/dL", "vocabulary of measurements"),
        "LAB//51087//UNK": ("measurement", None, None, "vocabulary of measurements"),
        "LOINC/2823-3": ("measurement", "Potassium", None, "vocabulary of measurements"),
        "MEDICATION//Metformin//Administered": ("medication", None, None, "vocabulary of drugs"),
        "MEDICATION//Metformin//Not Given": ("other", None, None, "a medication not given"),
        "MEDS_BIRTH": ("other", None, None, "birth and death"),
        "RACE//WHITE": ("demographic", None, None, "a fact about the person"),
    }
    by_rule = {(row["mode"], row["rule"]): row["codes"] for row in archive.parts[0]["notes"]["modes"]}
    assert by_rule["measurement", "vocabulary of measurements"] == 3


def test_a_table_of_codes_goes_before_rules_and_names(tmp_path: Path):
    write_meds(tmp_path / "source")
    table = tmp_path / "codes.csv"
    table.write_text("code,mode,name,unit,fill\nLOINC/2823-3,,Kalium,mmol/L,4.2\nRACE//WHITE,other,,,\n")
    ingest_meds(tmp_path / "source", into=tmp_path / "archive", codes=table)
    codes = {row["code"]: row for row in open_archive(tmp_path / "archive").codes().iter_rows(named=True)}
    assert codes["LOINC/2823-3"] | {"rule": ""} == {
        "code": "LOINC/2823-3",
        "mode": "measurement",
        "name": "Kalium",
        "unit": "mmol/L",
        "fill": 4.2,
        "rule": "",
    }
    assert (codes["RACE//WHITE"]["mode"], codes["RACE//WHITE"]["rule"]) == ("other", "table of codes")
    table.write_text("code,mode\nLOINC/2823-3,disease\n")
    with pytest.raises(InputError, match=r"codes.csv, row 2, column mode: must be one of condition, medication"):
        ingest_meds(tmp_path / "source", into=tmp_path / "other", codes=table)
    with pytest.raises(InputError, match=r"absent.csv: no such table"):
        ingest_meds(tmp_path / "source", into=tmp_path / "other", codes=tmp_path / "absent.csv")


def test_the_looser_form_is_read_and_further_columns_noted(tmp_path: Path, archive: Archive):
    (tmp_path / "source").mkdir()
    rows = frame([row for patient in PATIENTS for row in record(int(patient))])
    loose = rows.rename({"numeric_value": "value"}).with_columns(table=pl.lit("condition"))
    loose.write_parquet(tmp_path / "source" / "everything.parquet")
    ingest_meds(tmp_path / "source", into=tmp_path / "archive")
    other = open_archive(tmp_path / "archive")
    assert events(other).equals(events(archive))
    assert other.parts[0]["notes"]["columns not read"] == ["table"]


def test_empty_shards_and_mixed_zones_are_counted(tmp_path: Path, archive: Archive):
    write_meds(tmp_path / "source", splits=False)
    data = tmp_path / "source" / "data"
    frame([]).write_parquet(data / "train" / "1.parquet")
    shard = data / "held_out" / "0.parquet"
    berlin = pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    pl.read_parquet(shard).with_columns(berlin).write_parquet(shard)
    ingest_meds(tmp_path / "source", into=tmp_path / "archive")
    other = open_archive(tmp_path / "archive")
    assert events(other).equals(events(archive))
    counted = {finding.words: finding.count for finding in audit(other).findings}
    assert counted["files have no rows"] == 1
    assert counted["shards have times without a zone beside shards with one; they were taken to be UTC"] == 1
    assert counted["times with a time zone were converted to UTC"] == 8 * len(PATIENTS)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: cut(data / "train" / "0.parquet"), r"train/0.parquet: damaged or cut short, no row"),
        (lambda data: (data / "train" / "0.parquet").write_bytes(b""), r"train/0.parquet: has 0 bytes|cut short"),
        (
            lambda data: pl.DataFrame({"subject_id": [1], "time": [day(0)]}).write_parquet(data / "more.parquet"),
            r"more.parquet: lacks the column 'code'",
        ),
        (
            lambda data: frame(record(1)).with_columns(code=pl.lit(None)).write_parquet(data / "train" / "0.parquet"),
            None,
        ),
    ],
)
def test_damage_is_one_line_and_leaves_nothing(tmp_path: Path, spoil, words: str | None):
    write_meds(tmp_path / "source", splits=False)
    spoil(tmp_path / "source" / "data")
    if words is None:
        ingest_meds(tmp_path / "source", into=tmp_path / "archive")
        counted = open_archive(tmp_path / "archive").parts[0]["notes"]["counted"]
        assert counted["events without a code were left out"] == len(record(1))
        return
    with pytest.raises(InputError, match=words):
        ingest_meds(tmp_path / "source", into=tmp_path / "archive")
    assert not (tmp_path / "archive").exists()


def test_a_folder_without_shards_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"has no .parquet shards"):
        ingest_meds(tmp_path, into=tmp_path / "archive")
    with pytest.raises(InputError, match="no such folder"):
        ingest_meds(tmp_path / "absent", into=tmp_path / "archive")


def test_a_million_codes_pass(tmp_path: Path):
    (tmp_path / "source").mkdir()
    codes = 1_000_000
    one = pl.DataFrame({"code": pl.int_range(codes, eager=True)}).select(
        subject_id=pl.lit(1, dtype=pl.Int64),
        time=pl.lit(day(0)).cast(pl.Datetime("us")),
        code=pl.format("ICD10CM/{}", "code"),
        numeric_value=pl.lit(None, dtype=pl.Float32),
    )
    one.write_parquet(tmp_path / "source" / "0.parquet")
    ingest_meds(tmp_path / "source", into=tmp_path / "archive")
    assert open_archive(tmp_path / "archive").codes()["mode"].unique().to_list() == ["condition"]
    assert open_archive(tmp_path / "archive").codes().height == codes


@pytest.mark.skipif("SEMEIA_DATA" not in os.environ, reason="SEMEIA_DATA is not set: no real records")
def test_the_demo_of_mimic_iv_is_read(tmp_path: Path):
    source = Path(os.environ["SEMEIA_DATA"]) / "ehr" / "mimic4_demo_meds"
    some = pl.scan_parquet(source / "*.parquet").filter(pl.col("subject_id").is_in([10000032, 10001217])).collect()
    (tmp_path / "source").mkdir()
    some.write_parquet(tmp_path / "source" / "some.parquet")
    ingest_meds(tmp_path / "source", into=tmp_path / "archive")
    archive = open_archive(tmp_path / "archive")
    assert archive.table("subjects").select("sex", "birth").null_count().row(0) == (0, 0)
    kept = some.filter(~pl.col("code").str.starts_with("GENDER")).drop("table").unique().height
    assert events(archive).height == kept
    modes = dict(archive.codes().group_by("mode").len().rows())
    assert set(modes) == {"condition", "medication", "measurement", "other"}


def patients_of(count: int) -> pl.DataFrame:
    return frame([row for patient in range(1, count + 1) for row in record(patient)])


def split_of(folder: Path) -> list[str | None]:
    ingest_meds(folder / "source", into=folder / "archive")
    return open_archive(folder / "archive").table("subjects")["split"].to_list()


def test_names_of_earlier_versions_are_read(tmp_path: Path, archive: Archive):
    old = {"subject_id": "patient_id", "time": "timestamp", "numeric_value": "numerical_value"}
    (tmp_path / "source" / "data").mkdir(parents=True)
    (tmp_path / "source" / "metadata").mkdir()
    patients_of(4).rename(old).write_parquet(tmp_path / "source" / "data" / "0.parquet")
    splits = pl.DataFrame({"patient_id": [1.0, 2.0, 3.0, 4.0], "split": ["train", "Train", "validation", "test"]})
    splits.write_parquet(tmp_path / "source" / "metadata" / "patient_splits.parquet")
    assert split_of(tmp_path) == ["train", "train", "val", "test"]
    values = events(open_archive(tmp_path / "archive"))["numeric_value"].drop_nulls()
    assert set(values) == {1.0, 2.0, 4.0}


def test_codes_may_have_parents_in_lists_and_no_rows(tmp_path: Path):
    write_meds(tmp_path / "source", splits=False)
    file = tmp_path / "source" / "metadata" / "codes.parquet"
    parents = {"code": ["LOINC/2823-3"], "description": ["Potassium"], "parent_codes": [["LOINC/LP15098-4"]]}
    pl.DataFrame(parents).with_columns(more=pl.struct(a=1)).write_parquet(file)
    ingest_meds(tmp_path / "source", into=tmp_path / "named")
    assert "Potassium" in open_archive(tmp_path / "named").codes()["name"].to_list()
    pl.DataFrame(parents).clear().write_parquet(file)
    ingest_meds(tmp_path / "source", into=tmp_path / "nameless")
    assert open_archive(tmp_path / "nameless").codes()["name"].drop_nulls().is_empty()
    with pytest.raises(InputError, match=r"codes.parquet: has no rows"):
        ingest_meds(tmp_path / "source", into=tmp_path / "other", codes=file)


def test_structures_in_shards_are_passed_over(tmp_path: Path):
    (tmp_path / "source").mkdir()
    shard = patients_of(2).with_columns(more=pl.struct(a=1), tags=pl.lit([["x"]]))
    shard.write_parquet(tmp_path / "source" / "0.parquet")
    ingest_meds(tmp_path / "source", into=tmp_path / "archive")
    assert open_archive(tmp_path / "archive").parts[0]["notes"]["columns not read"] == ["more", "tags"]


def test_splits_of_other_patients_and_folders_without_splits_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    write_meds(tmp_path / "source", splits=False)
    assert split_of(tmp_path) == [None] * len(PATIENTS)
    assert "shards lie in folders (held_out, train), which are no splits" in caplog.text
    others = pl.DataFrame({"subject_id": [1, 2], "split": ["train", "held_out"]})
    others.write_parquet(tmp_path / "source" / "metadata" / "subject_splits.parquet")
    ingest_meds(tmp_path / "source", into=tmp_path / "other")
    said = caplog.text
    assert "6 of 6 patients have no split by subject_splits.parquet; are the splits of the same extract?" in said
    assert "nobody has a split, so that everybody may be fitted on" in said
    findings = audit(open_archive(tmp_path / "other")).findings
    assert ("note", "patients of the splits are not among the data", 2) in [
        (finding.severity, finding.words, finding.count) for finding in findings
    ]


def test_a_patient_in_two_splits_is_refused(tmp_path: Path):
    write_meds(tmp_path / "source")
    file = tmp_path / "source" / "metadata" / "subject_splits.parquet"
    splits = pl.read_parquet(file)
    pl.concat([splits, splits.head(1).with_columns(split=pl.lit("held_out"))]).write_parquet(file)
    with pytest.raises(InputError, match=r"1 patients have several rows \(2 together\) that differ in split"):
        ingest_meds(tmp_path / "source", into=tmp_path / "archive")


def test_times_as_counts_since_1970_are_refused_with_the_column(tmp_path: Path):
    (tmp_path / "source").mkdir()
    counts = patients_of(2).drop_nulls("time").with_columns(pl.col("time").dt.epoch("us"))
    counts.write_parquet(tmp_path / "source" / "0.parquet")
    with pytest.raises(InputError, match=r"MEDS, events: none of its 16 rows can be used: 16 have a time \(time\)"):
        ingest_meds(tmp_path / "source", into=tmp_path / "archive")


def test_ids_that_were_rounded_are_refused_and_those_that_became_decimals_are_not(tmp_path: Path):
    (tmp_path / "source").mkdir()
    file = tmp_path / "source" / "0.parquet"
    patients_of(2).with_columns(pl.col("subject_id").cast(pl.Float64)).write_parquet(file)
    ingest_meds(tmp_path / "source", into=tmp_path / "archive")
    assert open_archive(tmp_path / "archive").table("subjects").height == 2
    patients_of(2).with_columns(pl.col("subject_id").cast(pl.Float64) + 2.0**60).write_parquet(file)
    with pytest.raises(InputError, match="decimal numbers beyond 9007199254740992"):
        ingest_meds(tmp_path / "source", into=tmp_path / "other")
