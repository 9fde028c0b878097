"""SQL for tables of OMOP, whose columns vary: what columns there are goes in; expressions and vocabulary come out.

Every expression is over a row `t` of a table, and empty (or 0, for a concept) where the table has no such column.
"""

from semeia.errors import InputError
from semeia.readers.sources import utc

Columns = dict[str, dict[str, str]]  # table, column, type


def time_of(columns: Columns, table: str, dates: str) -> str:
    """The moment where there is one, or the start of the day."""
    own = columns[table]
    known = [utc(f't."{name}"', own[name]) for name in (f"{dates}_datetime", f"{dates}_date") if name in own]
    if not known:
        raise InputError(f"{table}: lacks the columns {dates}_datetime and {dates}_date; one of them is needed.")
    return f"coalesce({', '.join(known)})"


def concept_of(columns: Columns, table: str, name: str) -> str:
    """SQL of a concept or other number of the row `t`; 0 where it is empty or the table has no such column."""
    return f'coalesce(TRY_CAST(t."{name}" AS BIGINT), 0)' if name in columns[table] else "CAST(0 AS BIGINT)"


def text_of(columns: Columns, table: str, name: str) -> str:
    """SQL of a text of the row `t`, empty where it is blank or the table has no such column."""
    known = name in columns[table]
    return f"nullif(trim(CAST(t.\"{name}\" AS VARCHAR)), '')" if known else "CAST(NULL AS VARCHAR)"


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
        for name in (f"{concept}_concept_id", "value_as_concept_id", "unit_concept_id"):
            if name in columns[table]:
                used.append(f"SELECT DISTINCT {concept_of(columns, table, name)} FROM {table} t")
    return (
        "SELECT TRY_CAST(concept_id AS BIGINT) AS id, max(vocabulary_id || '/' || concept_code) AS code, "
        "max(concept_name) AS name, max(concept_code) AS short FROM concept "
        f"WHERE TRY_CAST(concept_id AS BIGINT) <> 0 AND TRY_CAST(concept_id AS BIGINT) IN ({' UNION '.join(used)}) "
        "GROUP BY ALL"
    )
