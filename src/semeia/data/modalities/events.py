"""Read a health record as its events: the newest coded ones up to a date, each a token with a code, a value, a time.

Nothing is summed up beforehand: what belongs together is left to the network. An event of a code that is not in the
vocabulary stays a token, as one of any other code.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
import polars as pl
import torch
from jaxtyping import Float

from semeia.archive.schema import BIRTH
from semeia.archive.store import Archive
from semeia.data.dataset import MONTH
from semeia.data.modalities.record import require_dates
from semeia.data.modality import Allocate, Arrays, History, Mask, Modality, Scale, numbered, still_at_zero
from semeia.errors import InputError
from semeia.ranges import FROM_1, require_ranges

# What is read of a record: births say when a patient was born, and the age says it, too.
DATED = pl.col("time").is_not_null() & (pl.col("code") != BIRTH)
# Values this many standard deviations away say "far", not how far: a slipped decimal point is one of them.
FARTHEST = 5.0
# How far apart in `Seen.where` two events are of which one is twice as long ago; position.py tells 4 from 0.
DOUBLING = 4.0


@dataclass(frozen=True)
class Vocabulary(Scale):
    """The codes that are told apart, with mean and standard deviation of their values (0 and 1 without any)."""

    codes: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.codes) != len(self.mean):
            raise InputError("a vocabulary's codes, mean and sd differ in length")


@dataclass(frozen=True)
class Events(Modality):
    """Coded events of a record, one token each.

    Attributes:
        source: what codes begin with; empty: all.
        shared: names for codes that other archives call otherwise; a code that is not among them keeps its own.
        history: by default the 128 newest events.
        largest: codes in the vocabulary at most, those of most patients.
        least: training patients who must have a code.
        fitted: None before `fit`.
    """

    called: ClassVar[str] = "events"
    after_reading: ClassVar[tuple[str, ...]] = (*Modality.after_reading, "largest", "least")

    type: Literal["events"] = "events"
    shared: dict[str, str] = field(default_factory=dict)
    history: History = field(default_factory=lambda: History(most=128))
    largest: int = 500
    least: int = 10
    fitted: Vocabulary | None = None

    def __post_init__(self) -> None:
        require_ranges("events", self, {"largest": FROM_1, "least": FROM_1})

    @property
    def embedding(self) -> str:
        """A vector a code, moved by the value."""
        return "events"

    @property
    def vocabulary(self) -> Vocabulary:
        """The fitted codes."""
        return self.known(self.fitted)

    def find(self, archive: Archive) -> pl.DataFrame:
        """List the events that have a date, births apart."""
        require_dates(archive)
        keys = {"unit_id": pl.lit(None, pl.String), "subject_id": pl.col("subject_id"), "time": pl.col("time")}
        known = DATED & pl.col("code").str.starts_with(self.source)
        number = pl.col("numeric_value")
        facts = {"code": pl.col("code").replace(self.shared), "value": pl.when(number.is_finite()).then(number)}
        empty = pl.DataFrame(
            schema={"unit_id": pl.String, "subject_id": pl.Int64, "time": pl.Datetime("us")}
            | {"code": pl.String, "value": pl.Float32}
        )
        return pl.concat([empty, *(events.filter(known).select(**keys, **facts) for events in archive.event_batches())])

    def read(self, archive: Archive, found: pl.DataFrame, allocate: Allocate) -> Arrays:
        """Take code, value and patient of each; a code is held once, however many events have it."""
        codes = found["code"].unique().sort()
        values = np.empty((found.height, 3), object)
        values[:, 0] = np.array(codes.to_list(), object)[codes.search_sorted(found["code"]).to_numpy()]
        values[:, 1] = found["value"].to_list()
        # By pseudonym: numbers of patients are those of one archive, and two may be read together.
        people = found.join(archive.table("subjects"), on="subject_id", how="left", maintain_order="left")
        values[:, 2] = people["pseudonym"].to_list()
        return self.arrays(values)

    def arrays(self, values: np.ndarray, names: tuple[str, ...] = ()) -> Arrays:
        """Take events from memory, [n, 2]: code, and value or None; or [n, 3]: and whose, by default one a patient."""
        if values.ndim != 2 or values.shape[1] not in (2, 3):
            raise InputError(f"events of shape {values.shape[1:]}: expected code and value, and perhaps the patient")
        if values.shape[1] == 2:
            values = np.column_stack([values.astype(object), np.arange(len(values)).astype(object)])
        return super().arrays(values)

    def fit(self, arrays: Arrays, chosen: np.ndarray) -> "Events":
        """Fit the vocabulary on the training patients, and the scale of each code."""
        code, value, patient = arrays.values[chosen].T
        events = pl.DataFrame(
            {"code": code, "value": value.astype(np.float64), "patient": [str(name) for name in patient]},
            schema={"code": pl.String, "value": pl.Float64, "patient": pl.String},
        ).with_columns(pl.col("value").fill_nan(None))
        # Sorted, so that sums do not hang on the order of the patients.
        codes = (
            events.sort("code", "value")
            .group_by("code")
            .agg(pl.col("patient").n_unique(), mean=pl.col("value").mean(), sd=pl.col("value").std(ddof=0))
        )
        kept = codes.filter(pl.col("patient") >= self.least).sort("patient", "code", descending=[True, False])
        kept = kept.head(self.largest).sort("code")
        if kept.is_empty():
            patients = events["patient"].n_unique()
            raise InputError(f"no code is in the records of {self.least} of {patients} training patients")
        mean, sd = (kept[name].fill_null(0.0).to_numpy() for name in ("mean", "sd"))
        scale = tuple(mean.tolist()), tuple(still_at_zero(sd).tolist())
        return replace(self, fitted=Vocabulary(*scale, tuple(kept["code"])))

    def prepare(self, arrays: Arrays, chosen: np.ndarray) -> tuple[torch.Tensor, Mask]:
        """Make [n, 3]: number of the code (0: any other), whether there is a value, and that, standardised (or 0)."""
        known = self.vocabulary
        number = {code: place for place, code in enumerate(known.codes, 1)}
        code, value, _ = arrays.values[chosen].T if len(chosen) else np.empty((3, 0), object)
        numbers = np.array([number.get(name, 0) for name in code], np.int64)
        mean, sd = (np.array([np.nan, *part], np.float32) for part in (known.mean, known.sd))
        scaled = (value.astype(np.float32) - mean[numbers]) / sd[numbers]
        has = np.isfinite(scaled)
        scaled = np.where(has, scaled, 0).clip(-FARTHEST, FARTHEST)
        values = np.column_stack([numbers, has, scaled]).astype(np.float32)
        return torch.from_numpy(values), torch.from_numpy(arrays.mask[chosen])

    def places(self, tokens: int) -> Float[torch.Tensor, "token 3"]:
        """Number the tokens: an event has one."""
        return numbered(tokens)

    def placed(
        self, tokens: int, when: Float[torch.Tensor, "batch visit"]
    ) -> Float[torch.Tensor, "batch visit token 3"]:
        """Place an event by the logarithm of how long ago it was: months alone do not tell the hours of a day apart."""
        where = super().placed(tokens, when).clone()
        hours = when * (MONTH / 3600)
        where[..., 0] += DOUBLING * torch.log2(1 + hours)[..., None]
        return where

    def require_same(self, other: Modality, arrays: Arrays) -> None:
        """Refuse what are no events; codes that are not in the vocabulary are other ones."""
        if not isinstance(other, Events) or (other.source, other.shared) != (self.source, self.shared):
            raise InputError(f"the model reads {self.describe()}; the data were read as {other.describe()}")

    def describe(self) -> str:
        """Say in words what is read."""
        renamed = f", {len(self.shared)} codes under shared names" if self.shared else ""
        return f"events of the record{f' ({self.source}...)' if self.source else ''}{renamed}"

    def prepared(self) -> str:
        """Say what a token is."""
        return (
            f"of the record the {self.history.most} newest events are read, each with its code, if at least "
            f"{self.least} training patients have it, its value, standardised by the training patients, and its time"
        )
