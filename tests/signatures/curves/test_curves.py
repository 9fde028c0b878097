"""Values at sections: equal to the step grid; the future, the order and the company of other patients change no bit."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from record_frames import MODES, START, Event, event_frame, people, section_frame, small_channels
from semeia.errors import InputError
from semeia.signatures.channels import Channels
from semeia.signatures.curves import SectionValues, joined, values_at
from semeia.signatures.draws import derived, text_keys
from semeia.signatures.window import Window
from step_grid import intensity_curve, interpolated_curve, persistence_curve, trailing_mean

YEAR, ICU = Window(), Window(24, 1)
CHANNELS = small_channels()
CODE = dict(CHANNELS.table.select("channel", "code").iter_rows())
SEED = 7


def values(events: pl.DataFrame, sections: pl.DataFrame, window: Window = YEAR, channels: Channels = CHANNELS):
    return values_at(events, sections, channels, subjects=people(5), window=window, seed=SEED)


def by_name(found: SectionValues, row: int) -> dict[str, float]:
    """The values of one row by code."""
    at = found.row == row
    return {CODE[int(channel)]: float(value) for channel, value in zip(found.channel[at], found.value[at], strict=True)}


def naive(events: pl.DataFrame, subject: int, time: dt.datetime, window: Window) -> dict[str, float]:
    """All values of one section, from the record cut at `time`, every curve painted on every step."""
    seen = events.filter(pl.col("subject_id") == subject, pl.col("time") <= time).sort("time", "numeric_value")
    steps = window.step_of(seen["time"].to_physical().to_numpy())
    end = int(window.step_of(np.array([int((time - dt.datetime(1970, 1, 1)) / dt.timedelta(microseconds=1))]))[0])
    codes, numbers = seen["code"].to_numpy(), seen["numeric_value"].to_numpy()
    found, start = {}, min(steps[codes != "MEDS_BIRTH"], default=0)
    drugs = steps[[MODES.get(code) == "medication" for code in codes]]
    for code in set(codes) & set(MODES):
        own = steps[codes == code]
        if MODES[code] == "condition":
            key = int(derived(np.array([SEED], np.uint64), text_keys([code]))[0])
            mean = trailing_mean(intensity_curve(own, start, end, key), window.steps)
            found[code] = mean * 24 / window.step_hours
        elif MODES[code] == "medication":
            found[code] = persistence_curve(own, drugs, start, end, window.steps)[-1]
        elif MODES[code] == "measurement":
            known = np.isfinite(numbers[codes == code])
            if known.any():
                curve = interpolated_curve(own[known], numbers[codes == code][known].astype(float), start, end)
                found[code] = trailing_mean(curve, window.steps)
        else:
            found[code] = 1.0
    return found


VALUE = st.none() | st.floats(-50, 50, width=32).map(lambda value: float(np.float32(round(value, 2))))
HOURS = st.one_of(st.integers(0, 24 * 900).map(float), st.floats(0, 24 * 30))
EVENTS = st.lists(
    st.tuples(st.integers(1, 4), HOURS, st.sampled_from([*MODES, "unknown", "MEDS_BIRTH"]), VALUE), max_size=40
)
SECTIONS = st.lists(st.tuples(st.integers(1, 5), HOURS), min_size=1, max_size=6)


@settings(deadline=None, max_examples=80)
@given(rows=EVENTS, asked=SECTIONS, window=st.sampled_from([YEAR, Window(48, 24), ICU]))
def test_equals_the_step_grid(rows: list[Event], asked: list[tuple[int, float]], window: Window):
    events, sections = event_frame(rows), section_frame(asked)

    found = values(events, sections, window)

    assert found.rows == len(asked)
    for row, (subject, time) in enumerate(sections.iter_rows()):
        ours = {code: value for code, value in by_name(found, row).items() if code in MODES}
        assert ours == pytest.approx(naive(events, subject, time, window), rel=1e-9, abs=1e-9)


def record(rng: np.random.Generator, number: int = 3000) -> pl.DataFrame:
    """A long record of four patients, with enough conditions for random histograms, ties in time included."""
    codes = rng.choice([*MODES, "unknown"], number)
    hours = np.round(rng.uniform(0, 24 * 2000, number))
    rows: list[Event] = [
        (int(subject), float(hour), str(code), None if rng.random() < 0.1 else float(np.float32(rng.normal())))
        for subject, hour, code in zip(rng.integers(1, 5, number), hours, codes, strict=True)
    ]
    return event_frame(rows)


@pytest.mark.parametrize("window", [YEAR, Window(24 * 30, 12)])
def test_long_records_equal_the_step_grid(window: Window):
    events = record(np.random.default_rng(0))
    sections = section_frame([(1, 24 * 500.5), (2, 24 * 1500.0), (3, 24 * 1999.9), (4, 24 * 2600.0)])

    found = values(events, sections, window)

    for row, (subject, time) in enumerate(sections.iter_rows()):
        ours = {code: value for code, value in by_name(found, row).items() if code in MODES}
        assert ours == pytest.approx(naive(events, subject, time, window), rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(
    asked=st.lists(st.tuples(st.integers(1, 4), st.floats(0, 24 * 2100)), min_size=1, max_size=5),
    later=st.lists(st.tuples(st.floats(0.0001, 24 * 400), st.sampled_from([*MODES, "unknown"]), VALUE), max_size=30),
    cut=st.booleans(),
)
def test_the_future_changes_no_bit(asked: list[tuple[int, float]], later: list, cut: bool):
    events = record(np.random.default_rng(1), 1200)
    for subject, hours in asked:
        sections = section_frame([(subject, hours)])
        past = events.filter(pl.col("time") <= sections["time"][0]) if cut else events
        future = event_frame([(subject, hours + after, code, value) for after, code, value in later])
        with_future = pl.concat([past, future]).filter(pl.col("time").is_not_null())

        assert_same(values(past, sections), values(with_future, sections))


def assert_same(left: SectionValues, right: SectionValues) -> None:
    """The same values, bit for bit."""
    assert np.array_equal(left.row, right.row)
    assert np.array_equal(left.channel, right.channel)
    assert left.value.tobytes() == right.value.tobytes()


def test_order_and_company_change_no_bit():
    rng = np.random.default_rng(2)
    events = record(rng)
    sections = section_frame([(int(rng.integers(1, 6)), float(rng.uniform(0, 24 * 2200))) for _ in range(40)])
    whole = values(events.sort("subject_id", "time", "code", "numeric_value"), sections)

    assert_same(values(events.sample(fraction=1.0, shuffle=True, seed=3), sections), whole)
    shuffled = sections.with_row_index("place").sample(fraction=1.0, shuffle=True, seed=4)
    moved = values(events, shuffled.drop("place"))
    order = np.lexsort((moved.channel, shuffled["place"].to_numpy()[moved.row]))
    assert moved.value[order].tobytes() == whole.value.tobytes()
    alone = []
    for subject in range(1, 6):
        own = sections.with_row_index("place").filter(pl.col("subject_id") == subject)
        part = values(events.filter(pl.col("subject_id") == subject), own.drop("place"))
        row = own["place"].cast(pl.Int64).to_numpy()[part.row]
        alone.append(SectionValues(row, part.channel, part.value, part.rows, part.valueless, part.undated))
    assert_same(joined(alone), whole)
    assert joined(alone).valueless == whole.valueless


def test_equal_records_have_equal_curves_whoever_they_are_of():
    events = record(np.random.default_rng(5)).filter(pl.col("subject_id") == 1)
    sections, renumbered = section_frame([(1, 24 * 1000)]), section_frame([(3, 24 * 1000)])
    known = people(3).with_columns(
        pseudonym=pl.Series(["other", "2", "under another key"]), sex=pl.lit("F"), birth=None
    )
    moved = events.with_columns(subject_id=pl.lit(3, pl.Int64))

    same = values_at(moved, renumbered, CHANNELS, subjects=known, window=YEAR, seed=SEED)
    other = values_at(moved, renumbered, CHANNELS, subjects=known, window=YEAR, seed=SEED + 1)

    mine = values(events, sections)
    conditions = CHANNELS.of_mode("condition")
    assert same.value[conditions[same.channel]].tobytes() == mine.value[conditions[mine.channel]].tobytes()
    assert (other.value[conditions[other.channel]] != mine.value[conditions[mine.channel]]).all()


def test_events_at_the_section_count_and_a_microsecond_later_do_not():
    events = event_frame([(1, 0.0, "L/1", 2.0), (1, 48.0, "L/1", 8.0)])
    exactly = START + dt.timedelta(hours=48)
    sections = pl.DataFrame({"subject_id": [1, 1], "time": [exactly, exactly - dt.timedelta(microseconds=1)]})

    found = values(events, sections, Window(24, 24))

    assert [by_name(found, row)["L/1"] for row in (0, 1)] == [8.0, 2.0]


def test_the_last_value_of_a_step_counts_and_of_one_time_the_largest():
    events = event_frame([(1, 3.0, "L/1", 5.0), (1, 2.0, "L/1", 9.0), (1, 3.0, "L/1", -1.0)])

    assert by_name(values(events, section_frame([(1, 4.0)])), 0)["L/1"] == 5.0


def test_demographics():
    events = event_frame([(1, None, "RACE//X", None), (2, 10.0, "RACE//X", None), (4, 0.0, "C/1", None)])
    sections = section_frame([(1, 0.0), (2, 9.0), (2, 10.0), (4, 0.0)])

    found = [by_name(values(events, sections), row) for row in range(4)]

    assert found[0] == {"RACE//X": 1.0, "sex=F": 1.0, "age": pytest.approx(68.83, abs=0.01)}
    assert set(found[1]) == {"sex=M", "age"}
    assert set(found[2]) == {"sex=M", "age", "RACE//X"}
    assert set(found[3]) == {"C/1"}


def test_what_is_left_out_is_counted():
    events = event_frame(
        [(1, 0.0, "L/1", None), (1, 0.0, "L/1", float("inf")), (1, None, "C/1", None), (1, 1.0, "unknown", 1.0)]
    )

    found = values(events, section_frame([(1, 5.0)]))

    assert (found.valueless, found.undated) == (2, 1)
    assert set(by_name(found, 0)) == {"sex=F", "age"}


def test_intensities_are_a_day_whatever_the_step():
    events = event_frame([(1, float(hour), "C/1", None) for hour in range(0, 240, 24)])
    sections = section_frame([(1, 24 * 10 - 1)])

    daily, hourly = values(events, sections, Window(240, 24)), values(events, sections, Window(240, 1))

    assert by_name(daily, 0)["C/1"] == pytest.approx(10 / 10, rel=0.1)
    assert by_name(hourly, 0)["C/1"] == pytest.approx(10 / 10, rel=0.1)


def test_no_events_and_no_sections():
    assert len(values(event_frame([]), section_frame([(4, 0.0)])).row) == 0
    assert values(record(np.random.default_rng(0), 50), section_frame([])).rows == 0


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        (
            pl.DataFrame({"subject_id": [1], "time": [None]}, schema_overrides={"time": pl.Datetime("us")}),
            "1 rows have no time",
        ),
        (section_frame([(99, 0.0)]), "1 rows name a subject the archive does not have"),
    ],
)
def test_sections_that_cannot_be_read(sections: pl.DataFrame, words: str):
    with pytest.raises(InputError, match=words):
        values(event_frame([]), sections)
