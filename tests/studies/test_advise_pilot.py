"""A pilot for the adviser: who trains it, what is said of it, and what it refuses."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from semeia.archive import open_archive
from semeia.cli import main
from semeia.errors import InputError
from semeia.learning.advice.map import Expected
from semeia.studies import advise_pilot
from semeia.studies.advise import advise
from semeia.studies.advise_pilot import GAINS, RARER, require_labels, run_pilot
from semeia.studies.advise_views import Views, open_views
from semeia.studies.advise_worlds import AdviserMapSettings
from semeia.worlds import WorldSettings, draw_patients
from semeia.worlds.sweep.finetuning import SmallFinetuning
from semeia.worlds.sweep.pretraining import SmallPretraining
from world_archive import world_archive

WORLD = WorldSettings(structure="common", image=12, record=16, nuisance=2)
SHORT = AdviserMapSettings(pretraining=SmallPretraining(steps=4), finetuning=SmallFinetuning(steps=20))
PRIOR = dict.fromkeys(GAINS, Expected(0.01, -0.02, 0.04, 0.5))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = draw_patients(WORLD, 260, seed=0, part="archive")
    folder = tmp_path_factory.mktemp("pilot") / "a"
    return world_archive(folder, people, name="a", labelled=130, without=slice(100, 140))


@pytest.fixture
def read(archive: Path) -> Views:
    return open_views(open_archive(archive), outcome="disease", modalities=None)


def test_map_pilot_and_both_are_said_and_written(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("semeia.studies.advise.run_pilot", partial(run_pilot, settings=SHORT))
    out = tmp_path / "advice.json"
    assert main(["advise", str(archive), "--outcome", "disease", "--pilot", "--out", str(out)]) == 0

    said, written = capsys.readouterr().out, json.loads(out.read_text())
    assert "A pilot of 4 steps, in five folds of 130 labelled units" in said
    pilot, gains = written["pilot"], written["prospect"]["gains"]
    assert set(pilot["found"]) == set(pilot["combined"]) == set(GAINS)
    for name, both in pilot["combined"].items():
        lines = {"map": gains[name], "pilot": pilot["found"][name], "both": both}
        for what, one in lines.items():
            interval = f"{one['value']:+.3f} (80 % interval {one['low']:+.3f} to {one['high']:+.3f};"
            assert f"    {what}: {interval}" in said
        assert both["high"] - both["low"] < min(one["high"] - one["low"] for one in (gains[name], lines["pilot"]))


def test_no_patient_of_a_fold_pretrains_for_it(read: Views, monkeypatch: pytest.MonkeyPatch):
    fitted, every = [], advise_pilot.fit_archive
    monkeypatch.setattr(advise_pilot, "fit_archive", lambda people: fitted.append(people) or every(people))
    first = run_pilot(read, PRIOR, settings=SHORT)

    assert [len(people.label) for people in fitted] == [260 - 130 // 5] * 5
    left_out = {row.tobytes() for people in fitted for row in people.image}
    assert len(left_out) == 260  # each is left out of one fold at most
    assert run_pilot(read, PRIOR, settings=SHORT) == first


def test_units_of_a_patient_stay_in_one_fold(read: Views, monkeypatch: pytest.MonkeyPatch):
    """With two units a patient, the unlabelled one is left out with the labelled one."""
    pairs = np.arange(260) % 130  # unit i and i + 130 are of one patient
    fitted, every = [], advise_pilot.fit_archive
    monkeypatch.setattr(advise_pilot, "fit_archive", lambda people: fitted.append(people) or every(people))
    monkeypatch.setattr(type(read.data), "subjects", property(lambda _: pairs))
    run_pilot(read, PRIOR, settings=SHORT)
    assert [len(people.label) for people in fitted] == [260 - 2 * 130 // 5] * 5


def test_networks_that_hardly_train_lose_to_ridge_regression(read: Views):
    """The label is which side of the middle the sum of the image's features lies on: ridge regression finds that."""
    total = read.views["image"].sum(1)
    side = np.where(np.isnan(read.labels), np.nan, total > np.median(total))
    idle = replace(SHORT, finetuning=SmallFinetuning(steps=1))
    found = run_pilot(replace(read, labels=side), PRIOR, settings=idle)
    assert found.found["ridge"].high < -0.1
    assert found.combined["ridge"].value < PRIOR["ridge"].value


def test_what_it_cannot_be_fitted_to_is_refused(
    archive: Path, read: Views, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(InputError, match="name the outcome with --outcome"):
        advise(archive, pilot=True)
    few = np.where(np.cumsum(read.labels == 1) < RARER, read.labels, np.nan)
    with pytest.raises(
        InputError, match=r"needs 10 labelled patients of each class; there are \d+ with 0 and 9 with 1"
    ):
        require_labels(replace(read, labels=few))
    with pytest.raises(InputError, match="two classes, and this one has 3"):
        require_labels(replace(read, labels=np.arange(260.0) % 3))
    require_labels(read)

    small = world_archive(tmp_path / "b", draw_patients(WORLD, 60, seed=0, part="b"), name="b", labelled=12)
    assert main(["advise", str(small), "--outcome", "disease", "--pilot"]) == 2
    assert "leave out --pilot" in capsys.readouterr().err
