"""Recognise the patients whose records a model was fitted on, without naming them.

A patient is known by the head of a SHA-256 of the keyed pseudonym, and, in an archive made with another key, by that of
how the record begins: the patient's first events with their values, which later ones do not change. A record of hardly
any event begins like many others and is no mark of anybody: such a patient is known by the pseudonym only.
"""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import polars as pl

from semeia.archive.keys import MARK_DIGITS, mark
from semeia.archive.schema import BIRTH
from semeia.archive.store import Archive
from semeia.errors import InputError

# So many dated events are one patient's own; a shorter record is known by all it has.
FIRST_EVENTS = 20
LEAST_EVENTS = 5
NAMED = 5


@dataclass(frozen=True)
class FittedOn:
    """Sorted marks of the patients and of the beginnings of their records."""

    patients: tuple[str, ...]
    records: tuple[str, ...]

    def seen(self, archive: Archive, subjects: Collection[int]) -> list[int]:
        """Those of some subjects of an archive who are among the patients."""
        patients, records = set(self.patients), set(self.records)
        found = {number for number, name in _pseudonyms(archive, subjects) if mark(name) in patients}
        found |= {number for number, record in _beginnings(archive, subjects) if record in records}
        return sorted(found)

    def require_unseen(self, archive: Archive, subjects: Collection[int]) -> None:
        """Refuse to test on patients a model was fitted on.

        Raises:
            InputError: Some of the subjects are among them; the message says how many, and names pseudonyms.
        """
        seen = self.seen(archive, subjects)
        if seen:
            names = [name for _, name in _pseudonyms(archive, seen)]
            listed = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
            raise InputError(
                f"{archive.path}: refused: {len(seen)} of {len(set(subjects))} patients are among those the signatures "
                f"were fitted on ({listed}); leave them out of the test, with --skip-seen where a command has it."
            )


def fitted_on(archive: Archive, subjects: Collection[int]) -> FittedOn:
    """The marks of some subjects of an archive."""
    return FittedOn(
        patients=tuple(sorted(mark(name) for _, name in _pseudonyms(archive, subjects))),
        records=tuple(sorted({record for _, record in _beginnings(archive, subjects)})),
    )


def _pseudonyms(archive: Archive, subjects: Collection[int]) -> list[tuple[int, str]]:
    people = archive.table("subjects").filter(pl.col("subject_id").is_in(list(subjects)))
    return people.select("subject_id", "pseudonym").rows()


def _beginnings(archive: Archive, subjects: Collection[int]) -> Iterator[tuple[int, str]]:
    for events in archive.event_batches(subjects=subjects):
        dated = events.filter(pl.col("time").is_not_null(), pl.col("code") != BIRTH)
        value = pl.col("numeric_value").cast(pl.String).fill_null("")
        words = pl.concat_str(pl.col("time").dt.epoch("us").cast(pl.String), pl.col("code"), value, separator=" ")
        first = (
            dated.with_columns(word=words)
            .unique(["subject_id", "word"])
            .sort("subject_id", "time", "code", "word")
            .group_by("subject_id", maintain_order=True)
        )
        beginnings = first.agg(pl.col("word").head(FIRST_EVENTS).str.join("\n"), number=pl.len())
        known = beginnings.filter(pl.col("number") >= LEAST_EVENTS)
        for number, record in known.select("subject_id", "word").iter_rows():
            yield number, hashlib.sha256(record.encode()).hexdigest()[:MARK_DIGITS]
