"""What a hospital sees of made-up patients: features, sites, missing records."""

from dataclasses import replace

import numpy as np
import pytest

from semeia.worlds.observe import Missing, Patients, draw_patients, mixing
from semeia.worlds.world import Site, WorldSettings

WORLD = WorldSettings(structure="independent")


def drawn(world: WorldSettings = WORLD, n: int = 4000, **of) -> Patients:
    return draw_patients(world, n, seed=5, part="test", **of)


def linear_share(x: np.ndarray, y: np.ndarray) -> float:
    """Share of the variance of columns that a least-squares fit explains in the other half of the rows."""
    from sklearn.linear_model import LinearRegression

    half = len(x) // 2
    return float(LinearRegression().fit(x[:half], y[:half]).score(x[half:], y[half:]))


def same(one: Patients, other: Patients) -> bool:
    arrays = ((one.image, other.image), (one.record, other.record), (one.label, other.label))
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in arrays)


def test_features_hold_the_causes_of_their_own_modality_alone():
    patients = drawn()
    assert patients.image.shape == (4000, 64)
    assert patients.record.shape == (4000, 128)
    assert patients.image.dtype == patients.record.dtype == np.float32
    assert linear_share(patients.record, patients.truth.record) > 0.75
    assert linear_share(patients.image, patients.truth.image) > 0.75
    assert linear_share(patients.image, patients.truth.record) < 0.02


def test_modalities_predict_each_other_only_where_causes_are_shared():
    assert linear_share(drawn().image, drawn().record) < 0.01
    shared = drawn(replace(WORLD, structure="common"))
    assert linear_share(shared.image, shared.record) > 0.05


def test_louder_nuisance_hides_the_causes():
    loud = drawn(replace(WORLD, nuisance_scale=3.0))
    assert linear_share(loud.image, loud.truth.image) < linear_share(drawn().image, drawn().truth.image) - 0.15


def test_it_is_a_function_of_its_arguments_and_the_first_patients_do_not_depend_on_how_many_there_are():
    first = drawn(n=300, missing=Missing(0.3, "mar"))
    assert same(first, drawn(n=300, missing=Missing(0.3, "mar")))
    more = drawn(n=500, missing=Missing(0.3, "mar"))
    assert same(first, Patients(more.image[:300], more.record[:300], more.label[:300], more.truth))
    for other in (draw_patients(WORLD, 300, seed=6, part="test"), draw_patients(WORLD, 300, seed=5, part="train")):
        assert not (other.image == first.image).any()


def test_weights_belong_to_the_world_whatever_causes_the_label():
    into, out = mixing(WORLD, "record")
    assert into.shape == (24, 48)
    assert out.shape == (48, 128)
    assert out.std() == pytest.approx(1.5 / np.sqrt(48), rel=0.05)
    assert (mixing(replace(WORLD, structure="workup", beta=1.0), "record")[0] == into).all()
    assert not (mixing(replace(WORLD, seed=1), "record")[0] == into).any()


@pytest.mark.parametrize("mechanism", ["mcar", "mar", "mnar"])
def test_records_are_missing_as_often_as_is_asked(mechanism):
    patients = drawn(n=8000, missing=Missing(0.4, mechanism))
    gone = np.asarray(np.isnan(patients.record).all(1))
    assert gone.mean() == pytest.approx(0.4, abs=0.02)
    assert not np.isnan(patients.record[~gone]).any()
    assert not np.isnan(patients.image).any()
    by_label = gone[patients.label == 0].mean() - gone[patients.label == 1].mean()
    score = patients.image[:, :32].sum(1) - patients.image[:, 32:].sum(1)
    by_score = score[gone].mean() / score.std() - score[~gone].mean() / score.std()
    assert (by_label > 0.2) == (mechanism == "mnar")
    assert (by_score > 0.5) == (mechanism == "mar")
    assert mechanism != "mcar" or max(abs(by_label), abs(by_score)) < 0.05


def test_a_site_codes_the_record_otherwise_and_leaves_the_image_alone():
    home, there = drawn(), drawn(site=Site(shift=1.0, unmapped=0.3))
    assert (home.image == there.image).all()
    assert (home.label == there.label).all()
    lacking = np.isnan(there.record).all(0)
    assert lacking.sum() == 38
    assert not np.isnan(there.record[:, ~lacking]).any()
    for at in np.flatnonzero(~lacking)[:5]:  # what is left is one straight line a feature
        assert abs(np.corrcoef(home.record[:, at], there.record[:, at])[0, 1]) == pytest.approx(1, abs=1e-5)
    moved = np.abs(there.record - home.record)[:, ~lacking].mean()
    assert moved > 0.2
    assert not np.array_equal(np.isnan(drawn(site=Site(unmapped=0.3, seed=1)).record).all(0), lacking)
