"""Draft the health record of a part: one events file and the table of codes."""

from pathlib import Path

import polars as pl

from semeia.archive import events
from semeia.archive.event_file import EventFile, Placed
from semeia.archive.schema import CODES, EVENTS, MODES, check
from semeia.archive.store import Archive
from semeia.errors import InputError


class RecordDraft:
    """Events and codes of one part. `counted` says what was mended on the way, in words and rows."""

    def __init__(self, path: Path, archive: Archive | None, *, source: str) -> None:
        self.file = EventFile(path)
        self.counted: dict[str, int] = {}
        self.again = self.kept = 0
        self._source = source
        self._archive = archive
        self._known = archive.codes() if archive else CODES.empty()
        self._codes: list[pl.DataFrame] = []

    def count(self, words: str, number: int) -> None:
        """Add `number` to what is counted under `words`; zero is not mentioned."""
        if number:
            self.counted[words] = self.counted.get(words, 0) + number

    def events(self, frame: pl.DataFrame, *, subjects: int) -> None:
        """Take rows of the events table; see `Writer.events`. `subjects` is how many subjects there are."""
        if "time" in frame.columns and getattr(frame.schema["time"], "time_zone", None):
            frame = frame.with_columns(pl.col("time").dt.convert_time_zone("UTC").dt.replace_time_zone(None))
            self.count("times with a time zone were converted to UTC", frame["time"].count())
        rows = check(EVENTS, frame, where=self._source)
        strange = rows.select(~pl.col("subject_id").is_between(1, subjects)).to_series().sum()
        if strange:
            raise InputError(f"{self._source}: {strange} events are of subjects that are not among the subjects.")
        if int((rows["code"] == "").sum()):
            raise InputError(f"{self._source}: {(rows['code'] == '').sum()} events have an empty code.")
        infinite = int((~rows["numeric_value"].is_finite()).sum())
        if infinite:
            self.count("values that are not finite numbers were emptied", infinite)
            finite = pl.when(pl.col("numeric_value").is_finite()).then("numeric_value")
            rows = rows.with_columns(finite.alias("numeric_value"))
        self.file.append(rows, subjects=subjects)

    def codes(self, frame: pl.DataFrame) -> None:
        """Take rows of the codes table; see `Writer.codes`."""
        rows = check(CODES, frame, where=self._source)
        unknown = sorted(set(rows["mode"].unique()) - set(MODES))
        if unknown:
            raise InputError(f"{self._source}: the mode '{unknown[0]}' is none of {', '.join(MODES)}.")
        self._codes.append(rows)

    def codes_table(self) -> pl.DataFrame:
        """The codes that are new, or of which more is known than before; empty facts are kept from before."""
        given = pl.concat([CODES.empty(), *self._codes])
        known = self._known.join(given, on="code", how="semi")
        merged = pl.concat([known, given])
        if merged["code"].is_duplicated().any():
            facts = pl.exclude("code").forward_fill().over("code")
            merged = merged.with_columns(facts).unique("code", keep="last", maintain_order=True)
        fresh = merged.join(self._known, on=merged.columns, how="anti", nulls_equal=True).sort("code")
        every = pl.concat([self._known["code"], given["code"]])
        strange = int((~self.file.codes.is_in(every.implode())).sum())
        if strange:
            raise InputError(f"{self._source}: {strange} codes of the events are not among the codes.")
        return fresh

    def place(self, births: pl.DataFrame | None = None) -> Placed | None:
        """Sort the events into place, and count in `again` how many of them the archive has; see `EventFile.place`."""
        placed = self.file.place(births)
        if placed is None:
            return None
        self.kept = placed.rows
        self.count("events that repeat another in every column were dropped", placed.duplicates)
        self.again = events.repeated(self._archive.files_of("events"), self.file.path) if self._archive else 0
        self.count("events were in the archive already and count once", self.again)
        return placed
