"""Keep values in different units apart: one usual unit a code.

The unit that most values of a code are in is its usual one. Values in another unit get a code of their own,
`CODE//unit`. Spelling that differs in case, spaces, brackets (mm[Hg])
or in how micro is written only is one unit.
"""

import polars as pl

UNKNOWN = ("", "unk", "unknown", "none", "null", "nan", "n/a", "na", "no matching concept")


def known_unit(expression: str) -> str:
    """SQL that trims a unit, and empties it where it only says that nobody knows it."""
    text = f"trim(CAST(({expression}) AS VARCHAR))"
    unknown = ", ".join(f"'{word}'" for word in UNKNOWN)
    return f"CASE WHEN lower({text}) IN ({unknown}) THEN NULL ELSE {text} END"


def usual_units(tally: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The usual unit of each code, and the code that values in another unit get.

    Args:
        tally: Columns code, unit, events, numbers: how many events and values there are of each.

    Returns:
        `usual` with code, unit: codes that have any unit. `apart` with code, unit (as spelled), other (the new
        code), display (its unit).
    """
    plain = pl.col("unit").str.to_lowercase().str.replace_all(r"[\s\[\]]+", "")
    folded = plain.str.replace_all("[\u00b5\u03bc]", "u").alias("fold")
    units = (
        tally.filter(pl.col("unit").is_not_null())
        .group_by("code", "unit")
        .agg(pl.col("numbers").sum(), pl.col("events").sum())
        .with_columns(folded)
        .sort("code", "numbers", "events", "unit", descending=[False, True, True, False])
    )
    folds = units.group_by("code", "fold", maintain_order=True).agg(
        pl.col("unit").first().alias("display"), pl.col("numbers").sum(), pl.col("events").sum()
    )
    ranked = folds.sort("code", "numbers", "events", "fold", descending=[False, True, True, False])
    usual = ranked.unique("code", keep="first", maintain_order=True)
    others = folds.join(usual, on=["code", "fold"], how="anti").filter(pl.col("numbers") > 0)
    apart = units.join(others.select("code", "fold", "display"), on=["code", "fold"], how="inner").select(
        "code", "unit", pl.format("{}//{}", "code", "display").alias("other"), "display"
    )
    return usual.select("code", unit="display"), apart
