"""The arms of the study of health records: simple models of signatures and counts, networks of signatures in time."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from semeia.evaluation.description import ArmDescription
from semeia.learning.cells import Cell
from semeia.studies.records.blocks import LEARNT, RecordArm, Signatures
from semeia.studies.records.ehr_data import EhrSettings, read_by
from semeia.studies.run.arms import Encoder, Network
from semeia.studies.run.study import Arm, Inputs, Pretraining, Work
from semeia.studies.run.words import ONE_SOLUTION, PRETRAINED, SEED

ACROSS_TIME = "across_jepa"


@dataclass(frozen=True)
class Expressed(Signatures):
    """Signatures, expressed for the networks, too: once, and kept for all cells of the seed."""

    study: EhrSettings

    def learn(self, cell: Cell, rows: np.ndarray, folder: Path, work: Work) -> None:
        """Fit, write the blocks of the stays, and read everything once."""
        super().learn(cell, rows, folder, work)
        work.material.data(read_by(self.study))


def pretraining(settings: EhrSettings, inputs: Inputs) -> dict[str, Pretraining]:
    """Signatures, once a seed; then an encoder of them across time."""
    model = read_by(settings)
    encoder = Encoder(tuple(model.modalities), replace(settings.pretraining, model=model))
    return {LEARNT: Expressed(settings.signatures, min(settings.seeds), settings), ACROSS_TIME: encoder}


def arms(settings: EhrSettings, inputs: Inputs) -> dict[str, Arm]:
    """Simple models of signatures, counts and values; networks from each start; people and the record's size alone."""
    blocks = {
        "signatures": ("Signatures", ("people", "signatures")),
        "counts": ("Raw counts", ("people", "counts")),
        "values": ("Counts and last values", ("people", "counts", "values")),
    }
    fits = {"logistic": "logistic regression", "boosting": "gradient boosting"}
    models: dict[str, Arm] = {
        f"{name}_{fit}": RecordArm(ArmDescription(f"{title}, {by}", start=ONE_SOLUTION), reads, fit)  # pyright: ignore[reportArgumentType]
        for name, (title, reads) in blocks.items()
        for fit, by in fits.items()
    }
    density = ArmDescription("Number of events alone", "shortcut", column="record_density")
    people = ArmDescription("Age and sex alone", "simple", start=ONE_SOLUTION)
    simple = {"age_sex": RecordArm(people, ("people",)), "record_density": RecordArm(density, ("density",))}
    return models | networks(settings) | simple


def networks(settings: EhrSettings) -> dict[str, Arm]:
    """The same network of signatures across time from pretraining, from scratch, and never trained."""
    model = read_by(settings)
    names = tuple(model.modalities)

    def network(words: str, role: str, begins: str, modes: tuple[str, ...], start: str = "") -> Network:
        about = ArmDescription(f"Signatures across time, {words}", role, "across", begins, names)
        return Network(about, names, model, settings.finetuning, modes, pretraining=start)

    return {
        ACROSS_TIME: network("pretrained", "pretrained", PRETRAINED, ("frozen", "finetune"), ACROSS_TIME),
        "across_scratch": network("from scratch", "scratch", SEED, ("finetune",)),
        "across_random": network("random encoder", "random", SEED, ("frozen",)),
    }
