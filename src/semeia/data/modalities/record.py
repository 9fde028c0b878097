"""Read a health record as a table: of each code the last value by a date, one token a code.

A state of the record is listed for every date on which something was measured; a unit reads the newest up to its index
date, so that nothing later can be in it.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from semeia.archive.store import Archive
from semeia.data.dataset import described_units
from semeia.data.modalities.table import Table
from semeia.data.modality import Arrays, History, Modality
from semeia.errors import InputError

_KEYS = ("unit_id", "subject_id", "time")


@dataclass(frozen=True)
class Record(Table):
    """Last values of the measurements in a record.

    Attributes:
        source: what codes begin with; empty: all that are measurements.
        least: states among the training units' in which a code must have a value to be read.
        history: by default the state at the index date alone.
    """

    called: ClassVar[str] = "record"

    source: str = ""
    history: History = field(default_factory=lambda: History(most=1))
    type: Literal["record"] = "record"  # pyright: ignore[reportIncompatibleVariableOverride]
    least: int = 10

    def prepared(self) -> str:
        """Say what a value is."""
        return "of each measurement in the record the last value is read, standardised by the training patients"

    def find(self, archive: Archive) -> pl.DataFrame:
        """List the states of each record: of each code the last value so far, of several at one time the largest.

        Raises:
            InputError: There are units without a date, who would read what came after.
        """
        require_dates(archive)
        codes = archive.codes().filter(pl.col("mode") == "measurement", pl.col("code").str.starts_with(self.source))
        value = pl.col("numeric_value")
        listed = [pl.DataFrame(schema={"subject_id": pl.Int64, "time": pl.Datetime("us")})]
        for events in archive.event_batches():
            known = events.join(codes.select("code"), on="code", how="semi")
            known = known.filter(pl.col("time").is_not_null(), value.is_finite())
            if known.height:
                listed.append(known.pivot(on="code", index=_KEYS[1:], values="numeric_value", aggregate_function="max"))
        states = pl.concat(listed, how="diagonal").sort("subject_id", "time")
        names = sorted(set(states.columns) - set(_KEYS))
        so_far = states.with_columns(pl.col(name).forward_fill().over("subject_id") for name in names)
        return so_far.select(pl.lit(None, pl.String).alias("unit_id"), "subject_id", "time", *names)

    def fit(self, arrays: Arrays, chosen: np.ndarray) -> "Record":
        """Fit the scale of each code that enough training units have."""
        enough = arrays.mask[chosen].sum(0) >= self.least
        if not enough.any():
            raise InputError(f"no measurement has a value in {self.least} of the {len(chosen)} training units' records")
        names = tuple(name for name, kept in zip(arrays.names, enough, strict=True) if kept)
        fitted = super().fit(Arrays(arrays.values[:, enough], arrays.mask[:, enough], names), chosen)
        return replace(self, fitted=fitted.fitted)

    def describe(self) -> str:
        """Say in words what is read."""
        return f"last values of the record{f' ({self.source}...)' if self.source else ''}"

    def require_same(self, other: Modality, arrays: Arrays) -> None:
        """Refuse what is no record; codes that another record lacks are missing there."""
        if not isinstance(other, Record) or other.source != self.source:
            raise InputError(f"the model reads {self.describe()}; the data were read as {other.describe()}")


def require_dates(archive: Archive) -> None:
    """Refuse an archive with a record and units without a date, who would read what came after."""
    undated = described_units(archive)["time"].null_count()
    if undated and archive.files_of("events"):
        raise InputError(f"{archive.path}: {undated} units have no date: what was in the record by then?")
