"""The causes of made-up patients: prevalence, what is shared with whom, what reaches the label."""

from dataclasses import replace

import numpy as np
import pytest

from semeia.errors import InputError
from semeia.evaluation.statistics.discrimination import auroc
from semeia.worlds.causes import Latents, draw_latents, label_weights
from semeia.worlds.world import Site, WorldSettings

N = 20_000
STRUCTURES = ("common", "independent", "dial", "synergy", "anticausal", "risk", "workup", "selection", "curved")


def drawn(world: WorldSettings, n: int = N, **of) -> Latents:
    return draw_latents(world, n, seed=3, part="test", **of)


def across(latents: Latents) -> np.ndarray:
    """Correlations of the image's causes (rows) with the record's."""
    width = latents.image.shape[1]
    return np.corrcoef(latents.image.T, latents.record.T)[:width, width:]


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_prevalence_is_held_at_home_and_where_a_site_has_another(structure):
    world = WorldSettings(structure=structure, prevalence=0.2)
    assert drawn(world).label.mean() == pytest.approx(0.2, abs=0.012)
    assert drawn(world, site=Site(prevalence=0.45)).label.mean() == pytest.approx(0.45, abs=0.014)


def test_a_block_world_shares_its_first_causes_and_a_blend_all_in_part():
    assert np.allclose(across(drawn(WorldSettings())), np.diag([1.0] * 4 + [0.0] * 4), atol=0.04)
    blend = drawn(WorldSettings(structure="dial", latents="blend", rho=0.7))
    assert np.allclose(across(blend), 0.7 * np.eye(8), atol=0.04)


@pytest.mark.parametrize("latents", ["block", "blend"])
def test_independent_causes_tell_nothing_of_each_other(latents):
    latents = drawn(WorldSettings(structure="independent", latents=latents))
    assert np.abs(across(latents)).max() < 0.035
    assert 0.6 < auroc(latents.label, latents.image @ label_weights(WorldSettings(structure="independent"))[1]) < 0.85


def test_selection_makes_independent_causes_oppose_each_other():
    world = WorldSettings(structure="selection")
    _, image, record = label_weights(world)
    latents = drawn(world)
    assert np.corrcoef(latents.image @ image, latents.record @ record)[0, 1] < -0.25
    everybody = drawn(replace(world, structure="independent"))
    assert abs(np.corrcoef(everybody.image @ image, everybody.record @ record)[0, 1]) < 0.03


def test_synergy_has_no_marginal_signal_and_a_curved_label_no_linear_one():
    from sklearn.linear_model import LinearRegression

    for structure in ("synergy", "curved"):
        latents = drawn(WorldSettings(structure=structure))
        design = np.hstack([latents.image, latents.record])
        assert LinearRegression().fit(design, latents.label).score(design, latents.label) < 0.01
        assert auroc(latents.label, latents.oracle) > 0.8


def test_the_work_up_moves_three_causes_of_the_record_and_another_site_by_as_much_as_it_is_told():
    world = WorldSettings(structure="workup", kappa=0.5)
    plain = drawn(replace(world, structure="dial")).record
    home, against = drawn(world), drawn(world, site=Site(kappa=-0.25))
    signs = 2 * home.label[:, None] - 1
    assert np.allclose(home.record[:, :3] - plain[:, :3], 0.5 * signs)
    assert np.allclose(against.record[:, :3] - plain[:, :3], -0.25 * signs)
    assert (home.record[:, 3:] == plain[:, 3:]).all()
    assert (home.image == against.image).all()
    assert (home.label == against.label).all()


def test_the_dial_moves_the_label_from_own_causes_to_shared_ones():
    w = label_weights(WorldSettings(structure="dial"))[0]
    areas = [
        auroc(latents.label, latents.image @ w)
        for latents in (drawn(WorldSettings(structure="dial", lam=lam)) for lam in (0.0, 0.5, 1.0))
    ]
    assert areas[0] == pytest.approx(0.5, abs=0.02)
    assert areas[1] > 0.7
    assert areas[2] > areas[1] + 0.1


def test_effects_and_risk_factors_reach_both_modalities():
    anticausal = drawn(WorldSettings(structure="anticausal", flips=0.0))
    assert auroc(anticausal.label, anticausal.image[:, 0]) == auroc(anticausal.label, anticausal.record[:, 0]) == 1
    chain = [drawn(WorldSettings(structure="risk", effect=effect)) for effect in (0.0, 1.0)]
    touched = [abs(np.corrcoef(one.record[:, -1], one.image[:, 0])[0, 1]) for one in chain]
    assert touched[0] < 0.03
    assert touched[1] > 0.99


def test_the_bayes_score_is_calibrated_and_between_the_image_and_the_oracle():
    world = WorldSettings(structure="dial", latents="blend", rho=0.5, lam=1.0)
    latents = drawn(world)
    assert latents.bayes.mean() == pytest.approx(latents.label.mean(), abs=0.015)
    by_tenth = np.argsort(latents.bayes).reshape(10, -1)
    gaps = latents.bayes[by_tenth].mean(1) - latents.label[by_tenth].mean(1)
    assert np.abs(gaps).max() < 0.03
    image = auroc(latents.label, latents.image @ label_weights(world)[0])
    assert image < auroc(latents.label, latents.bayes) < auroc(latents.label, latents.oracle) - 0.05


def test_a_patient_is_the_same_whatever_their_number_and_another_in_another_part():
    for structure in STRUCTURES:
        world = WorldSettings(structure=structure)
        few, many = drawn(world, 50), drawn(world, 400)
        assert (few.image == many.image[:50]).all()
        assert (few.record == many.record[:50]).all()
        assert (few.label == many.label[:50]).all()
        assert (few.bayes == many.bayes[:50]).all()
    other = draw_latents(WorldSettings(), 50, seed=3, part="train")
    assert np.abs(np.corrcoef(other.image[:, 0], drawn(WorldSettings(), 50).image[:, 0])[0, 1]) < 0.5


def test_the_recoding_of_a_site_stretches_the_record_along_the_label_alone():
    world = WorldSettings(structure="independent")
    direction = label_weights(world)[2]
    home, there = drawn(world, 100), drawn(world, 100, site=Site(recoding=0.5))
    assert np.allclose(there.record @ direction, 1.5 * home.record @ direction)
    rest = np.eye(8) - np.outer(direction, direction)
    assert np.allclose(there.record @ rest, home.record @ rest)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"prevalence": 0.0}, "prevalence is 0.0"),
        ({"structure": "risk", "latents": "blend"}, "a blend can be"),
        ({"structure": "anticausal", "prevalence": 0.04}, "between flips"),
        ({"shared": 2}, "shared is 2"),
    ],
)
def test_worlds_that_cannot_be_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        WorldSettings(**settings)
