"""Simulated follow-up keeps its stated shares, shows through the score alone, and is read by the reader of the real."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from knee_folder import write_knees
from lidc_folder import read_rows, write_rows
from semeia.archive import open_archive
from semeia.errors import InputError
from semeia.readers import follow_up_outcomes, ingest_knees
from semeia.readers.images.knees import knee_units
from semeia.worlds.knee_follow_up import FollowUpSettings, follow_up_rows, four_years_later


def _knees(n: int = 6000) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    units = [f"u{place}" for place in range(n)]
    return pl.DataFrame({"unit_id": units, "grade": rng.integers(0, 5, n), "score": rng.standard_normal(n)})


def test_shares_are_as_stated():
    knees = _knees()
    seen_by_all = FollowUpSettings(missing=(1e-9,) * 5)
    after = four_years_later(knees, seed=0, settings=seen_by_all)
    assert after["later"].null_count() == 0
    worse = after.with_columns(worse=pl.col("later") > pl.col("grade"))
    for grades, share in (((0, 1), 0.09), ((2, 3), 0.17), ((4,), 0.0)):
        rate = float(str(worse.filter(pl.col("grade").is_in(grades))["worse"].mean()))
        assert rate == pytest.approx(share, abs=0.025)
    assert set(worse.filter("worse").select("grade", "later").unique().rows()) == {(0, 2), (1, 2), (2, 3), (3, 4)}
    lost = four_years_later(knees, seed=0).group_by("grade").agg(pl.col("later").is_null().mean()).sort("grade")
    np.testing.assert_allclose(lost["later"], FollowUpSettings().missing, atol=0.03)
    assert after["synthetic"].all()


@pytest.mark.parametrize(("visible", "low", "high"), [(0.0, 0.45, 0.55), (0.7, 0.68, 0.80), (1.0, 0.75, 0.87)])
def test_the_score_shows_what_is_visible_of_the_rate(visible: float, low: float, high: float):
    knees = _knees()
    settings = FollowUpSettings(visible=visible, missing=(1e-9,) * 5)
    after = four_years_later(knees, seed=0, settings=settings)
    of = ((after["grade"] == 2) | (after["grade"] == 3)).to_numpy()
    worse = (after["later"] > after["grade"]).to_numpy()[of]
    assert low < roc_auc_score(worse, knees["score"].to_numpy()[of]) < high
    correlation = np.corrcoef(after["rate"], knees["score"])[0, 1]
    assert correlation == pytest.approx(visible**0.5, abs=0.03)
    assert float(np.std(after["rate"].to_numpy())) == pytest.approx(1.0, abs=0.03)


def test_a_knee_does_not_depend_on_the_others():
    knees = _knees(300)
    whole, part = four_years_later(knees, seed=1), four_years_later(knees[100:150].reverse(), seed=1)
    assert part.reverse().equals(whole[100:150])
    assert not whole.equals(four_years_later(knees, seed=2))


def test_the_reader_finds_the_simulated_course(tmp_path: Path):
    patients = tuple(f"CANARY{place}" for place in range(100, 140))
    write_knees(tmp_path / "knee", patients)
    ingest_knees(tmp_path / "knee", into=tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    labels = pl.DataFrame(
        [{**row, "grade": int(str(row["grade"]))} for row in read_rows(tmp_path / "knee" / "labels.csv")]
    )
    knees = labels.with_columns(score=pl.Series(np.random.default_rng(0).standard_normal(labels.height)))
    rows = follow_up_rows(knees, seed=0)
    assert rows["synthetic"].all()
    assert set(rows["READPRJ"]) == {15, 37}
    found = follow_up_outcomes(write_rows(tmp_path / "o.csv", rows.rows(named=True)), archive)
    named = knees.with_columns(unit_id=pl.col("patient_id") + pl.col("side"))
    truth = four_years_later(named, seed=0).drop_nulls("later")
    units = knee_units(archive)
    expected = {
        units.of_knee(name[:-1], name[-1])[0]: float(later >= 2 if grade < 2 else later > grade)
        for name, grade, later in truth.select("unit_id", "grade", "later").iter_rows()
        if grade < 4
    }
    both = pl.concat([found.incidence, found.progression])
    assert dict(both.select("unit_id", "value").iter_rows()) == expected
    assert found.counts["rows that say they are synthetic"] == rows.height
    assert found.counts["of them with different grades"] == 0
    assert int(found.by_grade["knees"].sum()) == labels.height


def test_what_cannot_be():
    with pytest.raises(InputError, match="'side' must be L or R"):
        follow_up_rows(_knees(2).with_columns(patient_id=pl.lit("1"), side=pl.lit("U")), seed=0)
    with pytest.raises(InputError, match="follow-up: five shares"):
        FollowUpSettings(missing=(0.1,))
    with pytest.raises(InputError, match="follow-up: five shares"):
        FollowUpSettings(visible=2.0)
    with pytest.raises(InputError, match="follow-up: incidence"):
        FollowUpSettings(incidence=0.0)
