"""Cap ages at 90: the last date of each patient decides how early a birth may be."""

import datetime as dt
from collections.abc import Mapping

import polars as pl

from semeia.archive.gate import OLDEST
from semeia.archive.schema import BIRTH


class Ages:
    """The last dates of a draft's patients, and the births that follow; nothing where ages stay as given."""

    def __init__(self, *, cap: bool) -> None:
        self._cap = cap
        self._last: list[pl.DataFrame] = []
        self._floor: dict[int, dt.date] = {}

    def see(self, events: pl.DataFrame) -> None:
        """Take the last date of each patient in a frame of events."""
        if self._cap and {"subject_id", "time", "code"} <= {*events.columns}:
            timed = events.filter(pl.col("code") != BIRTH)
            self._last.append(timed.group_by("subject_id").agg(pl.col("time").cast(pl.Datetime("us")).max()))

    def earliest(self, tables: Mapping[str, pl.DataFrame]) -> dict[int, dt.date]:
        """The earliest birth of each patient (subject_id) at which nobody is too old at the last date of the draft."""
        dated = [
            frame.select("subject_id", pl.col(column).alias("time"))
            for frame in tables.values()
            for column in ("time", "prediction_time")
            if self._cap and column in frame.columns
        ]
        if dated or self._last:
            last = pl.concat([*self._last, *dated]).drop_nulls().group_by("subject_id").agg(pl.col("time").max())
            self._floor = {number: _earliest(time.date()) for number, time in last.iter_rows()}
        return self._floor

    def births(self) -> pl.DataFrame | None:
        """The earliest birth that events may say: subject_id, birth; None where ages are as given."""
        schema = {"subject_id": pl.Int64, "birth": pl.Date}
        return pl.DataFrame([*self._floor.items()], schema=schema, orient="row") if self._floor else None


def _earliest(last: dt.date) -> dt.date:
    """The day of birth of who turns 90 on a day."""
    return last.replace(year=last.year - OLDEST, day=28 if (last.month, last.day) == (2, 29) else last.day)
