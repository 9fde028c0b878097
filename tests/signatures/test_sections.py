"""Sampling dates: uniform over patient-steps, without replacement, a pure function of names; and dates as given."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from record_archive import random_rows, record_archive
from semeia.archive import open_archive, writing
from semeia.errors import InputError
from semeia.signatures.draws import mixed
from semeia.signatures.sections import drawn_steps, refuse_unborn, sample_sections
from semeia.signatures.window import Window

KEYS = mixed(np.arange(40, dtype=np.uint64), np.zeros(1, np.uint64))


def test_patient_steps_are_equally_likely():
    lengths = np.arange(1, 41) * 5
    who, step = drawn_steps(KEYS, np.zeros(40, np.int64), lengths - 1, number=2000)

    drawn = np.bincount(who, minlength=40)

    assert len(set(zip(who.tolist(), step.tolist(), strict=True))) == 2000
    assert (step < lengths[who]).all()
    assert chisquare(drawn, 2000 * lengths / lengths.sum()).pvalue > 0.01


@settings(deadline=None)
@given(number=st.integers(1, 900), order=st.permutations(list(range(6))))
def test_neither_order_nor_company_of_patients_matters(number: int, order: list[int]):
    keys, first = KEYS[:6], np.arange(6) * 100 - 250
    last = first + np.array([0, 1, 30, 99, 7, 200])

    def drawn(chosen: list[int]) -> list[tuple[int, int]]:
        who, step = drawn_steps(keys[chosen], first[chosen], last[chosen], number=number)
        return sorted((chosen[place], int(at)) for place, at in zip(who, step, strict=True))

    everyone = drawn(list(range(6)))

    assert drawn(order) == everyone
    assert len(everyone) == number
    total = int((last - first + 1).sum())
    assert len(set(everyone)) == min(number, total)
    counts = {everyone.count(pair) for pair in set(everyone)}
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("window", [Window(), Window(24, 1)])
def test_sections_of_an_archive(tmp_path: Path, window: Window):
    rows = random_rows(5, 20)
    archive = record_archive(tmp_path / "a", rows, patients=6)

    found = sample_sections(archive, [1, 2, 3, 6], window=window, seed=1, at_least=400)
    again = sample_sections(archive, [6, 3, 2, 1], window=window, seed=1, at_least=400)
    other = sample_sections(archive, [1, 2, 3], window=window, seed=2, at_least=400)

    assert found.equals(again)
    assert not found.equals(other)
    assert (found.height, found.n_unique(), set(found["subject_id"])) == (400, 400, {1, 2, 3})
    spans = found.join(archive.event_subjects(), on="subject_id")
    assert (spans["time"] >= spans["first"]).all()
    step = dt.timedelta(hours=float(window.step_hours))
    assert (spans["time"] < spans["last"] + step).all()
    assert found.equals(found.sort("subject_id", "time"))


def test_the_same_people_in_another_order_get_the_same_dates(tmp_path: Path):
    rows = random_rows(5, 20)
    orders = [[1, 2, 3, 4, 5], [4, 1, 5, 3, 2]]
    times = []
    for number, order in enumerate(orders):
        archive = record_archive(tmp_path / str(number), rows, patients=5, order=order)
        found = sample_sections(archive, range(1, 6), window=Window(), seed=1, at_least=300)
        person = dict(archive.table("subjects").select("subject_id", "pseudonym").iter_rows())
        times.append(sorted((person[subject], time) for subject, time in found.iter_rows()))

    assert times[0] == times[1]


def test_more_sections_than_days_repeat_all_of_them(tmp_path: Path):
    archive = record_archive(tmp_path / "a", [(1, 0.0, "C/1", None), (1, 49.0, "C/1", None)], patients=1)

    found = sample_sections(archive, [1], window=Window(), seed=0, at_least=10)

    assert (found.height, found.n_unique()) == (10, 3)


def test_the_number_follows_the_patients(tmp_path: Path):
    archive = record_archive(tmp_path / "a", random_rows(10, 10), patients=10)

    assert sample_sections(archive, range(1, 11), window=Window(), seed=0, at_least=5).height == 23


def test_nobody_with_an_event(tmp_path: Path):
    archive = record_archive(tmp_path / "a", random_rows(2, 5), patients=3)
    with pytest.raises(InputError, match="none of the 1 patients has a dated event"):
        sample_sections(archive, [3], window=Window(), seed=0)


def test_nobody_is_asked_about_before_birth():
    subjects = pl.DataFrame({"subject_id": [1, 2], "birth": [dt.date(2000, 1, 2), None]})
    born = pl.DataFrame({"subject_id": [1, 2], "time": [dt.datetime(2000, 1, 2), dt.datetime(1900, 1, 1)]})
    refuse_unborn(born, subjects, where="scans.csv")
    early = born.with_columns(time=dt.datetime(2000, 1, 1, 23))
    with pytest.raises(InputError, match=r"scans.csv: lies before the patient's birth in row 2; leave such dates out"):
        refuse_unborn(early, subjects, where="scans.csv")


def test_another_key_of_pseudonyms_gives_the_same_dates(tmp_path: Path):
    rows = random_rows(5, 20)
    mine = record_archive(tmp_path / "mine", rows, patients=5)
    with writing(tmp_path / "other", source="test") as draft:
        for number in range(1, 6):
            draft.subject(f"person-{number}", sex="FM"[number % 2])
        draft.codes(mine.codes())
        for batch in mine.event_batches():
            draft.events(batch)
    found = [
        sample_sections(archive, range(1, 6), window=Window(), seed=1, at_least=300)
        for archive in (mine, open_archive(tmp_path / "other"))
    ]
    assert mine.key_fingerprint != open_archive(tmp_path / "other").key_fingerprint
    assert found[0].equals(found[1])
