"""Made-up patients who come again: causes that move as told, a past that the future leaves alone, a known truth."""

from dataclasses import replace

import numpy as np
import pytest

from semeia.errors import InputError
from semeia.evaluation.statistics.discrimination import auroc
from semeia.learning.pretrain import PretrainSettings, pretrain
from semeia.learning.schedule import OptimiserSettings
from semeia.worlds import Course, Visits, WorldSettings, as_dataset, draw_latents, draw_patients, draw_visits
from semeia.worlds.visits import FORGOTTEN

DIAL = WorldSettings(structure="dial")
N = 6000


def drawn(world: WorldSettings = DIAL, n: int = N, **of) -> Visits:
    return draw_visits(world, n, course=Course(**of), seed=3, part="test")


def test_without_drift_every_visit_is_one_to_the_world_without_time():
    static, visits = draw_latents(DIAL, 500, seed=3, part="test"), drawn(n=500, drift=0.0)
    for number in range(4):
        assert (visits.causes["image"][:, number] == static.image).all()
        assert (visits.causes["record"][:, number] == static.record).all()
    assert (visits.label == static.label).all()
    assert (visits.truth.oracle == static.oracle).all()
    assert np.allclose(visits.truth.bayes, static.bayes, atol=1e-12)  # every cause was seen at the first visit
    patients = draw_patients(DIAL, 500, seed=3, part="test")
    for one in (visits, drawn(n=500, drift=2.0), drawn(n=500, visits=1)):
        assert (one.image[:, 0] == patients.image).all()
        assert (one.record[:, 0] == patients.record).all()


def test_what_comes_later_changes_nothing_before():
    short, long = drawn(n=300, visits=2), drawn(n=300, visits=5)
    for one, other in ((short.image, long.image), (short.record, long.record), (short.months, long.months)):
        assert np.array_equal(one, other[:, :2], equal_nan=True)
    few, many = drawn(n=40), drawn(n=300)
    for one, other in ((few.image, many.image), (few.months, many.months), (few.label, many.label)):
        assert np.array_equal(one, other[:40], equal_nan=True)
    never = drawn(n=300, returns=0.0)
    assert (never.newest == 0).all()
    assert (never.label == draw_latents(DIAL, 300, seed=3, part="test").label).all()


@pytest.mark.parametrize("structure", ["common", "independent", "dial"])
def test_the_prevalence_is_held_however_fast_causes_move(structure):
    for drift in (0.0, 1.0, 20.0):
        visits = drawn(WorldSettings(structure=structure, prevalence=0.2), drift=drift)
        assert visits.label.mean() == pytest.approx(0.2, abs=0.021)  # four standard errors


def test_causes_forget_in_their_own_time_and_keep_their_variance():
    visits = drawn(drift=2.0, returns=1.0)
    gap = visits.months[:, 3] - visits.months[:, 1]
    assert np.diff(visits.months, axis=1).min() > 0
    assert np.diff(visits.months, axis=1).mean() == pytest.approx(9, abs=0.25)
    for name, causes in visits.causes.items():
        for first, forgotten in ((0, FORGOTTEN[0]), (4, FORGOTTEN[1])):
            one, other = (causes[:, number, first : first + 4] for number in (1, 3))
            assert (one * other).mean() == pytest.approx(np.exp(-2 * gap / forgotten).mean(), abs=0.03), name
        assert causes.var(axis=0) == pytest.approx(np.ones((4, 8)), abs=0.09)


def test_nuisance_stays_with_a_patient_as_far_as_it_is_told():
    quiet = WorldSettings(structure="dial", noise=0.0)
    steady = drawn(quiet, 50, drift=0.0, lasting=1.0, scanned=1.0, returns=1.0)
    assert np.allclose(steady.image, steady.image[:, :1], atol=1e-5)
    # Of nothing but nuisance: any two visits are as much alike, the first and the second like the second and the third.
    alike = []
    for lasting in (0.0, 0.5):
        visits = drawn(
            replace(quiet, structure="independent"), 3000, lasting=lasting, drift=1e6, returns=1.0, scanned=1.0
        )
        alike.append([np.corrcoef(visits.image[:, 0, 5], visits.image[:, k, 5])[0, 1] for k in (1, 2, 3)])
    assert np.abs(alike[0]).max() < 0.06
    assert np.ptp(alike[1]) < 0.08
    assert np.min(alike[1]) > 0.2


def test_each_visit_leaves_an_image_or_a_record_and_the_first_both():
    visits = drawn(n=2000, scanned=0.3, recorded=0.5)
    image, record = (np.asarray(~np.isnan(values).all(2)) for values in (visits.image, visits.record))
    there = np.asarray(~np.isnan(visits.months))
    assert ((image | record) == there).all()
    assert image[:, 0].all()
    assert record[:, 0].all()
    assert image[:, 1:][there[:, 1:]].mean() == pytest.approx(0.3, abs=0.04)
    assert (there[:, 1:] <= there[:, :-1]).all()  # who stays away does not come back


def test_the_bayes_score_is_calibrated_and_what_was_not_seen_lately_is_missing_from_it():
    visits = drawn(n=20_000, scanned=0.2, recorded=0.6, drift=2.0)
    bayes, label = visits.truth.bayes, visits.label
    by_tenth = np.argsort(bayes).reshape(10, -1)
    assert np.abs(bayes[by_tenth].mean(1) - label[by_tenth].mean(1)).max() < 0.04
    assert auroc(label, bayes) < auroc(label, visits.truth.oracle) - 0.02
    seen = drawn(n=2000, scanned=1.0, recorded=1.0, drift=2.0)
    assert np.allclose(seen.truth.bayes, seen.truth.oracle, atol=1e-9)


def test_models_read_every_visit_the_newest_first_with_its_months(tmp_path):
    visits = drawn(n=60)
    data = as_dataset(visits)
    for row in range(60):
        sample, newest = data[row], visits.newest[row]
        for name, values in (("image", visits.image[row]), ("record", visits.record[row])):
            seen = np.flatnonzero(~np.isnan(values).all(1))[::-1]
            assert (sample.values[name][:, 0] == values[seen]).all()
            ago = visits.months[row, newest] - visits.months[row, seen]
            assert sample.when[name] == pytest.approx(ago, abs=1e-5)
    settings = PretrainSettings(optimiser=OptimiserSettings(steps=2, batch=8))
    model = pretrain(data, settings=settings, folder=tmp_path)
    assert set(model.encoder.kinds) == {"image", "record"}


@pytest.mark.parametrize("world", [WorldSettings(structure="curved"), WorldSettings(structure="dial", latents="blend")])
def test_worlds_whose_truth_over_time_is_not_known_are_refused(world):
    with pytest.raises(InputError, match="a block one of common, independent, dial"):
        drawn(world, 10)
    with pytest.raises(InputError, match=r"returns is 1\.5"):
        Course(returns=1.5)
