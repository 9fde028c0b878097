"""Each simple model is what it says: a covariate, a reading, a linear map of pixels; and sees training units only."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from semeia.archive import open_archive
from semeia.data.crops import CropSettings
from semeia.data.dataset import Dataset, open_dataset
from semeia.data.modalities import Table
from semeia.errors import InputError
from semeia.evaluation import auroc
from semeia.learning import linear
from semeia.learning.columns import Columns, numbers
from semeia.learning.linear import FILE, LinearModel, load_linear
from semeia.learning.simple import Simple, fit_simple, score_simple
from small_training import MODEL, values_of, with_arrays, with_modalities

Training = tuple[np.ndarray, np.ndarray]
SCANNER = ("manufacturer", "model", "kernel", "kvp")
SIMPLE = {
    "diameter": Simple(Columns(covariates=("diameter_mm",), log=True)),
    "z_extent": Simple(Columns(covariates=("z_extent_mm",))),
    "opinion": Simple(Columns(modality="opinion")),
    "scanner": Simple(Columns(covariates=SCANNER, categories=True)),
    "reading": Simple(Columns(modality="reading")),
    "components": Simple(Columns(modality="image"), fits="components"),
    "both": Simple(Columns(modality="image", others=("reading",)), fits="components"),
    "boosting": Simple(Columns(modality="reading"), fits="boosting"),
}
LINEAR = [name for name, simple in SIMPLE.items() if simple.fits != "boosting"]


@pytest.fixture(scope="session")
def data(archive: Path) -> Dataset:
    """With the opinion of the reader whose ratings are the input, which no model reads but its own."""
    opened = open_archive(archive)
    return open_dataset(opened, MODEL.modalities_of(opened) | {"opinion": Table(source="input_opinion")})


def fitted(name: str, data: Dataset, training: Training, unlabelled: np.ndarray | None = None) -> LinearModel:
    rows, labels = training
    return fit_simple(SIMPLE[name], data, rows, labels, unlabelled=rows if unlabelled is None else unlabelled, seed=0)


@pytest.mark.parametrize("name", SIMPLE)
def test_every_one_scores_and_is_stored(name: str, data: Dataset, training: Training, tmp_path: Path):
    rows, labels = training
    test, simple = np.arange(30, 48), SIMPLE[name]
    scores = score_simple(simple, data, rows, labels, unlabelled=np.arange(30), test=test, seed=0, folder=tmp_path)
    assert scores.shape == (18,)
    assert ((scores >= 0) & (scores <= 1)).all()
    if name in LINEAR:
        again = load_linear(tmp_path / FILE)
        assert again.reads is not None
        assert np.array_equal(again.score(data, test), scores)
        # A map of pixels saw all that may be seen without labels, the others the labelled patients.
        seen = np.arange(30) if simple.fits == "components" else rows
        subjects = data.units["subject_id"].to_numpy()
        assert np.array_equal(again.fitted_on.seen(data), np.isin(subjects, subjects[seen]))
    else:
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", LINEAR)
def test_test_units_change_nothing_that_is_fitted(name: str, data: Dataset, training: Training):
    rng = np.random.default_rng(0)
    kinds = ("image", "reading", "opinion")
    voxels, readings, opinions = (np.array(data.observations[kind].arrays.values) for kind in kinds)
    late = np.arange(30, len(data))
    voxels[data.observations["image"].of_rows(late)] = rng.integers(0, 256, voxels[:1].shape)
    readings[data.observations["reading"].of_rows(late)] = 5
    opinions[data.observations["opinion"].of_rows(late)] = 99
    units = data.units.with_columns(
        pl.when(pl.int_range(pl.len()) >= 30).then(99.0).otherwise(pl.col(column)).alias(column)
        for column in ("diameter_mm", "z_extent_mm")
    )
    other = replace(with_arrays(data, image=voxels, reading=readings, opinion=opinions), units=units)
    one, two = (fitted(name, given, training, np.arange(30)) for given in (data, other))
    assert np.array_equal(one.weight, two.weight)
    assert np.array_equal(one.bias, two.bias)


def test_components_are_the_pipeline_of_sklearn(data: Dataset, training: Training, monkeypatch: pytest.MonkeyPatch):
    rows, labels = training
    every, test = np.arange(30), np.arange(30, 48)
    chosen = []
    real = linear.fit_outputs

    def watched(x, labels, patients, *, classes, seed, strengths, balanced):
        """With one candidate, so that the pipeline needs no search."""
        chosen.append(strengths)
        return real(x, labels, patients, classes=classes, seed=seed, strengths=(0.1,), balanced=balanced)

    monkeypatch.setattr(linear, "fit_outputs", watched)
    model = fitted("components", data, training, every)
    assert chosen == [(0.1, 1.0, 10.0, 100.0)]

    voxels = values_of(data, "image")
    pixels = voxels[:, 0, voxels.shape[2] // 2].reshape(len(data), -1) / 255
    count = min(60, len(every) - 1)
    reduce = PCA(count, svd_solver="randomized", random_state=0).fit(pixels[every])
    # One scale for all, so that the penalty falls on those that vary least: each by its own would whiten them.
    spread = reduce.transform(pixels[rows]).std(axis=0).max()
    pipeline = make_pipeline(StandardScaler(with_std=False), LogisticRegression(C=0.1, max_iter=5000))
    pipeline.fit(reduce.transform(pixels[rows]) / spread, labels)
    expected = pipeline.predict_proba(reduce.transform(pixels[test]) / spread)[:, 1]
    np.testing.assert_allclose(model.score(data, test), expected, atol=1e-6)


def test_images_and_readings_share_a_penalty(data: Dataset, training: Training, monkeypatch: pytest.MonkeyPatch):
    rows, labels = training
    every, real = np.arange(30), linear.fit_outputs
    monkeypatch.setattr(linear, "fit_outputs", lambda *given, **named: real(*given, **named | {"strengths": (0.1,)}))
    model = fitted("both", data, training, every)
    voxels, readings = values_of(data, "image"), values_of(data, "reading").astype(float)
    pixels = voxels[:, 0, voxels.shape[2] // 2].reshape(len(data), -1) / 255
    reduce = PCA(29, svd_solver="randomized", random_state=0).fit(pixels[every])
    image, mean, sd = reduce.transform(pixels), readings[rows].mean(0), readings[rows].std(0)
    x = np.hstack([image / image[rows].std(0).max(), (readings - mean) / np.where(sd > 0, sd, np.inf)])
    x = x - x[rows].mean(0)
    expected = LogisticRegression(C=0.1, max_iter=5000).fit(x[rows], labels).predict_proba(x)[:, 1]
    np.testing.assert_allclose(model.score(data, np.arange(len(data))), expected, atol=1e-6)
    # What is missing counts as the mean: of an image that of all that were seen, of a reading that of the labelled.
    hidden = model.score(data, rows, hide=("image", "reading"))
    logit = model.bias[0] + np.concatenate([reduce.mean_, mean]) @ model.weight[:, 0]
    np.testing.assert_allclose(hidden, np.full(len(rows), 1 / (1 + np.exp(-logit))))


def test_readings_are_the_pipeline_of_sklearn(data: Dataset, training: Training):
    rows, labels = training
    model, readings = fitted("reading", data, training), values_of(data, "reading").astype(float)
    candidates = []
    for strength in (0.01, 0.1, 1.0):
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000))
        candidates.append(pipeline.fit(readings[rows], labels).predict_proba(readings)[:, 1])
    distances = [np.abs(model.score(data, np.arange(len(data))) - expected).max() for expected in candidates]
    assert min(distances) < 1e-6


@pytest.mark.parametrize("name", ["diameter", "z_extent"])
def test_shortcuts_read_one_column(data: Dataset, name: str):
    reads = SIMPLE[name].reads
    x, names = numbers(data, np.arange(len(data)), reads)
    values = data.units[reads.covariates[0]].cast(pl.Float64).to_numpy()
    assert names == reads.covariates
    np.testing.assert_allclose(x[:, 0], np.log(values) if reads.log else values)


def test_the_opinion_is_that_of_the_archive(data: Dataset, archive: Path):
    x, names = numbers(data, np.arange(len(data)), SIMPLE["opinion"].reads)
    assert names == ("malignancy",)
    readings = open_archive(archive).table("readings").filter(reader="input_opinion").select("unit_id", "value")
    expected = data.units.join(readings, on="unit_id", how="left", maintain_order="left")["value"]
    np.testing.assert_array_equal(x[:, 0], expected)


def test_diameter_ranks_as_diameter_does(data: Dataset, training: Training):
    rows, labels = training
    scores = fitted("diameter", data, training).score(data, rows)
    diameter = data.units["diameter_mm"].to_numpy()[rows]
    assert auroc(labels.astype(np.int8), scores) == auroc(labels.astype(np.int8), diameter / 100)


def test_a_scanner_never_seen_is_all_zeros(data: Dataset, training: Training):
    model = fitted("scanner", data, training)
    assert {name.split("=")[0] for name in model.columns} == set(SCANNER)
    strange = replace(data, units=data.units.with_columns(pl.lit("NEW").alias(c) for c in SCANNER))
    expected = np.repeat(1 / (1 + np.exp(-model.bias)), 5)
    np.testing.assert_allclose(model.score(strange, np.arange(5)), expected)


def test_a_missing_value_takes_the_training_mean(data: Dataset, training: Training):
    model = fitted("z_extent", data, training)
    gone = replace(data, units=data.units.with_columns(pl.lit(None, pl.Float64).alias("z_extent_mm")))
    mean = data.units["z_extent_mm"].to_numpy()[training[0]].mean()
    expected = 1 / (1 + np.exp(-(mean * model.weight[0] + model.bias)))
    np.testing.assert_allclose(model.score(gone, np.arange(3)), np.repeat(expected, 3))


def test_what_does_not_fit_is_refused(data: Dataset, training: Training, tmp_path: Path):
    rows, _ = training
    model = fitted("components", data, training)
    other = replace(data.modalities["image"], crop=CropSettings(voxels=(16, 16, 16), patch=(4, 2, 2)))
    with pytest.raises(InputError, match="the data were read as volumes"):
        model.score(with_modalities(data, image=other), rows)
    reading = fitted("reading", data, training)
    observed = data.observations["reading"]
    renamed = replace(observed, arrays=replace(observed.arrays, names=tuple("abcdefgh")))
    with pytest.raises(InputError, match="the archive has a, b, c"):
        reading.score(replace(data, observations=data.observations | {"reading": renamed}), rows)
    nothing = {name: one for name, one in data.observations.items() if name != "reading"}
    with pytest.raises(InputError, match="the data have no 'reading'"):
        reading.score(replace(data, observations=nothing), rows)
    narrow = replace(data, units=data.units.drop("diameter_mm"))
    with pytest.raises(InputError, match="no column diameter_mm"):
        fitted("diameter", narrow, training)
    model.save(tmp_path)
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:-4])
    with pytest.raises(InputError, match="damaged"):
        load_linear(tmp_path / FILE)
