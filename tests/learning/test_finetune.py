"""From labels to a model: a frozen encoder stays as it is, a probe is the starting point, seen patients are kept."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from semeia.data.dataset import Dataset
from semeia.data.fingerprint import fingerprint
from semeia.errors import InputError
from semeia.learning.finetune import FinetuneSettings, finetune, fresh_model
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.probe import fit_linear
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.semi_supervised import SemiSupervisedSettings
from semeia.objectives.task import BINARY
from small_training import FINETUNE, MODEL

Training = tuple[np.ndarray, np.ndarray]


def fit(
    start: Model,
    data: Dataset,
    training: Training,
    folder: Path,
    mode: str,
    *,
    pretrained: bool = True,
    settings: FinetuneSettings = FINETUNE,
) -> Model:
    rows, labels = training
    return finetune(
        data,
        rows,
        labels,
        start=copy.deepcopy(start),
        mode=mode,  # pyright: ignore[reportArgumentType]
        pretrained=pretrained,
        settings=settings,
        seed=0,
        folder=folder,
    )


def moved(one: Model, other: Model) -> bool:
    pairs = zip(one.encoder.parameters(), other.encoder.parameters(), strict=True)
    return any(not torch.equal(a, b) for a, b in pairs)


def test_frozen_is_a_probe_on_an_encoder_left_alone(
    pretrained: Model, data: Dataset, training: Training, tmp_path: Path
):
    model = fit(pretrained, data, training, tmp_path, "frozen")
    assert not moved(model, pretrained)
    assert not (tmp_path / "metrics.jsonl").exists()

    rows, labels = training
    pooled, there = pretrained.pooled(data, rows)
    assert bool(there.all())
    x = pooled.double().numpy().reshape(len(rows), -1)
    x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-3)
    probe = fit_linear(x.astype(np.float32), labels, data.units["subject_id"].to_numpy()[rows], seed=0)
    expected = 1 / (1 + np.exp(-(x @ probe.weight + probe.bias)))
    np.testing.assert_allclose(model.score(data, rows), expected, atol=1e-3)


def test_balanced_classes_are_asked_for_by_a_setting_and_kept(
    pretrained: Model, data: Dataset, training: Training, tmp_path: Path
):
    rows, labels = training
    ill = np.flatnonzero(labels == 1)[:4]
    few = np.sort(np.concatenate([np.flatnonzero(labels == 0), ill]))
    balanced = replace(FINETUNE, supervised=replace(FINETUNE.supervised, balanced=True))
    plain, fair = (
        fit(pretrained, data, (rows[few], labels[few]), tmp_path / name, "frozen", settings=settings)
        for name, settings in (("plain", FINETUNE), ("fair", balanced))
    )
    assert fair.score(data, rows).mean() > plain.score(data, rows).mean()
    kept = load_model(tmp_path / "fair" / FILE).head
    assert kept is not None
    assert kept.task == BINARY.balanced(labels[few])


@pytest.mark.parametrize("mode", ["finetune", "probe_finetune"])
def test_the_encoder_moves(pretrained: Model, data: Dataset, training: Training, tmp_path: Path, mode: str):
    model = fit(pretrained, data, training, tmp_path, mode)
    assert moved(model, pretrained)
    assert (tmp_path / "metrics.jsonl").exists()


def test_probe_finetune_begins_where_the_probe_ends(
    pretrained: Model, data: Dataset, training: Training, tmp_path: Path
):
    still = OptimiserSettings(steps=1, batch=4, lr=1e-12, encoder_lr=1e-12, weight_decay=(0.0, 0.0))
    rows, labels = training
    scores = {}
    for mode in ("frozen", "probe_finetune", "finetune"):
        model = finetune(
            data,
            rows,
            labels,
            start=copy.deepcopy(pretrained),
            mode=mode,  # pyright: ignore[reportArgumentType]
            pretrained=True,
            settings=replace(FINETUNE, pretrained=still),
            seed=0,
            folder=tmp_path / mode,
        )
        scores[mode] = model.score(data, rows)
    np.testing.assert_allclose(scores["probe_finetune"], scores["frozen"], atol=1e-5)
    np.testing.assert_allclose(scores["finetune"], 0.5, atol=1e-5)


@pytest.mark.parametrize("mode", ["finetune", "probe_finetune", "frozen"])
def test_from_scratch(data: Dataset, training: Training, tmp_path: Path, mode: str):
    rows = np.arange(30)
    scores = []
    for place in range(2):
        torch.manual_seed(place)
        start = fresh_model(data, rows, modalities=("image",), settings=MODEL.encoder, seed=3)
        model = fit(start, data, training, tmp_path / str(place), mode, pretrained=False)
        scores.append(model.score(data, rows))
    assert np.array_equal(*scores)
    assert ((scores[0] > 0) & (scores[0] < 1)).all()
    assert scores[0].std() > 0
    # The head of any start reads features of mean 0 and spread 1, or a network from scratch would be no yardstick.
    untrained = fresh_model(data, training[0], modalities=("image",), settings=MODEL.encoder, seed=3)
    pooled, _ = untrained.pooled(data, training[0])
    assert model.head is not None
    assert torch.allclose(model.head.mean, pooled.mean(0), atol=1e-4)


def test_a_finished_folder_is_read(pretrained: Model, data: Dataset, training: Training, tmp_path: Path):
    model = fit(pretrained, data, training, tmp_path, "finetune")
    stamp = (tmp_path / FILE).stat().st_mtime_ns
    again = fit(pretrained, data, training, tmp_path, "finetune")
    assert (tmp_path / FILE).stat().st_mtime_ns == stamp
    assert np.array_equal(model.score(data, np.arange(9)), again.score(data, np.arange(9)))


@pytest.mark.parametrize("mode", ["frozen", "finetune"])
def test_a_head_that_reads_places_is_saved_as_one(
    pretrained: Model, data: Dataset, training: Training, tmp_path: Path, mode: str
):
    settings = replace(FINETUNE, supervised=replace(FINETUNE.supervised, cells=(1, 2, 2)))
    model = fit(pretrained, data, training, tmp_path, mode, settings=settings)
    assert model.head is not None
    assert model.head.mean.shape[1] == model.encoder.settings.dim * (2 + 4)
    rows, _ = training
    again = load_model(tmp_path / FILE)
    np.testing.assert_array_equal(again.score(data, rows), model.score(data, rows))
    whole = fit(pretrained, data, training, tmp_path / "whole", mode)
    assert np.abs(whole.score(data, rows) - model.score(data, rows)).max() > 1e-6


def test_whoever_gave_labels_counts_as_seen(pretrained: Model, data: Dataset, tmp_path: Path):
    """Also when the encoder was pretrained on others: a later test on these patients would flatter."""
    late = np.flatnonzero((data.units["subject_id"] > 20).to_numpy())
    assert not pretrained.preprocessing.fitted_on.seen(data)[late].any()
    model = fit(pretrained, data, (late, (np.arange(len(late)) // 2 % 2).astype(float)), tmp_path, "frozen")
    seen = model.preprocessing.fitted_on.seen(data)
    assert seen[late].all()
    assert np.array_equal(seen, pretrained.preprocessing.fitted_on.seen(data) | np.isin(np.arange(len(data)), late))
    assert model.preprocessing.fitted_on == pretrained.preprocessing.fitted_on | fingerprint(data, late)


def test_one_class_and_unknown_modes_are_refused(pretrained: Model, data: Dataset, training: Training, tmp_path: Path):
    with pytest.raises(InputError, match="one class"):
        fit(pretrained, data, (training[0], np.ones(len(training[0]))), tmp_path, "finetune")
    assert not list(tmp_path.iterdir())


def test_unlabelled_units_change_what_is_learnt_and_count_as_seen(data: Dataset, training: Training, tmp_path: Path):
    rows, labels = training[0][:6], training[1][:6]
    others = np.setdiff1d(np.arange(len(data)), rows)[:8]
    start = fresh_model(data, rows, modalities=("image",), settings=MODEL.encoder, seed=0)
    models = {}
    for name, semi in {"alone": None, "taught": SemiSupervisedSettings("mean_teacher", rise=0.0)}.items():
        models[name] = finetune(
            data, rows, labels, start=copy.deepcopy(start), mode="finetune", pretrained=False, settings=FINETUNE,
            folder=tmp_path / name, unlabelled=others, semi=semi,
        )  # fmt: skip
    assert moved(models["taught"], start)
    assert moved(models["taught"], models["alone"])
    assert models["taught"].preprocessing.fitted_on.seen(data)[others].all()
    again = load_model(tmp_path / "taught" / FILE)
    assert np.allclose(again.score(data, others), models["taught"].score(data, others))
