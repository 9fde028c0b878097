"""Stays in intensive care as a study sees them: who is trained and tested, and what a network reads across time.

A stay is one row a patient with hospital, label and the time of the prediction. Hospitals, whole, are dealt to the
inside and the outside. Signatures are fitted for each seed, so what a network reads is that seed's own
(`Material.of_seed`).
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.store import Archive, open_archive
from semeia.data.dataset import Dataset
from semeia.data.masks import MaskSettings
from semeia.data.modalities import Demographics, Events, Signatures
from semeia.data.modalities.demographics import YEAR
from semeia.data.modality import Modality
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.build import ObjectiveSettings
from semeia.objectives.latent_prediction import LatentPredictionSettings
from semeia.ranges import ABOVE_0, FROM_1, require_ranges
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.settings import SignatureSettings
from semeia.signatures.window import Window
from semeia.studies.records.blocks import read_signed, signed_by_seed
from semeia.studies.records.further import shared_names
from semeia.studies.records.patient_data import ACROSS, DEMOGRAPHICS, SIGNATURES
from semeia.studies.run.protocol import StudySettings, cohorts_of, fold_testing, require_seeds
from semeia.studies.run.study import Inputs, Material

# An hour a step and a day back; as many signatures as can be told apart in a few hundred patients' records.
INTENSIVE_CARE = SignatureSettings(
    components=32, window=Window(24, 1), draws=3, starts=2, ica=IcaSettings(most_iterations=2000)
)
EVENTS = "events"
# Of events many single ones are hidden: of one time there are few, and of the modalities the other is age and sex.
AMONG_EVENTS = ObjectiveSettings(
    jepa=LatentPredictionSettings(masks=MaskSettings(modality=0.0, visit=0.3, block=0.0, token=0.7))
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
        events: how networks read the record as it is, see `Events`.
        events_pretraining: of networks on events; what they read is not looked at.
        further_dates: how often each record of a further archive is looked at, evenly through its events.
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
    events: Events = field(default_factory=Events)
    events_pretraining: PretrainSettings = field(
        default_factory=lambda: PretrainSettings(objective=AMONG_EVENTS, optimiser=OptimiserSettings(steps=400))
    )
    further_dates: int = 8
    finetuning: FinetuneSettings = field(default_factory=FinetuneSettings)
    draws: int = 2000

    def __post_init__(self) -> None:
        require_seeds(self.seeds, folds=self.folds)
        super().__post_init__()
        require_ranges("study", self, {"hours": ABOVE_0, "further_dates": FROM_1})
        if not 0 < self.inside < 1:
            raise InputError(f"study: inside is {self.inside}; give a share between 0 and 1, such as 0.6")


def read_by(settings: EhrSettings) -> ModelSettings:
    """What networks read: signatures at several dates, age and sex."""
    reads: dict[str, Modality] = {SIGNATURES: Signatures(hours=settings.hours), DEMOGRAPHICS: Demographics()}
    return replace(settings.pretraining.model, modalities=reads)  # pyright: ignore[reportArgumentType]


def events_by(settings: EhrSettings, inputs: Inputs) -> ModelSettings:
    """What networks read of the record as it is: its newest events, by shared names if there are any; age and sex."""
    events = replace(settings.events, shared=settings.events.shared | shared_names(inputs))
    reads: dict[str, Modality] = {EVENTS: events, DEMOGRAPHICS: Demographics()}
    return replace(settings.events_pretraining.model, modalities=reads)  # pyright: ignore[reportArgumentType]


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


def stays_of(archive: Archive, outcome: str, *, to_fit: bool = True) -> pl.DataFrame:
    """The first stay of each patient, in the order of the patients.

    Args:
        outcome: 0 or 1 at a time of prediction; stays without one are not labelled.
        to_fit: whether both classes are needed.

    Returns:
        row, unit_id, subject_id, pseudonym, site, sex, age (years, at the time of the prediction), label (null: none),
        time (of the prediction; null without a label), then the covariates of the units.
    """
    units = archive.table("units").filter(pl.col("kind") == "stay")
    if units.is_empty():
        raise InputError(f"{archive.path}: holds no stays; ingest them with 'semeia ingest table'.")
    first = units.sort("subject_id", "time", "unit_id").unique("subject_id", keep="first", maintain_order=True)
    labels = archive.outcome(outcome).select("unit_id", pl.col("value").alias("label"), time="prediction_time")
    people = archive.table("subjects").select("subject_id", "pseudonym", "site", "sex", "birth")
    table = (
        first.drop("kind", "time", "region")
        .join(labels, on="unit_id", how="left", maintain_order="left")
        .join(people, on="subject_id", how="left", maintain_order="left")
        .with_columns(age=(pl.col("time") - pl.col("birth").cast(pl.Datetime("us"))) / YEAR)
        .drop("birth")
        .with_row_index("row")
    )
    labelled, where = table.drop_nulls("label"), f"{archive.path}: outcome '{outcome}'"
    if not labelled["label"].is_in([0.0, 1.0]).all():
        raise InputError(f"{where} has other values than 0 and 1; only these can be fitted")
    if to_fit and labelled["label"].n_unique() < 2:
        raise InputError(f"{where} labels {labelled.height} stays, not of both classes")
    if undated := labelled["time"].null_count():
        raise InputError(f"{where}: {undated} labels have no prediction_time")
    ours = ("row", "unit_id", "subject_id", "pseudonym", "site", "sex", "age", "label", "time")
    return table.select(*ours, pl.exclude(*ours))


def hospitals_inside(stays: pl.DataFrame, *, share: float, seed: int) -> list[str]:
    """Whole hospitals, drawn whatever the labels until they have about a share (0 to 1) of the stays of a known one."""
    sizes = stays.drop_nulls("site").group_by("site").len().sort("site")
    if sizes.height < 2:
        raise InputError(f"the stays are of {sizes.height} hospital(s); inside and outside need at least two.")
    drawn = sizes[np.random.default_rng(seed).permutation(sizes.height)]
    reached = drawn["len"].cum_sum().to_numpy()
    nearest = int(np.abs(reached - share * reached[-1]).argmin()) + 1
    return sorted(drawn["site"].head(min(nearest, sizes.height - 1)))
