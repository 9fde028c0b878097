"""MEDS 0.4, the native form of records: a data set's folder goes in; one part of an archive comes out.

Shards are `data/**/*.parquet` with subject_id, time, code, numeric_value and, where there is one, text_value. The
looser form, parquet files without `data/` and with `value` for `numeric_value`, is read, too. Names of codes come
from `metadata/codes.parquet`, splits from `metadata/subject_splits.parquet` (train, tuning, held_out).
"""

from pathlib import Path

import polars as pl

from semeia.archive import Summary, Writer, writing
from semeia.archive.duck import literal
from semeia.archive.schema import BIRTH
from semeia.errors import InputError
from semeia.readers.code_table import read_codes
from semeia.readers.mapping import Events, Mapping, People
from semeia.readers.record import opened, scratch_of, take
from semeia.readers.rows import folder_given
from semeia.readers.sources import add_table, frame_of, parquet_columns
from semeia.readers.units_apart import UNKNOWN

_NAMES = {
    "subject_id": ("subject_id", "patient_id"),
    "time": ("time", "timestamp"),
    "code": ("code",),
    "value": ("numeric_value", "value"),
    "text": ("text_value",),
    "unit": ("unit",),
}
_SHARDS = "meds_shards"
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
        draft.count("files have no rows", add_table(connection, _SHARDS, shards, scratch=scratch_of(draft)))
        splits = source / "metadata" / "subject_splits.parquet"
        if splits.is_file():
            add_table(connection, "subject_splits", [splits], scratch=scratch_of(draft))
        there = frame_of(connection, f'SELECT DISTINCT "{columns["code"]}" AS code FROM {_SHARDS}').drop_nulls()
        if "unit" not in columns:
            known.append(_units(there))
        sexes = there.filter(pl.col("code").str.contains(_SEX))["code"].sort().to_list()
        mapping = _mapping(columns, sexes=sexes, splits=splits.is_file())
        take(draft, connection, mapping, tables={}, codes=_joined(known))
    return draft.summary


def _units(codes: pl.DataFrame) -> pl.DataFrame:
    """The units that codes end with, as a table of codes."""
    unit = pl.col("code").str.extract(_UNIT)
    known = unit.str.to_lowercase().is_in(UNKNOWN).not_()
    return codes.select("code", *(pl.lit(None, dtype=pl.String).alias(name) for name in ("mode", "name"))).with_columns(
        unit=pl.when(known).then(unit), fill=pl.lit(None, dtype=pl.Float64)
    )


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


def _mapping(columns: dict[str, str], *, sexes: list[str], splits: bool) -> Mapping:
    """MEDS in the words of a mapping. The sex (codes `sexes`) becomes a fact of the subject and is no event."""
    subject, time, code = (f'"{columns[role]}"' for role in _NEEDED)
    given = {role: f'"{columns[role]}"' for role in ("value", "text", "unit") if role in columns}
    of_sex = ", ".join([literal(BIRTH), *(literal(one) for one in sexes)])
    facts = (
        f"(SELECT DISTINCT {subject} AS subject FROM {_SHARDS}) LEFT JOIN (SELECT {subject} AS subject, "
        f"min({time}) FILTER ({code} = '{BIRTH}') AS birth, "
        f"mode(regexp_extract({code}, '{_SEX}', 1) ORDER BY {code}) FILTER ({code} <> '{BIRTH}') AS sex "
        f"FROM {_SHARDS} WHERE {code} IN ({of_sex}) GROUP BY ALL) USING (subject)"
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
        source=_SHARDS,
        subject=subject,
        time=time,
        code=code,
        where=f"{code} IS NULL OR {code} NOT IN ({', '.join(map(literal, sexes))})" if sexes else "true",
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
