"""Read clinical signatures as a modality with dates: what a record says at each scan, and at the index date.

Nothing is stored in the archive: the expressions are made when they are read, by signatures fitted beforehand (on
pretraining patients), each from the record truncated at its date.
"""

import datetime as dt
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from semeia.archive.hashing import file_sha256
from semeia.archive.store import Archive
from semeia.data.modalities.vector import Vector
from semeia.data.modality import Allocate, Arrays, Modality
from semeia.errors import InputError
from semeia.signatures.express import express
from semeia.signatures.model import ABOUT, ARRAYS, CHANNELS, load_signatures

SCANS = ("images", "arrays")


@dataclass(frozen=True)
class Signatures(Vector):
    """Expressions of fitted signatures, one token a date.

    Attributes:
        source: folder of the signatures; stored with a model, it is relative to the model's folder.
        hours: how long before each unit's last index date the record is looked at, too.
        model: digest of the signatures; filled in when an archive is opened.
    """

    after_reading: ClassVar[tuple[str, ...]] = (*Modality.after_reading, "source")

    type: Literal["signatures"] = "signatures"  # pyright: ignore[reportIncompatibleVariableOverride]
    hours: tuple[float, ...] = ()
    model: str = ""

    def __post_init__(self) -> None:
        if any(hour <= 0 for hour in self.hours):
            raise InputError(f"signatures: hours {list(self.hours)} must lie before the index date: above 0")

    def prepared(self) -> str:
        """Say when they are expressed."""
        return "signatures are expressed at each date from the record up to it, and standardised by training patients"

    def describe(self) -> str:
        """Name the signatures, not the folder they happen to lie in."""
        return f"expressions of the signatures {self.model[:8] or self.source}"

    def of_archive(self, archive: Archive) -> "Signatures":
        """Take the digest of the signatures over."""
        if not self.source:
            raise InputError("signatures: name the folder of fitted signatures as source ('semeia signatures fit')")
        digests = [file_sha256(path) for path in self.files() if path.is_file()]
        if len(digests) < 3:
            raise InputError(f"{self.source}: holds no signatures; fit them with 'semeia signatures fit'.")
        model = hashlib.sha256(" ".join(digests).encode()).hexdigest()[:16]
        if self.model and self.model != model:
            raise InputError(f"{self.source}: holds other signatures than those this model was fitted with")
        return replace(self, model=model)

    def find(self, archive: Archive) -> pl.DataFrame:
        """List the dates; see `dates_of`."""
        return dates_of(archive, hours=self.hours)

    def read(self, archive: Archive, found: pl.DataFrame, allocate: Allocate) -> Arrays:
        """Express, each date from the record up to it."""
        model = load_signatures(Path(self.source))
        values = allocate((found.height, 1, len(model.names)), np.float32)
        if found.height:
            expressed = express(model, archive, found.select("subject_id", "time")).table
            values[:, 0] = expressed.select(model.names).to_numpy()
        return self.arrays(values)

    def require_same(self, other: Modality, arrays: Arrays) -> None:
        """Refuse expressions of other signatures, and what is none."""
        if not isinstance(other, Signatures) or other.model != self.model:
            raise InputError(f"the model reads {self.describe()}; the data were read as {other.describe()}")

    def files(self) -> tuple[Path, ...]:
        """The files of the signatures."""
        return tuple(Path(self.source) / name for name in (ARRAYS, CHANNELS, ABOUT))

    def seen_from(self, folder: Path) -> "Signatures":
        """Name the folder relative to another, so that both can be moved together."""
        return replace(self, source=os.path.relpath(self.source, folder)) if self.source else self

    def found_from(self, folder: Path) -> "Signatures":
        """Name the folder as it stands, from what `seen_from` gave."""
        return replace(self, source=str((folder / self.source).resolve())) if self.source else self


def dates_of(archive: Archive, *, hours: tuple[float, ...] = ()) -> pl.DataFrame:
    """List the dates at which a record is looked at: each unit's index dates, and those of its scans before.

    A unit's index dates are its own time and the times of prediction of its outcomes. Before a patient's first event
    there is no record: such dates are missing, not filled.

    Args:
        hours: before the last index date, at which the record is looked at, too.

    Returns:
        unit_id, subject_id, time, each once.
    """
    keys = ["unit_id", "subject_id", "time"]
    units = archive.table("units").select(keys)
    asked = [archive.outcome(name).select(*keys[:2], time="prediction_time") for name in archive.outcomes()]
    index = pl.concat([units, *asked]).drop_nulls("time")
    scans = pl.concat([archive.table(name).select(keys) for name in SCANS]).drop_nulls("time")
    of_patient = scans.filter(pl.col("unit_id").is_null()).drop("unit_id").join(units.drop("time"), on="subject_id")
    scans = pl.concat([scans.drop_nulls("unit_id"), of_patient.select(keys)])
    last = index.group_by("unit_id").agg(pl.col("time").max().alias("last"))
    scans = scans.join(last, on="unit_id", how="left").filter(
        pl.col("time") <= pl.col("last").fill_null(pl.col("time"))
    )
    newest = index.join(last, on="unit_id").filter(pl.col("time") == pl.col("last")).select(keys)
    earlier = [newest.with_columns(pl.col("time") - dt.timedelta(hours=hour)) for hour in hours]
    begun = archive.event_subjects().select("subject_id", "first")
    dates = pl.concat([index, scans.select(keys), *earlier]).unique().join(begun, on="subject_id")
    return dates.filter(pl.col("time") >= pl.col("first")).select(keys).sort(keys)
