"""A record in plain numbers: how often each code was seen up to the prediction, and its last value.

An archive and stays with their time of prediction go in; nothing later than that time is looked at. The archive is read
in batches; what is kept is one row a stay and code.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.archive.schema import BIRTH
from semeia.archive.store import Archive

_SCHEMA = {"row": pl.UInt32(), "code": pl.String(), "events": pl.UInt32(), "value": pl.Float32()}


def seen_codes(archive: Archive, stays: pl.DataFrame) -> pl.DataFrame:
    """What each stay's record holds by the time of the prediction, births apart; without a time, nothing.

    Args:
        stays: row, subject_id, time; one row a patient.

    Returns:
        row, code, events (how many), value (the last finite number, of several at one time the largest; null: none).
    """
    asked = stays.drop_nulls("time").select(pl.col("row").cast(pl.UInt32), "subject_id", until="time")
    parts = [pl.DataFrame(schema=_SCHEMA)]
    for events in archive.event_batches(subjects=asked["subject_id"].to_list()):
        seen = events.join(asked, on="subject_id").filter(
            pl.col("time").is_null() | (pl.col("time") <= pl.col("until")), pl.col("code") != BIRTH
        )
        number = pl.col("numeric_value")
        found = seen.sort("time", number).group_by("row", "code", maintain_order=True)
        parts.append(found.agg(events=pl.len(), value=number.filter(number.is_finite()).last()).cast(_SCHEMA))  # pyright: ignore[reportArgumentType]
    return pl.concat(parts).sort("row", "code")


def counts_of(seen: pl.DataFrame, codes: Sequence[str], *, rows: int) -> Float[np.ndarray, "rows codes"]:
    """log(1 + number of events) of each code; 0 where a stay has not had it."""
    return np.log1p(_wide(seen, "events", codes, rows=rows, absent=0.0))


def values_of(seen: pl.DataFrame, codes: Sequence[str], *, rows: int) -> Float[np.ndarray, "rows codes"]:
    """The last value of each code; NaN where a stay has none."""
    return _wide(seen.drop_nulls("value"), "value", codes, rows=rows, absent=np.nan)


def densities(seen: pl.DataFrame, *, rows: int) -> Float[np.ndarray, " rows"]:
    """How many events each stay's record holds, whatever they are."""
    return np.bincount(seen["row"].to_numpy(), weights=seen["events"].to_numpy(), minlength=rows).astype(float)


def _wide(seen: pl.DataFrame, column: str, codes: Sequence[str], *, rows: int, absent: float) -> np.ndarray:
    places = pl.DataFrame({"code": list(codes)}, schema={"code": pl.String}).with_row_index("place")
    known = seen.join(places, on="code")
    matrix = np.full((rows, len(codes)), absent)
    matrix[known["row"].to_numpy(), known["place"].to_numpy()] = known[column].to_numpy()
    return matrix
