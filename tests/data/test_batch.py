"""What is observed, what is masked, and a batch in which a patient has nothing."""

import pytest
import torch

from semeia.data.batch import Batch
from semeia.errors import InputError
from small_batches import small_batch, with_second_view


def test_observed_is_by_modality():
    batch = small_batch()
    assert batch.observed().tolist() == [[False, True], [True, True], [True, False], *[[True, True]] * 3]
    assert len(batch) == 6


def test_without_masks_a_modality_for_some_or_all_and_leaves_the_rest():
    batch = small_batch(gaps=False)
    some = batch.without("reading", torch.arange(6) < 2)
    assert some.observed()[:, 1].tolist() == [False, False, True, True, True, True]
    assert some.observed()[:, 0].all()
    assert not batch.without("image").observed()[:, 0].any()
    assert batch.observed().all()
    assert some.labels is batch.labels


def test_a_patient_with_nothing_is_refused_with_the_count():
    batch = small_batch()
    assert batch.require_something() is batch
    with pytest.raises(InputError, match="1 of 6 units have none of image, reading"):
        batch.without("reading", torch.arange(6) == 0).require_something()


def test_moving_keeps_everything():
    batch = small_batch()
    moved = batch.to(torch.device("cpu"))
    assert isinstance(moved, Batch)
    assert list(moved.modalities) == list(batch.modalities)
    for name, seen in batch.modalities.items():
        torch.testing.assert_close(moved.modalities[name].values, seen.values, equal_nan=True)
        assert torch.equal(moved.modalities[name].present, seen.present)
    assert moved.labels is not None
    assert Batch(batch.modalities).to(torch.device("cpu")).labels is None


def test_what_is_not_there_can_be_taken_away():
    batch = small_batch()
    assert batch.without("report") is batch
    assert batch.has("report").tolist() == [False] * 6
    assert batch.has("image").tolist() == [False, True, True, True, True, True]
    assert batch.has("image", second=True).tolist() == [False] * 6


def test_one_modality_of_some_rows_and_its_second_view():
    batch = with_second_view(small_batch())
    keep = torch.tensor([False, False, True, False, True, False])
    for second, source in ((False, batch.modalities), (True, batch.second)):
        part = batch.of("image", keep, second=second)
        assert list(part.modalities) == ["image"]
        assert torch.equal(part.modalities["image"].values, source["image"].values[[2, 4]])
