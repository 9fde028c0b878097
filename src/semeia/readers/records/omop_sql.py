"""Write SQL for tables of OMOP, whose columns vary.

Every expression is over a row `t` of a table, and empty (or 0, for a concept) where the table has no such column.
"""

from semeia.archive.column_names import quoted
from semeia.errors import InputError
from semeia.readers.records.cells import utc

Columns = dict[str, dict[str, str]]  # table, column, type


def time_of(columns: Columns, table: str, dates: str) -> str:
    """The moment where there is one, or the day, not read yet: a moment that cannot be read is no start of a day."""
    own = columns[table]
    names = [name for name in (f"{dates}_datetime", f"{dates}_date") if name in own]
    if not names:
        there = quoted(sorted(own))
        raise InputError(
            f"{table}: lacks the columns {dates}_datetime and {dates}_date; one of them is needed. It has {there}."
        )
    if all(own[name].startswith(("TIMESTAMP", "DATE")) for name in names):
        moments = [utc(f't."{name}"', own[name]) for name in names]
        return f"coalesce({', '.join(moments)})"
    return f"coalesce({', '.join(text_of(columns, table, name) for name in names)})"


def concept_of(columns: Columns, table: str, name: str) -> str:
    """SQL of a concept or other number of the row `t`; 0 where it is empty or the table has no such column."""
    return f'coalesce(TRY_CAST(t."{name}" AS BIGINT), 0)' if name in columns[table] else "CAST(0 AS BIGINT)"


def text_of(columns: Columns, table: str, name: str) -> str:
    """SQL of a text of the row `t`, empty where it is blank or the table has no such column."""
    known = name in columns[table]
    return f"nullif(trim(CAST(t.\"{name}\" AS VARCHAR)), '')" if known else "CAST(NULL AS VARCHAR)"


def unit_of(columns: Columns, table: str) -> str:
    """SQL of a unit: the concept decides; without a vocabulary it is called what the source mostly calls it."""
    concept = concept_of(columns, table, "unit_concept_id")
    spelled = f"coalesce(u.short, spelled.unit, 'OMOP/' || {concept})"
    return f"CASE WHEN {concept} <> 0 THEN {spelled} ELSE {text_of(columns, table, 'unit_source_value')} END"


def spellings_of(columns: Columns, tables: list[str]) -> str:
    """What each concept of a unit is mostly called in the source; nothing for two concepts called the same."""
    both = [name for name in tables if {"unit_concept_id", "unit_source_value"} <= set(columns[name])]
    rows = " UNION ALL ".join(
        f"SELECT {concept_of(columns, name, 'unit_concept_id')} AS concept, "
        f"{text_of(columns, name, 'unit_source_value')} AS unit FROM {name} t"
        for name in both
    )
    rows = rows or "SELECT CAST(0 AS BIGINT) AS concept, CAST(NULL AS VARCHAR) AS unit FROM person"
    return (
        f"SELECT concept, mode(unit ORDER BY unit) AS unit FROM ({rows}) WHERE concept <> 0 AND unit IS NOT NULL "
        "GROUP BY concept QUALIFY count(*) OVER (PARTITION BY lower(mode(unit ORDER BY unit))) = 1"
    )


def limit_of(columns: Columns, table: str, value: str) -> str:
    """SQL of a value that is only known to be below or above a limit, as text: <6."""
    operators = " ".join(f"WHEN {number} THEN '{sign}'" for number, sign in _OPERATORS.items())
    return f"CASE {concept_of(columns, table, 'operator_concept_id')} {operators} END || {value}"


# The standard concepts of operator_concept_id other than "=" (4172703).
_OPERATORS = {4171756: "<", 4172704: ">", 4171754: "<=", 4171755: ">="}


def ingredients_of(columns: Columns) -> str:
    """Which ingredients (RxNorm) a drug has, by the ancestors of concepts or else by their relationships."""
    nothing = "SELECT CAST(NULL AS BIGINT) AS drug, CAST(NULL AS BIGINT) AS ingredient FROM person WHERE false"
    if "drug_exposure" not in columns or "concept" not in columns:
        return nothing
    drugs = f"SELECT DISTINCT {concept_of(columns, 'drug_exposure', 'drug_concept_id')} FROM drug_exposure t"
    ingredient = (
        "SELECT TRY_CAST(concept_id AS BIGINT) FROM concept WHERE concept_class_id = 'Ingredient' "
        "AND vocabulary_id IN ('RxNorm', 'RxNorm Extension')"
    )
    if "concept_ancestor" in columns:
        links = (
            "SELECT TRY_CAST(descendant_concept_id AS BIGINT) AS drug, TRY_CAST(ancestor_concept_id AS BIGINT) "
            "AS ingredient FROM concept_ancestor"
        )
    elif "concept_relationship" in columns:
        pairs = (
            "SELECT TRY_CAST(concept_id_1 AS BIGINT) AS a, TRY_CAST(concept_id_2 AS BIGINT) AS b "
            "FROM concept_relationship WHERE relationship_id ="
        )
        links = (
            f"SELECT a AS drug, b AS ingredient FROM ({pairs} 'RxNorm has ing') UNION SELECT one.a, two.b FROM "
            f"({pairs} 'Consists of') one JOIN ({pairs} 'RxNorm has ing') two ON one.b = two.a"
        )
    else:
        return nothing
    return f"SELECT DISTINCT drug, ingredient FROM ({links}) WHERE drug IN ({drugs}) AND ingredient IN ({ingredient})"


def concepts_of(columns: Columns, domains: list[tuple[str, str]]) -> str:
    """Code, name and short code of every concept that is used, so that a large vocabulary need not fit."""
    if "concept" not in columns:
        return (
            "SELECT CAST(NULL AS BIGINT) AS id, CAST(NULL AS VARCHAR) AS code, CAST(NULL AS VARCHAR) AS name, "
            "CAST(NULL AS VARCHAR) AS short FROM person WHERE false"
        )
    used = [
        f"SELECT {concept_of(columns, 'person', 'race_concept_id')} FROM person t",
        "SELECT ingredient FROM ingredients",
    ]
    for table, concept in domains:
        for name in (f"{concept}_concept_id", f"{concept}_source_concept_id", "value_as_concept_id", "unit_concept_id"):
            if name in columns[table]:
                used.append(f"SELECT DISTINCT {concept_of(columns, table, name)} FROM {table} t")
    return (
        "SELECT TRY_CAST(concept_id AS BIGINT) AS id, max(vocabulary_id || '/' || concept_code) AS code, "
        "max(concept_name) AS name, max(concept_code) AS short FROM concept "
        f"WHERE TRY_CAST(concept_id AS BIGINT) <> 0 AND TRY_CAST(concept_id AS BIGINT) IN ({' UNION '.join(used)}) "
        "GROUP BY ALL"
    )
