"""Made-up tables of a folder of pictures: marked as such, of knees with a side and a grade, by their texture."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from semeia.archive import open_archive
from semeia.readers import follow_up_outcomes, ingest_knees
from semeia.readers.reports import read_reports
from semeia.worlds.knee_files import follow_up_of, impressions_of, normal_scores, scored_knees, texture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty patients, both knees; the right ones are rough. One side and one grade are unknown."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    rows = []
    for patient in range(30):
        for side in "LR":
            smooth = np.tile(np.linspace(60, 200, 96), (64, 1))
            noise = rng.normal(0, 25 if side == "R" else 2, smooth.shape)
            name = f"{patient}{side}.png"
            Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8)).save(tmp_path / "images" / name)
            rows.append({"image": name, "patient_id": f"P{patient}", "side": side, "grade": str(patient % 5)})
    rows[0]["side"], rows[3]["grade"] = "U", ""
    pl.DataFrame(rows).write_csv(tmp_path / "labels.csv")
    return tmp_path


def test_rough_knees_score_higher_and_scores_are_normal(folder: Path):
    knees = scored_knees(folder)
    assert knees.height == 58
    assert knees.filter(side="R")["score"].min() > knees.filter(side="L")["score"].max()  # pyright: ignore
    assert abs(float(knees["score"].mean())) < 1e-6  # pyright: ignore[reportArgumentType]
    assert normal_scores(np.array([3.0, 1.0, 2.0])).argsort().tolist() == [1, 2, 0]


def test_texture_does_not_hang_on_brightness_or_polarity(folder: Path):
    picture = np.asarray(Image.open(folder / "images" / "5R.png"))
    paler = (picture * 0.5 + 100).astype(np.uint8)
    assert texture(paler) == pytest.approx(texture(picture), rel=0.05)
    assert texture(255 - picture) == pytest.approx(texture(picture), rel=0.05)


def test_the_tables_are_read_like_a_users_own_and_say_that_they_are_made_up(folder: Path, tmp_path: Path):
    ingest_knees(folder, into=tmp_path / "archive")
    archive = open_archive(tmp_path / "archive")
    rows = follow_up_of(folder, seed=1)
    assert rows["synthetic"].all()
    assert rows.equals(follow_up_of(folder, seed=1))
    assert not rows.equals(follow_up_of(folder, seed=2))
    rows.write_csv(tmp_path / "follow_up.csv")
    found = follow_up_outcomes(tmp_path / "follow_up.csv", archive)
    assert found.counts["rows that say they are synthetic"] == rows.height
    assert found.incidence.height > 0
    written = impressions_of(folder, seed=1)
    assert written["synthetic"].all()
    written.write_csv(tmp_path / "impressions.csv")
    assert read_reports(tmp_path / "impressions.csv", archive).height == written.height
