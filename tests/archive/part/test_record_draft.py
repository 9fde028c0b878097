"""What a draft takes of events and codes: mended and counted, or refused; later facts add to earlier ones."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from archive_folder import listing, small_archive
from semeia.archive import open_archive, writing
from semeia.errors import InputError

EVENT = {"subject_id": [1], "time": [dt.datetime(2020, 1, 1)], "code": ["A"]}
CODE = {"code": ["A"], "mode": ["condition"], "rule": ["test"]}


def write(path: Path, events: pl.DataFrame, codes: pl.DataFrame) -> None:
    with writing(path, source="test") as draft:
        draft.subject("CANARY-0")
        draft.events(events)
        draft.codes(codes)


def test_zones_become_utc_and_strange_numbers_empty_both_counted(tmp_path: Path):
    times = pl.Series([dt.datetime(2020, 7, 1, 12)] * 3).dt.replace_time_zone("Europe/Berlin")
    values = [1.5, float("nan"), float("inf")]
    events = pl.DataFrame({"subject_id": 1, "time": times, "code": ["A", "B", "C"], "numeric_value": values})
    with writing(tmp_path / "a", source="test") as draft:
        draft.subject("CANARY-0")
        draft.events(events)
        draft.codes(pl.DataFrame({"code": ["A", "B", "C"], "mode": "measurement", "rule": "test"}))
        draft.count("rows were left out", 0)
        draft.count("rows were mended", 2)
    archive = open_archive(tmp_path / "a")
    (batch,) = archive.event_batches()
    assert batch["time"].to_list() == [dt.datetime(2020, 7, 1, 10)] * 3
    assert batch["numeric_value"].to_list() == [1.5, None, None]
    assert archive.parts[0]["notes"]["counted"] == {
        "times with a time zone were converted to UTC": 3,
        "values that are not finite numbers were emptied": 2,
        "rows were mended": 2,
    }
    assert draft.summary.events == 3
    said = str(draft.summary).splitlines()
    assert said[0] == "part 1 from test: 1 subjects, 0 units, 3 events of 3 codes"
    assert said[1:] == [f"Note: {number} {words}" for words, number in archive.parts[0]["notes"]["counted"].items()]


def test_a_later_part_adds_to_what_is_known_of_a_code(tmp_path: Path):
    facts = [
        CODE | {"unit": ["mg"], "fill": [2.0]},
        CODE | {"mode": ["measurement"], "name": ["Alpha"], "unit": [None]},
        CODE | {"mode": ["measurement"]},
    ]
    for value, codes in enumerate(facts):
        write(tmp_path / "a", pl.DataFrame(EVENT | {"numeric_value": [value]}), pl.DataFrame(codes))
    archive = open_archive(tmp_path / "a")
    assert archive.codes().rows() == [("A", "measurement", "Alpha", "mg", 2.0, "test")]
    assert [sum(name.startswith("codes/") for name in part["files"]) for part in archive.parts] == [1, 1, 0]


def test_the_same_record_again_changes_nothing_and_a_longer_one_adds_what_is_new(tmp_path: Path):
    write(tmp_path / "a", pl.DataFrame(EVENT), pl.DataFrame(CODE))
    before = listing(tmp_path / "a")
    write(tmp_path / "a", pl.DataFrame(EVENT), pl.DataFrame(CODE))
    assert listing(tmp_path / "a") == before
    longer = pl.DataFrame({"subject_id": 1, "time": [*EVENT["time"], dt.datetime(2021, 1, 1)], "code": "A"})
    write(tmp_path / "a", longer, pl.DataFrame(CODE))
    archive = open_archive(tmp_path / "a")
    assert next(archive.event_batches()).height == 2
    assert archive.parts[1]["notes"]["counted"] == {"events were in the archive already and count once": 1}


@pytest.mark.parametrize(
    ("events", "codes", "words"),
    [
        ({"code": ["B"]}, {}, "1 codes of the events are not among the codes"),
        ({"code": [""]}, {}, "1 events have an empty code"),
        ({"code": [None]}, {}, "'code' is empty in 1 rows"),
        ({"subject_id": [9]}, {}, "1 events are of subjects that are not among the subjects"),
        ({"time": ["soon"]}, {}, "'time' is not Datetime"),
        ({"numeric_value": ["high"]}, {}, "'numeric_value' is not Float32"),
        ({"value": [1]}, {}, "no column.*value"),
        ({}, {"mode": ["disease"]}, "the mode 'disease' is none of condition, medication"),
        ({}, {"rule": [None]}, "'rule' is empty"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_left(tmp_path: Path, events: dict, codes: dict, words: str):
    with pytest.raises(InputError, match=words):
        write(tmp_path / "a", pl.DataFrame(EVENT | events), pl.DataFrame(CODE | codes))
    assert not list(tmp_path.iterdir())


def test_records_join_an_archive_of_images(tmp_path: Path):
    small_archive(tmp_path / "a")
    with writing(tmp_path / "a", source="records") as draft:
        subject_id, _ = draft.subject("CANARY-2", site="north")
        draft.events(pl.DataFrame(EVENT | {"subject_id": [subject_id]}))
        draft.codes(pl.DataFrame(CODE))
    archive = open_archive(tmp_path / "a")
    assert next(archive.event_batches())["subject_id"].to_list() == [3]
    assert archive.table("images").height == 4
    assert archive.verify() == []
