"""Number the channels that signatures are made of, from an archive's codes.

A channel is one code with one kind of curve, given by its mode:

    condition     how often it happens (events a day)
    medication    whether the patient is on it (0 or 1)
    measurement   its value, in its own unit
    demographic   age in years; one channel of 0 and 1 for each sex, and for each code of this mode (ethnicity, ...)

Codes of mode `other` (births, deaths, transfers, whatever no rule knows) have no curve. A measurement that never has a
number in the training patients says only that it was done: it becomes a condition.

A laboratory result is now and then a typing error or a code for "not done" (a tidal volume of 650,000 ml), and one such
value outweighs all others in a standard deviation. Values beyond a limit are taken as the limit: what is extreme stays
so, and no value is larger than belief. The limits lie beyond the 1st and the 99th percentile by as much as these lie
from the median. The published pipeline leaves out what is above the upper one (arXiv 2402.05802, code); that would make
the patient with the most extreme result one without any.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import no_type_check

import numpy as np
import polars as pl
from jaxtyping import Bool, Float64

from semeia.archive.schema import BIRTH
from semeia.archive.store import Archive
from semeia.compiled import compiled
from semeia.errors import InputError
from semeia.signatures.running import QuantileSketch

MODES = ("demographic", "condition", "medication", "measurement")
AGE = "age"
SEX = "sex="
_SCHEMA = {
    "channel": pl.Int32(),
    "code": pl.String(),
    "mode": pl.String(),
    "name": pl.String(),
    "unit": pl.String(),
    "fill": pl.Float64(),
    "lowest": pl.Float64(),
    "highest": pl.Float64(),
}
LEAST, MOST = 0.01, 0.99
Limit = Float64[np.ndarray, " channels"]


@dataclass(frozen=True)
class Channels:
    """The channels of a model, numbered from 0.

    Attributes:
        table: channel, code, mode, name (what people read), unit, fill (value of a patient without the code; null: the
            rule of its mode), lowest and highest (values beyond are taken as these; null: no limit), one row a channel,
            in the order of their numbers.
    """

    table: pl.DataFrame

    def __post_init__(self) -> None:
        table = self.table.select(*_SCHEMA).cast(_SCHEMA)  # pyright: ignore[reportArgumentType]
        numbered_well = table["channel"].to_list() == list(range(table.height)) and table.height > 0
        if not numbered_well or table["code"].is_duplicated().any():
            raise InputError("channels: numbers must run from 0 and no code may be there twice.")
        unknown = sorted(set(table["mode"]) - set(MODES))
        if unknown:
            raise InputError(f"channels: no curve for the mode(s) {', '.join(unknown)}; there are {', '.join(MODES)}.")
        object.__setattr__(self, "table", table)

    def __len__(self) -> int:
        return self.table.height

    def digest(self) -> str:
        """SHA-256 of the table: equal where the channels are."""
        return hashlib.sha256(json.dumps(self.table.rows(), ensure_ascii=False).encode()).hexdigest()

    def of_mode(self, mode: str) -> Bool[np.ndarray, "channels"]:
        """Which channels have a mode."""
        return (self.table["mode"] == mode).to_numpy()

    @cached_property
    def limits(self) -> tuple[Float64[np.ndarray, "channels"], Float64[np.ndarray, "channels"]]:
        """The lowest and the highest value of each channel that is taken as it is."""
        lowest, highest = self.table["lowest"].fill_null(-np.inf), self.table["highest"].fill_null(np.inf)
        return lowest.to_numpy(), highest.to_numpy()

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The mode of each channel, with age, which is a number, told from the other demographics."""
        return tuple(AGE if code == AGE else mode for code, mode in self.table.select("code", "mode").iter_rows())


