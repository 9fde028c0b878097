"""Pretraining is a function of data, settings and seed; holds whole patients out; a finished folder is read."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from semeia.data.dataset import Dataset
from semeia.data.modalities import Text
from semeia.errors import InputError
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.pretrain import compared, hold_out, pretrain
from semeia.objectives.build import ObjectiveSettings
from small_training import PRETRAIN, with_arrays

ROWS = np.arange(30)


def weights(model: Model) -> dict[str, torch.Tensor]:
    return model.encoder.state_dict()


def same(one: Model, other: Model) -> bool:
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())


def test_a_function_of_the_seed_whatever_the_process_did_before(data: Dataset, tmp_path: Path):
    made = []
    for place, seed in enumerate((0, 0, 1)):
        torch.manual_seed(place)
        folder = tmp_path / str(place)
        made.append(pretrain(data, ROWS, modalities=("image", "reading"), settings=PRETRAIN, seed=seed, folder=folder))
    assert same(made[0], made[1])
    assert not same(made[0], made[2])
    logs = [(tmp_path / str(place) / "metrics.jsonl").read_bytes() for place in range(2)]
    assert logs[0] == logs[1]


def test_what_is_written_and_that_a_finished_folder_is_read(data: Dataset, tmp_path: Path):
    model = pretrain(data, ROWS, modalities=("image",), settings=PRETRAIN, seed=0, folder=tmp_path)
    found = json.loads((tmp_path / "diagnostics.json").read_text())
    assert found["verdict"]
    assert not any(name.startswith("r2") for name in found["diagnostics"])
    assert {entry.name for entry in tmp_path.iterdir()} == {
        FILE,
        "training.safetensors",
        "metrics.jsonl",
        "diagnostics.json",
    }
    assert model.head is None
    assert model.preprocessing.names == ("image",)
    stamp = (tmp_path / FILE).stat().st_mtime_ns
    again = pretrain(data, ROWS, modalities=("image",), settings=PRETRAIN, seed=0, folder=tmp_path)
    assert same(model, again)
    assert same(model, load_model(tmp_path / FILE))
    assert (tmp_path / FILE).stat().st_mtime_ns == stamp


def test_killed_between_training_and_diagnostics_it_ends_the_same(data: Dataset, tmp_path: Path):
    first = pretrain(data, ROWS, modalities=("image", "reading"), settings=PRETRAIN, seed=0, folder=tmp_path)
    said = (tmp_path / "diagnostics.json").read_bytes()
    for name in (FILE, "diagnostics.json"):
        (tmp_path / name).unlink()
    again = pretrain(data, ROWS, modalities=("image", "reading"), settings=PRETRAIN, seed=0, folder=tmp_path)
    assert same(first, again)
    assert (tmp_path / "diagnostics.json").read_bytes() == said


def test_pixels_and_readings_of_other_patients_change_nothing(data: Dataset, tmp_path: Path):
    rng = np.random.default_rng(0)
    voxels, readings = (np.array(data.observations[name].arrays.values) for name in ("image", "reading"))
    others = {name: data.observations[name].of_rows(np.arange(len(ROWS), len(data))) for name in ("image", "reading")}
    voxels[others["image"]] = rng.integers(0, 256, voxels[others["image"]].shape)
    readings[others["reading"]] = 99
    other = with_arrays(data, image=voxels, reading=readings)
    made = [
        pretrain(given, ROWS, modalities=("image", "reading"), settings=PRETRAIN, seed=0, folder=tmp_path / str(place))
        for place, given in enumerate((data, other))
    ]
    assert same(*made)
    assert made[0].preprocessing == made[1].preprocessing


@pytest.mark.parametrize("guard", ["ema", "vicreg", "sigreg"])
def test_every_guard_comes_to_its_end(data: Dataset, tmp_path: Path, guard: str):
    jepa = replace(PRETRAIN.objective.jepa, guard=guard)
    settings = replace(PRETRAIN, objective=replace(PRETRAIN.objective, jepa=jepa))
    model = pretrain(data, ROWS, modalities=("image", "reading"), settings=settings, seed=0, folder=tmp_path)
    assert all(value.isfinite().all() for value in weights(model).values())
    assert all(parameter.requires_grad for parameter in model.encoder.parameters())


def test_a_handful_of_patients_is_pretrained_on_and_not_judged(data: Dataset, tmp_path: Path):
    pretrain(data, np.arange(6), modalities=("image", "reading"), settings=PRETRAIN, seed=0, folder=tmp_path)
    assert json.loads((tmp_path / "diagnostics.json").read_text())["verdict"].startswith("Not measured")


def test_less_than_one_pass_is_no_evidence(data: Dataset, tmp_path: Path):
    settings = replace(PRETRAIN, optimiser=replace(PRETRAIN.optimiser, steps=1, batch=4))
    model = pretrain(data, ROWS, modalities=("image", "reading"), settings=settings, seed=0, folder=tmp_path)
    assert model.verdict.startswith("Too short to judge: in 1 steps")
    assert load_model(tmp_path / FILE).verdict == model.verdict


def test_whole_patients_are_held_out(data: Dataset):
    rows = np.arange(0, 40)
    fit, watch = hold_out(data, rows, share=0.3, seed=0)
    subjects = data.units["subject_id"].to_numpy()
    assert sorted([*fit, *watch]) == rows.tolist()
    assert not set(subjects[fit]) & set(subjects[watch])
    assert len(set(subjects[watch])) == 6
    assert not np.array_equal(watch, hold_out(data, rows, share=0.3, seed=1)[1])


def test_what_is_compared_is_read_whatever_is_kept(data: Dataset):
    clip = ObjectiveSettings(terms=("clip",))
    assert compared(data, PRETRAIN.objective) == ()
    assert compared(data, clip) == ()  # no reports: the first and the last of what is read
    assert compared(data, replace(clip, modality="reading", other="image")) == ("reading", "image")
    with_report = replace(data, modalities={**data.modalities, "report": Text()})
    assert compared(with_report, clip) == ("report",)
    assert compared(with_report, replace(clip, other="reading")) == ("reading",)


def test_an_encoder_forgets_what_it_was_only_compared_with(data: Dataset, tmp_path: Path):
    objective = ObjectiveSettings(terms=("clip",), modality="image", other="reading")
    settings = replace(PRETRAIN, objective=objective)
    model = pretrain(data, ROWS, modalities=("image",), settings=settings, seed=0, folder=tmp_path)
    assert model.encoder.kinds == model.preprocessing.names == ("image",)
    assert same(model, load_model(tmp_path / FILE))
    verdict = json.loads((tmp_path / "diagnostics.json").read_text())["verdict"]
    assert verdict.startswith(("Healthy", "Undecided", "No signal", "Collapsed", "Not measured"))


def test_what_is_given_must_be_read(data: Dataset, tmp_path: Path):
    jepa = replace(PRETRAIN.objective.jepa, given=("event",))
    settings = replace(PRETRAIN, objective=replace(PRETRAIN.objective, jepa=jepa))
    with pytest.raises(InputError, match=r"^jepa: given is event; what is read is image, reading$"):
        pretrain(data, ROWS, settings=settings, folder=tmp_path)
