"""Ingest OMOP CDM 5.3 and 5.4, CSV or parquet.

Concepts become codes by vocabulary (SNOMED/44054006), drugs their ingredients. Concept 0, nobody's mapping, keeps the
source's own value (UNMAPPED/measurement/GLUC): the audit says its share by site. An answer that is a concept makes a
code of its own (LOINC/72166-2//SNOMED/77176002), since that it was given is what counts.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from semeia.archive import PRIVACY, Privacy, Summary, Writer, writing
from semeia.archive.schema import UNMAPPED
from semeia.errors import InputError
from semeia.readers.records.cells import utc
from semeia.readers.records.code_facts import read_codes
from semeia.readers.records.mapping import Events, Mapping, People, life
from semeia.readers.records.omop_sql import (
    Columns,
    concept_of,
    concepts_of,
    ingredients_of,
    limit_of,
    spellings_of,
    text_of,
    time_of,
    unit_of,
)
from semeia.readers.records.record import opened, scratch_of, take
from semeia.readers.records.sources import add_table, columns_of, tables_in
from semeia.readers.rows import folder_given

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Domain:
    """One table of clinical events: its concept, what its dates begin with, the mode of its codes."""

    table: str
    concept: str
    dates: str
    mode: str


DOMAINS = (
    Domain("condition_occurrence", "condition", "condition_start", "condition"),
    Domain("drug_exposure", "drug", "drug_exposure_start", "medication"),
    Domain("measurement", "measurement", "measurement", "measurement"),
    Domain("observation", "observation", "observation", "condition"),
    Domain("procedure_occurrence", "procedure", "procedure", "condition"),
    Domain("visit_occurrence", "visit", "visit_start", "other"),
)
_OTHERS = ("person", "death", "care_site", "concept", "concept_ancestor", "concept_relationship")


def ingest_omop(
    folder: str | Path,
    *,
    into: str | Path,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    codes: str | Path | None = None,
) -> Summary:
    """Read the tables of an OMOP common data model, 5.3 or 5.4, into an archive.

    Args:
        folder: person and any of condition_occurrence, drug_exposure, measurement, observation,
            procedure_occurrence, visit_occurrence, death, care_site, concept, concept_ancestor,
            concept_relationship; each a .csv, .tsv (also .gz) or .parquet file, or a folder of them.

    Raises:
        InputError: No person, no table of events, a file that is damaged, a table without dates.
    """
    source = folder_given(folder)
    tables = omop_tables(source)
    known = None if codes is None else read_codes(codes)
    with writing(into, source="OMOP", key=key, privacy=settings) as draft, opened(draft, source) as connection:
        take_omop(draft, connection, tables, codes=known)
    return draft.summary


def omop_tables(folder: Path) -> dict[str, list[Path]]:
    """The files of each table in a folder."""
    tables = tables_in(folder)
    if "person" not in tables:
        raise InputError(f"{folder}: has no table person (person.csv or person.parquet); is it OMOP?")
    return tables


def take_omop(
    draft: Writer,
    connection: "DuckDBPyConnection",
    tables: dict[str, list[Path]],
    *,
    codes: pl.DataFrame | None = None,
    others: tuple[str, ...] = (),
) -> None:
    """Put the record of OMOP tables into a draft; afterwards the connection has a table `numbered` of its patients.

    `tables` are from `omop_tables`, `codes` from `read_codes`; somebody else reads the tables `others`.
    """
    used = {domain.table for domain in DOMAINS}.union(_OTHERS)
    if unread := sorted(set(tables) - used - set(others)):
        draft.notes["tables not read"] = unread
    files = {name: tables[name] for name in sorted(used & set(tables))}
    columns = _columns(draft, connection, files)
    take(draft, connection, _mapping(columns), tables={}, files=files, codes=codes)


def _columns(draft: Writer, connection: "DuckDBPyConnection", tables: dict[str, list[Path]]) -> Columns:
    for name, files in tables.items():
        draft.count("files have no rows", add_table(connection, name, files, scratch=scratch_of(draft)))
    return {name: columns_of(connection, name) for name in tables}


def _mapping(columns: Columns) -> Mapping:
    domains = [domain for domain in DOMAINS if domain.table in columns]
    people, counts = _people(columns)
    race = Events(
        label="race",
        source=f"person t LEFT JOIN concepts c ON c.id = {concept_of(columns, 'person', 'race_concept_id')}",
        subject="t.person_id",
        code="c.code",
        name="c.name",
        mode="demographic",
        where="c.code IS NOT NULL",
    )
    if "drug_exposure" in columns:
        drug = concept_of(columns, "drug_exposure", "drug_concept_id")
        counts["drugs without a known ingredient were kept as they are"] = (
            f"SELECT count(*) FROM drug_exposure t WHERE {drug} <> 0 AND {drug} NOT IN (SELECT drug FROM ingredients)"
        )
    return Mapping(
        name="OMOP",
        people=people,
        events=(*life(people), race, *(_events(columns, domain) for domain in domains)),
        prepare={
            "ingredients": ingredients_of(columns),
            "concepts": concepts_of(columns, [(d.table, d.concept) for d in domains]),
            "spelled": spellings_of(columns, [d.table for d in domains]),
            **_facts(columns),
        },
        counts=counts,
    )


def _people(columns: Columns) -> tuple[People, dict[str, str]]:
    """Who they are. Of an incomplete date of birth the middle of the month or year is taken, and counted."""
    own = columns["person"]
    year, month, day = (
        f'TRY_CAST(t."{part}_of_birth" AS INTEGER)' if f"{part}_of_birth" in own else "CAST(NULL AS INTEGER)"
        for part in ("year", "month", "day")
    )
    assumed = f"coalesce({month}, 7), coalesce({day}, CASE WHEN {month} IS NULL THEN 1 ELSE 15 END)"
    made = f"printf('%04d-%02d-%02d', {year}, {assumed})"  # text, so that one of no calendar is counted
    exact = utc('t."birth_datetime"', own["birth_datetime"]) if "birth_datetime" in own else "CAST(NULL AS TIMESTAMP)"
    birth = f"coalesce(CAST(CAST({exact} AS DATE) AS VARCHAR), {made})"
    gender = concept_of(columns, "person", "gender_concept_id")
    people = People(
        source="person t LEFT JOIN deaths ON deaths.person = plain_id(t.person_id) "
        f"LEFT JOIN sites ON sites.id = {concept_of(columns, 'person', 'care_site_id')}",
        subject="t.person_id",
        site=f"coalesce(sites.site, {_labelled(columns, 'care_site_id')}, {_labelled(columns, 'location_id')})",
        sex=f"CASE {gender} WHEN 8507 THEN 'male' WHEN 8532 THEN 'female' "
        f"ELSE {text_of(columns, 'person', 'gender_source_value')} END",
        birth=birth,
        death="deaths.time",
    )
    partly = f"{exact} IS NULL AND {year} IS NOT NULL AND ({month} IS NULL OR {day} IS NULL)"
    words = "dates of birth without month or day were taken to be in the middle"
    counted = {words: f"SELECT count(*) FROM person t WHERE {partly}"}
    if "death" in columns:
        raw = time_of(columns, "death", "death")
        counted["deaths at a date that cannot be read were left out"] = (
            f"SELECT count(*) FROM death t WHERE {raw} IS NOT NULL AND {_moment(columns)} IS NULL"
        )
        counted["deaths of nobody among the patients were left out"] = (
            "SELECT count(*) FROM death t WHERE plain_id(t.person_id) NOT IN (SELECT original FROM numbered)"
        )
    return people, counted


def _moment(columns: Columns) -> str:
    """SQL of the moment of a death."""
    known = columns["death"]
    native = all(known[n].startswith(("TIMESTAMP", "DATE")) for n in ("death_datetime", "death_date") if n in known)
    return utc(time_of(columns, "death", "death"), "TIMESTAMP" if native else "VARCHAR")


def _facts(columns: Columns) -> dict[str, str]:
    """The tables `deaths` (person, time) and `sites` (id, site), empty where the source has none."""
    deaths = "SELECT CAST(NULL AS VARCHAR) AS person, CAST(NULL AS TIMESTAMP) AS time FROM person WHERE false"
    if "death" in columns:
        deaths = f"SELECT plain_id(t.person_id) AS person, min({_moment(columns)}) AS time FROM death t GROUP BY ALL"
    sites = "SELECT CAST(NULL AS BIGINT) AS id, CAST(NULL AS VARCHAR) AS site FROM person WHERE false"
    if "care_site" in columns:
        number = "TRY_CAST(t.care_site_id AS BIGINT)"
        sites = (
            f"SELECT {number} AS id, max({text_of(columns, 'care_site', 'care_site_name')}) AS site FROM care_site t "
        )
        sites += "GROUP BY ALL"
    return {"deaths": deaths, "sites": sites}


def _events(columns: Columns, domain: Domain) -> Events:
    """One table of clinical events. A concept of the source's own vocabulary counts where there is no standard one."""
    table, own = domain.table, columns[domain.table]
    given = concept_of(columns, table, f"{domain.concept}_concept_id")
    mapped = concept = (
        f"coalesce(nullif({given}, 0), {concept_of(columns, table, f'{domain.concept}_source_concept_id')})"
    )
    source = f"{table} t"
    if table == "drug_exposure":
        source += f" LEFT JOIN ingredients ON ingredients.drug = {given}"
        concept = f"coalesce(ingredients.ingredient, {mapped})"
    answer = concept_of(columns, table, "value_as_concept_id")
    unit = concept_of(columns, table, "unit_concept_id")
    source += f" LEFT JOIN concepts c ON c.id = {concept} LEFT JOIN concepts v ON v.id = {answer}"
    source += f" LEFT JOIN concepts u ON u.id = {unit} LEFT JOIN spelled ON spelled.concept = {unit}"
    value = 't."value_as_number"' if "value_as_number" in own else "CAST(NULL AS DOUBLE)"
    number = f"TRY_CAST({value} AS DOUBLE)"
    words = text_of(columns, table, f"{domain.concept}_source_value")
    code = (
        f"CASE WHEN {concept} <> 0 THEN coalesce(c.code, 'OMOP/' || {concept}) ELSE '{UNMAPPED}{table}/' || {words} END"
    )
    answered = f"({number} IS NULL AND {answer} <> 0)"
    numbers = f"WHEN {number} IS NOT NULL THEN 'measurement' " if table == "observation" else ""
    texts = (limit_of(columns, table, value), "v.name", *(text_of(columns, table, name) for name in _TEXTS))
    return Events(
        label=table,
        source=source,
        subject="t.person_id",
        time=time_of(columns, table, domain.dates),
        code=f"CASE WHEN {answered} THEN {code} || '//' || coalesce(v.code, 'OMOP/' || {answer}) ELSE {code} END",
        value=value,
        text=f"coalesce({', '.join(texts)})",
        name=f"coalesce(c.name, {words}) || CASE WHEN {answered} THEN coalesce(': ' || v.name, '') ELSE '' END",
        unit=unit_of(columns, table),
        mode=f"CASE WHEN {answered} THEN 'condition' {numbers}ELSE '{domain.mode}' END",
    )


_TEXTS = ("value_as_string", "value_source_value")


def _labelled(columns: Columns, name: str) -> str:
    """SQL of a person's site by number, such as "care_site 12"."""
    number = concept_of(columns, "person", name)
    return f"CASE WHEN {number} <> 0 THEN '{name.removesuffix('_id')} ' || {number} END"
