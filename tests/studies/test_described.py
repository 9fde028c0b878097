"""What the studies say of their arms and of what was done: every arm is described, and only what happened is stated."""

import json
from dataclasses import replace

import polars as pl
import pytest

from semeia.archive.store import Archive
from semeia.evaluation.description import ROLES, ArmDescription, Description, read_description
from semeia.learning.baselines import OF_NODULES
from semeia.studies import arms, described, ehr_arms
from semeia.studies.knee_arms import BASELINE, STARTS
from semeia.views.crops import CropSettings


def test_every_arm_that_a_study_runs_is_described():
    assert {*arms.ARMS, *OF_NODULES} <= set(described.NODULE_ARMS)
    assert set(ehr_arms.ARMS) == set(described.EHR_ARMS)
    assert {*STARTS, BASELINE} <= set(described.knee("kl_grade").arms)
    for study in (described.nodule("x", "GE"), described.ehr("x"), described.knee("x")):
        assert all(about.title and about.role in ROLES for about in study.arms.values())
        assert set(study.yardsticks) <= set(study.arms)
        assert not study.main or study.main[0] in study.arms


def test_networks_read_and_start_from_what_their_arm_says():
    for name, arm in arms.ARMS.items():
        about = described.NODULE_ARMS[name]
        assert about.modalities == arm.modalities
        assert about.role == {"jepa": "pretrained", "scratch": "scratch", "random": "random"}[arm.start]


@pytest.mark.parametrize("study", [described.nodule("x", "GE"), described.ehr("x"), described.knee("x"), Description()])
def test_a_description_survives_run_json(study: Description):
    assert read_description(json.loads(json.dumps(study.record()))) == study


def test_what_is_malformed_is_left_out():
    record = {
        "title": 3,
        "arms": {"a": "words", "b": {"title": "B", "role": "hero", "modalities": "image"}},
        "cohorts": ["internal"],
        "contrasts": {"arm": "a"},
    }

    read = read_description(record)

    assert read.title == ""
    assert read.arms == {"a": ArmDescription(), "b": ArmDescription("B")}
    assert read.cohorts == {}
    assert read.contrasts == ()


class Images(Archive):
    """An archive of nothing but the table of images."""

    def __init__(self, spacing: list[list[float] | None], intensity: list[str]) -> None:
        self.images = pl.DataFrame({"spacing": pl.Series(spacing, dtype=pl.List(pl.Float64)), "intensity": intensity})

    def table(self, name: str) -> pl.DataFrame:
        return self.images


def test_preprocessing_says_what_happened_to_these_images():
    crop, volume = CropSettings(), [1.0, 1.0, 2.5]

    scans = described.preprocessing(Images([volume], ["hu"]), crop, ("image", "reading"))
    assert "32 \u00d7 32 \u00d7 32 voxels of 1 \u00d7 1 \u00d7 1 mm" in scans
    assert "Hounsfield units from \u22121350 to 150" in scans
    assert "readings are standardised" in scans

    stretched = described.preprocessing(Images([volume], ["per_slice_stretched"]), crop, ("image",))
    assert "Hounsfield" not in stretched
    assert "reading" not in stretched

    flat = replace(crop, voxels=(1, 64, 48), patch=(1, 8, 8))
    pictures = described.preprocessing(Images([None, None], ["display"] * 2), flat, ("image",))
    assert pictures.startswith("Pictures without a spacing are brought to 64 \u00d7 48 pixels.")
    assert "mm" not in pictures
    assert "Hounsfield" not in pictures


def test_settings_are_said_in_numbers():
    config = {
        "pretraining": {
            "model": {"encoder": {"dim": 96, "depth": 4, "heads": 4}},
            "optimiser": {"epochs": 60, "batch": 64},
        },
        "finetuning": {"supervised": {"dropout": 0.1}},
    }

    words = described.network_words(config)

    assert words["architecture"].startswith("A transformer of 96 dimensions, 4 blocks, 4 heads")
    assert words["training"].startswith("Pretraining: 60 epochs in batches of 64")
    assert words["overfitting"].startswith("Dropout of 0.1")
    assert described.network_words({}) == {}
