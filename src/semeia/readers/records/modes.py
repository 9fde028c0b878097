"""What kind of channel a code is: codes go in; their modes, each with the rule that decided, come out.

MEDS has no modes, and a code's vocabulary tells more than its number. The first pattern of `RULES` that fits a code
decides; where none fits, the values do. A mapping or the user's table of codes goes before all of them.
"""

from dataclasses import dataclass

import polars as pl

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
