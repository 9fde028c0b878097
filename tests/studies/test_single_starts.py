"""Fine-tuning on grades, and from published weights of photographs."""

from pathlib import Path

import polars as pl
import pytest
import torch

from semeia.data.modalities import Picture
from semeia.encoders.build import EMBEDDINGS
from semeia.errors import InputError
from semeia.learning.weights import WIDTHS, convert_weights
from semeia.readers import ingest_images
from semeia.studies.own import IMAGENET
from semeia.studies.predict import predict
from semeia.studies.run.record import read_record
from semeia.studies.single import finetune_archive
from small_training import FINETUNE, PICTURES, nodule_archive, picture_archive

pytestmark = pytest.mark.usefixtures("short_evaluation")


def graded(folder: Path, grades: tuple[int, ...]) -> Path:
    """An archive of pictures whose rows have these grades in turn."""
    picture_archive(folder)
    table = pl.read_csv(folder / "table.csv")
    turn = [grades[row % len(grades)] for row in range(table.height)]
    table.with_columns(grade=pl.Series(turn)).write_csv(folder / "graded.csv")
    ingest_images(
        folder / "files",
        table=folder / "graded.csv",
        into=folder / "graded",
        image="file",
        subject="patient",
        label="grade",
        split="split",
    )
    return folder / "graded"


@pytest.mark.parametrize("ordinal", [False, True])
def test_grades_are_fitted_scored_and_judged_in_their_order_where_that_is_asked(tmp_path: Path, ordinal: bool):
    archive, run = graded(tmp_path, (0, 1, 2)), tmp_path / "run"
    table = finetune_archive(
        archive,
        out=run,
        pretrained=None,
        outcome="grade",
        mode="finetune",
        pretraining=PICTURES,
        settings=FINETUNE,
        ordinal=ordinal,
    )
    scores = table.select("score_0", "score_1", "score_2")
    assert (scores.sum_horizontal() - 1).abs().max() < 1e-6  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    metrics = set(pl.read_csv(run / "results.csv")["metric"])
    assert "macro_auroc" in metrics
    assert ("quadratic_kappa" in metrics) == ordinal
    again = predict(run, archive=archive, skip_seen=True)
    assert again.select(scores.columns).equals(scores)


def test_grades_with_a_gap_are_refused_in_words(tmp_path: Path):
    archive = graded(tmp_path, (0, 1, 3))
    with pytest.raises(InputError, match="or classes counted from 0 without a gap"):
        finetune_archive(archive, out=tmp_path / "run", pretrained=None, outcome="grade", pretraining=PICTURES)


def test_published_weights_are_a_start(pictures: Path, pretrained: Path, tmp_path: Path):
    assert IMAGENET.image == "efficientnet_lite0"
    embedding = EMBEDDINGS[IMAGENET.image](WIDTHS[IMAGENET.image], modality=Picture(crop=IMAGENET.crop))
    run, weights = tmp_path / "run", tmp_path / "w.safetensors"
    torch.save(dict(embedding.network.state_dict()), tmp_path / "w.pth")  # pyright: ignore[reportAttributeAccessIssue]
    convert_weights(tmp_path / "w.pth", out=weights)
    table = finetune_archive(
        pictures, out=run, pretrained=None, outcome="label", mode="frozen", imagenet=weights, settings=FINETUNE
    )
    assert set(table["arm"]) == {"imagenet"}
    record = read_record(run)
    assert record["arms"]["imagenet"]["start"].startswith("published ImageNet weights")
    with pytest.raises(InputError, match="two starts"):
        finetune_archive(pictures, out=run, pretrained=pretrained, outcome="label", imagenet=weights)
    with pytest.raises(InputError, match="volumes"):
        finetune_archive(
            nodule_archive(tmp_path / "nodules", 8),
            out=tmp_path / "no",
            pretrained=None,
            outcome="malignancy",
            imagenet=weights,
        )
