"""Ingest MEDS 0.4, the native form of records.

Shards are `data/**/*.parquet` with subject_id, time, code, numeric_value and, where there is one, text_value. The
looser form, parquet files without `data/` and with `value` for `numeric_value`, is read, too. Names of codes come
from `metadata/codes.parquet`, splits from `metadata/subject_splits.parquet` (train, tuning, held_out). Names of earlier
versions are read as well: patient_id, timestamp, numerical_value, patient_splits.parquet.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from semeia.archive import PRIVACY, Privacy, Summary, Writer, writing
from semeia.archive.column_names import quoted, shown
from semeia.archive.duck import literal
from semeia.archive.schema import BIRTH
from semeia.errors import InputError
from semeia.progress import warn
from semeia.readers.records.code_facts import read_codes
from semeia.readers.records.mapping import Events, Mapping, People
from semeia.readers.records.record import opened, scratch_of, take
from semeia.readers.records.sources import add_table, frame_of, parquet_columns
from semeia.readers.records.staging import warn_of_loss
from semeia.readers.records.units_apart import UNKNOWN
from semeia.readers.rows import folder_given

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NAMES = {
    "subject_id": ("subject_id", "patient_id"),
    "time": ("time", "timestamp"),
    "code": ("code",),
    "value": ("numeric_value", "value", "numerical_value"),
    "text": ("text_value",),
    "unit": ("unit",),
}
_SPLITS = ("subject_splits.parquet", "patient_splits.parquet")
# What splits are called by MEDS, and by others; ours are train, val, test.
_SIDES = {
    "train": ("train", "training"),
    "val": ("tuning", "val", "valid", "validation", "dev"),
    "test": ("held_out", "held-out", "heldout", "test"),
}
_SHARDS = "meds_shards"
_NEEDED = ("subject_id", "time", "code")
_SEX = "(?i)^(?:gender|sex)/+(.+)$"
# MIMIC's conversion to MEDS ends the codes of measurements with the unit: LAB//50912//mg/dL.
_UNIT = "^(?:LAB//.+?|SUBJECT_FLUID_OUTPUT//.+?|SUBJECT_WEIGHT_AT_INFUSION)//(.+)$"


def ingest_meds(
    folder: str | Path,
    *,
    into: str | Path,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    codes: str | Path | None = None,
) -> Summary:
    """Read a MEDS data set into an archive.

    Args:
        folder: The data set: `data/` with the shards and, where there is one, `metadata/`.

    Raises:
        InputError: No shard, a shard that is damaged or lacks a column, every event in the archive already.
    """
    source = folder_given(folder)
    _shards(source)  # refused before anything is begun
    metadata = source / "metadata" / "codes.parquet"
    known = [] if codes is None else [read_codes(codes)]
    if metadata.is_file():
        known.append(read_codes(metadata, may_be_empty=True))
    with writing(into, source="MEDS", key=key, privacy=settings) as draft:
        take_meds(draft, source, codes=known)
    return draft.summary


def take_meds(draft: Writer, source: Path, *, codes: Sequence[pl.DataFrame] = ()) -> None:
    """Put a MEDS data set into a draft; see `ingest_meds`.

    Args:
        draft: Where it goes.
        source: The data set's folder.
        codes: What is known of codes, as `read_codes` gives it; an earlier table goes before a later one.
    """
    shards, known = _shards(source), list(codes)
    with opened(draft, source) as connection:
        columns = _columns(draft, shards)
        draft.count("files have no rows", add_table(connection, _SHARDS, shards, scratch=scratch_of(draft)))
        splits = _add_splits(draft, connection, source, shards)
        there = frame_of(connection, f'SELECT DISTINCT "{columns["code"]}" AS code FROM {_SHARDS}').drop_nulls()
        if "unit" not in columns:
            known.append(_units(there))
        sexes = there.filter(pl.col("code").str.contains(_SEX))["code"].sort().to_list()
        mapping = _mapping(columns, sexes=sexes, splits=splits)
        take(draft, connection, mapping, tables={}, codes=_joined(known))
        if splits:
            _hold_splits(draft, connection, splits)


def _add_splits(draft: Writer, connection: "DuckDBPyConnection", source: Path, shards: list[Path]) -> str:
    """Make the view `subject_splits` (id, split); gives the name of its file, empty where there is none."""
    metadata = source / "metadata"
    file = next((metadata / name for name in _SPLITS if (metadata / name).is_file()), None)
    if file is None:
        folders = {part.lower() for shard in shards for part in shard.relative_to(source).parts[:-1]}
        sides = sorted(folders & {name for names in _SIDES.values() for name in names})
        if sides:
            words = f"shards lie in folders ({', '.join(sides)}), which are no splits without metadata/{_SPLITS[0]}"
            warn_of_loss(
                draft, f"{words}: no patient has a split, and everybody may be fitted on", len(shards), of=len(shards)
            )
        return ""
    there = parquet_columns(file)
    subject = next((name for name in _NAMES["subject_id"] if name in there), None)
    if subject is None or "split" not in there:
        raise InputError(f"{file}: lacks the columns subject_id and split; it has {quoted(list(there))}.")
    add_table(connection, "splits_file", [file], scratch=scratch_of(draft))
    sides = " ".join(
        f"WHEN lower(trim(split)) IN ({', '.join(map(literal, names))}) THEN '{side}'" for side, names in _SIDES.items()
    )
    connection.execute(
        f'CREATE TEMP VIEW subject_splits AS SELECT plain_id("{subject}") AS id, CASE {sides} END AS split, '
        "split AS named FROM splits_file"
    ).fetchall()
    return file.name


def _hold_splits(draft: Writer, connection: "DuckDBPyConnection", file: str) -> None:
    """Say when splits are of other patients, or of none of the names that are known."""
    patients, split, other = frame_of(
        connection,
        "SELECT count(*), count(s.split), count(*) FILTER (s.named IS NOT NULL AND s.split IS NULL) "
        "FROM numbered LEFT JOIN subject_splits s ON s.id = original",
    ).row(0)
    strangers = frame_of(
        connection, "SELECT count(*) FROM subject_splits WHERE id NOT IN (SELECT original FROM numbered)"
    ).item()
    draft.count("patients have a split of another name than train, tuning, held_out", other)
    draft.count("patients of the splits are not among the data", strangers)
    lost = patients - split
    draft.count("patients have no split and are in no part of it", lost)
    cause = "are the splits of the same extract?" if strangers else "its names are train, tuning, held_out"
    warn_of_loss(draft, f"patients have no split by {file}; {cause}", lost, of=patients)
    if patients and not split:
        warn("nobody has a split, so that everybody may be fitted on.")


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
            draft.notes["columns not read"] = shown(sorted(further))
    draft.count("shards have times without a zone beside shards with one; they were taken to be UTC", len(zones) - 1)
    return found


def _mapping(columns: dict[str, str], *, sexes: list[str], splits: str) -> Mapping:
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
    people = People(
        source=f"{facts} LEFT JOIN subject_splits s ON s.id = plain_id(subject)" if splits else facts,
        subject="subject",
        sex="sex",
        birth="birth",
        split="split" if splits else "NULL",
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
    births = f"SELECT {subject} FROM {_SHARDS} WHERE {code} = '{BIRTH}' GROUP BY 1 HAVING count(DISTINCT {time}) > 1"
    counts = {"patients have several births; the first counts": f"SELECT count(*) FROM ({births})"}
    return Mapping(name="MEDS", people=people, events=(events,), counts=counts)


def _joined(tables: list[pl.DataFrame]) -> pl.DataFrame | None:
    """Several tables of codes as one; what an earlier one says goes before a later one."""
    if not tables:
        return None
    facts = pl.exclude("code").drop_nulls().first()
    return pl.concat(tables).group_by("code", maintain_order=True).agg(facts)
