"""Read who a patient is: age at the unit's date, and sex; one token each."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from semeia.archive.store import Archive
from semeia.data.modalities.table import Table

YEAR = pl.duration(hours=365.25 * 24)


@dataclass(frozen=True)
class Demographics(Table):
    """Age in years, and 0 or 1 for each sex that the archive names."""

    type: Literal["demographics"] = "demographics"  # pyright: ignore[reportIncompatibleVariableOverride]
    source: str = "demographics"

    def find(self, archive: Archive) -> pl.DataFrame:
        """List the units of whose patient anything is known; columns of which nothing is known are left out."""
        people = archive.table("subjects").select("subject_id", "sex", "birth")
        units = archive.table("units").select("unit_id", "subject_id", "time").join(people, on="subject_id")
        age = (pl.col("time") - pl.col("birth").cast(pl.Datetime("us"))) / YEAR
        sexes = {f"sex={sex}": (pl.col("sex") == sex).cast(pl.Float64) for sex in sorted(set(people["sex"]) - {None})}
        facts = units.select(age=age.cast(pl.Float64), **sexes)
        known = facts[[column.name for column in facts if column.null_count() < len(column)]]
        # It holds at any date: no time of its own.
        keys = units.select("unit_id", "subject_id", time=pl.lit(None, pl.Datetime("us")))
        found = pl.concat([keys, known], how="horizontal")
        return found.filter(pl.any_horizontal(pl.col(known.columns).is_not_null())) if known.columns else found.clear()
