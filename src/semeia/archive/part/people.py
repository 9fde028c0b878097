"""Number the patients of an archive and give them pseudonyms, the same for the same patient."""

import datetime as dt
from collections.abc import Mapping

import polars as pl

from semeia.archive import keys
from semeia.archive.gate import OLDEST, Privacy, days_of
from semeia.archive.identity import canonical, near
from semeia.archive.schema import BIRTH, SPLITS
from semeia.errors import InputError

_FACTS = ("site", "sex", "birth", "split")


class People:
    """The patients of an archive and of a draft, by pseudonym. Original ids are kept while the draft lasts."""

    def __init__(self, key: bytes, known: list[dict[str, object]], *, privacy: Privacy) -> None:
        self._key, self._privacy = key, privacy
        self._rows: dict[str, dict[str, object]] = {str(row["pseudonym"]): row for row in known}
        self.days: dict[int, int] = {}  # by how many days the dates of each patient are moved; empty where they stay
        for name, row in self._rows.items():
            self._move(int(str(row["subject_id"])), name)
        self._touched: set[str] = set()
        self._originals: dict[str, tuple[str, str | None]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def subject(
        self, original_id: str, *, site: str | None, sex: str | None, birth: dt.date | None, split: str | None
    ) -> tuple[int, str]:
        """The number and pseudonym of a patient, new or known; see `Writer.subject`."""
        if split is not None and split not in SPLITS:
            raise InputError(f"a patient's split must be one of {', '.join(SPLITS)}, or left out.")
        as_written, original_id = (original_id, site), canonical(original_id)
        site = canonical(site or "") or None
        name = keys.pseudonym(self._key, original_id, site=site)
        older = keys.pseudonym(self._key, as_written[0], site=as_written[1])
        if name not in self._rows and older in self._rows:  # hashed as written, by a version that did not mend ids
            name, site = older, as_written[1]
        if self._originals.setdefault(name, (original_id, site)) != (original_id, site):
            raise InputError("two patients share a pseudonym; ingest into a new archive with another key.")
        if birth is not None and self._privacy.shift_dates:
            birth += dt.timedelta(days=days_of(self._key, name))
        facts = {"site": site, "sex": sex, "birth": birth, "split": split}
        known = self._rows.get(name)
        if known is None:
            spelt = keys.spelling_hash(self._key, original_id)
            known = {"subject_id": len(self._rows) + 1, "pseudonym": name, **facts, "spelling": spelt}
            self._rows[name] = known
            self._touched.add(name)
            self._move(len(self._rows), name)
        for fact in _FACTS:
            if facts[fact] is None or facts[fact] == known[fact]:
                continue
            if fact == "birth" and self._privacy.cap_ages and known[fact] is not None:
                continue  # moved before, or here
            if known[fact] is not None:
                raise InputError(f"subject {name}: two values of {fact} are given; settle which is right.")
            known[fact] = facts[fact]
            self._touched.add(name)
        return int(str(known["subject_id"])), name

    def near(self) -> int:
        """How many new patients may be another one under a near spelling of the same id."""
        there = pl.DataFrame(
            [{name: row.get(name) for name in ("pseudonym", "site", "spelling")} for row in self._rows.values()],
            schema=dict.fromkeys(("pseudonym", "site", "spelling"), pl.String),
        )
        return sum(name in self._touched for _, name in near(there))

    @property
    def originals(self) -> set[str]:
        """The ids of the draft's patients, in their canonical form."""
        return {original for original, _ in self._originals.values()}

    def _move(self, subject_id: int, name: str) -> None:
        if self._privacy.shift_dates:
            self.days[subject_id] = days_of(self._key, name)

    def cap(self, earliest: Mapping[int, dt.date]) -> None:
        """Move births to the earliest that each may be (by subject_id), where they are before it."""
        for name, row in self._rows.items():
            first, birth = earliest.get(int(str(row["subject_id"]))), row["birth"]
            if first is not None and isinstance(birth, dt.date) and birth < first:
                row["birth"] = first
                self._touched.add(name)

    def changed(self) -> list[dict[str, object]]:
        """The rows of `subjects` that the archive does not have yet."""
        return [self._rows[name] for name in self._rows if name in self._touched]


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
