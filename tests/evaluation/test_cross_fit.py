"""Fitted on other patients, always: a patient's own label changes nothing that is fitted for them."""

import numpy as np
import pytest

from prediction_tables import predictions
from semeia.evaluation.cells import Fold, blocks
from semeia.evaluation.cross_fit import cross_fit_cell
from semeia.evaluation.resampling import deal_patients
from semeia.evaluation.schema import check_predictions
from semeia.evaluation.statistics.operating_point import threshold_at_sensitivity

Cohorts = dict[str, dict[int, Fold]]


def cohorts(seeds: int) -> Cohorts:
    frame = check_predictions(predictions(arms={"model": 1.0}, seeds=seeds)).with_row_index("_row")
    (block,) = blocks(frame, covariate="diameter_mm")
    return next(iter(block.folds.values()))


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_everything_is_fitted_for_every_row(seeds):
    fitted = cross_fit_cell(cohorts(seeds), inside="internal", target=0.9, seed=0)
    for by_seed in fitted.values():
        assert len(by_seed) == seeds
        for fold in by_seed.values():
            assert set(np.unique(fold.called)) <= {0.0, 1.0}
            assert np.isfinite(fold.combined).all()
            assert np.isfinite(fold.alone).all()


@pytest.mark.parametrize("seeds", [1, 5])
def test_a_patients_own_label_changes_nothing_carried_to_them(seeds):
    given = cohorts(seeds)
    fold = given["internal"][0]
    plain = cross_fit_cell(given, inside="internal", target=0.9, seed=0)["internal"][0]
    if seeds == 1:
        # one row of a patient who stays positive, so that patients are dealt into the same parts.
        positives = np.bincount(fold.patient, weights=fold.label)
        patient = np.flatnonzero(positives >= 2)[0]
        rows = np.flatnonzero(fold.patient == patient)
        flipped = rows[fold.label[rows] == 1][:1]
    else:
        rows = flipped = np.arange(len(fold.label))
    fold.label[flipped] = 1 - fold.label[flipped]
    changed = cross_fit_cell(given, inside="internal", target=0.9, seed=0)["internal"][0]
    for name in ("called", "combined", "alone"):
        np.testing.assert_array_equal(getattr(changed, name)[rows], getattr(plain, name)[rows])


def test_the_threshold_comes_from_the_other_seeds_and_goes_outside_with_its_seed():
    given = cohorts(5)
    fitted = cross_fit_cell(given, inside="internal", target=0.9, seed=0)
    others = [given["internal"][seed] for seed in (0, 1, 2, 4)]
    label, score = (np.concatenate([getattr(fold, name) for fold in others]) for name in ("label", "score"))
    threshold = threshold_at_sensitivity(label, score, target=0.9)
    for cohort in ("internal", "external"):
        fold = fitted[cohort][3]
        np.testing.assert_array_equal(fold.called, (fold.score >= threshold).astype(float))


def test_seeds_that_test_the_same_patients_are_cross_fitted():
    given = cohorts(1)
    doubled = {cohort: {0: by_seed[0], 1: by_seed[0]} for cohort, by_seed in given.items()}
    alone = cross_fit_cell(given, inside="internal", target=0.9, seed=0)
    both = cross_fit_cell(doubled, inside="internal", target=0.9, seed=0)
    np.testing.assert_array_equal(both["internal"][1].combined, alone["internal"][0].combined)


def test_too_few_positives_fit_nothing():
    given = cohorts(5)
    for fold in given["internal"].values():
        fold.label[:] = 0
    fitted = cross_fit_cell(given, inside="internal", target=None, seed=0)
    assert np.isnan(fitted["external"][0].called).all()


def test_patients_are_dealt_whole_and_evenly():
    fold = cohorts(1)["internal"][0]
    part = deal_patients(fold.patient, -fold.label, seed=0)
    whole = {(patient, number) for patient, number in zip(fold.patient.tolist(), part.tolist(), strict=True)}
    assert len(whole) == 60
    assert np.bincount([number for _, number in whole]).tolist() == [12] * 5
    positive = {patient for patient, label in zip(fold.patient.tolist(), fold.label, strict=True) if label}
    counts = np.bincount([number for patient, number in whole if patient in positive], minlength=5)
    assert counts.max() - counts.min() <= 1
