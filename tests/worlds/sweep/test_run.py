"""Cells of a map: kept as files, run once, every arm on the same patients, whichever cells are trained beside them."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from semeia.errors import InputError
from semeia.worlds.observe import Missing
from semeia.worlds.sweep import run as running
from semeia.worlds.sweep.arms import run_cells
from semeia.worlds.sweep.condition import Condition
from semeia.worlds.sweep.finetuning import SmallFinetuning
from semeia.worlds.sweep.pretraining import SmallPretraining
from semeia.worlds.sweep.run import Place, chunks, folder_of, read_places, run_places
from semeia.worlds.world import Site, WorldSettings

SMALL = Condition(
    world=WorldSettings(structure="dial", lam=1.0),
    labels=40,
    unlabelled=600,
    labelled_images=200,
    test=300,
    objectives=("ema",),
    pretraining=SmallPretraining(hidden=8, width=4, predictor=8, steps=60, batch=32),
    finetuning=SmallFinetuning(steps=40, batch=16, every=10),
    sites=(("kappa 0", Site(kappa=0.0)),),
    boosting=False,
)
PLACES = [
    Place("lam", str(lam), replace(SMALL, world=replace(SMALL.world, lam=lam), boosting=not lam)) for lam in (0.0, 1.0)
]
ARMS = {
    *("scratch", "image_only", "record_only", "random_frozen", "ema_finetune", "ema_frozen", "incomplete_finetune"),
    *("ridge", "canonical", "bayes", "oracle"),
}


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("map")
    run_places(PLACES, seeds=(0, 1), out=folder, workers=1, where="local", together=3)
    return folder


def test_every_arm_of_every_cell_is_kept_with_what_was_measured(out: Path):
    areas, diagnostics = read_places(PLACES, seeds=(0, 1), out=out)
    for value, arms in (("0.0", ARMS | {"boosting"}), ("1.0", ARMS)):
        of_value = areas.filter(pl.col("value") == value)
        assert set(of_value["arm"]) == arms
        assert of_value.height == len(arms) * 2 * 2
    assert set(areas["cohort"]) == {"internal", "kappa 0"}
    assert areas["auroc"].is_between(0, 1).all()
    assert set(areas["draws"].list.len()) == {200}
    top = areas.filter(pl.col("cohort") == "internal").group_by("arm").agg(pl.col("auroc").mean())
    assert top.sort("auroc")["arm"].to_list()[-1] in ("bayes", "oracle")
    assert {"ema_r2", "ema_r2_shuffled", "ema_effective_rank", "random_r2"} <= set(diagnostics.columns)
    assert diagnostics["ema_r2_shuffled"].abs().max() < 0.1  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]


def test_a_ray_cluster_gives_the_same_cells(tmp_path: Path):
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    here, there = tmp_path / "here", tmp_path / "there"
    run_places(PLACES, seeds=(0, 1), out=here, workers=1, where="local", together=2)
    try:
        run_places(PLACES, seeds=(0, 1), out=there, workers=2, where="ray", together=2)
        assert ray.is_initialized()
    finally:
        ray.shutdown()
    both = (read_places(PLACES, seeds=(0, 1), out=folder) for folder in (here, there))
    for one, other in zip(*both, strict=True):
        assert one.equals(other)


def test_a_cell_is_the_same_whichever_others_are_trained_with_it(out: Path):
    (alone,) = run_cells([(PLACES[1].condition, 1)])
    kept = pl.read_parquet(folder_of(out, PLACES[1].condition, 1) / running.AREAS)
    assert alone.areas["arm"].to_list() == kept["arm"].to_list()
    assert (alone.areas["auroc"] - kept["auroc"]).abs().max() < 2e-3  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    assert alone.areas["draws"].list.len().to_list() == kept["draws"].list.len().to_list()


def test_finished_cells_are_not_run_again_and_one_that_lost_a_file_is(out: Path, monkeypatch):
    ran = []
    monkeypatch.setattr(running, "run_cells", lambda cells: ran.extend(cells) or iter(()))
    run_places(PLACES, seeds=(0, 1), out=out, workers=1, where="local", together=3)
    assert ran == []
    kept = folder_of(out, PLACES[0].condition, 1) / running.AREAS
    content = kept.read_bytes()
    kept.unlink()
    run_places(PLACES, seeds=(0, 1), out=out, workers=1, where="local", together=3)
    assert ran == [(PLACES[0].condition, 1)]
    with pytest.raises(InputError, match="give the same command again"):
        read_places(PLACES, seeds=(0, 1), out=out)
    kept.write_bytes(content)


def test_cells_of_one_archive_stand_together_and_shapes_apart():
    wide = replace(SMALL, pretraining=replace(SMALL.pretraining, width=8))
    cells = [(condition, seed) for condition in (PLACES[0].condition, wide, PLACES[1].condition) for seed in (0, 1)]
    divided = [*chunks(cells, workers=1, together=2)]
    assert sorted(map(len, divided)) == [2, 2, 2]
    assert all(len({condition.shape for condition, _ in chunk}) == 1 for chunk in divided)
    assert all(len({seed for _, seed in chunk}) == 1 for chunk in divided if chunk[0][0].shape == SMALL.shape)
    assert sorted(len(chunk) for chunk in chunks(cells, workers=2, together=100)) == [1, 1, 2, 2]


def test_what_does_not_show_without_labels_is_pretrained_on_once():
    seen = {replace(p.condition, labels=n).archive_world(3) for n in (40, 80) for p in PLACES}
    assert len(seen) == 1
    mnar = replace(SMALL, missing_train=Missing(0.3, "mnar"))
    assert mnar.archive_world(3).lam == 1.0
    coupled = replace(SMALL, world=replace(SMALL.world, structure="workup"))
    assert coupled.archive_world(3) == replace(coupled.world, seed=3)


def test_conditions_that_cannot_be_fitted_are_refused():
    with pytest.raises(InputError, match=r"40 labels at prevalence 0\.05"):
        replace(SMALL, world=WorldSettings(prevalence=0.05))
    with pytest.raises(InputError, match="labels is 5"):
        replace(SMALL, labels=5)
    with pytest.raises(InputError, match=r"only .* have both modalities"):
        list(run_cells([(replace(SMALL, unlabelled=100, missing_train=Missing(0.9)), 0)]))
