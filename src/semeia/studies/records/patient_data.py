"""Patients with scans and a record as a study sees them: units at an index date, labels, who is tested.

Signatures are fitted for each seed, so what a network reads is that seed's own (`Material.of_seed`).
"""

import datetime as dt
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.store import open_archive
from semeia.data.dataset import Dataset
from semeia.data.masks import MaskSettings
from semeia.data.modalities import Demographics, Signal, Signatures, Table, Vector, Volume
from semeia.data.modalities.demographics import YEAR
from semeia.data.modalities.signatures import dates_of
from semeia.data.modality import Modality
from semeia.encoders.settings import ModelSettings
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.objectives.build import ObjectiveSettings
from semeia.objectives.latent_prediction import LatentPredictionSettings
from semeia.signatures.settings import SignatureSettings
from semeia.studies.own import modalities_of
from semeia.studies.records.blocks import read_signed, signed_by_seed
from semeia.studies.records.counts import densities, seen_codes
from semeia.studies.run.protocol import StudySettings, kept_for_testing, require_each_once
from semeia.studies.run.reading import labels_of_both, outside_of
from semeia.studies.run.study import Inputs, Material

SIGNATURES, DEMOGRAPHICS = "signatures", "demographics"
# Whole modalities, whole dates, and single tokens; a block of an image is told by what lies beside it.
MASKS = MaskSettings(modality=0.5, visit=0.3, block=0.0, token=0.2)
ACROSS = ObjectiveSettings(jepa=LatentPredictionSettings(masks=MASKS))


@dataclass(frozen=True)
class PatientSettings(StudySettings):
    """The study of patients with scans and records.

    Attributes:
        outcome: what is predicted, at its time of prediction.
        internal: site that is trained on, where the archive holds several; the others are only tested. Empty: all are.
        modalities: what is read of the archive beside signatures; none named: all it has but reports.
        demographics: read age and sex as a modality, too. Signatures hold them already, and pretraining that may tell
            one from the other learns little else.
        incomplete: keep labelled training patients without a record from all arms but one, whose encoder is pretrained
            on them with their labels.
        signatures: see `SignatureSettings`; its seed is not looked at.
        pretraining: see `PretrainSettings`.
        finetuning: see `FinetuneSettings`.
    """

    outcome: str = ""
    internal: str = ""
    modalities: tuple[str, ...] = ()
    demographics: bool = False
    incomplete: bool = False
    signatures: SignatureSettings = field(default_factory=SignatureSettings)
    pretraining: PretrainSettings = field(default_factory=lambda: PretrainSettings(objective=ACROSS))
    finetuning: FinetuneSettings = field(default_factory=FinetuneSettings)
    draws: int = 2000

    def __post_init__(self) -> None:
        super().__post_init__()
        require_each_once(self, "modalities")


def read_by(settings: PatientSettings, inputs: Inputs) -> dict[str, Modality]:
    """Name what is read: of the archive, then signatures, then age and sex where they are asked for."""
    archive = open_archive(inputs.archive)
    there = settings.pretraining.model.modalities_of(archive)
    reads = {name: there[name] for name in modalities_of(there, settings.modalities)} | {SIGNATURES: Signatures()}
    return reads | ({DEMOGRAPHICS: Demographics()} if settings.demographics else {})


def groups_of(reads: dict[str, Modality]) -> dict[str, tuple[str, ...]]:
    """What networks read together: everything; scans (images, signals, features of scans); the record."""
    record = [name for name, one in reads.items() if isinstance(one, Table | Signatures)]
    scans = [name for name, one in reads.items() if isinstance(one, Volume | Signal | Vector) and name not in record]
    return {"multimodal": tuple(reads), "image": tuple(scans), "record": tuple(record)}


def model_of(settings: PatientSettings, reads: dict[str, Modality]) -> ModelSettings:
    """Set what networks read; the folder of the signatures is each seed's own (`of_seed`)."""
    return replace(settings.pretraining.model, modalities=reads)  # pyright: ignore[reportArgumentType]


def open_patients(
    inputs: Inputs, settings: PatientSettings, cache: Path, *, earlier: dt.timedelta = dt.timedelta(0)
) -> Material:
    """Read units, labels, who is tested; signatures come with each seed.

    With `earlier` everything is as it was known so long before the times of prediction.
    """
    reads = read_by(settings, inputs)
    data = read_signed(inputs, model_of(settings, reads), None, cache, settings.outcome, earlier=earlier)
    elsewhere = (data.units["site"] != settings.internal).fill_null(True).to_numpy() if settings.internal else False
    outside, units = outside_of(data) | elsewhere, _facts(inputs, data.units)
    scans = [data.observations[name].slot >= 0 for name in groups_of(reads)["image"] if name in data.observations]
    units = units.with_columns(scans=pl.Series(np.sum([slot.sum(1) for slot in scans], axis=0), dtype=pl.Int64))
    recorded = units["recorded"].to_numpy()
    something = data.something(tuple(data.observations)) | recorded
    labels = np.where(something, labels_of_both(data, inputs, settings.outcome), np.nan)
    # Whom all arms but one may not learn from is tested by none.
    apart = ~np.isnan(labels) & ~recorded & ~outside if settings.incomplete else np.zeros(len(data), bool)
    units = units.drop("recorded")

    def as_read(model: ModelSettings, folder: Path) -> Dataset:
        return replace(read_signed(inputs, model, folder, cache, settings.outcome, earlier=earlier), units=units)

    return Material(
        units=units,
        cohort=np.where(outside, "external", "internal"),
        labels={settings.outcome: np.where(apart, np.nan, labels)},
        testing=kept_for_testing(units, outside=outside),
        dataset=replace(data, units=units),
        of_seed=signed_by_seed(as_read, cache.parent),
        extra=np.where(apart, labels, np.nan),
    )


def _facts(inputs: Inputs, units: pl.DataFrame) -> pl.DataFrame:
    """Add what is known by the index date: age, 1 for a woman, number of events, and whether there is a record."""
    units = units.with_row_index("row")
    outside, parts = units["external"], []
    for path, own in ((inputs.archive, units.filter(~outside)), (inputs.external, units.filter(outside))):
        if path is not None:
            archive = open_archive(path)
            people = archive.table("subjects").select("subject_id", "sex", "birth")
            people = archive.table("units").select("unit_id", "subject_id").join(people, on="subject_id")
            begun = dates_of(archive).group_by("unit_id").agg(pl.col("time").min().alias("begun"))
            asked = (
                own.select("row", "unit_id", "time").join(people, on="unit_id").join(begun, on="unit_id", how="left")
            )
            events = densities(seen_codes(archive, asked), rows=units.height)
            age = (pl.col("time") - pl.col("birth").cast(pl.Datetime("us"))) / YEAR
            known = asked.select(
                "row",
                age=age.cast(pl.Float64),
                female=pl.col("sex").str.to_uppercase().str.starts_with("F").cast(pl.Float64),
                events=pl.Series(events)[asked["row"]],
                recorded=(pl.col("begun") <= pl.coalesce("time", "begun")).fill_null(False),
            )
            parts.append(own.join(known, on="row", how="left"))
    return pl.concat(parts, how="vertical_relaxed").sort("row").drop("row")
