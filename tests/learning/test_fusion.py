"""An encoder each, pretrained, fused by labels, stored, read again, and used on an archive it never saw."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from semeia.archive.atomic import write_json
from semeia.data.augment import AugmentSettings
from semeia.data.crops import CropSettings
from semeia.data.dataset import Dataset, array_dataset
from semeia.data.modalities import Picture
from semeia.encoders.fusion import with_fusion
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.learning.checkpoint import load_tensors, save_tensors
from semeia.learning.finetune import finetune, fresh_model
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.pretrain import pretrain
from semeia.learning.schedule import OptimiserSettings
from semeia.learning.scoring import embed
from semeia.objectives.albef import AlbefSettings
from semeia.objectives.build import ObjectiveSettings
from semeia.objectives.heads.fused import FusedHead, FusionSettings
from semeia.studies.predict import predict
from semeia.studies.run.embedding import shift_map
from small_training import FINETUNE, PRETRAIN, values_of, with_arrays

APART = replace(PRETRAIN.model.encoder, mixing="apart")
FUSION = FusionSettings(depth=2, clusters=3)
Training = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def start(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Model:
    rows = np.flatnonzero((data.units["subject_id"] <= 15).to_numpy())
    settings = replace(PRETRAIN, model=replace(PRETRAIN.model, encoder=APART))
    folder = tmp_path_factory.mktemp("apart")
    return pretrain(data, rows, modalities=("image", "reading"), settings=settings, folder=folder)


def fused(
    start: Model,
    data: Dataset,
    training: Training,
    folder: Path,
    *,
    mode: str = "finetune",
    encoder_lr: float = 3e-4,
    **fusion: object,
) -> Model:
    rows, labels = training
    supervised = replace(FINETUNE.supervised, fusion=replace(FUSION, **fusion))  # pyright: ignore[reportArgumentType]
    pretrained = replace(FINETUNE.pretrained, encoder_lr=encoder_lr)
    settings = replace(FINETUNE, supervised=supervised, pretrained=pretrained)
    unlabelled = np.flatnonzero((data.units["subject_id"] <= 15).to_numpy())
    return finetune(
        data,
        rows,
        labels,
        start=copy.deepcopy(start),
        mode=mode,  # pyright: ignore[reportArgumentType]
        settings=settings,
        unlabelled=unlabelled,
        folder=folder,
    )


@pytest.mark.parametrize("inference", ["fused", "entropy", "evidential"])
def test_a_stored_fusion_gives_the_same_scores_and_scores_what_lacks_a_modality(
    start: Model, data: Dataset, training: Training, tmp_path: Path, inference: str
):
    model = fused(start, data, training, tmp_path, inference=inference, symmetric=inference == "entropy")
    again = load_model(tmp_path / FILE)
    assert again.encoder.settings.mixing == ("symmetric" if inference == "entropy" else "cross")
    scores = model.score(data)
    np.testing.assert_array_equal(again.score(data), scores)
    assert ((scores > 0) & (scores < 1)).all()
    for name in ("image", "reading"):
        alone = again.score(data, hide=(name,))
        assert np.isfinite(alone).all()
        assert not np.allclose(alone, scores)
    before, after = start.encoder.state_dict(), again.encoder.state_dict()
    for modality in ("blocks.0", "blocks.1"):
        assert any(not torch.equal(after[name], before[name]) for name in before if name.startswith(modality))


def test_the_dictionary_is_of_training_images_alone(start: Model, data: Dataset, training: Training, tmp_path: Path):
    test = (data.units["subject_id"] > 15).to_numpy()
    values = values_of(data, "reading").copy()
    values[test] += 50.0
    changed = with_arrays(data, reading=values)
    heads = [fused(start, each, training, tmp_path / name).head for name, each in (("one", data), ("other", changed))]
    for one, other in zip(heads[0].buffers(), heads[1].buffers(), strict=True):
        assert torch.equal(one, other)
    assert isinstance(heads[0], FusedHead)
    assert heads[0].dictionary.centres.any()
    seen = load_model(tmp_path / "one" / FILE).preprocessing.fitted_on.seen(data)
    np.testing.assert_array_equal(seen, ~test)


def test_a_fusion_needs_an_encoder_each_and_a_probe_sets_one_head(
    start: Model, pretrained: Model, data: Dataset, training: Training, tmp_path: Path
):
    with pytest.raises(InputError, match="a fusion joins an encoder each"):
        fused(pretrained, data, training, tmp_path)
    with pytest.raises(InputError, match="a frozen probe sets one only"):
        fused(start, data, training, tmp_path, mode="frozen", inference="evidential")
    frozen = fused(start, data, training, tmp_path, mode="frozen")
    assert all(torch.equal(one, two) for one, two in zip(frozen.encoder.kind, start.encoder.kind, strict=True))


def test_at_an_encoder_rate_of_0_the_fusion_alone_moves(
    start: Model, data: Dataset, training: Training, tmp_path: Path
):
    still, moved = (
        fused(start, data, training, tmp_path / str(rate), encoder_lr=rate).encoder.state_dict() for rate in (0.0, 3e-4)
    )
    for name, before in start.encoder.state_dict().items():
        assert torch.equal(still[name], before), name
    fresh = with_fusion(copy.deepcopy(start.encoder), symmetric=False, depth=2, seed=0).state_dict()
    assert all(
        not torch.equal(still[name], fresh[name])
        for name in fresh
        if name.endswith("linear1.weight") and "fusion" in name
    )
    assert any(not torch.equal(moved[name], before) for name, before in start.encoder.state_dict().items())


def test_from_scratch_too(data: Dataset, training: Training, tmp_path: Path):
    rows, labels = training
    fresh = fresh_model(data, rows, modalities=("image", "reading"), settings=APART, seed=0)
    settings = replace(FINETUNE, supervised=replace(FINETUNE.supervised, fusion=FUSION))
    model = finetune(
        data, rows, labels, start=fresh, mode="finetune", pretrained=False, settings=settings, folder=tmp_path
    )
    assert model.head is not None
    assert not torch.equal(model.head.sd, torch.ones_like(model.head.sd))


def test_an_archive_never_seen_is_predicted_and_embedded(
    start: Model, data: Dataset, training: Training, unseen: Path, tmp_path: Path
):
    fused(start, data, training, tmp_path / "cells/mics/finetune/1/seed-0")
    common = {"image": torch.nn.Linear(start.encoder.pooled_width(), 4)}
    replace(start, common=common).save(tmp_path / "pretrained/mics/seed-0")
    write_json(tmp_path / "run.json", {"study": "gastro", "config": {"outcome": "malignancy"}, "seeds": [0]})
    table = predict(tmp_path, archive=unseen, arm="mics")
    assert table.height == 16
    assert table["score"].is_between(0, 1).all()
    image = predict(tmp_path, archive=unseen, arm="mics", modalities=("image",))
    assert not image["score"].equals(table["score"])
    embedding = embed(tmp_path, archive=unseen, arm="mics")
    assert embedding.height == 16
    assert embedding.select(pl.selectors.starts_with("e")).width == 2 * 2 * APART.dim
    compared = embedding.select(pl.selectors.starts_with("image_")).to_numpy()
    np.testing.assert_allclose(np.linalg.norm(compared, axis=1), np.ones(16), rtol=1e-5)
    assert embed(tmp_path, archive=unseen, arm="mics", modalities=("reading",))["image_0"].is_null().all()


def test_a_description_that_was_edited_is_refused(start: Model, data: Dataset, training: Training, tmp_path: Path):
    fused(start, data, training, tmp_path)
    tensors, about = load_tensors(tmp_path / FILE)
    for name, value in (
        ("fusion", {"clusters": 4}),
        ("fusion", {"clusters": 2**40}),
        ("fusion", None),
        ("encoder", about["encoder"] | {"fusion_depth": 10**7}),
    ):
        save_tensors(tmp_path / FILE, tensors, {**about, name: value})
        with pytest.raises(InputError, match=str(tmp_path)):
            load_model(tmp_path / FILE)


def test_units_are_placed_before_and_after_the_shift(start: Model, data: Dataset, training: Training, tmp_path: Path):
    model = fused(start, data, training, tmp_path)
    rows = np.arange(len(data))
    table = shift_map(model, data, fitted=training[0], shown=rows)
    assert table.columns == ["unit_id", "feature", "x", "y"]
    assert table.height == 3 * len(data)  # all have both modalities
    moved = table.filter(pl.col("feature") == "image").join(table.filter(pl.col("feature") == "fused"), on="unit_id")
    assert (moved["x"] - moved["x_right"]).abs().max() > 1e-3
    still = shift_map(fused(start, data, training, tmp_path / "none", scale=0.0), data, fitted=training[0], shown=rows)
    assert still.group_by("unit_id").agg(pl.col("x").n_unique())["x"].max() == 1
    with pytest.raises(InputError, match=r"fine-tuned with supervised\.fusion"):
        shift_map(start, data, fitted=training[0], shown=rows)


def test_a_picture_finds_its_other_modality_in_the_common_space(tmp_path: Path):
    generator = np.random.default_rng(0)  # mixtures of four textures
    pictures = np.tensordot(generator.random((120, 4)), generator.random((4, 16, 16)) / 4, 1).astype(np.float32)
    crop = CropSettings(voxels=(1, 16, 16), patch=(1, 8, 8))
    modality = Picture(crop=crop)
    data = array_dataset({"white": (modality, pictures), "narrow": (modality, 1 - pictures)})
    settings = replace(
        PRETRAIN,
        model=ModelSettings(encoder=replace(APART, dim=32)),
        objective=ObjectiveSettings(terms=("albef",), albef=AlbefSettings(queue=0, momentum=0.9, soft=0.0, dim=16)),
        optimiser=OptimiserSettings(steps=60, batch=32, lr=3e-3),
        augmentation=AugmentSettings(degrees=0.0, shift=0.0, contrast=0.0, brightness=0.0, flip=False),
    )
    model = pretrain(data, settings=settings, folder=tmp_path)
    measures = json.loads((tmp_path / "diagnostics.json").read_text())["diagnostics"]
    # Chance is 1 in 36.
    assert min(measures["white_finds_narrow"], measures["narrow_finds_white"]) > 0.3
    again = load_model(tmp_path / FILE)
    pooled, _ = model.pooled(data, np.arange(120))
    for name, vectors in again.compared(pooled).items():
        assert torch.equal(vectors, model.compared(pooled)[name])
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(120))
    assert list(model.only(("narrow",)).common) == ["narrow"]
    tensors, about = load_tensors(tmp_path / FILE)
    save_tensors(tmp_path / FILE, tensors, {**about, "common": ["white", "x-ray"]})
    with pytest.raises(InputError, match="not all of them are read"):
        load_model(tmp_path / FILE)
