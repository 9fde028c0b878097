"""The simulation of coverage: its worlds are what they claim, and its intervals are told apart."""

import numpy as np
import pytest

from semeia.errors import InputError
from semeia.studies.coverage import coverage_study, intervals, truths
from semeia.studies.coverage.worlds import WORLDS, mean_log_odds


def test_a_large_cohort_of_two_classes_is_calibrated_and_has_its_prevalence():
    (part,) = WORLDS["two classes"].draw(40_000, 0.1, np.random.default_rng(0))
    assert set(np.bincount(part.patient)) == {1, 2, 3, 4}
    label, scores = part.scores
    assert label.mean() == pytest.approx(0.1, abs=0.005)
    known = dict(
        zip(WORLDS["two classes"].estimands, part.statistic(np.ones((1, len(label)), np.int16))[0], strict=True)
    )
    assert known["calibration_intercept"] == pytest.approx(0, abs=0.05)
    assert known["calibration_slope"] == pytest.approx(1, abs=0.05)
    assert known["auroc minus reference"] < -0.02
    pairs = np.flatnonzero(part.patient[1:] == part.patient[:-1])
    odds = np.log(scores[0] / (1 - scores[0]))
    assert np.corrcoef(odds[pairs], odds[pairs + 1])[0, 1] == pytest.approx(0.5, abs=0.03)
    assert odds.mean() == pytest.approx(mean_log_odds(0.1), abs=0.02)


def test_truths_are_what_the_worlds_are_made_of():
    of = {
        name: dict(zip(world.estimands, truths(world, 0.2, np.random.default_rng(1), patients=20_000), strict=True))
        for name, world in WORLDS.items()
    }
    # judged too low by 0.3 on the scale of log-odds.
    assert of["two cohorts"]["calibration_intercept minus home"] == pytest.approx(0.3, abs=0.07)
    assert of["time to event"]["observed_expected_at_horizon"] == pytest.approx(1, abs=0.04)
    # the same scores at the horizon as in two classes: censoring takes nothing away.
    for name in ("auroc", "brier", "net_benefit"):
        assert of["time to event"][f"{name}_at_horizon"] == pytest.approx(of["two classes"][name], abs=0.015)


def test_the_intervals_of_one_cohort_agree():
    world = WORLDS["two classes"]
    found = intervals(world, world.draw(150, 0.3, np.random.default_rng(1)), draws=300, seed=2)
    assert list(found) == list(world.estimands)
    for name in ("auroc", "auroc minus reference"):
        width = {method: high - low for method, (low, high) in found[name].items()}
        assert width["percentile"] == pytest.approx(width["delong"], rel=0.2)
        assert width["bca"] == pytest.approx(width["delong"], rel=0.25)
        assert width["delong_units_as_patients"] == pytest.approx(width["delong"], rel=0.2)


def test_a_study_goes_on_where_it_was_ended_and_repeats_itself(tmp_path, monkeypatch):
    few = {"repeats": 12, "patients": (60,), "prevalence": (0.3,), "draws": 100}
    one = coverage_study(**few, cells=tmp_path / "cells")
    assert set(one["world"]) == set(WORLDS)
    assert one.height == sum(len(world.estimands) for world in WORLDS.values())
    assert one["percentile"].mean() > 0.85
    assert (one["given"] > 0.8).all()
    assert coverage_study(**few).equals(one)
    monkeypatch.setattr("semeia.studies.coverage.intervals", None)
    assert coverage_study(**few, cells=tmp_path / "cells").equals(one)


@pytest.mark.parametrize(
    ("values", "words"),
    [({"repeats": 0}, "at least 1 repeat"), ({"patients": (5,)}, "20 patients"), ({"prevalence": (0.7,)}, "up to 0.5")],
)
def test_refusals(values: dict, words: str):
    with pytest.raises(InputError, match=words):
        coverage_study(**values)
