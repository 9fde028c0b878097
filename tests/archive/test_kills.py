"""An ingest that was killed at any of its writes is given again, and the archive is that of one that ran through."""

import datetime as dt
import shutil
from pathlib import Path

import polars as pl
import pytest

from archive_folder import fill, listing, small_archive
from kills import survives_kills
from semeia.archive import Summary, Writer, open_archive, writing
from semeia.errors import InputError


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "key").chmod(0o600)
    return tmp_path / "key"


def ingest(into: Path, key: Path) -> Summary:
    """One part with images, readings, labels, events and codes."""
    with writing(into, source="test", key=key) as draft:
        fill(draft, 2)
        subject_id, _ = draft.subject("CANARY-0", site="north")
        time = [dt.datetime(2020, 1, day) for day in (1, 2)]
        draft.codes(pl.DataFrame({"code": ["A"], "mode": "other", "rule": "test"}))
        draft.events(pl.DataFrame({"subject_id": subject_id, "time": time, "code": "A"}))
    return draft.summary


def test_a_first_ingest(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch):
    assert survives_kills(lambda into: ingest(into, key), tmp_path, monkeypatch) > 30


def test_a_later_ingest(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch):
    with writing(tmp_path / "before", source="before", key=key) as draft:
        fill(draft, 1, first=7)

    def later(into: Path) -> None:
        if not into.exists():
            shutil.copytree(tmp_path / "before", into)
        ingest(into, key)

    assert survives_kills(later, tmp_path, monkeypatch) > 30


def test_the_same_ingest_again_has_nothing_to_do(tmp_path: Path, key: Path):
    first = ingest(tmp_path / "a", key)
    before = listing(tmp_path / "a")

    again = ingest(tmp_path / "a", key)

    assert (first.repeated, again.repeated) == (False, True)
    assert str(again) == "nothing to do: part 1 from test is just that, and was written before"
    assert listing(tmp_path / "a") == before


def test_other_pixels_under_the_same_ids_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    small_archive(tmp_path / "a", 2)
    before = listing(tmp_path / "a")
    image = Writer.image
    monkeypatch.setattr(Writer, "image", lambda self, array, **about: image(self, 255 - array, **about))
    with pytest.raises(InputError, match="refused: 2 of 2 units are already in the archive; nothing was written"):
        small_archive(tmp_path / "a", 2)
    assert listing(tmp_path / "a") == before


def test_the_same_rows_from_another_source_are_refused(tmp_path: Path):
    small_archive(tmp_path / "a", 2)
    with pytest.raises(InputError, match="already in the archive"), writing(tmp_path / "a", source="other") as draft:
        fill(draft, 2)
    assert len(open_archive(tmp_path / "a").parts) == 1
