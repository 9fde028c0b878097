"""A tiny OMOP common data model for tests: four patients of two sites, written as CSV or parquet."""

from pathlib import Path

import polars as pl

PERSONS = ("900001", "900002", "900003", "900004")
Rows = list[dict[str, object]]

CONCEPTS = [
    (201826, "Type 2 diabetes mellitus", "SNOMED", "44054006", "Clinical Finding"),
    (1503297, "metformin", "RxNorm", "6809", "Ingredient"),
    (1308216, "lisinopril", "RxNorm", "29046", "Ingredient"),
    (974166, "hydrochlorothiazide", "RxNorm", "5487", "Ingredient"),
    (40163924, "metformin hydrochloride 500 MG Oral Tablet", "RxNorm", "861007", "Clinical Drug"),
    (40184187, "hydrochlorothiazide 12.5 MG / lisinopril 10 MG Oral Tablet", "RxNorm", "197885", "Clinical Drug"),
    (3004410, "Hemoglobin A1c", "LOINC", "4548-4", "Lab Test"),
    (3023103, "Potassium", "LOINC", "2823-3", "Lab Test"),
    (8554, "percent", "UCUM", "%", "Unit"),
    (8753, "millimole per liter", "UCUM", "mmol/L", "Unit"),
    (8840, "milligram per deciliter", "UCUM", "mg/dL", "Unit"),
    (43054909, "Tobacco smoking status", "LOINC", "72166-2", "Survey"),
    (4298794, "Smoker", "SNOMED", "77176002", "Clinical Finding"),
    (4230911, "Echocardiography", "SNOMED", "40701008", "Procedure"),
    (9201, "Inpatient Visit", "Visit", "IP", "Visit"),
    (8527, "White", "Race", "5", "Race"),
]


def tables() -> dict[str, Rows]:
    """The tables by name, in the columns of CDM 5.4."""
    one, two, three, four = (int(person) for person in PERSONS)
    names = ("concept_id", "concept_name", "vocabulary_id", "concept_code", "concept_class_id")
    birth = ("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth", "birth_datetime")
    more = ("race_concept_id", "care_site_id", "location_id", "gender_source_value")
    return {
        "person": rows(
            (*birth, *more),
            (one, 8507, 1950, 3, 9, "1950-03-09 00:00:00", 8527, 1, 11, "M"),
            (two, 8532, 1961, None, None, None, 0, 1, 12, "F"),
            (three, 0, 1972, 5, None, None, 0, 2, 13, "F"),
            (four, 0, None, None, None, None, 0, None, 14, None),
        ),
        "care_site": rows(("care_site_id", "care_site_name"), (1, "North"), (2, None)),
        "death": rows(("person_id", "death_date", "death_datetime"), (one, "2021-01-05", "2021-01-05 10:00:00")),
        "concept": rows(names, *CONCEPTS),
        "concept_ancestor": rows(
            ("ancestor_concept_id", "descendant_concept_id"),
            *((1503297, 40163924), (1503297, 1503297), (1308216, 40184187), (974166, 40184187), (40184187, 40184187)),
        ),
        "condition_occurrence": rows(
            ("person_id", *named("condition", "concept_id start_date start_datetime source_value")),
            (one, 201826, "2020-01-02", "2020-01-02 08:30:00", "E11"),
            (two, 201826, "2020-02-03", None, "E11"),
            (two, 0, "2020-02-04", None, "LOCAL7"),
            (three, 0, "2020-02-04", None, None),
            (three, 201826, None, None, "E11"),
        ),
        "drug_exposure": rows(
            ("person_id", "drug_concept_id", "drug_exposure_start_date", "drug_source_value"),
            (one, 40163924, "2020-01-03", "met"),
            (two, 40184187, "2020-01-04", "combined"),
            (three, 999, "2020-01-05", "unknown to the vocabulary"),
        ),
        "measurement": rows(
            (
                "person_id",
                *named("measurement", "concept_id date datetime"),
                *("value_as_number", "value_as_concept_id", "unit_concept_id", "unit_source_value"),
                "measurement_source_value",
            ),
            (one, 3004410, "2020-01-02", "2020-01-02 09:00:00", 7.5, 0, 8554, "%", "HbA1c"),
            (two, 3004410, "2020-01-02", "2020-01-02 09:00:00", 6.5, 0, 8554, "%", "HbA1c"),
            (three, 3004410, "2020-01-02", None, 5.9, 0, 0, None, "HbA1c"),
            (one, 3023103, "2020-01-02", None, 4.1, None, 8753, None, "K"),
            (two, 3023103, "2020-01-02", None, 4.4, None, 8753, None, "K"),
            (three, 3023103, "2020-01-02", None, 16.0, None, 8840, None, "K"),
            (three, 0, "2020-01-02", None, 3.0, None, 0, "furlong", "GLUC"),
        ),
        "observation": rows(
            ("person_id", "observation_concept_id", "observation_date", "value_as_concept_id", "value_as_number"),
            (one, 43054909, "2020-01-02", 4298794, None),
        ),
        "procedure_occurrence": rows(
            ("person_id", "procedure_concept_id", "procedure_date"), (one, 4230911, "2020-01-06")
        ),
        "visit_occurrence": rows(
            ("person_id", "visit_concept_id", "visit_start_date", "visit_start_datetime", "admitted_from_concept_id"),
            (one, 9201, "2020-01-01", "2020-01-01 12:00:00", 0),
            (77, 9201, "2020-01-01", "2020-01-01 12:00:00", 0),
        ),
        "note": rows(("person_id", "note_text"), (one, "never read")),
    }


def named(domain: str, ends: str) -> list[str]:
    return [f"{domain}_{end}" for end in ends.split()]


def rows(names: tuple[str, ...], *values: tuple) -> Rows:
    return [dict(zip(names, value, strict=True)) for value in values]


def write_omop(folder: Path, *, kind: str = "csv", upper: bool = False, leave: tuple[str, ...] = ()) -> None:
    """Write the tables but those in `leave`; `upper` writes names of files and columns in capitals."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in tables().items():
        if name in leave:
            continue
        frame = pl.DataFrame(content, infer_schema_length=None)
        if upper:
            frame = frame.rename(str.upper)
        file = folder / f"{name.upper() if upper else name}.{kind}"
        frame.write_csv(file) if kind == "csv" else frame.write_parquet(file)
