"""A calibration is fitted on tested internal patients, changes no order, and is left out with a reason."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.archive.atomic import write_json
from semeia.errors import InputError
from semeia.evaluation.statistics.calibration import calibration as intercept_and_slope
from semeia.learning.stored import Choice
from semeia.settings_json import to_plain
from semeia.studies.calibration import FILE, Calibration, fit_calibration, load_calibration

CHOICE = Choice("model", "finetune", 1.0)


def predictions(folder: Path, units: int = 400, *, cohort: str = "internal", positive: float = 0.3) -> pl.DataFrame:
    """Scores of two seeds that are twice as sure as they may be; two units a patient."""
    rng = np.random.default_rng(0)
    log_odds = rng.normal(np.log(positive / (1 - positive)), 1, units)
    label = rng.random(units) < 1 / (1 + np.exp(-log_odds))
    parts = [
        pl.DataFrame(
            {
                "study": "s", "outcome": "died", "arm": "model", "mode": "finetune", "fraction": 1.0, "seed": seed,
                "cohort": cohort, "site": "a", "subject_id": [f"CANARY-{unit // 2}" for unit in range(units)],
                "unit_id": [f"u{unit}" for unit in range(units)], "label": label.astype(int),
                "score": 1 / (1 + np.exp(-2 * log_odds - shift)),
            }
        )
        for seed, shift in ((0, -0.1), (1, 0.1))
    ]  # fmt: skip
    table = pl.concat(parts)
    table.write_parquet(folder / "predictions.parquet")
    return table


def test_scores_that_are_too_sure_are_brought_back(tmp_path: Path):
    table = predictions(tmp_path)
    found = fit_calibration(tmp_path, CHOICE, "died")
    assert isinstance(found, Calibration)
    assert found.slope == pytest.approx(0.5, abs=0.12)
    assert (found.units, found.patients) == (400, 200)
    means = table.group_by("unit_id").agg(pl.col("score").mean(), pl.col("label").first())
    mended = np.array([found(score) for score in means["score"]])
    intercept, slope = intercept_and_slope(means["label"].to_numpy().astype(float), mended)
    assert (intercept, slope) == pytest.approx((0, 1), abs=1e-3)
    assert np.array_equal(np.argsort(mended), np.argsort(means["score"].to_numpy()))
    write_json(tmp_path / FILE, to_plain(found))
    assert load_calibration(tmp_path) == found
    assert "CANARY" not in (tmp_path / FILE).read_text()


def test_it_is_left_out_with_a_reason(tmp_path: Path):
    assert fit_calibration(tmp_path, CHOICE, "died") == "the run holds no predictions to fit one on"
    predictions(tmp_path, cohort="external")
    assert "the run tested 0 internal units" in str(fit_calibration(tmp_path, CHOICE, "died"))
    predictions(tmp_path, units=40)
    assert "20 of either are needed" in str(fit_calibration(tmp_path, CHOICE, "died"))
    table = predictions(tmp_path).with_columns(score=1 - pl.col("score"))
    table.write_parquet(tmp_path / "predictions.parquet")
    assert "do not rise with the outcome" in str(fit_calibration(tmp_path, CHOICE, "died"))
    assert load_calibration(tmp_path) is None
    (tmp_path / FILE).write_text('{"intercept": 0, "slope": -1, "units": 1, "positive": 1, "patients": 1}')
    with pytest.raises(InputError, match="slope above 0"):
        load_calibration(tmp_path)
