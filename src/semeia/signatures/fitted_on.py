"""Whose records a model was fitted on: enough to recognise those patients again, not enough to name them.

A patient is known by the head of a SHA-256 of the keyed pseudonym, and, in an archive made with another key, by that of
how the record begins: the patient's first events, which later ones do not change.
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
            InputError: Some of the subjects are among them; the message says how many.
        """
        seen = len(self.seen(archive, subjects))
        if seen:
            raise InputError(
                f"{archive.path}: refused: {seen} of {len(set(subjects))} patients are among those the signatures were "
                "fitted on; leave them out of the test."
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
        words = pl.concat_str(pl.col("time").dt.epoch("us").cast(pl.String), pl.col("code"), separator=" ")
        first = (
            dated.with_columns(word=words)
            .sort("subject_id", "time", "code")
            .group_by("subject_id", maintain_order=True)
        )
        for number, record in first.agg(pl.col("word").head(FIRST_EVENTS).str.join("\n")).iter_rows():
            yield number, hashlib.sha256(record.encode()).hexdigest()[:MARK_DIGITS]
