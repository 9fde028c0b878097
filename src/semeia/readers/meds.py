"""MEDS 0.4, the native form of records: a data set's folder goes in; one part of an archive comes out.

Shards are `data/**/*.parquet` with subject_id, time, code, numeric_value and, where there is one, text_value. The
looser form, parquet files without `data/` and with `value` for `numeric_value`, is read, too. Names of codes come
from `metadata/codes.parquet`, splits from `metadata/subject_splits.parquet` (train, tuning, held_out).
"""

from pathlib import Path

import polars as pl

from semeia.archive import Summary, Writer, writing
from semeia.archive.schema import BIRTH
from semeia.errors import InputError
from semeia.readers.code_table import read_codes
from semeia.readers.mapping import Events, Mapping, People
from semeia.readers.record import opened, take
from semeia.readers.rows import folder_given
from semeia.readers.sources import parquet_columns

_NAMES = {
    "subject_id": ("subject_id", "patient_id"),
    "time": ("time", "timestamp"),
    "code": ("code",),
    "value": ("numeric_value", "value"),
    "text": ("text_value",),
    "unit": ("unit",),
}
_NEEDED = ("subject_id", "time", "code")
_SEX = "(?i)^(?:gender|sex)/+(.+)$"
# MIMIC's conversion to MEDS ends the codes of measurements with the unit: LAB//50912//mg/dL.
_UNIT = "^(?:LAB//.+?|SUBJECT_FLUID_OUTPUT//.+?|SUBJECT_WEIGHT_AT_INFUSION)//(.+)$"


def ingest_meds(
    folder: str | Path, *, into: str | Path, key: str | Path | None = None, codes: str | Path | None = None
) -> Summary:
    """Read a MEDS data set into an archive.

    Args:
        folder: The data set: `data/` with the shards and, where there is one, `metadata/`.
        into: The archive, new or to be extended.
        key: File with the pseudonym key, when the archive is not to keep its own.
        codes: Table (.csv, .tsv, .parquet) that says more of codes, and goes before all rules: `code` and any of
            `mode` (condition, medication, measurement, demographic, other), `name`, `unit`, `fill`.

    Returns:
        What was added.

    Raises:
        InputError: No shard, a shard that is damaged or lacks a column, every event in the archive already.
    """
    source = folder_given(folder)
    shards = _shards(source)
    metadata = source / "metadata" / "codes.parquet"
    known = [read_codes(table) for table in (codes, metadata) if table is not None and Path(table).is_file()]
    if codes is not None and not Path(codes).is_file():
        raise InputError(f"{codes}: no such table.")
    with writing(into, source="MEDS", key=key) as draft, opened(draft, source) as connection:
        columns = _columns(draft, shards)
        tables = {"meds_shards": shards}
        splits = source / "metadata" / "subject_splits.parquet"
        if splits.is_file():
            tables["subject_splits"] = [splits]
        mapping = _mapping(columns, splits=splits.is_file())
        take(draft, connection, mapping, tables=tables, codes=_joined(known))
    return draft.summary


def _shards(source: Path) -> list[Path]:
    start = source / "data" if (source / "data").is_dir() else source
    shards = sorted(path for path in start.rglob("*.parquet") if "metadata" not in path.relative_to(source).parts)
    if not shards:
        raise InputError(f"{start}: has no .parquet shards.")
    return shards


def _columns(draft: Writer, shards: list[Path]) -> dict[str, str]:
    """The name of each column that MEDS has in these shards; every shard must have those that are needed."""
    found: dict[str, str] = {}
    zones = set()
    for shard in shards:
        there = parquet_columns(shard)
        for role, names in _NAMES.items():
            name = next((name for name in names if name in there), None)
            if name is None and role in _NEEDED:
                raise InputError(f"{shard}: lacks the column '{role}'.")
            if name is not None:
                found.setdefault(role, name)
        zones.add("tz=" in there[found["time"]])
        if further := set(there) - {name for names in _NAMES.values() for name in names}:
            draft.notes["columns not read"] = sorted(further)
    draft.count("shards have times without a zone beside shards with one; they were taken to be UTC", len(zones) - 1)
    return found


def _mapping(columns: dict[str, str], *, splits: bool) -> Mapping:
    """MEDS in the words of a mapping. The sex becomes a fact of the subject and is no event."""
    shards, subject, time, code = "meds_shards", columns["subject_id"], columns["time"], columns["code"]
    given = {role: f'"{columns[role]}"' for role in ("value", "text") if role in columns}
    unit = f"regexp_extract({code}, '{_UNIT}', 1)"
    facts = (
        f"(SELECT {subject} AS subject, min({time}) FILTER ({code} = '{BIRTH}') AS birth, "
        f"mode(regexp_extract({code}, '{_SEX}', 1) ORDER BY {code}) FILTER (regexp_matches({code}, '{_SEX}')) AS sex "
        f"FROM {shards} GROUP BY ALL)"
    )
    split = "CASE split WHEN 'tuning' THEN 'val' WHEN 'held_out' THEN 'test' WHEN 'train' THEN 'train' END"
    people = People(
        source=f"{facts} LEFT JOIN subject_splits ON subject = subject_splits.subject_id" if splits else facts,
        subject="subject",
        sex="sex",
        birth="birth",
        split=split if splits else "NULL",
    )
    events = Events(
        label="events",
        source=shards,
        subject=f'"{subject}"',
        time=f'"{time}"',
        code=f'"{code}"',
        unit=f"coalesce({columns['unit']}, {unit})" if "unit" in columns else unit,
        where=f"{code} IS NULL OR NOT regexp_matches({code}, '{_SEX}')",
        undated=True,
        **given,
    )
    counts = {}
    if splits:
        unknown = "SELECT count(*) FROM subject_splits WHERE split NOT IN ('train', 'tuning', 'held_out')"
        counts = {"patients have a split of another name than train, tuning, held_out": unknown}
    return Mapping(name="MEDS", people=people, events=(events,), counts=counts)


def _joined(tables: list[pl.DataFrame]) -> pl.DataFrame | None:
    """Several tables of codes as one; what an earlier one says goes before a later one."""
    if not tables:
        return None
    facts = pl.exclude("code").drop_nulls().first()
    return pl.concat(tables).group_by("code", maintain_order=True).agg(facts)
