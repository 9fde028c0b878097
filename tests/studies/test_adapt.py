"""A run's two experts weighed for a site that orders tests otherwise, and predicted with; in made-up patients."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit

from semeia.archive import open_archive
from semeia.cli import main
from semeia.data.dataset import open_dataset
from semeia.data.modalities import Vector
from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError
from semeia.learning.cells import Cell
from semeia.learning.columns import Columns
from semeia.learning.finetune import FinetuneSettings, finetune, fresh_model
from semeia.learning.simple import Simple, fit_simple
from semeia.learning.stored import BLEND
from semeia.studies.adapt import ARM, adapt
from semeia.studies.export import export
from semeia.studies.predict import predict
from semeia.studies.run.reading import labels_of
from semeia.worlds import Site, WorldSettings, draw_patients
from world_archive import world_archive

READS = {"image_jepa": ("image",), "multimodal_jepa": ("image", "record")}
SIMPLE = {
    "image_logistic": Columns(modality="image"),
    "multimodal_logistic": Columns(modality="image", others=("record",)),
    "site_logistic": Columns(covariates=("site",), categories=True),
}
WORLD = WorldSettings(structure="workup", image=12, record=16, kappa=0.8, nuisance=2)
TRAINED, LABELLED = 150, 300
FOLDS = 3


@dataclass(frozen=True)
class Places:
    run: Path
    one_run: Path
    folds: Path
    home: Path
    alike: Path
    turned: Path


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    folder = tmp_path_factory.mktemp("adapt")
    people = draw_patients(WORLD, 900, seed=0, part="home")
    home = world_archive(folder / "home", people, name="home", labelled=LABELLED)
    others = {}
    for name, kappa in (("alike", 0.8), ("turned", -0.8)):
        there = draw_patients(WORLD, 500, seed=0, part=name, site=Site(kappa=kappa))
        others[name] = world_archive(folder / name, there, name=name, labelled=0, without=slice(0, 5))
    runs = {name: folder / name for name in ("run", "one_run")}
    data = open_dataset(open_archive(home), {name: Vector(source=name) for name in ("image", "record")})
    labels = labels_of(data.units, open_archive(home), "disease")
    east = (data.units["site"] == "east").to_numpy()
    for name, eligible in (("run", np.ones(len(data), bool)), ("one_run", east)):
        known = np.flatnonzero(~np.isnan(labels) & eligible)[: TRAINED if name == "run" else TRAINED // 2]
        for arm, names in READS.items():
            settings = EncoderSettings(dim=32, depth=0, heads=4)
            model = fresh_model(data, known, modalities=names, settings=settings, seed=0)
            cell = runs[name] / Cell(arm, "frozen", 1.0, 0).name
            finetune(data, known, labels[known], start=model, mode="frozen", settings=FinetuneSettings(), folder=cell)
        for arm, columns in SIMPLE.items():
            fitted = fit_simple(Simple(columns), data, known, labels[known], unlabelled=known, seed=0)
            fitted.save(runs[name] / Cell(arm, "none", 1.0, 0).name)
        (runs[name] / "run.json").write_text(json.dumps({"study": "own", "config": {"outcome": "disease"}}))
    folds = folder / "folds"
    for seed in range(FOLDS):
        known = np.flatnonzero(~np.isnan(labels) & (np.arange(len(labels)) % FOLDS != seed))
        for arm, columns in SIMPLE.items():
            fitted = fit_simple(Simple(columns), data, known, labels[known], unlabelled=known, seed=seed)
            fitted.save(folds / Cell(arm, "none", 1.0, seed).name)
    (folds / "run.json").write_text(json.dumps({"study": "own", "config": {"outcome": "disease"}}))
    return Places(runs["run"], runs["one_run"], folds, home, others["alike"], others["turned"])


def site_of(out: Path) -> dict:
    return json.loads((out / Cell(ARM, "frozen", 1.0, 0).name / BLEND).read_text())


def test_a_link_that_turned_round_leaves_the_image_expert(places: Places, tmp_path: Path, capsys):
    out = tmp_path / "adapted"
    arguments = ["--home", str(places.home), "--archive", str(places.turned), "--out", str(out), "--mode", "frozen"]
    assert main(["adapt", str(places.run), *arguments]) == 0

    said = capsys.readouterr().out
    assert "495 units with everything, their labels unread" in said
    assert "moved, by this test, in 1 of 1 seed(s)" in said
    assert "What home data cannot decide" in said
    site = site_of(out)
    assert site["site"]["z"] < -2
    assert site["weight"] < 0.25


def test_a_site_like_home_keeps_the_usual_blend_and_is_predicted(places: Places, tmp_path: Path):
    out = tmp_path / "adapted"
    said = adapt(places.run, home=places.home, archive=places.alike, out=out, mode="frozen")
    assert "the usual blend is kept" in said
    assert site_of(out)["weight"] == 0.75

    blend = predict(out, archive=places.alike)
    image, joint = (predict(places.run, archive=places.alike, arm=arm) for arm in READS)
    assert blend["arm"].unique().to_list() == ["adapted"]
    expected = expit(0.25 * logit(image["score"].to_numpy()) + 0.75 * logit(joint["score"].to_numpy()))
    np.testing.assert_allclose(blend["score"], expected, atol=1e-6)
    # Without images only the other expert speaks.
    hidden = predict(out, archive=places.alike, modalities=("record",))
    alone = predict(places.run, archive=places.alike, arm="multimodal_jepa", modalities=("record",))
    np.testing.assert_allclose(hidden["score"], alone["score"])

    taken = export(out, out=tmp_path / "taken")
    assert predict(taken, archive=places.alike)["score"].equals(blend["score"])


@pytest.mark.parametrize(("place", "kept"), [("alike", True), ("turned", False)])
def test_two_linear_experts_are_weighed_as_networks_are(places: Places, tmp_path: Path, place: str, kept: bool):
    out, there = tmp_path / "adapted", getattr(places, place)
    anchor, arm = "image_logistic", "multimodal_logistic"
    adapt(places.run, home=places.home, archive=there, out=out, anchor=anchor, arm=arm, mode="none")
    weight = json.loads((out / Cell(ARM, "none", 1.0, 0).name / BLEND).read_text())["weight"]
    assert weight == 0.75 if kept else weight < 0.25
    image, joint = (logit(predict(places.run, archive=there, arm=one)["score"].to_numpy()) for one in (anchor, arm))
    scores = predict(out, archive=there)["score"]
    everything = ~np.isclose(image, image[0])  # the first have no image
    np.testing.assert_allclose(scores.to_numpy()[everything], expit((1 - weight) * image + weight * joint)[everything])


@pytest.mark.parametrize(("place", "kept"), [("alike", True), ("turned", False)])
def test_small_folds_tell_one_link_together(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, kept: bool
):
    monkeypatch.setattr("semeia.learning.adapt.home.FEWEST", 60)  # more than any fold leaves out, fewer than all

    def adapted(run: Path, anchor: str) -> str:
        there, arm = getattr(places, place), "multimodal_logistic"
        return adapt(run, home=places.home, archive=there, out=tmp_path / "out", anchor=anchor, arm=arm, mode="none")

    said = adapted(places.folds, "image_logistic")

    assert "fewer than 10 home patients of one class: those of all tell one link at home" in said
    folder = tmp_path / "out"
    sites = [json.loads((folder / Cell(ARM, "none", 1.0, seed).name / BLEND).read_text()) for seed in range(FOLDS)]
    weights = [one["weight"] for one in sites]
    assert np.median(weights) == 0.75 if kept else max(weights) < 0.25


def test_an_anchor_without_a_modality_has_its_weight_everywhere(places: Places, tmp_path: Path):
    out, arms = tmp_path / "adapted", ("site_logistic", "image_logistic")
    adapt(places.run, home=places.home, archive=places.alike, out=out, anchor=arms[0], arm=arms[1], mode="none")
    weight = json.loads((out / Cell(ARM, "none", 1.0, 0).name / BLEND).read_text())["weight"]
    seen = [predict(run, archive=places.alike, arm=arm) for run, arm in ((out, ARM), *((places.run, a) for a in arms))]
    blend, anchor, joint = (table.sort("unit_id") for table in seen)
    anchor = anchor.join(blend.select("unit_id"), on="unit_id", how="semi", maintain_order="left")
    expected = (1 - weight) * logit(anchor["score"].to_numpy()) + weight * logit(joint["score"].to_numpy())
    np.testing.assert_allclose(blend["score"], expit(expected))
    assert not np.allclose(blend["score"], joint["score"])


@pytest.mark.parametrize("sites", [("west",), None])
def test_one_archive_can_hold_home_and_the_new_site(places: Places, tmp_path: Path, sites: tuple[str, ...] | None):
    out = tmp_path / "west"
    said = adapt(places.one_run, home=places.home, archive=places.home, out=out, mode="frozen", sites=sites)

    west = open_archive(places.home).table("subjects").filter(pl.col("site") == "west").height
    assert f"{west} units with everything" in said
    assert site_of(out)["site"]["patients"] == west
    assert site_of(out)["weight"] == 0.75  # the sites differ in nothing


def test_what_cannot_be_adapted_is_refused(places: Places, tmp_path: Path):
    def adapted(
        out: str = "new", *, home: Path = places.home, archive: Path = places.alike, arm: str = "multimodal_jepa"
    ) -> Path:
        adapt(places.run, home=home, archive=archive, out=tmp_path / out, arm=arm, mode="frozen")
        return tmp_path / out

    with pytest.raises(InputError, match=r"seen in training, so this is no new site; .* with --sites"):
        adapted(archive=places.home)
    with pytest.raises(InputError, match=r"has no arm 'another'.*adapt weighs an arm that reads less"):
        adapted(arm="another")
    with pytest.raises(InputError, match="image_jepa reads image, image_jepa reads image; adapt weighs an arm that"):
        adapted(arm="image_jepa")
    turned_round = {"anchor": "multimodal_logistic", "arm": "image_logistic", "mode": "none"}
    with pytest.raises(InputError, match="multimodal_logistic reads image and record, image_logistic reads image; "):
        adapt(places.run, home=places.home, archive=places.alike, out=tmp_path / "new", **turned_round)
    with pytest.raises(InputError, match="no site 'north'; it has east, west"):
        adapt(places.run, home=places.home, archive=places.alike, out=tmp_path / "new", mode="frozen", sites=("north",))
    with pytest.raises(InputError, match="is there already"):
        adapted("")
    few = world_archive(tmp_path / "few", draw_patients(WORLD, 20, seed=1, part="few"), name="few", labelled=0)
    with pytest.raises(InputError, match="20 units have all of image and record; 50 are needed"):
        adapted(archive=few)
    fresh = world_archive(tmp_path / "fresh", draw_patients(WORLD, 60, seed=1, part="b"), name="b", labelled=12)
    with pytest.raises(InputError, match="10 of each are needed"):
        adapted(home=fresh)
    assert not (tmp_path / "new").exists()
    damaged = adapted("damaged")
    (damaged / Cell(ARM, "frozen", 1.0, 0).name / BLEND).write_text('{"weight": 3}')
    with pytest.raises(InputError, match="number from 0 to 1"):
        predict(damaged, archive=places.alike)
