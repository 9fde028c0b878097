"""An encoder that recognises an image, one that does not, and one that has collapsed: each is told, in words."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from semeia.data.batch import Batch, Seen
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.learning.diagnostics.collapse import ENOUGH
from semeia.learning.diagnostics.retrieval import nearest_is_own, retrieve
from semeia.learning.diagnostics.verdict import verdict_on_retrieval

DIM = 16


class Planted(nn.Module):
    """Two tokens an image, a fixed random map of what it holds, around a vector that all images share.

    Args:
        reads: "all" that two views share, "noise" alone, or next to "nothing".
    """

    maskable = True

    def __init__(self, reads: str) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        weight = torch.randn(8, DIM, generator=generator)
        # The first four values are the image's own, the last four are drawn for each view.
        weight[{"all": slice(4, 8), "noise": slice(0, 4), "nothing": slice(0, 8)}[reads]] = 0
        self.register_buffer("weight", weight)

    def forward(self, values: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        values = values.flatten(1) @ self.weight  # pyright: ignore[reportOperatorIssue]
        return 5.0 + values[:, None].repeat(1, 2, 1)


def encoder(reads: str) -> PatientEncoder:
    made = PatientEncoder({"image": Planted(reads)}, settings=EncoderSettings(dim=DIM, depth=0, heads=2))
    return made.eval()


def two_views(units: int) -> Batch:
    """Images of eight numbers: four are the image's, four are new in each view."""
    generator = torch.Generator().manual_seed(0)
    own = torch.randn(units, 4, generator=generator)

    def view() -> dict[str, Seen]:
        values = torch.cat([own, torch.randn(units, 4, generator=generator)], 1).reshape(units, 1, 1, 1, 2, 4)
        there = torch.ones(units, 1, 2, dtype=torch.bool)
        return {"image": Seen(values, there, torch.zeros(units, 1, 2, 3), torch.zeros(units, 1))}

    return Batch(view(), second=view())


def hidden(batch: Batch, gone: torch.Tensor) -> Batch:
    """Without the images of some units, in both views."""
    both = ({name: seen.hidden(gone) for name, seen in part.items()} for part in (batch.modalities, batch.second))
    return Batch(next(both), second=next(both))


@pytest.mark.parametrize(("reads", "begins"), [("all", "Healthy"), ("noise", "No signal"), ("nothing", "Collapsed")])
def test_each_kind_is_told(reads: str, begins: str):
    # Blocks of depth 0 end in a norm of each token, which leaves directions as they are.
    found = retrieve(encoder(reads), two_views(200), "image")
    if reads == "all":
        # Four directions only are used; what is asked here is the other half of the verdict.
        assert found["retrieved"] > 0.95
        assert found["image_effective_rank"] > 3
        found["image_effective_rank"] = max(found["image_effective_rank"], 4.0)
    elif reads == "noise":
        assert found["retrieved"] < 0.05
        found["image_effective_rank"] = max(found["image_effective_rank"], 4.0)
    assert found["retrieved_by_chance"] == 1 / 200
    said = verdict_on_retrieval(found)
    assert said.startswith(begins)
    assert ("chance 0.5%" in said) == (reads != "nothing")


def test_few_units_are_counted_and_nothing_else():
    assert retrieve(encoder("all"), two_views(ENOUGH - 1), "image") == {"watched_units": ENOUGH - 1}


def test_units_without_an_image_take_no_part():
    batch, gone = two_views(60), torch.arange(60) < 20
    keep = ~gone
    rest = Batch({"image": batch.modalities["image"].rows(keep)}, second={"image": batch.second["image"].rows(keep)})
    one = encoder("all")
    assert retrieve(one, hidden(batch, gone), "image") == retrieve(one, rest, "image")
    assert retrieve(one, hidden(batch, gone | True), "image") == {"watched_units": 0.0}


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 30), seed=st.integers(0, 2**31))
def test_the_share_equals_a_search_by_hand(n: int, seed: int):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(n, 5)) + 3, rng.normal(size=(n, 5)) - 1
    a, b = one - one.mean(0), other - other.mean(0)
    hits = 0
    for row in range(n):
        cosines = [a[row] @ b[k] / np.linalg.norm(a[row]) / np.linalg.norm(b[k]) for k in range(n)]
        hits += int(np.argmax(cosines)) == row
    assert nearest_is_own(torch.from_numpy(one), torch.from_numpy(other)) == pytest.approx(hits / n)


def test_a_vector_that_all_share_is_no_match():
    one = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    other = torch.randn(50, 8, generator=torch.Generator().manual_seed(1))
    assert nearest_is_own(one + 100, other + 100) == nearest_is_own(one, other)
    assert nearest_is_own(one, one + 100) == 1.0
