"""Signatures as a modality: at each scan and at the index date, from the record up to it, of fitted signatures only."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from linked_archive import INDEX, OUTCOME, SCAN, SIGNATURES, day, linked_archive
from semeia.archive import Archive, open_archive
from semeia.data.batch import Batch
from semeia.data.dataset import Dataset, open_dataset
from semeia.data.modalities import Demographics, Signatures, Vector
from semeia.data.modalities.signatures import dates_of
from semeia.data.modality import Modality
from semeia.data.preprocessing import Preprocessing, fit_preprocessing, make_batch
from semeia.encoders.build import build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError
from semeia.learning.model import Model, load_model
from semeia.learning.scoring import scores_of
from semeia.objectives.supervised import Supervised, SupervisedSettings
from semeia.signatures.express import express
from semeia.signatures.fit import fit_signatures
from semeia.signatures.model import load_signatures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("linked")
    home = linked_archive(folder / "home")
    known = home.event_subjects()["subject_id"].to_list()
    fit_signatures(home, known[:20], settings=SIGNATURES).save(folder / "signatures")
    fit_signatures(home, known[:20], settings=replace(SIGNATURES, components=2)).save(folder / "others")
    return folder


@pytest.fixture(scope="module")
def home(folder: Path) -> Archive:
    return open_archive(folder / "home")


def reads(folder: Path, name: str = "signatures") -> dict[str, Modality]:
    source = str(folder / name)
    return {SCAN: Vector(source=SCAN), "signatures": Signatures(source=source), "people": Demographics()}


def fitted(data: Dataset) -> Preprocessing:
    return fit_preprocessing(data, np.arange(20), modalities=(SCAN, "signatures", "people"))


def made(data: Dataset, preprocessing: Preprocessing) -> Batch:
    rows = np.flatnonzero(data.something(preprocessing.names))
    return make_batch(data, rows, preprocessing=preprocessing)


def test_a_unit_has_signatures_at_its_scans_and_at_its_index_date(home: Archive, folder: Path):
    data = open_dataset(home, reads(folder))
    scans = home.arrays(SCAN)
    begun = dict(home.event_subjects().select("subject_id", "first").iter_rows())
    dates = data.observations["signatures"].slot
    assert not data.left_out
    for row, subject in enumerate(data.subjects):
        own = set(scans.filter(subject_id=subject)["time"]) | {INDEX}
        expected = sorted((t for t in own if subject in begun and t >= begun[subject]), reverse=True)
        found = dates_of(home).sort("time", descending=True).filter(unit_id=data.units["unit_id"][row])["time"]
        assert found.to_list() == expected
        months = [(INDEX - t).total_seconds() / (365.25 * 86400 / 12) for t in expected]
        there = dates[row] >= 0
        np.testing.assert_allclose(data.observations["signatures"].when[row][there], months, rtol=1e-6)
        # Two scans of one day stay two observations, with one state of the record.
        assert (data.observations[SCAN].slot[row] >= 0).sum() == scans.filter(subject_id=subject).height
    assert not data.observed("signatures")[[subject not in begun for subject in data.subjects]].any()


def test_expressions_are_those_of_the_record_up_to_the_date(home: Archive, folder: Path):
    data, model = open_dataset(home, reads(folder)), load_signatures(folder / "signatures")
    asked = dates_of(home)
    expressed = express(model, home, asked.select("subject_id", "time")).table.select(model.names).to_numpy()
    np.testing.assert_allclose(data.observations["signatures"].arrays.values[:, 0], expressed, rtol=1e-6)
    # Today's value of a patient with several dates is not that of an earlier one.
    several = np.flatnonzero((data.observations["signatures"].slot >= 0).sum(1) > 1)
    for row in several:
        newest, older = data[int(row)].values["signatures"][:2]
        assert not np.allclose(newest, older)


def test_nothing_after_the_index_date_changes_a_bit(home: Archive, folder: Path, tmp_path: Path):
    future = linked_archive(tmp_path / "future", later=True)
    assert future.event_subjects()["events"].sum() > home.event_subjects()["events"].sum()
    assert future.arrays(SCAN).filter(pl.col("time") > INDEX).height > 0
    one, other = (open_dataset(archive, reads(folder)) for archive in (home, future))
    preprocessing = fitted(one)
    assert preprocessing.modalities == fitted(other).modalities
    for name, seen in made(one, preprocessing).modalities.items():
        late = made(other, preprocessing).modalities[name]
        for part in ("values", "present", "when"):
            mine, theirs = getattr(seen, part), getattr(late, part)
            there = seen.present.any(2) if part != "present" else torch.ones_like(seen.present.any(2))
            assert torch.equal(mine[there].nan_to_num(0.5), theirs[there].nan_to_num(0.5)), (name, part)


def encoder_of(preprocessing: Preprocessing) -> Model:
    encoder = build_encoder(EncoderSettings(dim=16, depth=1, heads=2), preprocessing, seed=0)
    return Model(encoder=encoder.eval(), head=None, preprocessing=preprocessing)


def test_masking_the_record_equals_having_none(home: Archive, folder: Path, tmp_path: Path):
    data = open_dataset(home, reads(folder))
    without = open_dataset(linked_archive(tmp_path / "without", recordless=1), reads(folder))
    model = encoder_of(fitted(data))
    rows = np.flatnonzero(data.observed(SCAN))
    masked, there = model.pooled(data, rows, hide=("signatures",))
    deleted, present = model.pooled(without, rows)
    assert torch.equal(there, present)
    assert torch.equal(masked, deleted)
    assert not there[:, 1].any()


def test_a_model_and_its_signatures_can_be_moved_together(home: Archive, folder: Path, tmp_path: Path):
    shutil.copytree(folder / "signatures", tmp_path / "a" / "signatures")
    data = open_dataset(home, reads(tmp_path / "a"))
    model, rows = encoder_of(fitted(data)), np.arange(8)
    model.save(tmp_path / "a" / "cells" / "one")
    shutil.move(tmp_path / "a", tmp_path / "b")
    again = load_model(tmp_path / "b" / "cells" / "one" / "model.safetensors")
    opened = open_dataset(home, again.preprocessing.modalities)
    assert torch.equal(again.pooled(opened, rows)[0], model.pooled(data, rows)[0])


def test_models_of_several_seeds_read_each_their_own_signatures(home: Archive, folder: Path):
    read = {name: open_dataset(home, reads(folder, name)) for name in ("signatures", "others")}
    models = {}
    for seed, data in enumerate(read.values()):
        model = encoder_of(fitted(data))
        head = Supervised(model.encoder, settings=SupervisedSettings()).head.eval()
        torch.nn.init.normal_(head.linear.weight, generator=torch.Generator().manual_seed(0))
        models[seed] = replace(model, head=head)
    # Each as its own data give it, whatever was opened first.
    data, nobody = read["signatures"], np.zeros(len(read["signatures"]), bool)
    rows, scores = scores_of(models, home, data, nobody, None)
    assert not np.allclose(scores[0], scores[1])
    for seed, own in enumerate(read.values()):
        np.testing.assert_array_equal(scores[seed], models[seed].score(own, rows, hide=()))


def test_other_signatures_are_refused(home: Archive, folder: Path, tmp_path: Path):
    data = open_dataset(home, reads(folder))
    model = encoder_of(fitted(data))
    with pytest.raises(InputError, match="the data were read as expressions of the signatures"):
        model.pooled(open_dataset(home, reads(folder, "others")), np.arange(4))
    known = data.modalities["signatures"]
    with pytest.raises(InputError, match="holds other signatures than those"):
        open_dataset(home, {"signatures": replace(known, source=str(folder / "others"))})  # pyright: ignore[reportCallIssue]
    with pytest.raises(InputError, match="holds no signatures"):
        open_dataset(home, {"signatures": Signatures(source=str(tmp_path))})
    with pytest.raises(InputError, match="name the folder of fitted signatures"):
        open_dataset(home, {"signatures": Signatures()})


def test_age_and_sex_are_known_of_everybody(home: Archive, folder: Path):
    data = open_dataset(home, reads(folder))
    arrays = data.observations["people"].arrays
    assert arrays.names == ("age", "sex=female", "sex=male")
    people = home.table("subjects").sort("subject_id")
    years = [(INDEX.date() - born).days / 365.25 for born in people["birth"]]
    rows = data.observations["people"].slot[:, 0]
    np.testing.assert_allclose(arrays.values[rows, 0], years, atol=0.01)
    assert (arrays.values[rows, 1] == (people["sex"] == "female").to_numpy()).all()
    assert (arrays.values[:, 1:].sum(1) == 1).all()


def test_a_date_of_prediction_is_an_index_date_too(tmp_path: Path):
    archive = linked_archive(tmp_path / "a", 10)
    outcome = archive.outcome(OUTCOME)
    moved = outcome.with_columns(prediction_time=pl.lit(day(40)))
    archive._tables[f"outcomes/{OUTCOME}"] = moved
    last = dates_of(archive).group_by("unit_id").agg(pl.col("time").max())
    known = set(outcome["unit_id"])
    for unit, time in last.iter_rows():
        assert time == (day(40) if unit in known else INDEX)
