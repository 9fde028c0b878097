"""Events come back as whole subjects, sorted, merged over parts, without copies, whatever the batch size."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive_folder import listing, small_archive
from semeia.archive import Archive, event_file, open_archive, writing
from semeia.errors import InputError

COLUMNS = ["subject_id", "time", "code", "numeric_value", "text_value"]
START = dt.datetime(2020, 1, 1)
Row = tuple[int, int | None, str, float | None, str | None]
ROWS = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.none() | st.integers(0, 4),
        st.sampled_from(["A", "B", "MEDS_BIRTH"]),
        st.none() | st.sampled_from([-1.5, 0.25, 7.0]),
        st.none() | st.sampled_from(["", "x"]),
    ),
    max_size=40,
)


def timed(row: Row) -> tuple:
    return row[0], None if row[1] is None else START + dt.timedelta(days=row[1]), *row[2:]


def frame(rows: list[Row]) -> pl.DataFrame:
    kinds = [pl.Int64, pl.Datetime("us"), pl.String, pl.Float32, pl.String]
    return pl.DataFrame([timed(row) for row in rows], schema=dict(zip(COLUMNS, kinds, strict=True)), orient="row")


def in_order(row: tuple) -> tuple:
    return tuple((value is not None, value) if value is not None else (False, 0) for value in row)


def write(path: Path, rows: list[Row], *, people: int = 6, cut: int = 3) -> None:
    """One part; its frames have `cut` rows."""
    with writing(path, source="test") as draft:
        for number in range(people):
            draft.subject(f"CANARY-{number}")
        draft.subject(f"CANARY-{len(list(path.glob('subjects/*')))}-new")
        draft.codes(pl.DataFrame({"code": ["A", "B", "MEDS_BIRTH"], "mode": "other", "rule": "test"}))
        for start in range(0, len(rows), cut):
            draft.events(frame(rows[start : start + cut]))


def read(archive: Archive, size: int, subjects: list[int] | None = None) -> list[tuple]:
    return [row for batch in archive.event_batches(size=size, subjects=subjects) for row in batch.rows()]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=ROWS, second=ROWS, size=st.integers(1, 50), held=st.integers(1, 30))
def test_parts_are_merged_sorted_and_without_copies(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    first: list[Row],
    second: list[Row],
    size: int,
    held: int,
):
    monkeypatch.setattr(event_file, "_HELD", held)  # spills to scratch files as soon as that many rows are there
    path = tmp_path_factory.mktemp("events") / "a"
    write(path, first)
    if second and set(second) <= set(first):
        with pytest.raises(InputError, match="already in the archive"):
            write(path, second)
        second = []
    else:
        write(path, second)
    archive = open_archive(path)
    expected = sorted({timed(row) for row in first + second}, key=in_order)
    assert read(archive, size) == expected
    assert read(archive, size, [2, 5, 99]) == [row for row in expected if row[0] in (2, 5)]
    assert archive.verify() == []
    counted = [part["notes"].get("counted", {}) for part in archive.parts]
    assert sum(sum(counts.values()) for counts in counted) == len(first) + len(second) - len(expected)


def test_a_subject_is_never_cut_and_batches_aim_at_their_size(tmp_path: Path):
    rows: list[Row] = [(subject, day, "A", float(day), None) for subject in range(1, 7) for day in range(4)]
    write(tmp_path / "a", rows)
    archive = open_archive(tmp_path / "a")
    sizes = {size: [batch.height for batch in archive.event_batches(size=size)] for size in (1, 4, 5, 9, 1000)}
    assert sizes == {1: [4] * 6, 4: [4] * 6, 5: [8, 4, 4, 4, 4], 9: [12, 8, 4], 1000: [24]}
    batch = next(archive.event_batches(size=1))
    assert batch.columns == COLUMNS
    assert batch.schema == frame([]).schema
    with pytest.raises(InputError, match="size of 1 or more"):
        list(archive.event_batches(size=0))


def test_subjects_with_events_are_summarised_over_timed_events_after_birth(tmp_path: Path):
    rows: list[Row] = [
        (1, 0, "MEDS_BIRTH", None, None),
        (1, 2, "A", None, None),
        (1, 4, "B", None, None),
        (1, None, "B", None, None),
        (2, 0, "MEDS_BIRTH", None, None),
        (4, 3, "A", None, None),
    ]
    write(tmp_path / "a", rows)
    write(tmp_path / "a", [(4, 1, "B", None, None), (4, 3, "A", None, None)])
    days = [START + dt.timedelta(days=day) for day in range(5)]
    assert open_archive(tmp_path / "a").event_subjects().rows() == [(1, 2, days[2], days[4]), (4, 2, days[1], days[3])]


def test_an_archive_without_events_has_none(tmp_path: Path):
    small_archive(tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    assert list(archive.event_batches()) == []
    assert archive.event_subjects().columns == ["subject_id", "events", "first", "last"]
    assert archive.codes().is_empty()
    with pytest.raises(InputError, match="take them in batches"):
        archive.table("events")


def test_damaged_and_missing_files_are_named(tmp_path: Path):
    write(tmp_path / "a", [(1, 0, "A", None, None)])
    file = tmp_path / "a" / "events" / "0001.parquet"
    content = file.read_bytes()
    for broken in (content[: len(content) // 2], b"PAR1", content[:20] + bytes(40) + content[60:]):
        file.write_bytes(broken)
        with pytest.raises(InputError, match=r"events/0001.parquet: has changed since it was written"):
            list(open_archive(tmp_path / "a").event_batches())
    file.unlink()
    with pytest.raises(InputError, match=r"events/0001.parquet: missing"):
        open_archive(tmp_path / "a").event_subjects()


def interrupted(path: Path) -> None:
    with writing(path, source="test") as draft:
        draft.events(frame([(1, 1, "A", None, None)]))
        raise KeyboardInterrupt


def test_nothing_is_left_beside_the_file_whatever_the_folder_is_called(tmp_path: Path):
    path = tmp_path / "it's [a] *archive?"
    write(path, [(1, 0, "A", None, None)])
    before = listing(path)
    assert sorted(name for name in before if name.startswith("events")) == ["events", "events/0001.parquet"]
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert listing(path) == before
    assert read(open_archive(path), 10) == [timed((1, 0, "A", None, None))]


def test_subjects_that_come_after_the_first_events_are_sorted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(event_file, "_HELD", 1)
    monkeypatch.setattr(event_file, "_MOST_RANGES", 3)
    with writing(tmp_path / "a", source="test") as draft:
        draft.codes(pl.DataFrame({"code": ["A"], "mode": "other", "rule": "test"}))
        numbers = [draft.subject(str(number))[0] for number in range(2)]
        for day in range(12):
            numbers.append(draft.subject(str(day + 2))[0])
            draft.events(frame([(number, 12 - day, "A", None, None) for number in reversed(numbers)]))
    found = read(open_archive(tmp_path / "a"), 5)
    assert found == sorted(found, key=in_order)
    assert len(found) == draft.summary.events == sum(range(3, 15))


def test_what_a_killed_process_left_is_swept(tmp_path: Path):
    write(tmp_path / "a", [(1, 0, "A", None, None)])
    left = tmp_path / "a" / "events" / ".0002.parquet.partial"
    left.mkdir()
    (left / "000000.parquet").write_bytes(b"half")
    write(tmp_path / "a", [(1, 1, "A", None, None)])
    assert not left.exists()
    assert len(read(open_archive(tmp_path / "a"), 10)) == 2
