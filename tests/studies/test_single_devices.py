"""Pretraining shared by the processes of a machine: one run, kept by the first of them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from semeia.errors import InputError
from semeia.learning import loop
from semeia.learning.cells import is_finished
from semeia.learning.checkpoint import load_tensors, save_tensors
from semeia.sharding import is_sharded, shard
from semeia.studies.run.record import read_record
from semeia.studies.single import pretrain_archive
from small_training import LOOP, PICTURES, read_metrics


def test_two_processes_keep_one_run_with_the_losses_of_one(
    pictures: Path, pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The first one writes it; where it was stopped, both go on to the same bits."""

    def last_save(*given: object) -> None:
        save_tensors(*given)  # pyright: ignore[reportArgumentType]
        raise KeyboardInterrupt

    run, stopped = tmp_path / "run", tmp_path / "stopped"
    saving = replace(PICTURES, loop=replace(LOOP, save_every=2))
    verdict = pretrain_archive(pictures, out=run, settings=saving, devices=2)
    alone, together = read_metrics(pretrained / "metrics.jsonl"), read_metrics(run / "metrics.jsonl")
    assert [line["step"] for line in together] == [line["step"] for line in alone]
    for one, other in zip(alone, together, strict=True):
        assert one["prediction"] == pytest.approx(other["prediction"], rel=1e-5)
    assert read_record(run)["pretraining"][0]["verdict"] == verdict

    monkeypatch.setattr(loop, "save_tensors", last_save)
    with pytest.raises(KeyboardInterrupt):
        pretrain_archive(pictures, out=stopped, settings=saving, devices=2)
    monkeypatch.undo()
    (cell,) = stopped.glob("pretrained/*/*")
    assert not is_finished(cell)
    pretrain_archive(pictures, out=stopped, settings=saving, devices=2)
    for path in run.rglob("*.safetensors"):
        assert (stopped / path.relative_to(run)).read_bytes() == path.read_bytes()


def test_processes_that_keep_a_part_of_the_weights_each_train_the_same_model(
    pictures: Path, pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Losses and what is kept are those of one process; a run that was begun alone goes on in parts."""

    held = []

    def sharded(network, *given, **named):
        plain = shard(network, *given, **named)
        held.extend(is_sharded(weights) for weights in network.parameters())
        return plain

    def first_save(*given: object) -> None:
        save_tensors(*given)  # pyright: ignore[reportArgumentType]
        raise KeyboardInterrupt

    run = tmp_path / "run"
    settings = replace(PICTURES, loop=replace(LOOP, save_every=2, shard=True))
    monkeypatch.setattr(loop, "save_tensors", first_save)
    with pytest.raises(KeyboardInterrupt):
        pretrain_archive(pictures, out=run, settings=settings)
    monkeypatch.undo()
    monkeypatch.setattr(loop, "shard", sharded)
    pretrain_archive(pictures, out=run, settings=settings, devices=2)
    assert held
    assert all(held)
    alone, together = read_metrics(pretrained / "metrics.jsonl"), read_metrics(run / "metrics.jsonl")
    assert [line["step"] for line in together] == [line["step"] for line in alone]
    for one, other in zip(alone, together, strict=True):
        assert one["prediction"] == pytest.approx(other["prediction"], rel=1e-5)
    files = list(pretrained.rglob("*.safetensors"))
    assert files
    for path in files:
        expected, kept = load_tensors(path)[0], load_tensors(run / path.relative_to(pretrained))[0]
        assert kept.keys() == expected.keys()
        for name, tensor in kept.items():
            torch.testing.assert_close(tensor, expected[name], rtol=1e-3, atol=1e-4)


def test_fewer_processes_than_one_are_refused(pictures: Path, tmp_path: Path):
    with pytest.raises(InputError, match="devices is 0; it must be 1 or more"):
        pretrain_archive(pictures, out=tmp_path / "run", settings=PICTURES, devices=0)
