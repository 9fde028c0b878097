"""Stays of an archive: one a patient, labelled or not; whole hospitals on one side."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_folder import small_archive
from record_frames import START
from semeia.archive import Archive, open_archive, writing
from semeia.errors import InputError
from semeia.studies.records.ehr_data import hospitals_inside, stays_of
from stay_archive import DAY, OUTCOME, SHORT, dies, stay_archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return stay_archive(tmp_path_factory.mktemp("stays") / "archive", patients=24)


def test_a_row_a_patient(archive: Archive):
    stays = stays_of(archive, OUTCOME)
    assert stays["row"].to_list() == list(range(24))
    assert stays["subject_id"].to_list() == list(range(1, 25))
    for row in stays.rows(named=True):
        known = row["subject_id"] % SHORT != 0
        assert row["label"] == (float(dies(row["subject_id"])) if known else None)
        assert row["time"] == (START + DAY if known else None)
    born = dt.datetime(1941, 3, 1)
    assert stays["age"][0] == pytest.approx((START + DAY - born) / dt.timedelta(days=365.25))
    assert stays["unit_type"][:2].to_list() == ["B", "A"]


def test_the_first_stay_counts(tmp_path: Path):
    key = tmp_path / "key"
    key.write_text("5e" * 32)
    key.chmod(0o600)
    with writing(tmp_path / "archive", source="test", key=key) as draft:
        for number in (1, 2):
            subject, name = draft.subject(f"person-{number}", site=f"h{number}")
            for stay in (2, 1):
                unit = draft.unit(f"{name}/{stay}", subject, "stay", time=START + stay * DAY)
                draft.outcome("died", unit, subject, value=number == stay, prediction_time=START + (stay + 1) * DAY)
    stays = stays_of(open_archive(tmp_path / "archive"), "died")
    assert stays["unit_id"].str.ends_with("/1").to_list() == [True, True]
    assert stays["label"].to_list() == [1.0, 0.0]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=12), st.floats(0.1, 0.9), st.integers(0, 99))
def test_whole_hospitals_and_about_the_share(sizes: list[int], share: float, seed: int):
    sites = [f"h{number:02}" for number, size in enumerate(sizes) for _ in range(size)]
    stays = pl.DataFrame({"site": [*sites, None]})
    inside = hospitals_inside(stays, share=share, seed=seed)
    assert inside == hospitals_inside(stays.sample(fraction=1.0, shuffle=True, seed=1), share=share, seed=seed)
    assert 1 <= len(inside) < len(sizes)
    number = stays.filter(pl.col("site").is_in(inside)).height
    assert abs(number - share * len(sites)) <= max(max(sizes), share * len(sites) - (len(sites) - max(sizes)))


def test_other_seeds_draw_other_hospitals(archive: Archive):
    stays = stays_of(archive, OUTCOME)
    drawn = {tuple(hospitals_inside(stays, share=0.5, seed=seed)) for seed in range(8)}
    assert len(drawn) > 3


def test_what_cannot_be_studied_is_one_line(archive: Archive, tmp_path: Path):
    with pytest.raises(InputError, match="no outcome 'death'; it has hospital_mortality"):
        stays_of(archive, "death")
    small_archive(tmp_path / "images")
    with pytest.raises(InputError, match="holds no stays"):
        stays_of(open_archive(tmp_path / "images"), OUTCOME)
    with pytest.raises(InputError, match="at least two"):
        hospitals_inside(pl.DataFrame({"site": ["a", "a"]}), share=0.5, seed=0)
    assert np.isnan(stays_of(archive, OUTCOME)["label"].fill_null(float("nan")).to_numpy()).any()
