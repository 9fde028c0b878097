"""Evaluate the curves of demographics: age at the section, and constants.

Age needs the date of birth and is in years of 365.25 days; one that nobody reaches hides or mistypes a birth, and is as
if it were not known. Sex is 1 in its own channel. A code of this mode (ethnicity,
...) is 1 from its time on, or always where it has none.
"""

import numpy as np
import polars as pl
from jaxtyping import Float64, Int64

from semeia.archive.audit.census import MOST_YEARS
from semeia.signatures.channels import AGE, SEX, Channels

_YEAR = 365.25 * 86_400_000_000


def demographic_values(
    known: pl.DataFrame, asked: pl.DataFrame, channels: Channels
) -> tuple[Int64[np.ndarray, "n"], Int64[np.ndarray, "n"], Float64[np.ndarray, "n"]]:
    """Sections (places in `asked`), channels and values.

    Args:
        known: subject, channel, time (null: always) of events of demographic channels.
        asked: subject, time, sex, birth, one row a section.
    """
    places = asked.select("subject", "sex", "birth", since="time").with_row_index("section")
    own = channels.table.filter(pl.col("mode") == "demographic").select("channel", "code")
    age = (
        places.drop_nulls("birth")
        .join(own.filter(pl.col("code") == AGE), how="cross")
        .with_columns(born=pl.col("birth").cast(pl.Datetime("us")).to_physical())
        .select("section", "channel", value=(pl.col("since").to_physical() - pl.col("born")) / _YEAR)
        .filter(pl.col("value") <= MOST_YEARS)
    )
    sexes = own.filter(pl.col("code").str.starts_with(SEX)).with_columns(sex=pl.col("code").str.strip_prefix(SEX))
    sex = places.join(sexes, on="sex").select("section", "channel", value=pl.lit(1.0))
    first = known.group_by("subject", "channel").agg(
        pl.when(pl.col("time").is_null().any()).then(None).otherwise(pl.col("time").min()).alias("time")
    )
    coded = (
        places.join(first, on="subject")
        .filter(pl.col("time").is_null() | (pl.col("time") <= pl.col("since")))
        .select("section", "channel", value=pl.lit(1.0))
    )
    rows = pl.concat([part.cast({"section": pl.Int64, "channel": pl.Int64}) for part in (age, sex, coded)])
    return rows["section"].to_numpy(), rows["channel"].to_numpy(), rows["value"].to_numpy()
