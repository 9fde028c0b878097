"""The identity gate: look through what a draft would store for what betrays persons, and refuse it unless accepted.

What a reader does not take cannot be stored, and is only counted. What it takes (texts, covariates, names of codes,
pictures) is refused before anything is written, with kinds, places and counts, never with the words themselves.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from semeia.archive import identifiers, keys
from semeia.archive.burned_in import text_places
from semeia.archive.schema import TABLES
from semeia.errors import InputError

OLDEST = 90  # years; older ages are few enough to tell a person by
WITH_TEXT = "pictures with what looks like burned-in text"
_FALSE_ALARMS = 0.03  # share of pictures without text that may look as if they had some; `benchmarks/burned_in.py`
_MOST_TOKENS = 1_000_000
# Text that is made by readers, or is one of few words.
_OURS = ("unit_id", "image_id", "array_id", "pseudonym", "spelling", "part", "sha256", "phash", "look", "dtype")
_OURS += ("orientation", "intensity", "format", "mode", "rule", "split")


@dataclass(frozen=True)
class Privacy:
    """What is done about the identity of patients when files become an archive.

    Attributes:
        accept: Why what the identity gate finds may stay; recorded in the archive. By default it is refused.
        shift_dates: Move all dates of a patient by the same number of days, up to a year, that follows from the key.
        cap_ages: Move births so that nobody is older than 90 at their last date.
    """

    accept: str = ""
    shift_dates: bool = False
    cap_ages: bool = False

    def joined(self, there: Mapping[str, object] | None) -> "Privacy":
        """These settings where an archive is new; else its own, which later parts must share."""
        if there is None:
            return self
        moved, capped = there.get("dates") == "moved", there.get("ages") == f"at most {OLDEST}"
        if (self.shift_dates and not moved) or (self.cap_ages and not capped):
            raise InputError(
                "the archive was begun without --shift_dates or --cap_ages, and its parts must agree; make a new one."
            )
        return Privacy(self.accept, moved, capped)

    def words(self, accepted: Collection[str]) -> dict[str, object]:
        """What archive.json says of identity; de-identified: dates moved, ages capped, and nothing accepted."""
        return {
            "de_identified": self.shift_dates and self.cap_ages and not accepted,
            "patients": "keyed pseudonyms",
            "dates": "moved" if self.shift_dates else "as given",
            "ages": f"at most {OLDEST}" if self.cap_ages else "as given",
            "accepted": sorted(set(accepted)),
        }


PRIVACY = Privacy()


class Gate:
    """What was found in one draft; `settle` refuses it."""

    def __init__(self, privacy: Privacy) -> None:
        self.privacy = privacy
        self.found: Counter[tuple[str, str]] = Counter()
        self._places: Counter[str] = Counter()
        self._pictures = self._with_text = 0
        self._sentences: dict[str, tuple[set[int], int]] = {}
        self._tokens: dict[str, set[str]] = {}

    def picture(self, picture: np.ndarray) -> None:
        """Look at the border of a picture [rows, columns(, 3)]."""
        self._pictures += 1
        if places := set(text_places(picture)):
            self._with_text += 1
            self._places.update(places)

    def texts(self, where: str, texts: pl.Series, *, free: bool = True) -> None:
        """Look through a column of texts; `free`: whether sentences in it are a finding."""
        counts = texts.drop_nulls().cast(pl.String).alias("text").value_counts()
        different = counts["text"]
        for what, number in identifiers.in_texts(different, dates=self.privacy.shift_dates).items():
            self.found[what, where] += number
        held = self._tokens.setdefault(where, set())
        if len(held) < _MOST_TOKENS:
            held.update(identifiers.tokens(different))
        if free:
            long = identifiers.sentences(different)
            hashes, rows = self._sentences.get(where, (set(), 0))
            hashes |= set(long.hash().to_list() if len(hashes) < _MOST_TOKENS else ())
            rows += int(counts.filter(pl.col("text").is_in(long.implode()))["count"].sum())
            self._sentences[where] = (hashes, rows)

    def table(self, name: str, frame: pl.DataFrame) -> None:
        """Look through what a table would hold: its texts, and its columns that are covariates."""
        declared = {column.name for column in TABLES[name].columns}
        for column in (column for column in frame.columns if column not in _OURS):
            where, values = f"{name}.{column}", frame[column]
            if column not in declared and (identifiers.of_person(column) or identifiers.numbers_of_persons(values)):
                self.found["values of a column that is one of persons or files", where] += values.count()
            if values.dtype == pl.String:
                values = identifiers.without_concepts(values) if where == "codes.code" else values
                self.texts(where, values, free=column not in declared)

    def settle(
        self, tables: Mapping[str, pl.DataFrame], originals: Collection[str]
    ) -> tuple[dict[str, object], dict[str, int]]:
        """Refuse what was found, unless it is accepted.

        Args:
            tables: What would be stored beside events, by folder.

        Returns:
            What goes on the part's record; and what is counted beside, in words.
        """
        for folder, frame in tables.items():
            self.table(folder.split("/")[0], frame)
        for where, (hashes, rows) in self._sentences.items():
            if identifiers.is_free_text(len(hashes), rows):
                self.found[identifiers.FREE_TEXT, where] += len(hashes)
        known = {original for original in originals if len(original) >= 6}
        for where, words in self._tokens.items():
            if named := len(words & known):
                self.found["ids of patients", where] += named
        beside, where = {}, ", ".join(f"{place}: {number}" for place, number in self._places.most_common())
        if self._with_text > _FALSE_ALARMS * self._pictures:
            self.found[WITH_TEXT, where] = self._with_text
        elif self._with_text:
            beside[f"{WITH_TEXT} ({where}) are no more than false alarms would be; look at them"] = self._with_text
        listed = [f"{number} {what} ({place})" for (what, place), number in self.found.most_common()]
        if listed and not self.privacy.accept.strip():
            raise InputError(
                f"refused, nothing was written: the identity gate found {'; '.join(listed)}. Take it out of the files, "
                "or say why it may stay with --accept REASON, which the archive records."
            )
        return ({"accepted": self.privacy.accept.strip(), "found": listed} if listed else {}), beside


def moved(frame: pl.DataFrame, days: Mapping[int, int]) -> pl.DataFrame:
    """Move the times of a table by each patient's days (subject_id: days); nothing where there are none."""
    columns = [name for name in ("time", "prediction_time") if name in frame.columns]
    if not days or not columns:
        return frame
    offset = pl.duration(days=pl.col("subject_id").replace_strict(days, default=None, return_dtype=pl.Int64))
    return frame.with_columns(pl.col(columns) + offset)


def days_of(key: bytes, pseudonym: str) -> int:
    """The days by which a patient's dates are moved: -365 to 365, never 0, from the key and the pseudonym alone."""
    days = int(keys.keyed(key, f"dates\x1f{pseudonym}"), 16) % 730 - 365
    return days if days < 0 else days + 1