def channels_of(archive: Archive, subjects: Collection[int], *, least_patients: int = 10) -> Channels:
    """The channels seen in enough of the training patients, by mode and code.

    Args:
        subjects: Ids of the training patients; nobody else's record is looked at.
        least_patients: Patients who must have the code (a measurement: with a number at least once).
    """
    seen = _patients_by_code(archive, subjects).sort("code")
    numberless = (pl.col("mode") == "measurement") & (pl.col("numbers") == 0)
    needed = pl.when(pl.col("mode") == "measurement", ~numberless).then("numbers").otherwise("patients")
    kept = (
        seen.filter(needed >= least_patients, pl.col("mode").is_in(MODES), pl.col("code") != BIRTH)
        .with_columns(mode=pl.when(numberless).then(pl.lit("condition")).otherwise("mode"))
        .with_columns(name=pl.coalesce("name", "code"))
    )
    if kept.is_empty():
        raise InputError(f"{archive.path}: no code is in {least_patients} training patients; lower least_patients.")
    return numbered([_built_in(archive, subjects, least_patients), kept])


def numbered(tables: list[pl.DataFrame]) -> Channels:
    """Channels from tables of code, mode, name, unit, fill, lowest, highest: numbered by mode, then by code."""
    wanted = pl.DataFrame(schema={name: kind for name, kind in _SCHEMA.items() if name != "channel"})
    rows = pl.concat([wanted, *tables], how="diagonal_relaxed").select(wanted.columns).cast(wanted.schema)  # pyright: ignore[reportArgumentType]
    rank = pl.col("mode").replace_strict({mode: rank for rank, mode in enumerate(MODES)}, return_dtype=pl.Int8)
    return Channels(rows.sort(rank, "code").with_row_index("channel"))


def _patients_by_code(archive: Archive, subjects: Collection[int]) -> pl.DataFrame:
    """The archive's codes with how many of these patients have each, how many have it with a number, and its limits."""
    codes = archive.codes()
    kind, measured = pl.Enum(codes["code"]), (codes["mode"] == "measurement").to_numpy()
    seen, counts = np.full((2, codes.height), -1), np.zeros((2, codes.height), np.int64)
    values = QuantileSketch()
    for batch in archive.event_batches(subjects=subjects):
        number = batch["numeric_value"].is_finite().fill_null(False).to_numpy(writable=True)
        code = batch["code"].cast(kind).to_physical().cast(pl.Int64).to_numpy(writable=True)
        _count_patients(batch["subject_id"].to_numpy(writable=True), code, number, seen, counts)
        known = np.flatnonzero(number & measured[code])
        values.add(code[known], batch["numeric_value"].to_numpy()[known])
    lowest, highest = limits(values, channels=codes.height)
    return codes.with_columns(
        patients=pl.Series(counts[0]),
        numbers=pl.Series(counts[1]),
        lowest=pl.Series(lowest).fill_nan(None),
        highest=pl.Series(highest).fill_nan(None),
    )


@compiled
@no_type_check
def _count_patients(subject, code, number, seen, counts):
    """Count a patient at the first event of a code, then at the first with a number; batches never cut a patient."""
    for event in range(subject.size):
        at = code[event]
        for row in range(1 + number[event]):
            if seen[row, at] != subject[event]:
                seen[row, at] = subject[event]
                counts[row, at] += 1


def _built_in(archive: Archive, subjects: Collection[int], least_patients: int) -> pl.DataFrame:
    """Age, and the sexes that enough training patients have."""
    people = archive.table("subjects").filter(pl.col("subject_id").is_in(list(subjects)))
    sexes = people.drop_nulls("sex").group_by("sex").len().filter(pl.col("len") >= least_patients)["sex"].sort()
    codes = [AGE] if people["birth"].is_not_null().any() else []
    codes += [f"{SEX}{sex}" for sex in sexes]
    return pl.DataFrame(
        {
            "code": codes,
            "mode": ["demographic"] * len(codes),
            "name": ["Age" if code == AGE else f"Sex: {code.removeprefix(SEX)}" for code in codes],
            "unit": ["years" if code == AGE else None for code in codes],
        },
        schema={"code": pl.String, "mode": pl.String, "name": pl.String, "unit": pl.String},
    )


def limits(values: QuantileSketch, *, channels: int) -> tuple[Limit, Limit]:
    """The lowest and the highest value of each channel that is taken as it is.

    NaN where there is none: no values, or so few different ones that the percentile is the median itself.
    """
    low, middle, high = (values.quantiles(share, channels=channels) for share in (LEAST, 0.5, MOST))
    return (
        np.where(low < middle, 2 * low - middle, np.nan),
        np.where(high > middle, 2 * high - middle, np.nan),
    )
