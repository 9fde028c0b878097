"""Write the OMOP tables of a simulated hospital, its labels and its truth as CSV, patient by patient.

The columns are those of CDM 5.4 and, for `image_occurrence`, of its imaging extension (MI-CDM). Concepts are
the world's own (numbers from 2 billion up, which OMOP leaves to its users) in a vocabulary called Simulated.
"""

import datetime as dt
from collections import defaultdict
from pathlib import Path

import polars as pl

from semeia.archive.atomic import write_csv
from semeia.worlds.hospital.course import Course
from semeia.worlds.hospital.record import CONDITIONS, DRUGS, LABS, Entry

_OWN = 2_000_000_000
_CONCEPTS = {"condition": _OWN, "measurement": _OWN + 1000, "drug": _OWN + 2000, "procedure": _OWN + 3000}
_CT, _UNIT, _VISIT, _TYPE = 2_000_003_000, 2_000_004_000, 9202, 32817  # outpatient visit; EHR
_CLASSES = {"condition": "Condition", "measurement": "Measurement", "drug": "Drug", "procedure": "Procedure"}
CANCER = "simulated diagnosis of cancer"


def site_name(site: int) -> str:
    """What a hospital is called."""
    return f"simulated hospital {site + 1}"


class Tables:
    """Rows of all tables, by name."""

    def __init__(self, sites: int) -> None:
        self._rows: dict[str, list[dict[str, object]]] = defaultdict(list)
        for site in range(sites):
            self._rows["care_site"].append({"care_site_id": site + 1, "care_site_name": site_name(site)})
        for table, count in (("condition", CONDITIONS + 1), ("measurement", LABS), ("drug", DRUGS), ("procedure", 1)):
            for item in range(count):
                self._concept(_CONCEPTS[table] + item, table, item)

    def person(self, course: Course, *, hospital_number: str) -> None:
        """Add who the patient is."""
        self._rows["person"].append(
            {
                "person_id": course.name,
                "gender_concept_id": 8532 if course.female else 8507,
                "year_of_birth": course.birth.year,
                "month_of_birth": course.birth.month,
                "day_of_birth": course.birth.day,
                "race_concept_id": 0,
                "ethnicity_concept_id": 0,
                "care_site_id": course.site + 1,
                "person_source_value": hospital_number,
                "gender_source_value": "F" if course.female else "M",
            }
        )

    def record(self, course: Course, entries: list[Entry]) -> None:
        """Add the patient's record; entries of one moment are one visit."""
        visits: dict[dt.datetime, int] = {}
        for entry in entries:
            if entry.when not in visits:
                visits[entry.when] = self._visit(course, entry.when)
            name = {"condition": "condition_occurrence", "drug": "drug_exposure"}.get(entry.table, entry.table)
            row: dict[str, object] = {
                f"{name}_id": len(self._rows[name]) + 1,
                "person_id": course.name,
                f"{entry.table}_concept_id": _CONCEPTS[entry.table] + entry.item,
            }
            dates = {"condition": "condition_start", "drug": "drug_exposure_start"}.get(entry.table, entry.table)
            row |= {f"{dates}_date": entry.when.date(), f"{dates}_datetime": entry.when}
            if entry.table == "drug":
                row["drug_exposure_end_date"] = entry.when.date() + dt.timedelta(days=30)
            if entry.table == "measurement":
                row |= {"value_as_number": entry.value, "unit_source_value": "mg/dL"}
            row |= {f"{entry.table}_type_concept_id": _TYPE, "visit_occurrence_id": visits[entry.when]}
            self._rows[name].append(row)

    def image(self, course: Course, *, when: dt.datetime, study: str, series: str, path: str) -> None:
        """Add a series: its visit, its procedure, and the row that links it."""
        visit = self._visit(course, when)
        procedure = len(self._rows["procedure_occurrence"]) + 1
        self._rows["procedure_occurrence"].append(
            {
                "procedure_occurrence_id": procedure,
                "person_id": course.name,
                "procedure_concept_id": _CT,
                "procedure_date": when.date(),
                "procedure_datetime": when,
                "procedure_type_concept_id": _TYPE,
                "visit_occurrence_id": visit,
            }
        )
        self._rows["image_occurrence"].append(
            {
                "image_occurrence_id": len(self._rows["image_occurrence"]) + 1,
                "person_id": course.name,
                "procedure_occurrence_id": procedure,
                "visit_occurrence_id": visit,
                "anatomic_site_concept_id": 0,
                "wadors_uri": None,
                "local_path": path,
                "image_occurrence_date": when.date(),
                "image_study_uid": study,
                "image_series_uid": series,
                "modality_concept_id": 0,
            }
        )

    def label(self, course: Course, *, labelled: bool) -> None:
        """Add the index date, and the label where it is to be known."""
        self._rows["labels"].append(
            {
                "person_id": course.name,
                "index_date": course.index.date(),
                "cancer": course.label if labelled else None,
                "synthetic": True,
            }
        )

    def truth(self, course: Course, cause: str) -> None:
        """Add what nobody at a hospital knows."""
        latents = {
            f"{name}_{place}": round(float(value), 4)
            for name, values in (("image", course.image[-1]), ("record", course.record[-1]))
            for place, value in enumerate(values)
        }
        self._rows["truth"].append(
            {
                "person_id": course.name,
                "site": site_name(course.site),
                "cause": cause,
                "cancer": course.label,
                "score": round(course.score, 4),
                "scans": len(course.scans),
                **latents,
                "synthetic": True,
            }
        )

    def write(self, folder: Path) -> None:
        """Write the record's tables to `omop` in a folder, labels.csv and truth.csv beside it."""
        (folder / "omop").mkdir()
        for name, rows in self._rows.items():
            where = folder if name in ("labels", "truth") else folder / "omop"
            frame = pl.DataFrame(rows, infer_schema_length=None)
            write_csv(where / f"{name}.csv", frame)

    def _visit(self, course: Course, when: dt.datetime) -> int:
        number = len(self._rows["visit_occurrence"]) + 1
        self._rows["visit_occurrence"].append(
            {
                "visit_occurrence_id": number,
                "person_id": course.name,
                "visit_concept_id": _VISIT,
                "visit_start_date": when.date(),
                "visit_start_datetime": when,
                "visit_end_date": when.date(),
                "visit_type_concept_id": _TYPE,
                "care_site_id": course.site + 1,
            }
        )
        return number

    def _concept(self, number: int, table: str, item: int) -> None:
        name = CANCER if table == "condition" and item == CONDITIONS else f"simulated {table} {item + 1}"
        self._rows["concept"].append(
            {
                "concept_id": number,
                "concept_name": "simulated CT of the chest" if table == "procedure" else name,
                "domain_id": _CLASSES[table],
                "vocabulary_id": "Simulated",
                "concept_class_id": "Ingredient" if table == "drug" else _CLASSES[table],
                "standard_concept": "S",
                "concept_code": f"{table[0].upper()}{item + 1:02d}",
            }
        )
