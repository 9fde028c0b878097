"""What is read of several visits, and cells of patients who came several times."""

from dataclasses import replace

import numpy as np
import pytest

from semeia.errors import InputError
from semeia.worlds import Course, Site, WorldSettings, draw_patients, draw_visits
from semeia.worlds.sweep.arms import run_cells
from semeia.worlds.sweep.condition import Condition
from semeia.worlds.sweep.finetuning import SmallFinetuning
from semeia.worlds.sweep.pretraining import SmallPretraining
from semeia.worlds.sweep.readings import patients_of
from semeia.worlds.sweep.sweeps import places_of

SMALL = Condition(
    world=WorldSettings(structure="dial"),
    labels=40,
    unlabelled=400,
    labelled_images=200,
    test=300,
    objectives=("ema",),
    pretraining=SmallPretraining(hidden=8, width=4, predictor=8, steps=30, batch=32),
    finetuning=SmallFinetuning(steps=20, batch=16, every=10),
    boosting=False,
)
VISITS = draw_visits(replace(SMALL.world, seed=5), 80, course=Course(), seed=5, part="test")


def read(reading) -> tuple[np.ndarray, np.ndarray]:
    patients = patients_of(replace(SMALL, course=Course(), reading=reading), 80, seed=5, part="test")
    assert (patients.label == VISITS.label).all()
    return patients.image, patients.record


def observed(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values).all(1)]


def test_the_newest_of_each_is_read_and_with_it_the_mean_of_all():
    for name, newest, whole in zip(("image", "record"), read("newest"), read("all"), strict=True):
        for row, values in enumerate(getattr(VISITS, name)):
            assert (newest[row] == observed(values)[-1]).all()
            assert whole[row] == pytest.approx(np.hstack([newest[row], observed(values).mean(0)]), abs=1e-5)


def test_across_time_the_newest_visit_stands_against_the_mean_of_those_before_it():
    now, before = read("across")
    for row, last in enumerate(VISITS.newest):
        both = np.hstack([VISITS.image[row, last], VISITS.record[row, last]])
        assert np.array_equal(now[row], both, equal_nan=True)
        if last:
            images, records = (observed(values[row, :last]) for values in (VISITS.image, VISITS.record))
            assert before[row] == pytest.approx(np.hstack([images.mean(0), records.mean(0)]), abs=1e-5)
        else:
            assert np.isnan(before[row]).all()
    assert 0 < (VISITS.newest == 0).sum() < 80


def test_without_a_course_patients_come_once():
    once = draw_patients(replace(SMALL.world, seed=5), 80, seed=5, part="test")
    assert (patients_of(SMALL, 80, seed=5, part="test").record == once.record).all()


def test_a_sweep_of_drift_reads_visits_and_shares_an_archive_between_labels_alone():
    sweeps = ("drift_newest", "drift_all", "drift_across")
    places = [place for sweep in sweeps for place in places_of(sweep, SMALL, labels=(40, 60))]
    assert len({place.condition.archive(0) for place in places}) == 9
    assert len({place.condition.shape for place in places}) == 3
    assert {place.condition.course.drift for place in places if place.condition.course} == {0.0, 1.0, 3.0}


def test_every_arm_runs_across_time_and_the_ceiling_is_above_all():
    (outcome,) = run_cells([(replace(SMALL, course=Course(), reading="across"), 2)])
    areas = dict(outcome.areas.select("arm", "auroc").iter_rows())
    assert {"scratch", "ema_finetune", "ema_frozen", "incomplete_finetune", "ridge", "canonical"} <= set(areas)
    assert np.isfinite([*areas.values(), *outcome.diagnostics.values()]).all()
    assert max(areas, key=areas.__getitem__) in ("bayes", "oracle")


def test_what_a_course_does_not_go_with_is_refused():
    with pytest.raises(InputError, match="a block one of common"):
        replace(SMALL, world=WorldSettings(structure="risk"), course=Course())
    with pytest.raises(InputError, match="no other sites"):
        replace(SMALL, sites=(("away", Site(shift=1.0)),), course=Course())
