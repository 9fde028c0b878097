"""Batches of an archive's sections: put together they are what one call gives, whatever the batches and processes."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from record_archive import random_rows, record_archive
from semeia.archive import Archive
from semeia.errors import InputError
from semeia.signatures.channels import Channels, channels_of
from semeia.signatures.curves import SectionValues, joined, values_at
from semeia.signatures.sections import sample_sections
from semeia.signatures.streaming import section_values
from semeia.signatures.window import Window

WINDOW = Window()
PATIENTS = range(1, 9)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Eight patients with events and one without."""
    return record_archive(tmp_path_factory.mktemp("streaming") / "a", random_rows(8, 60), patients=9)


@pytest.fixture(scope="module")
def channels(archive: Archive) -> Channels:
    return channels_of(archive, PATIENTS, least_patients=2)


@pytest.fixture(scope="module")
def sections(archive: Archive) -> pl.DataFrame:
    drawn = sample_sections(archive, PATIENTS, window=WINDOW, seed=0, at_least=50)
    return pl.concat([drawn, drawn[:1].with_columns(subject_id=pl.lit(9, pl.Int64))])


def together(batches: list[SectionValues]) -> SectionValues:
    """Batches of consecutive rows as one."""
    starts = np.cumsum([0, *(batch.rows for batch in batches)])
    moved = [
        SectionValues(batch.row + start, batch.channel, batch.value, batch.rows, batch.valueless, batch.undated)
        for batch, start in zip(batches, starts, strict=False)
    ]
    return joined(moved)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_are_the_values_of_one_call(archive: Archive, channels: Channels, sections: pl.DataFrame, size: int):
    events = pl.concat(list(archive.event_batches()))
    whole = values_at(events, sections, channels, subjects=archive.table("subjects"), window=WINDOW, seed=3)

    batches = list(section_values(archive, sections, channels, window=WINDOW, seed=3, size=size))

    found = together(batches)
    assert found.rows == sections.height
    assert np.array_equal(found.row, whole.row)
    assert np.array_equal(found.channel, whole.channel)
    assert found.value.tobytes() == whole.value.tobytes()
    assert found.valueless == whole.valueless > 0
    assert len(batches) == {1: 9, 7: len(batches), 10_000: 1}[size]


def test_a_batch_of_events_may_hold_a_part_of_the_subjects(
    archive: Archive, channels: Channels, sections: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    whole = next(section_values(archive, sections, channels, window=WINDOW, seed=3))
    read = Archive.event_batches
    monkeypatch.setattr(Archive, "event_batches", lambda self, subjects: read(self, size=100, subjects=subjects))

    found = next(section_values(archive, sections, channels, window=WINDOW, seed=3))

    assert np.array_equal(found.row, whole.row)
    assert found.value.tobytes() == whole.value.tobytes()
    assert found.rows == whole.rows


def test_people_in_another_order_have_the_same_values(archive: Archive, tmp_path: Path):
    other = record_archive(tmp_path / "a", random_rows(8, 60), patients=9, order=[5, 9, 1, 8, 2, 4, 3, 7, 6])
    found = []
    for one in (archive, other):
        channels = channels_of(one, range(1, 10), least_patients=2)
        sections = sample_sections(one, range(1, 10), window=WINDOW, seed=0, at_least=50)
        values = together(list(section_values(one, sections, channels, window=WINDOW, seed=3)))
        names = sections.join(one.table("subjects"), on="subject_id", how="left", maintain_order="left")["pseudonym"]
        found.append(sorted(zip(names.gather(values.row), values.channel, values.value.tolist(), strict=True)))

    assert found[0] == found[1]


def test_sections_out_of_order(archive: Archive, channels: Channels, sections: pl.DataFrame):
    with pytest.raises(InputError, match="sort them by subject_id"):
        list(section_values(archive, sections.reverse(), channels, window=WINDOW, seed=0))


def test_no_sections(archive: Archive, channels: Channels, sections: pl.DataFrame):
    assert list(section_values(archive, sections.clear(), channels, window=WINDOW, seed=0)) == []
