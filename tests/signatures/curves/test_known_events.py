"""Events in order: by subject, channel, time, number, whatever order they came in and however many codes there are."""

import numpy as np
import polars as pl
import pytest

from record_frames import event_frame, small_channels
from semeia.signatures.channels import Channels
from semeia.signatures.curves.known_events import known_events
from semeia.signatures.window import Window

CHANNELS = small_channels()


@pytest.mark.parametrize("as_the_archive_has_them", [True, False])
@pytest.mark.parametrize("further_codes", [0, 70_000])
def test_in_order(as_the_archive_has_them: bool, further_codes: int):
    rng = np.random.default_rng(0)
    codes = [f"X/{n}" for n in range(further_codes)]
    channels = small_channels({"C/1": "condition", "L/1": "measurement"} | dict.fromkeys(codes, "medication"))
    choice = ["C/1", "L/1", *codes[-3:]]
    rows = [
        (int(subject), float(hour), choice[code], float(hour % 3))
        for subject, hour, code in zip(
            *rng.integers([[1], [0], [0]], [[5], [40], [len(choice)]], (3, 300)), strict=True
        )
    ]
    frame = event_frame(rows)
    frame = frame.sort("subject_id", "time", "code", "numeric_value") if as_the_archive_has_them else frame

    found = known_events(frame, np.array([2, 3]), channels, Window())

    number = {code: channel for channel, code in channels.table.select("channel", "code").iter_rows()}
    expected = sorted(
        ((row[0] - 2) * len(channels) + number[row[2]], row[1], row[3]) for row in rows if row[0] in (2, 3)
    )
    hours = (found.time - found.time.min()) / 3.6e9 + min(row[1] for row in expected)
    assert list(zip(found.segment.tolist(), hours.tolist(), found.number.tolist(), strict=True)) == expected


def test_the_grid_begins_with_the_first_event_of_any_code_but_birth():
    rows = [
        (1, -24.0 * 900, "MEDS_BIRTH", None),
        (1, 30.0, "unknown", None),
        (1, 80.0, "C/1", None),
        (2, 3.0, "C/1", None),
    ]

    found = known_events(event_frame(rows), np.array([1, 2]), CHANNELS, Window())

    assert (found.start - found.start[1]).tolist() == [1, 0]
    assert len(found.segment) == 2


def test_numbers_beyond_a_limit_are_taken_as_the_limit_and_counted():
    table = CHANNELS.table.with_columns(
        lowest=pl.when(pl.col("code") == "L/1").then(1.0), highest=pl.when(pl.col("code") == "L/1").then(10.0)
    )
    numbers = [0.5, 1.0, 7.0, 10.0, 650_000.0]
    rows = [(1, float(hour), code, number) for code in ("L/1", "L/2") for hour, number in enumerate(numbers)]

    found = known_events(event_frame(rows), np.array([1]), Channels(table), Window())

    assert found.number.tolist() == [1.0, 1.0, 7.0, 10.0, 10.0, *numbers]
    assert found.limited == 2
