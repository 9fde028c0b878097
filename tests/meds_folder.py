"""A tiny MEDS 0.4 data set for tests: six patients in two shards, with names of codes and splits."""

import datetime as dt
from pathlib import Path

import polars as pl

PATIENTS = tuple(str(900_000_001 + number) for number in range(6))
SCHEMA = {
    "subject_id": pl.Int64,
    "time": pl.Datetime("us"),
    "code": pl.String,
    "numeric_value": pl.Float32,
    "text_value": pl.String,
}
Row = tuple[int, dt.datetime | None, str, float | None, str | None]


def day(number: int) -> dt.datetime:
    return dt.datetime(2020, 1, 1) + dt.timedelta(days=number)


def record(patient: int) -> list[Row]:
    """The rows of one patient; the last of them is there twice."""
    return [
        (patient, dt.datetime(1950, 1, 1 + patient % 28), "MEDS_BIRTH", None, None),
        (patient, None, f"GENDER//{'MF'[patient % 2]}", None, None),
        (patient, None, "RACE//WHITE", None, None),
        (patient, day(0), "LAB//50912//mg/dL", 1.0 + patient % 2, None),
        (patient, day(0), "LAB//51087//UNK", None, "CLEAR"),
        (patient, day(1), "DIAGNOSIS//ICD//10//E119", None, None),
        (patient, day(2), "MEDICATION//Metformin//Administered", None, None),
        (patient, day(2), "MEDICATION//Metformin//Not Given", None, None),
        (patient, day(3), "LOINC/2823-3", 4.0, None),
        (patient, day(3), "LOINC/2823-3", 4.0, None),
    ]


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def write_meds(folder: Path, *, splits: bool = True) -> None:
    """Write the data set."""
    half = len(PATIENTS) // 2
    for name, patients in (("train/0", PATIENTS[:half]), ("held_out/0", PATIENTS[half:])):
        shard = folder / "data" / f"{name}.parquet"
        shard.parent.mkdir(parents=True, exist_ok=True)
        frame([row for patient in patients for row in record(int(patient))]).write_parquet(shard)
    (folder / "metadata").mkdir(exist_ok=True)
    names = {
        "code": ["LOINC/2823-3", "never seen"],
        "description": ["Potassium", "nothing"],
        "parent_codes": [None] * 2,
    }
    pl.DataFrame(names, schema_overrides={"parent_codes": pl.List(pl.String)}).write_parquet(
        folder / "metadata" / "codes.parquet"
    )
    if splits:
        sides = ["train", "train", "tuning", "held_out", "held_out", "elsewhere"]
        table = pl.DataFrame({"subject_id": [int(patient) for patient in PATIENTS], "split": sides})
        table.write_parquet(folder / "metadata" / "subject_splits.parquet")
