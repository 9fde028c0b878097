"""The share of a site's events that the channels do not know, by hand."""

import datetime as dt
from pathlib import Path

import polars as pl

from record_frames import START, event_frame, small_channels
from semeia.archive import open_archive, writing
from semeia.signatures.express import COLUMNS, unmapped


def test_rates_by_site_count_what_the_sections_see(tmp_path: Path):
    rows = [
        (1, 0.0, "C/1", None),
        (1, 1.0, "NEW", None),
        (1, 99.0, "NEW", None),  # after the section
        (2, 0.0, "NEW", None),
        (2, None, "RACE//X", None),
        (2, 2.0, "ADMIT", None),  # has no kind of curve
        (3, 0.0, "NEW", None),  # no section
    ]
    codes = {"C/1": "condition", "NEW": "condition", "RACE//X": "demographic", "ADMIT": "other"}
    with writing(tmp_path / "archive", source="test") as draft:
        for number, site in ((1, "a"), (2, "b"), (3, "b"), (4, None)):
            draft.subject(f"person-{number}", site=site)
        draft.codes(pl.DataFrame({"code": list(codes), "mode": list(codes.values()), "rule": "test"}))
        draft.events(event_frame(rows))
    at = START + dt.timedelta(hours=5)
    sections = pl.DataFrame(
        {"subject_id": [1, 1, 2, 4], "time": [START, at, at, at]}, schema_overrides={"time": pl.Datetime("us")}
    )
    found = unmapped(open_archive(tmp_path / "archive"), sections, small_channels())
    assert found.columns == list(COLUMNS)
    assert found.rows() == [("", 1, 0, 0, 0.0, 0, 0), ("a", 1, 2, 1, 0.5, 2, 1), ("b", 1, 2, 1, 0.5, 2, 1)]
