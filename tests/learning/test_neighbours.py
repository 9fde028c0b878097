"""How near a unit is to training patients: counted, never named; what is usual is told by patients held out."""

from pathlib import Path

import numpy as np
import pytest

from semeia.data.dataset import Dataset
from semeia.errors import InputError
from semeia.learning.model import FILE, load_model
from semeia.learning.neighbours import FEWEST, Neighbours, features_of, load_neighbours, neighbours_of
from small_training import loaded


def made_up(learnt: int = 60, others: int = 40, *, width: int = 8) -> Neighbours:
    """Two units a patient, one part, standard normal."""
    count = learnt + others
    features = np.random.default_rng(0).normal(size=(count, 1, width))
    return Neighbours(features, np.ones((count, 1), bool), np.arange(count) // 2, np.arange(count) < learnt)


def test_one_in_twenty_of_those_held_out_is_unusual():
    known = made_up()
    told = [known.near(known.features[row], known.there[row]) for row in range(60, 100)]
    assert all(one is not None and one.held_out and one.told_by == 40 and one.of == 30 for one in told)
    assert sum(one.unusual for one in told if one) == 2
    far = known.near(np.full((1, 8), 9.0), np.ones(1, bool))
    assert far is not None
    assert far.unusual
    assert far.patients == 0
    own = known.near(known.features[3], known.there[3])
    assert own is not None
    assert own.distance == pytest.approx(0, abs=1e-6)
    assert own.patients >= 1


def test_without_enough_held_out_the_training_patients_tell_and_nobody_asks_himself():
    known = made_up(others=FEWEST - 2)
    near = known.near(known.features[0], known.there[0])
    assert near is not None
    assert (near.held_out, near.told_by) == (False, 60)
    # Each patient's second unit made the same as the first: were it counted, every nearest would be 0.
    twins = made_up(others=0)
    twins.features[1::2] = twins.features[::2]
    near = twins.near(twins.features[0], twins.there[0])
    assert near is not None
    assert near.radius > 0.5


def test_only_units_that_have_what_this_one_has_are_compared():
    known = made_up()
    both = np.concatenate([known.features, np.zeros_like(known.features)], 1)
    there = np.stack([np.ones(100, bool), np.arange(100) % 10 == 0], 1)
    two = Neighbours(both, there, known.patients, known.learnt)
    first = two.near(both[0] + [[0.0], [99.0]], np.array([True, False]))
    assert first is not None
    assert first.distance == pytest.approx(0, abs=1e-6)  # what is not there says nothing
    assert two.near(both[0], np.array([True, True])) is None  # six units are too few


def test_they_are_stored_without_saying_who_they_are(run: Path, data: Dataset, tmp_path: Path, unseen: Path):
    model = load_model(run / "cells/multimodal_jepa/frozen/1/seed-0" / FILE)
    known = neighbours_of(model, data)
    assert known.learnt.sum() == model.preprocessing.fitted_on.seen(data).sum()
    known.save(tmp_path)
    (path,) = tmp_path.iterdir()
    again = load_neighbours(path)
    assert all(np.array_equal(getattr(again, name), getattr(known, name)) for name in ("features", "there", "patients"))
    raw = path.read_bytes()
    for name in (*data.units["pseudonym"], *data.units["unit_id"], *model.preprocessing.fitted_on.patients):
        assert name.encode() not in raw
    features, _ = features_of(model, data, np.arange(len(data)))
    assert not np.array_equal(known.features, features)  # in an order that was drawn
    assert np.isclose(np.sort(known.features.sum((1, 2))), np.sort(features.sum((1, 2)))).all()
    with pytest.raises(InputError, match="none of the patients the model was fitted on is in this archive"):
        neighbours_of(model, loaded(unseen))
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(InputError, match="damaged"):
        load_neighbours(path)
