"""What the studies say of their arms, outcomes and cohorts, as run.json holds it; nothing is run."""

from pathlib import Path

import numpy as np
import polars as pl

from semeia.evaluation.description import ArmDescription, Description, read_description
from semeia.studies.nodule import NODULE
from semeia.studies.pictures.knee import KNEE_STUDY
from semeia.studies.pictures.knee_settings import STARTS, KneeSettings
from semeia.studies.records.ehr import EHR
from semeia.studies.run.study import Finished, Inputs, Material, Study, Work

INPUTS = Inputs(Path("nowhere"))


def arms_of(study: Study, settings: object = None) -> dict[str, ArmDescription]:
    """What a study says of each of its arms."""
    made = study.arms(study.settings() if settings is None else settings, INPUTS)
    return {name: arm.about for name, arm in made.items()}


def described(study: Study, settings: object = None) -> Description:
    """What a study says of itself in run.json, read as the report reads it."""
    chosen = study.settings() if settings is None else settings
    nobody = Material(pl.DataFrame(), np.array([]), {}, lambda seed: np.array([], bool))
    work = Work(Path("nowhere"), INPUTS, chosen, nobody)
    return read_description(study.words(Finished(work, [], [], pl.DataFrame(), {}, study.arms(chosen, INPUTS))))


def nodule() -> Description:
    """The nodule study."""
    return described(NODULE)


def knee() -> Description:
    """The knee study with every start and both heads."""
    return described(KNEE_STUDY, KneeSettings(starts=tuple(STARTS), heads=("nominal", "ordinal")))


def ehr() -> Description:
    """The arms of the study of records; its other words need fitted signatures."""
    return Description(arms=arms_of(EHR))
