"""Sample the dates at which signatures are learned: (subject, time) pairs.

A patient-step (a day; an hour in intensive care) is any step of the grid between a patient's first and last event other
than birth, both included, and every one of them is as likely as any other. The draw gives each a random number that
depends on the seed, on what the patient's record holds and on the step, and keeps the smallest: neither the order of
subjects nor the key of their pseudonyms can change it.
"""

from collections.abc import Collection
from typing import no_type_check

import numpy as np
import polars as pl
from jaxtyping import Int64, UInt64

from semeia.archive.store import Archive
from semeia.compiled import compiled
from semeia.errors import InputError
from semeia.signatures.draws import derived, mixed_scalar, text_keys
from semeia.signatures.window import Window

_STREAM = "sections"


def sample_sections(
    archive: Archive,
    subjects: Collection[int],
    *,
    window: Window,
    seed: int,
    per_patient: float | int = 2.3,
    at_least: int = 10_000,
) -> pl.DataFrame:
    """Sections drawn uniformly from the patient-steps of some patients, each at the end of its step.

    Args:
        subjects: Ids of the patients to draw from; those without a dated event have no patient-steps.
        window: Its step is the unit: a day, or an hour.
        per_patient: Sections a patient, on average (630,000 of 269,099 patients: arXiv 2402.05802).
        at_least: Sections in all, where so many patients would give fewer. Drawn without replacement; where there are
            fewer patient-steps than that, each is there equally often or once more.

    Returns:
        subject_id, time, by both.
    """
    spans = archive.event_subjects().filter(pl.col("subject_id").is_in(list(subjects)))
    if spans.is_empty():
        raise InputError(f"{archive.path}: none of the {len(subjects)} patients has a dated event to draw dates from.")
    spans = spans.join(archive.table("subjects"), on="subject_id", how="left", maintain_order="left")
    first, last = (window.step_of(spans[name].to_physical().to_numpy()) for name in ("first", "last"))
    stream = derived(np.array([seed], np.uint64), text_keys([_STREAM]))
    number = max(at_least, round(per_patient * spans.height))
    who, step = drawn_steps(derived(stream, text_keys(_contents(spans))), first, last, number=number)
    ids = spans["subject_id"].to_numpy()[who]
    times = pl.Series("time", window.end_of(step)).cast(pl.Datetime("us"))
    return pl.DataFrame({"subject_id": ids, "time": times}).sort("subject_id", "time")


def _contents(spans: pl.DataFrame) -> pl.Series:
    """What tells patients apart without a name: how much is known of each, from when to when; a number where equal."""
    facts = ("first", "last", "events", "birth", "sex", "site")
    words = spans.select(
        pl.concat_str([pl.col(fact).cast(pl.String).fill_null("") for fact in facts], separator="|").alias("words")
    )["words"]
    equal = pl.DataFrame({"words": words}).select(pl.int_range(pl.len()).over("words")).to_series()
    return words + "|" + equal.cast(pl.String)


def refuse_unborn(sections: pl.DataFrame, subjects: pl.DataFrame, *, where: str) -> None:
    """Refuse dates at which nobody can have had a record; `where` is the table that they are from, in its order."""
    births = sections.join(subjects.select("subject_id", "birth"), on="subject_id", how="left", maintain_order="left")
    unborn = births.select(pl.col("time").dt.date() < pl.col("birth")).to_series().fill_null(False)
    if unborn.any():
        raise InputError(f"{where}: lies before the patient's birth in {_rows(unborn)}; leave such dates out.")


def _rows(wrong: pl.Series) -> str:
    """Which rows, the header being row 1; of many the first."""
    rows = [str(row + 2) for row in wrong.arg_true()]
    listed = ", ".join(rows[:5]) + (", ..." if len(rows) > 5 else "")
    return f"row {listed}" if len(rows) == 1 else f"rows {listed} ({len(rows)} of {len(wrong)})"


def drawn_steps(
    key: UInt64[np.ndarray, "patients"],
    first: Int64[np.ndarray, "patients"],
    last: Int64[np.ndarray, "patients"],
    *,
    number: int,
) -> tuple[Int64[np.ndarray, "number"], Int64[np.ndarray, "number"]]:
    """`number` patient-steps, from each patient's first to its last, both included: places of the patients and steps.

    Beyond the number of patient-steps, all of them as often as needed and a draw of the rest.
    """
    lengths = last - first + 1
    total = int(lengths.sum())
    copies, rest = divmod(number, total)
    parts = [(np.repeat(np.arange(len(key)), lengths), _steps(first, lengths)) for _ in range(copies)]
    # Only the smallest `rest` numbers are wanted, so most need not be kept; should too few or too many be, allow more.
    share = rest / total
    while rest:
        share = min(share + 6 * (share / total) ** 0.5 + 6 / total, 1.0)
        highest, room = np.uint64(min(int(share * 2.0**64), 2**64 - 1)), int(1.1 * share * total) + 100
        who, step, bits = _below(highest, key, first, lengths, room)
        if rest <= len(who) < room:
            smallest = np.lexsort((step, key[who], bits))[:rest]
            parts.append((who[smallest], step[smallest]))
            break
    who, step = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return who, step


@compiled
@no_type_check
def _below(highest, key, first, lengths, room):
    """The patient-steps whose random bits are at most `highest`, with the bits; at most `room` of them."""
    who, step, bits = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.uint64)
    kept = 0
    for patient in range(key.size):
        for since in range(lengths[patient]):
            number = mixed_scalar(key[patient], np.uint64(first[patient] + since))
            if number <= highest and kept < room:
                who[kept], step[kept], bits[kept] = patient, first[patient] + since, number
                kept += 1
    return who[:kept], step[:kept], bits[:kept]


def _steps(first: Int64[np.ndarray, "n"], lengths: Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "total"]:
    """All steps of all patients, one patient after the other."""
    return np.arange(int(lengths.sum())) + np.repeat(first - np.cumsum(lengths) + lengths, lengths)
