"""OMOP tables become events: concepts, ingredients, answers, units; what is missing or unmapped is counted."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from omop_folder import PERSONS, write_omop
from semeia.archive import Archive, open_archive
from semeia.errors import InputError
from semeia.readers import ingest_omop


def read(folder: Path, **change: object) -> Archive:
    write_omop(folder / "source", **change)  # pyright: ignore[reportArgumentType]
    ingest_omop(folder / "source", into=folder / "archive")
    return open_archive(folder / "archive")


def events(archive: Archive) -> pl.DataFrame:
    return pl.concat(list(archive.event_batches()))


def codes_of(archive: Archive, subject: int) -> list[str]:
    return events(archive).filter(pl.col("subject_id") == subject)["code"].to_list()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return read(tmp_path_factory.mktemp("omop"))


def test_people_have_site_sex_and_birth_however_incomplete(archive: Archive):
    assert archive.table("subjects").select("site", "sex", "birth").rows() == [
        ("North", "male", dt.date(1950, 3, 9)),
        ("North", "female", dt.date(1961, 7, 1)),
        ("care_site 2", "female", dt.date(1972, 5, 15)),
        ("location 14", None, None),
    ]
    counted = archive.parts[0]["notes"]["counted"]
    assert counted["dates of birth without month or day were taken to be in the middle"] == 2


def test_concepts_become_codes_with_names_and_moments(archive: Archive):
    one = events(archive).filter(pl.col("subject_id") == 1)
    assert one.select("time", "code", "numeric_value").rows() == [
        (None, "Race/5", None),
        (dt.datetime(1950, 3, 9), "MEDS_BIRTH", None),
        (dt.datetime(2020, 1, 1, 12), "Visit/IP", None),
        (dt.datetime(2020, 1, 2), "LOINC/2823-3", pytest.approx(4.1)),
        (dt.datetime(2020, 1, 2), "LOINC/72166-2//SNOMED/77176002", None),
        (dt.datetime(2020, 1, 2, 8, 30), "SNOMED/44054006", None),
        (dt.datetime(2020, 1, 2, 9), "LOINC/4548-4", 7.5),
        (dt.datetime(2020, 1, 3), "RxNorm/6809", None),
        (dt.datetime(2020, 1, 6), "SNOMED/40701008", None),
        (dt.datetime(2021, 1, 5, 10), "MEDS_DEATH", None),
    ]
    codes = {row["code"]: row for row in archive.codes().iter_rows(named=True)}
    assert codes["LOINC/4548-4"] | {"rule": ""} == {
        "code": "LOINC/4548-4",
        "mode": "measurement",
        "name": "Hemoglobin A1c",
        "unit": "%",
        "fill": None,
        "rule": "",
    }
    assert codes["LOINC/72166-2//SNOMED/77176002"]["name"] == "Tobacco smoking status: Smoker"
    modes = {"RxNorm/6809": "medication", "SNOMED/44054006": "condition", "Visit/IP": "other", "Race/5": "demographic"}
    assert {code: codes[code]["mode"] for code in modes} == modes
    assert codes["LOINC/72166-2//SNOMED/77176002"]["mode"] == "condition"


def test_a_drug_becomes_all_its_ingredients_or_stays_itself(archive: Archive):
    assert {"RxNorm/29046", "RxNorm/5487"} <= set(codes_of(archive, 2))
    assert "OMOP/999" in codes_of(archive, 3)
    assert archive.parts[0]["notes"]["counted"]["drugs without a known ingredient were kept as they are"] == 1


def test_ingredients_come_from_relationships_where_there_are_no_ancestors(tmp_path: Path):
    write_omop(tmp_path / "source", leave=("concept_ancestor",))
    links = [(40163924, 5, "Consists of"), (5, 1503297, "RxNorm has ing"), (40184187, 1308216, "RxNorm has ing")]
    pl.DataFrame(links, schema=["concept_id_1", "concept_id_2", "relationship_id"], orient="row").write_csv(
        tmp_path / "source" / "concept_relationship.csv"
    )
    ingest_omop(tmp_path / "source", into=tmp_path / "archive")
    archive = open_archive(tmp_path / "archive")
    assert "RxNorm/6809" in codes_of(archive, 1)
    assert "RxNorm/29046" in codes_of(archive, 2)


def test_concept_zero_keeps_the_value_of_the_source(archive: Archive):
    assert "UNMAPPED/condition_occurrence/LOCAL7" in codes_of(archive, 2)
    assert "UNMAPPED/measurement/GLUC" in codes_of(archive, 3)
    codes = {row["code"]: row for row in archive.codes().iter_rows(named=True)}
    assert codes["UNMAPPED/measurement/GLUC"]["unit"] == "furlong"
    assert codes["UNMAPPED/condition_occurrence/LOCAL7"]["name"] == "LOCAL7"


def test_units_are_kept_apart_and_what_is_left_out_is_counted(archive: Archive):
    three = events(archive).filter(pl.col("subject_id") == 3, pl.col("numeric_value").is_not_null())
    assert dict(three.select("code", "numeric_value").rows()) == {
        "LOINC/2823-3//mg/dL": 16.0,
        "LOINC/4548-4": pytest.approx(5.9),
        "UNMAPPED/measurement/GLUC": 3.0,
    }
    notes = archive.parts[0]["notes"]
    assert notes["tables not read"] == ["note"]
    counted = notes["counted"]
    assert counted["values in another unit than most of their code got a code of their own"] == 1
    assert counted["values without a unit were taken to be in their code's usual one"] == 1
    assert counted["events without a code were left out"] == 1
    assert counted["events without a time were left out"] == 1
    assert counted["events of nobody among the patients were left out"] == 1


@pytest.mark.parametrize(("kind", "upper"), [("csv", True), ("parquet", False), ("parquet", True)])
def test_csv_parquet_and_capitals_say_the_same(tmp_path: Path, archive: Archive, kind: str, upper: bool):
    other = read(tmp_path, kind=kind, upper=upper)
    assert events(other).equals(events(archive))
    assert other.codes().equals(archive.codes())


def test_only_persons_and_one_table_are_needed(tmp_path: Path):
    every = ("care_site", "death", "concept", "concept_ancestor", "drug_exposure", "measurement", "observation")
    archive = read(tmp_path, leave=(*every, "procedure_occurrence", "visit_occurrence", "note"))
    assert codes_of(archive, 1) == ["MEDS_BIRTH", "OMOP/201826"]
    assert archive.table("subjects")["site"].to_list()[0] == "care_site 1"


def test_what_cannot_be_omop_is_one_line(tmp_path: Path):
    write_omop(tmp_path / "a", leave=("person",))
    with pytest.raises(InputError, match="has no table person"):
        ingest_omop(tmp_path / "a", into=tmp_path / "archive")
    write_omop(tmp_path / "b")
    pl.DataFrame({"person_id": [1], "condition_concept_id": [2]}).write_csv(tmp_path / "b" / "condition_occurrence.csv")
    with pytest.raises(InputError, match="condition_occurrence: lacks the columns condition_start_datetime and"):
        ingest_omop(tmp_path / "b", into=tmp_path / "archive")
    file = tmp_path / "b" / "condition_occurrence.csv"
    pl.DataFrame({"condition_start_date": ["2020-01-01"], "condition_concept_id": [2]}).write_csv(file)
    with pytest.raises(InputError, match=r'condition_occurrence: .*"person_id"'):
        ingest_omop(tmp_path / "b", into=tmp_path / "archive")
    assert not (tmp_path / "archive").exists()


def test_no_original_id_is_kept(archive: Archive):
    texts = [(archive.path / "archive.json").read_text(), archive.table("subjects").write_json()]
    texts += [events(archive).write_csv(), archive.codes().write_json()]
    assert not [person for person in PERSONS for text in texts if person in text]


def small(folder: Path, **tables: str) -> Archive:
    """Two persons and tables of CSV text."""
    (folder / "source").mkdir()
    person = "person_id,gender_concept_id,year_of_birth\n1,8507,1950\n2,8532,1951\n"
    for name, text in {"person": person, **tables}.items():
        (folder / "source" / f"{name}.csv").write_text(text)
    ingest_omop(folder / "source", into=folder / "archive")
    return open_archive(folder / "archive")


MEASURED = "person_id,measurement_concept_id,measurement_date,measurement_datetime,value_as_number"


def test_a_moment_that_cannot_be_read_is_not_the_start_of_its_day(tmp_path: Path):
    times = ["2018-08-03 22:20:52 -0500", "2018-08-03 10:20:52 PM", ""]
    rows = "".join(f"1.0,3016723,2018-08-03,{time},{n}\n" for n, time in enumerate(times))
    archive = small(tmp_path, measurement=f"{MEASURED}\n{rows}")
    measured = events(archive).filter(pl.col("code") == "OMOP/3016723").select("time", "numeric_value")
    assert measured.rows() == [(dt.datetime(2018, 8, 3), 2.0), (dt.datetime(2018, 8, 4, 3, 20, 52), 0.0)]
    counted = archive.parts[0]["notes"]["counted"]
    assert counted["events whose time cannot be read were left out"] == 1
    assert counted["dates without a time of day were taken to be the start of that day"] == 1


def test_units_told_apart_by_concept_only_do_not_share_a_channel(tmp_path: Path):
    rows = "".join(f"{1 + n % 2},3004501,2018-08-0{n + 1},,{n},{8840 if n % 3 else 8753}\n" for n in range(6))
    archive = small(tmp_path, measurement=f"{MEASURED},unit_concept_id\n{rows}")
    by_code = events(archive).drop_nulls("numeric_value").group_by("code").agg(pl.col("numeric_value").sort())
    assert dict(by_code.rows()) == {"OMOP/3004501": [1.0, 2.0, 4.0, 5.0], "OMOP/3004501//OMOP/8753": [0.0, 3.0]}


def test_without_a_vocabulary_units_are_called_what_the_source_calls_them(tmp_path: Path):
    rows = "1,3004501,2018-08-01,,90,8840,mg/dl\n2,3004501,2018-08-01,,91,8840,\n1,3004501,2018-08-02,,5,8753,mmol/L\n"
    archive = small(tmp_path, measurement=f"{MEASURED},unit_concept_id,unit_source_value\n{rows}")
    units = dict(archive.codes().select("code", "unit").drop_nulls().rows())
    assert units == {"OMOP/3004501": "mg/dl", "OMOP/3004501//mmol/L": "mmol/L"}


def test_an_operator_makes_a_value_a_limit(tmp_path: Path):
    rows = "1,3004501,2018-08-01,,6,4171756\n2,3004501,2018-08-01,,6,4172703\n"
    archive = small(tmp_path, measurement=f"{MEASURED},operator_concept_id\n{rows}")
    measured = events(archive).drop_nulls("numeric_value").select("numeric_value", "text_value").rows()
    assert measured == [(6.0, "<6"), (6.0, None)]


def test_the_source_s_own_concept_counts_where_there_is_no_standard_one(tmp_path: Path):
    rows = "1,0,2020-01-01,44826,GLUC\n1,201826,2020-01-02,44826,E11\n2,0,2020-01-01,0,GLUC\n"
    head = "person_id,condition_concept_id,condition_start_date,condition_source_concept_id,condition_source_value"
    concepts = "44826,Type 2 DM,ICD10CM,E11.9,Code\n201826,Type 2,SNOMED,44054006,Finding\n"
    names = "concept_id,concept_name,vocabulary_id,concept_code,concept_class_id"
    archive = small(tmp_path, condition_occurrence=f"{head}\n{rows}", concept=f"{names}\n{concepts}")
    codes = [code for code in events(archive)["code"] if code != "MEDS_BIRTH"]
    assert codes == ["ICD10CM/E11.9", "SNOMED/44054006", "UNMAPPED/condition_occurrence/GLUC"]


def test_births_of_no_calendar_are_emptied_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    births = ["0,,", "-1,1,1", "99999,1,1", "1950,13,1", "1950.0,2.0,30", "1950.0,2.0,28"]
    person = "".join(f"{n},8507,{birth}\n" for n, birth in enumerate(births))
    head = "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth"
    archive = small(tmp_path, person=f"{head}\n{person}", measurement=f"{MEASURED}\n0,3016723,2018-08-03,,1\n")
    assert archive.table("subjects")["birth"].drop_nulls().to_list() == [dt.date(1950, 2, 28)]
    assert "5 of 6 dates of birth that cannot be read" in caplog.text


def test_deaths_that_cannot_be_placed_are_counted(tmp_path: Path):
    archive = small(
        tmp_path,
        measurement=f"{MEASURED}\n1,3016723,2018-08-03,,1\n",
        death="person_id,death_date\n1.0,2020-01-01\n2,01/15/2020\n9,2020-01-01\n",
    )
    assert events(archive).filter(code="MEDS_DEATH")["subject_id"].to_list() == [1]
    counted = archive.parts[0]["notes"]["counted"]
    assert counted["deaths at a date that cannot be read were left out"] == 1
    assert counted["deaths of nobody among the patients were left out"] == 1


def test_text_in_another_encoding_is_called_so(tmp_path: Path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "person.csv").write_bytes("person_id,site\n1,Köln\n".encode("latin-1"))
    (tmp_path / "source" / "measurement.csv").write_text(f"{MEASURED}\n1,3016723,2018-08-03,,1\n")
    with pytest.raises(InputError, match=r"person.csv: row 2 is no text in UTF-8; save the table as CSV in UTF-8"):
        ingest_omop(tmp_path / "source", into=tmp_path / "archive")


def test_ids_that_a_spreadsheet_rounded_are_refused(tmp_path: Path):
    (tmp_path / "source").mkdir()
    persons = "person_id,gender_concept_id,year_of_birth\n1,8507,1950\n1.23E+05,8507,1950\n"
    (tmp_path / "source" / "person.csv").write_text(persons)
    visits = "visit_occurrence_id,person_id,visit_concept_id,visit_start_date\n1,1,9201,2020-01-01\n"
    (tmp_path / "source" / "visit_occurrence.csv").write_text(visits)
    with pytest.raises(InputError, match=r"1 ids .* were rounded by a spreadsheet"):
        ingest_omop(tmp_path / "source", into=tmp_path / "archive")
    assert not (tmp_path / "archive").exists()
