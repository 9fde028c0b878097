"""Each baseline is what it says: a covariate, a reading, a linear map of pixels; and sees training units only."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from semeia.errors import InputError
from semeia.evaluation import auroc
from semeia.learning import baselines
from semeia.learning.baselines import BASELINES, FILE, fit_baseline, load_baseline, numbers, score_baseline
from semeia.views.crops import CropSettings
from semeia.views.dataset import PatientData

Training = tuple[np.ndarray, np.ndarray]
LINEAR = [name for name, baseline in BASELINES.items() if baseline.fits != "boosting"]


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_scores_and_is_stored(name: str, data: PatientData, training: Training, tmp_path: Path):
    rows, labels = training
    test = np.arange(30, 48)
    scores = score_baseline(name, data, rows, labels, unlabelled=np.arange(30), test=test, seed=0, folder=tmp_path)
    assert scores.shape == (18,)
    assert ((scores >= 0) & (scores <= 1)).all()
    if name in LINEAR:
        again = load_baseline(tmp_path / FILE)
        assert np.array_equal(again.score(data, test), scores)
        # A map of pixels saw all that may be seen without labels, the others the labelled patients.
        seen = np.arange(30) if name == "image_components" else rows
        subjects = data.units["subject_id"].to_numpy()
        assert np.array_equal(again.fitted_on.seen(data), np.isin(subjects, subjects[seen]))
    else:
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", LINEAR)
def test_test_units_change_nothing_that_is_fitted(name: str, data: PatientData, training: Training):
    rows, labels = training
    rng = np.random.default_rng(0)
    voxels, readings = data.voxels.copy(), data.readings.copy()
    voxels[30:], readings[30:] = rng.integers(0, 256, voxels[30:].shape), 5
    late = pl.Series(np.arange(len(data)) >= 30)
    units = data.units.with_columns(
        pl.when(late).then(99.0).otherwise(pl.col(column)).alias(column)
        for column in ("diameter_mm", "z_extent_mm", "input_opinion")
    )
    other = replace(data, voxels=voxels, readings=readings, units=units)
    fitted = [fit_baseline(name, given, rows, labels, unlabelled=np.arange(30), seed=0) for given in (data, other)]
    assert np.array_equal(fitted[0].weight, fitted[1].weight)
    assert fitted[0].bias == fitted[1].bias


def test_components_are_the_pipeline_of_sklearn(data: PatientData, training: Training, monkeypatch: pytest.MonkeyPatch):
    rows, labels = training
    every, test = np.arange(30), np.arange(30, 48)
    chosen = []
    real = baselines.fit_linear

    def watched(x, labels, patients, *, seed, strengths):
        """With one candidate, so that the pipeline needs no search."""
        chosen.append(strengths)
        return real(x, labels, patients, seed=seed, strengths=(0.1,))

    monkeypatch.setattr(baselines, "fit_linear", watched)
    fitted = fit_baseline("image_components", data, rows, labels, unlabelled=every, seed=0)
    assert chosen == [(0.01, 0.1, 1.0)]

    pixels = data.voxels[:, data.voxels.shape[1] // 2].reshape(len(data), -1) / 255
    count = min(60, len(every) - 1)
    reduce = PCA(count, svd_solver="randomized", random_state=0).fit(pixels[every])
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=5000))
    pipeline.fit(reduce.transform(pixels[rows]), labels)
    expected = pipeline.predict_proba(reduce.transform(pixels[test]))[:, 1]
    np.testing.assert_allclose(fitted.score(data, test), expected, atol=1e-6)


def test_readings_are_the_pipeline_of_sklearn(data: PatientData, training: Training):
    rows, labels = training
    fitted = fit_baseline("reading_logistic", data, rows, labels, unlabelled=rows, seed=0)
    candidates = []
    for strength in (0.01, 0.1, 1.0):
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000))
        candidates.append(pipeline.fit(data.readings[rows].astype(float), labels).predict_proba(data.readings)[:, 1])
    distances = [np.abs(fitted.score(data, np.arange(len(data))) - expected).max() for expected in candidates]
    assert min(distances) < 1e-6


def test_shortcuts_read_one_column(data: PatientData):
    rows = np.arange(len(data))
    for reads, column in (("diameter", "diameter_mm"), ("z_extent", "z_extent_mm"), ("opinion", "input_opinion")):
        x, names = numbers(data, rows, reads)
        values = data.units[column].cast(pl.Float64).to_numpy()
        assert names == (column,)
        np.testing.assert_allclose(x[:, 0], np.log(values) if reads == "diameter" else values)


def test_diameter_ranks_as_diameter_does(data: PatientData, training: Training):
    rows, labels = training
    scores = fit_baseline("diameter", data, rows, labels, unlabelled=rows, seed=0).score(data, rows)
    diameter = data.units["diameter_mm"].to_numpy()[rows]
    assert auroc(labels.astype(np.int8), scores) == auroc(labels.astype(np.int8), diameter / 100)


def test_a_scanner_never_seen_is_all_zeros(data: PatientData, training: Training):
    rows, labels = training
    fitted = fit_baseline("scanner", data, rows, labels, unlabelled=rows, seed=0)
    assert {name.split("=")[0] for name in fitted.names} == {"manufacturer", "model", "kernel", "kvp"}
    strange = replace(
        data, units=data.units.with_columns(pl.lit("NEW").alias(c) for c in ("manufacturer", "model", "kernel", "kvp"))
    )
    expected = np.repeat(1 / (1 + np.exp(-fitted.bias)), 5)
    np.testing.assert_allclose(fitted.score(strange, np.arange(5)), expected)


def test_a_missing_value_takes_the_training_mean(data: PatientData, training: Training):
    rows, labels = training
    fitted = fit_baseline("z_extent", data, rows, labels, unlabelled=rows, seed=0)
    gone = replace(data, units=data.units.with_columns(pl.lit(None, pl.Float64).alias("z_extent_mm")))
    mean = data.units["z_extent_mm"].to_numpy()[rows].mean()
    expected = 1 / (1 + np.exp(-(mean * fitted.weight[0] + fitted.bias)))
    np.testing.assert_allclose(fitted.score(gone, np.arange(3)), np.repeat(expected, 3))


def test_what_does_not_fit_is_refused(data: PatientData, training: Training, tmp_path: Path):
    rows, labels = training
    fitted = fit_baseline("image_components", data, rows, labels, unlabelled=rows, seed=0)
    with pytest.raises(InputError, match="fitted on crops"):
        fitted.score(replace(data, crop=CropSettings(voxels=(16, 16, 16), patch=(4, 2, 2))), rows)
    reading = fit_baseline("reading_logistic", data, rows, labels, unlabelled=rows, seed=0)
    with pytest.raises(InputError, match="the archive has none"):
        reading.score(replace(data, items=(), readings=np.zeros((len(data), 0), np.float32)), rows)
    narrow = replace(data, units=data.units.drop("diameter_mm"))
    with pytest.raises(InputError, match="no column diameter_mm"):
        fit_baseline("diameter", narrow, rows, labels, unlabelled=rows, seed=0)
    fitted.save(tmp_path)
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:-4])
    with pytest.raises(InputError, match="damaged"):
        load_baseline(tmp_path / FILE)
