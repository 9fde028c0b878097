"""Steps: calendar days and hours of the clock, before 1970 too; a window is a whole number of them."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from semeia.archive import open_archive, writing
from semeia.errors import InputError
from semeia.signatures.window import Window, window_of


def microseconds(*times: dt.datetime) -> np.ndarray:
    return np.array(times, "M8[us]").astype(np.int64)


def test_a_step_is_a_calendar_day():
    times = [dt.datetime(1969, 12, 31, 23, 59), dt.datetime(1970, 1, 1), dt.datetime(1970, 1, 2, 12)]

    assert Window().step_of(microseconds(*times)).tolist() == [-1, 0, 1]
    assert Window(24, 1).step_of(microseconds(times[2])).tolist() == [36]


@pytest.mark.parametrize("window", [Window(), Window(24, 1), Window(12, 0.25)])
def test_the_end_of_a_step_is_in_it_and_a_microsecond_later_is_not(window: Window):
    steps = np.array([-5, 0, 7])

    assert window.step_of(window.end_of(steps)).tolist() == steps.tolist()
    assert window.step_of(window.end_of(steps) + 1).tolist() == (steps + 1).tolist()


def test_defaults_are_a_year_of_days():
    assert (Window().steps, Window().steps_a_day) == (365, 1.0)
    assert (Window(24, 1).steps, Window(24, 1).steps_a_day) == (24, 24.0)


@pytest.mark.parametrize(("length", "step"), [(0, 24), (24, 0), (24, -1), (30, 24), (1e-12, 1e-12)])
def test_impossible_windows(length: float, step: float):
    with pytest.raises(InputError, match="window"):
        Window(float(length), float(step))


def test_the_window_of_an_archive_is_the_one_given_with_its_records(tmp_path: Path):
    for number, notes in enumerate([{}, {"window": {"length_hours": 24.0, "step_hours": 1.0}}]):
        with writing(tmp_path / "archive", source="test", notes=notes) as draft:
            draft.subject(f"person-{number}")
        expected = Window(24.0, 1.0) if notes else Window()
        assert window_of(open_archive(tmp_path / "archive")) == expected
