"""Stays in intensive care as a study sees them: who is trained and tested, and what a network reads across time.

Signatures are fitted for each seed, so what a network reads is that seed's own (`Material.of_seed`).
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.store import open_archive
from semeia.data.dataset import Dataset
from semeia.data.modalities import Demographics, Signatures
from semeia.data.modality import Modality
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.ranges import ABOVE_0, require_ranges
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.settings import SignatureSettings
from semeia.signatures.window import Window
from semeia.studies.records.blocks import read_signed, signed_by_seed
from semeia.studies.records.patient_data import ACROSS, DEMOGRAPHICS, SIGNATURES
from semeia.studies.records.stays import hospitals_inside, stays_of
from semeia.studies.run.protocol import StudySettings, cohorts_of, fold_testing, require_seeds
from semeia.studies.run.study import Inputs, Material

# An hour a step and a day back; as many signatures as can be told apart in a few hundred patients' records.
INTENSIVE_CARE = SignatureSettings(
    components=32, window=Window(24, 1), draws=3, starts=2, ica=IcaSettings(most_iterations=2000)
)


@dataclass(frozen=True)
class EhrSettings(StudySettings):
    """The study. The defaults are the full one.

    Attributes:
        outcome: what is predicted.
        inside: share of the stays that the internal hospitals have, about.
        hospitals: seed of which hospitals these are.
        folds: patient folds of the internal hospitals; at most as many seeds, each tests another.
        hours: before the prediction, at which networks look at the record, too.
        signatures: see `SignatureSettings`; its seed is that of the fold.
        pretraining: of networks on signatures across time, see `PretrainSettings`; what they read is not looked at.
        finetuning: see `FinetuneSettings`.
    """

    outcome: str = "hospital_mortality"
    inside: float = 0.6
    hospitals: int = 0
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    folds: int = 5
    fractions: tuple[float, ...] = (0.25, 0.5, 1.0)
    hours: tuple[float, ...] = (6.0, 12.0, 18.0)
    signatures: SignatureSettings = INTENSIVE_CARE
    pretraining: PretrainSettings = field(
        default_factory=lambda: PretrainSettings(objective=ACROSS, optimiser=OptimiserSettings(steps=400))
    )
    finetuning: FinetuneSettings = field(default_factory=FinetuneSettings)
    draws: int = 2000

    def __post_init__(self) -> None:
        require_seeds(self.seeds, folds=self.folds)
        super().__post_init__()
        require_ranges("study", self, {"hours": ABOVE_0})
        if not 0 < self.inside < 1:
            raise InputError(f"study: inside is {self.inside}; give a share between 0 and 1, such as 0.6")


def read_by(settings: EhrSettings) -> ModelSettings:
    """What networks read: signatures at several dates, age and sex."""
    reads: dict[str, Modality] = {SIGNATURES: Signatures(hours=settings.hours), DEMOGRAPHICS: Demographics()}
    return replace(settings.pretraining.model, modalities=reads)  # pyright: ignore[reportArgumentType]


def open_stays(inputs: Inputs, settings: EhrSettings, cache: Path) -> Material:
    """Read the stays and deal hospitals and patients; signatures come with each seed."""
    archive = open_archive(inputs.archive)
    stays = stays_of(archive, settings.outcome)
    site = stays["site"].fill_null("").to_numpy()
    inside = np.isin(site, hospitals_inside(stays, share=settings.inside, seed=settings.hospitals))
    cohort = cohorts_of(site, inside)
    words = pl.col("label").cast(pl.String).fill_null("none").alias("stratum")
    strata = stays.filter(inside).select("subject_id", words)
    subject = stays["subject_id"].to_numpy()

    def as_read(model: ModelSettings, folder: Path | None) -> Dataset:
        data = read_signed(inputs, model, folder, cache, settings.outcome)
        place = {unit: row for row, unit in enumerate(data.units["unit_id"])}
        return data.take(np.array([place[unit] for unit in stays["unit_id"]]))

    return Material(
        units=stays,
        cohort=cohort,
        labels={settings.outcome: stays["label"].cast(pl.Float64).fill_null(float("nan")).to_numpy()},
        testing=fold_testing(subject, strata, folds=settings.folds, outside=cohort == "external"),
        dataset=as_read(read_by(settings), None),
        of_seed=signed_by_seed(as_read, cache.parent),
        extra=archive,
    )
