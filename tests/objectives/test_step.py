"""A step is a value: its progress, and generators that depend on nothing else."""

import pytest
import torch

from semeia.objectives.step import Step


def test_progress_goes_from_0_to_1_and_no_further():
    assert [Step(index=i, total=5, seed=0).progress for i in (0, 2, 4, 9)] == [0.0, 0.5, 1.0, 1.0]
    assert Step(index=0, total=1, seed=0).progress == 0.0


def test_generators_depend_on_seed_index_and_purpose_only():
    def draw(step: Step, purpose: str) -> list[float]:
        return torch.rand(3, generator=step.generator(purpose)).tolist()

    step = Step(index=3, total=9, seed=1)
    torch.rand(5)
    assert draw(step, "masks") == draw(step, "masks") == draw(Step(index=3, total=99, seed=1), "masks")
    others = [
        draw(step, "augment"),
        draw(Step(index=4, total=9, seed=1), "masks"),
        draw(Step(index=3, total=9, seed=2), "masks"),
    ]
    assert draw(step, "masks") not in others


def test_a_generator_leaves_the_global_one_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    torch.rand(4, generator=Step(index=0, total=1, seed=0).generator("masks"))
    assert torch.rand(1) == pytest.approx(expected.item())
