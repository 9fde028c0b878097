"""What is observed, what is masked, and a batch in which a patient has nothing."""

import pytest
import torch

from semeia.errors import InputError
from semeia.views.patient import Views
from small_views import small_views


def test_observed_is_by_modality():
    views = small_views()
    assert views.observed().tolist() == [[False, True], [True, True], [True, False], *[[True, True]] * 3]
    assert len(views) == 6


def test_without_masks_a_modality_for_some_or_all_and_leaves_the_rest():
    views = small_views(gaps=False)
    some = views.without("reading", torch.arange(6) < 2)
    assert some.observed()[:, 1].tolist() == [False, False, True, True, True, True]
    assert some.observed()[:, 0].all()
    assert not views.without("image").observed()[:, 0].any()
    assert views.observed().all()
    assert some.labels is views.labels


def test_a_patient_with_nothing_is_refused_with_the_count():
    views = small_views()
    assert views.require_something() is views
    with pytest.raises(InputError, match="1 of 6 units have none of image, reading"):
        views.without("reading", torch.arange(6) == 0).require_something()


def test_moving_keeps_everything():
    views = small_views()
    moved = views.to(torch.device("cpu"))
    assert isinstance(moved, Views)
    assert list(moved.modalities) == list(views.modalities)
    for name, view in views.modalities.items():
        torch.testing.assert_close(moved.modalities[name].values, view.values, equal_nan=True)
        assert torch.equal(moved.modalities[name].present, view.present)
    assert moved.labels is not None
    assert Views(views.modalities).to(torch.device("cpu")).labels is None
