"""The arms of the issue are all there, and the plan names every cell once."""

from semeia.learning.baselines import OF_NODULES
from semeia.studies.arms import ARMS, plan


def test_the_arms_of_the_protocol():
    assert {name: (row.modalities, row.start) for name, row in ARMS.items()} == {
        "image_scratch": (("image",), "scratch"),
        "multimodal_scratch": (("image", "reading"), "scratch"),
        "multimodal_jepa": (("image", "reading"), "jepa"),
        "image_jepa": (("image",), "jepa"),
        "random_encoder": (("image", "reading"), "random"),
    }
    assert ARMS["multimodal_jepa"].modes == ("frozen", "finetune", "probe_finetune")
    assert set(OF_NODULES) == {
        "diameter",
        "z_extent",
        "scanner",
        "human_reader",
        "reading_logistic",
        "reading_boosting",
        "image_components",
    }
    assert not set(ARMS) & set(OF_NODULES)


def test_the_plan_is_every_arm_mode_fraction_and_seed_once():
    first, then = plan((0, 3), (0.1, 1.0))
    assert [cell.name for cell in first] == [
        f"pretrained/{arm}/seed-{seed}" for seed in (0, 3) for arm in ("multimodal_jepa", "image_jepa")
    ]
    modes = sum(len(row.modes) for row in ARMS.values())
    assert len(then) == 2 * 2 * (modes + len(OF_NODULES))
    names = [cell.name for cell in (*first, *then)]
    assert len(set(names)) == len(names)
    assert "cells/multimodal_jepa/probe_finetune/0.1/seed-3" in names
    assert {cell.mode for cell in then if cell.arm in OF_NODULES} == {"none"}
