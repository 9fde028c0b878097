"""Say what is known of each code of a mapped record: its mode, name and unit, and who said so.

A table of codes goes before the mapping, the mapping before the rules; of several names the commonest counts.

MEDS has no modes, and a code's vocabulary tells more than its number. The first pattern of `RULES` that fits a code
decides; where none fits, the values do. A mapping or the user's table of codes goes before all of them.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from semeia.archive import Writer
from semeia.archive.column_names import quoted
from semeia.archive.parquet_file import read_parquet
from semeia.archive.schema import MODES
from semeia.errors import InputError
from semeia.readers.records.mapping import Mapping
from semeia.readers.records.sources import parquet_columns
from semeia.readers.records.units_apart import usual_units
from semeia.readers.rows import Row, read_rows

_MOSTLY = 0.5


@dataclass(frozen=True)
class Rule:
    """Codes that `pattern` (a regular expression, at the start, any case) fits are of `mode`; `words` say why."""

    pattern: str
    mode: str
    words: str


RULES = (
    Rule("MEDS_(BIRTH|DEATH)$", "other", "birth and death"),
    Rule("(GENDER|SEX|RACE|ETHNICITY|MARITAL_STATUS|LANGUAGE)/", "demographic", "a fact about the person"),
    Rule("MEDICATION/.*/(STOP|NOT GIVEN|HOLD DOSE)", "other", "a medication not given"),
    Rule("MEDICATION/+STOP/", "other", "a medication not given"),
    Rule("(INFUSION_END|PROCEDURE/+END)/", "other", "the end of a treatment"),
    Rule("(MEDICATION|INFUSION_START|RXNORM|NDC|ATC|GSN|DRUG)\\b", "medication", "vocabulary of drugs"),
    Rule("(CVX)\\b", "medication", "vaccines are counted like drugs"),
    Rule("(LAB|LOINC|VITALS?|SUBJECT_WEIGHT\\w*|SUBJECT_FLUID\\w*)\\b", "measurement", "vocabulary of measurements"),
    Rule("(BMI|WEIGHT|HEIGHT|BLOOD PRESSURE|EGFR)\\b", "measurement", "vital sign"),
    Rule("(DIAGNOSIS|ICD9\\w*|ICD10\\w*|SNOMED|CONDITION)\\b", "condition", "vocabulary of diagnoses"),
    Rule("(PROCEDURE|CPT4?|HCPCS|ICD9PROC|ICD10PCS)\\b", "condition", "procedures are counted like conditions"),
    Rule("(DRG)\\b", "other", "billing"),
    Rule("(ADMISSION|HOSPITAL_|ICU_|ED_|TRANSFER_TO|DISCHARGE|VISIT|ENCOUNTER)", "other", "a stay or a visit"),
)
MOSTLY_NUMBERS = Rule("", "measurement", "most events have a number")
NOTHING = Rule("", "other", "no rule fits")


def modes_of(codes: pl.DataFrame) -> pl.DataFrame:
    """The mode of every code, and the rule that decided.

    Args:
        codes: Columns code, events (how many) and numbers (how many of them have a number).

    Returns:
        Columns code, mode, rule, in the order of `codes`.
    """
    by_values = pl.when(pl.col("numbers") > _MOSTLY * pl.col("events"))
    number = by_values.then(pl.lit(len(RULES))).otherwise(pl.lit(len(RULES) + 1))
    for place in reversed(range(len(RULES))):
        fits = pl.col("code").str.contains(f"(?i)^(?:{RULES[place].pattern})")
        number = pl.when(fits).then(pl.lit(place)).otherwise(number)
    every = (*RULES, MOSTLY_NUMBERS, NOTHING)
    table = pl.DataFrame(
        {"place": range(len(every)), "mode": [r.mode for r in every], "rule": [r.words for r in every]},
        schema_overrides={"place": pl.Int32},
    )
    return (
        codes.select("code", place=number.cast(pl.Int32))
        .join(table, on="place", how="left", maintain_order="left")
        .select("code", "mode", "rule")
    )


def say_codes(draft: Writer, mapping: Mapping, tally: pl.DataFrame, given: pl.DataFrame | None) -> pl.DataFrame:
    """Give the draft the codes of a mapped record.

    Args:
        tally: Columns code, unit, mode, name, events, numbers, label: counts of events by all of the others.

    Returns:
        Columns code, unit, other: what the code of values in an unusual unit is to be instead.
    """
    usual, apart = usual_units(tally)
    unitless = tally.filter(pl.col("unit").is_null() & (pl.col("numbers") > 0)).join(usual, on="code", how="semi")
    draft.count("values without a unit were taken to be in their code's usual one", int(unitless["numbers"].sum()))
    named = tally.join(apart, on=["code", "unit"], how="left")
    others = named.filter(pl.col("other").is_not_null())
    draft.count("values in another unit than most of their code got a code of their own", int(others["numbers"].sum()))
    named = named.with_columns(code=pl.coalesce("other", "code"))
    named = named.sort("code", -pl.col("events"), "name", "mode", "unit", "label")  # so that ties are always one way
    modes = named.filter(pl.col("mode").is_not_null()).group_by("code", maintain_order=True)
    mapped = modes.agg(pl.col("mode", "label").first(), pl.col("mode").n_unique().alias("modes"))
    draft.count("codes had several modes; the one of most events counts", mapped.filter(pl.col("modes") > 1).height)
    codes = (
        named.group_by("code", maintain_order=True)
        .agg(pl.col("name").drop_nulls().first(), pl.col("events", "numbers").sum(), pl.col("display").first())
        .join(usual, on="code", how="left")
        .with_columns(unit=pl.coalesce("display", "unit"))
    )
    ruled = modes_of(codes)
    codes = (
        codes.join(mapped, on="code", how="left")
        .join(ruled, on="code", how="left", suffix="_ruled")
        .with_columns(
            rule=pl.when(pl.col("mode").is_null())
            .then("rule")
            .otherwise(pl.format(f"mapping {mapping.name}, {{}}", "label")),
            mode=pl.coalesce("mode", "mode_ruled"),
            fill=pl.lit(None, dtype=pl.Float64),
        )
    )
    codes = _overridden(codes, given) if given is not None else codes
    reported = codes.group_by("mode", "rule").agg(pl.len().alias("codes"), pl.col("events").sum()).sort("mode", "rule")
    draft.notes["modes"] = reported.to_dicts()
    draft.codes(codes.select("code", "mode", "name", "unit", "fill", "rule"))
    return apart.select("code", "unit", "other")


def _overridden(codes: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """The codes with what the user's table (or a source's own) says of them."""
    facts = [name for name in ("mode", "name", "unit", "fill") if name in given.columns]
    joined = codes.join(given.select("code", *facts), on="code", how="left", suffix="_given")
    if "mode" in facts:
        table = pl.when(pl.col("mode_given").is_not_null()).then(pl.lit("table of codes")).otherwise("rule")
        joined = joined.with_columns(rule=table)
    return joined.with_columns(pl.coalesce(f"{name}_given", name).alias(name) for name in facts)


_NAMES = ("name", "description")  # ours and MEDS's
_READ = ("code", "mode", *_NAMES, "unit", "fill")


def read_codes(path: str | Path, *, may_be_empty: bool = False) -> pl.DataFrame:
    """Read a table (.csv, .tsv, .parquet) of codes: code and any of mode, name (or description), unit, fill.

    Args:
        path: The table; its further columns (lists of parents, structures) are not looked at.
        may_be_empty: Whether it may have no rows, as a source's own may.

    Returns:
        Columns code, mode, name, unit, fill; empty where nothing is said. The first row of a code counts.
    """
    facts = []
    for row in _rows(Path(path)):
        mode = row.cells.get("mode")
        if mode is not None and mode not in MODES:
            raise row.error("mode", f"must be one of {', '.join(MODES)}.")
        name = next((row.cells[column] for column in _NAMES if row.cells.get(column)), None)
        facts.append((row.cells["code"], mode, name, row.cells.get("unit"), row.number_or_none("fill")))
    if not facts and not may_be_empty:
        raise InputError(f"{path}: has no rows.")
    kinds = {"code": pl.String, "mode": pl.String, "name": pl.String, "unit": pl.String, "fill": pl.Float64}
    table = pl.DataFrame(facts, schema=kinds, orient="row").drop_nulls("code")
    return table.unique("code", keep="first", maintain_order=True)


def _rows(path: Path) -> list[Row]:
    if path.suffix != ".parquet" or not path.is_file():
        return read_rows(path, required=["code"], known=_READ[1:], verbatim=("code", *_NAMES, "unit"))
    there = parquet_columns(path)
    if "code" not in there:
        raise InputError(f"{path}: lacks the column 'code'; it has {quoted(list(there))}.")
    try:
        frame = read_parquet(path, columns=[name for name in _READ if name in there])
        frame = frame.select(pl.all().cast(pl.String).str.strip_chars().replace("", None))
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path}: {', '.join(_READ)} must be plain values.") from error
    return [Row(path.name, place, cells) for place, cells in enumerate(frame.iter_rows(named=True), start=2)]
