"""ROC points against what can be worked out by hand."""

import numpy as np
import polars as pl
import pytest

from semeia.evaluation import auroc, check_predictions
from semeia.report.sections.roc import roc


def table(label: np.ndarray, score: np.ndarray, seed: int | list[int] = 0) -> pl.DataFrame:
    n = len(label)
    columns = {"subject_id": [f"s{i // 2}" for i in range(n)], "label": label.astype(int), "score": score}
    return check_predictions(pl.DataFrame({**columns, "seed": seed if isinstance(seed, list) else [seed] * n}))


@pytest.fixture
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    label = rng.random(200) < 0.4
    score = 1 / (1 + np.exp(-(rng.normal(size=200) + 1.5 * label - 0.7)))
    return table(label, score)


def test_the_area_under_the_curve_is_the_auroc(frame: pl.DataFrame):
    curve = roc(frame, draws=20)

    assert curve is not None
    area = np.trapezoid(curve.y, curve.x)
    assert area == pytest.approx(float(auroc(frame["label"].to_numpy(), frame["score"].to_numpy())), abs=0.01)
    assert (curve.x[0], curve.y[0], curve.y[-1]) == (0, 0, 1)


def test_the_band_holds_the_curve_and_narrows_with_more_patients(frame: pl.DataFrame):
    curve = roc(frame)
    more = pl.concat([frame.with_columns(pl.col("subject_id") + f"-{i}") for i in range(6)])
    narrow = roc(more)

    assert curve is not None
    assert narrow is not None
    assert (curve.low <= curve.y + 1e-9).mean() > 0.95
    assert (curve.high >= curve.y - 1e-9).mean() > 0.95
    assert (narrow.high - narrow.low).mean() < 0.7 * (curve.high - curve.low).mean()


def test_one_class_has_no_curve():
    assert roc(table(np.zeros(20), np.linspace(0, 1, 20))) is None


def test_seeds_are_averaged(frame: pl.DataFrame):
    both = pl.concat([frame, frame.with_columns(seed=pl.lit(1, pl.Int64), score=1 - pl.col("score"))])
    one, two = roc(frame, draws=20), roc(both, draws=20)

    assert one is not None
    assert two is not None
    assert np.trapezoid(two.y, two.x) == pytest.approx(0.5, abs=0.02)
