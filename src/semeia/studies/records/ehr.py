"""The study of health records: what do signatures tell of dying in hospital, a day after admission?

Protocol. Units: the first stay in intensive care of each patient, if it is longer than 24 hours. Everything written up
to 24 hours after admission may be seen. Internal are some hospitals (about 60 % of the stays), external the others,
which nothing is fitted on. Seed s tests fold s of five internal patient folds; signatures, counts, their codes, the
models and their penalties are fitted on the other folds only. Signatures read the whole records of those patients, with
or without a label. Networks read signatures at several dates of the first day, or the newest events as they are, one
token each, pretrained on them or not. All arms of a seed see the same labels.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.evaluation import EvaluationSettings
from semeia.evaluation.description import ArmDescription, Contrast, Description
from semeia.evaluation.tables.leakage import leakage_row
from semeia.studies.records import further
from semeia.studies.records.blocks import (
    LEARNT,
    UNMAPPED,
    RecordArm,
    SignaturesOfStays,
    blocks_of,
    fit_facts,
    seen_by_signatures,
    signature_folder,
)
from semeia.studies.records.counts import densities, seen_codes
from semeia.studies.records.ehr_data import EhrSettings, events_by, open_stays, read_by
from semeia.studies.run.arms import Encoder, three_starts
from semeia.studies.run.audit import Features, audit, of_networks
from semeia.studies.run.runner import run_study
from semeia.studies.run.study import Arm, Finished, Inputs, Pretraining, Study, Work
from semeia.studies.run.words import ONE_SOLUTION, network_words, said, two_cohorts

ACROSS_TIME, OF_EVENTS, FURTHER_EVENTS = "across_jepa", "events_jepa", "events_further"
REFERENCES = (
    "counts_logistic",
    "counts_boosting",
    "age_sex",
    "signatures_logistic",
    "across_scratch/finetune",
    "events_scratch/finetune",
)
# Fewer patients than this are not counted out loud.
FEWEST = 10
LIMITS = (
    "The records are of one database, and where it is a demonstration subset, of a small part of it: whole tables may "
    "be absent. What a model lacks may be what the subset lacks.",
    "The hospitals outside are other hospitals of the same database, with the same system of records and the same "
    "years; another database may differ more.",
    "The first stay of each patient only, and only those longer than a day: who dies or leaves within a day of "
    "admission is not predicted.",
    "Many signatures are not found again when the fit is repeated on other draws of the patients (see Signatures): "
    "what a single one is made of should not be read as a finding.",
)
SIMPLE_TRAINING = "Ridge logistic regression; boosting with shallow trees."
STATEMENTS = {
    "inputs": "Everything in the record up to the time of the prediction, as signatures, as counts of codes or as last "
    "values; age and sex. Networks read signatures at several dates, each from the record up to it, or its newest "
    "events.",
    "preprocessing": "Scaling, fills, signatures, the codes that are counted and standardisation are fitted on the "
    "training patients and carried unchanged to the tested ones.",
    "missing": "Signatures fill what is not in a record as their model says (the fill of each channel); a count is 0; "
    "a missing value is the training mean to logistic regression and a value of its own to trees.",
    "absent_input": "A record without any known code is scored from its fills, age and sex.",
    "initialisation": "Signatures start from random numbers that follow from the seed; logistic regression has one "
    "solution.",
    "overfitting": "The ridge and the number of trees are chosen by cross-validation over the training patients; the "
    "steps of networks were fixed beforehand. Every score is of a patient on whom nothing was fitted.",
    "selection_of_model": "None: every arm is shown. Penalties were chosen within the training patients; nothing was "
    "chosen by how it scored a tested patient.",
    "scoring": "By models each of which did not see the patient, in any form.",
    "specification": "Signatures, linear models and networks are in the run folder; boosted trees are not stored. The "
    "folder stays beside the signatures holds numbers of patients: leave it behind when a model is shared.",
}


def pretraining(settings: EhrSettings, inputs: Inputs) -> dict[str, Pretraining]:
    """Signatures, once a seed; then an encoder of them across time, and one of events."""
    across, events = read_by(settings), events_by(settings, inputs)
    of_events = tuple(events.modalities), replace(settings.events_pretraining, model=events)
    encoders: dict[str, Pretraining] = {
        LEARNT: SignaturesOfStays(settings.signatures, across, min(settings.seeds)),
        ACROSS_TIME: Encoder(tuple(across.modalities), replace(settings.pretraining, model=across)),
        OF_EVENTS: Encoder(*of_events),
    }
    if further.FURTHER in inputs.files:
        encoders[FURTHER_EVENTS] = further.FurtherEncoder(*of_events, dates=settings.further_dates)
    return encoders


def arms(settings: EhrSettings, inputs: Inputs) -> dict[str, Arm]:
    """Simple models of signatures, counts and values; networks from each start; people and the record's size alone."""
    across, events, modes = read_by(settings), events_by(settings, inputs), ("frozen", "finetune")
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
    networks = {
        **three_starts(
            "across", "Signatures across time", tuple(across.modalities), across, settings.finetuning, modes
        ),
        **three_starts("events", "Events as tokens", tuple(events.modalities), events, settings.finetuning, modes),
    }
    if further.FURTHER in inputs.files:
        about = replace(networks[OF_EVENTS].about, title="Events as tokens, pretrained on a further archive, too")
        networks[FURTHER_EVENTS] = replace(networks[OF_EVENTS], about=about, pretraining=FURTHER_EVENTS)
    return models | networks | simple


def covariates(work: Work) -> pl.DataFrame:
    """The stays with the size of their records."""
    stays = work.material.units
    return stays.with_columns(record_density=densities(seen_codes(work.material.extra, stays), rows=len(stays)))


def audit_records(finished: Finished) -> pl.DataFrame:
    """Is anybody tested whom something was fitted on, or any hospital on two sides?"""
    run, material = finished.work.run, finished.work.material
    audited, stays = of_networks(finished), material.units
    learned = seen_by_signatures(run, _seeds(finished), material.extra, material, np.ones(len(stays), bool))
    outside = set(stays["site"].filter(material.cohort == "external"))
    fitted = np.logical_or.reduce([seen for _, seen in (*learned, *audited.pretrained, *audited.trained)])
    crossing = outside & set(stays["site"].filter(fitted))
    hospitals = leakage_row(
        "Hospitals on both sides",
        found=bool(crossing),
        count=len(crossing),
        of=len(outside),
        words="external hospitals of which a patient was learned from or trained on",
    )
    tested = np.isin(np.arange(len(stays)), audited.folds[min(audited.folds)].test)
    # Hospitals are too small to be told one by one; are the inside and the outside alike?
    places = np.where(tested, np.where(material.cohort == "external", "main", "other"), "")
    return audit(
        replace(
            audited,
            pretrained=[*audited.pretrained, *learned],
            features={"signatures_logistic": {seed: _features(run, seed) for seed, _ in learned}, **audited.features},
            places=places,
            of="tested stays outside against those inside",
            by="by id and by record",
            further=[hospitals],
        )
    )


def _seeds(finished: Finished) -> list[int]:
    return [cell.seed for cell in finished.first if cell.arm == LEARNT]


def _features(run: Path, seed: int) -> Features:
    return lambda rows: (rows, blocks_of(signature_folder(run, seed), ("signatures",))[1][rows])


def unmapped_by_hospital(finished: Finished) -> pl.DataFrame:
    """How much of each hospital's records the signatures do not know, over the tested stays and all seeds.

    Returns:
        cohort, site, patients (null where few), events (a seed that tested it), share, by cohort and falling share.
    """
    run, material = finished.work.run, finished.work.material
    seeds = pl.concat([pl.read_parquet(signature_folder(run, seed) / UNMAPPED) for seed in _seeds(finished)])
    places = material.units.select(pl.col("site").fill_null(""), cohort=pl.Series(material.cohort)).unique()
    # Every seed tests all who are outside, and another fifth of those inside.
    times = pl.when(pl.col("cohort") == "external").then(len(_seeds(finished))).otherwise(1)
    sums = (
        seeds.join(places, on="site")
        .group_by("cohort", "site")
        .agg(pl.col("patients", "events", "unmapped_events").sum())
    )
    patients = pl.col("patients") // times
    return sums.select(
        "cohort",
        "site",
        patients=pl.when(patients >= FEWEST).then(patients),
        events=pl.col("events") // times,
        share=(pl.col("unmapped_events") / pl.col("events")).fill_nan(0.0).round(4),
    ).sort("cohort", "share", "site", descending=[False, True, False])


def words(finished: Finished) -> dict[str, object]:
    """What run.json is to hold of the signatures of each seed, of unmapped and shared codes, and in words."""
    run, with_further = finished.work.run, further.FURTHER in finished.work.inputs.files
    training = network_words(finished)["training"]
    about = Description(
        title="Health records",
        main=("signatures_logistic", "none"),
        contrasts=(
            Contrast(ACROSS_TIME, "across_scratch", "finetune", "What pretraining adds to the same network"),
            Contrast(OF_EVENTS, "events_scratch", "finetune", "What pretraining adds to a network of events"),
            Contrast(FURTHER_EVENTS, OF_EVENTS, "finetune", "What a further archive adds to that pretraining"),
        ),
        cohorts=two_cohorts(
            ("Internal hospitals", "at the internal hospitals"), outside=("Other hospitals", "at other hospitals")
        ),
    )
    flow = {
        "archive": "In the archive, first stays",
        "pretraining": "Signatures may be learned from",
        "internal": "Internal hospitals, labelled",
        "external": "External hospitals, labelled",
    }
    return {
        **said(finished, about, STATEMENTS | {"training": f"{SIMPLE_TRAINING} Networks: {training}"}),
        "signatures": [fit_facts(run, seed) for seed in _seeds(finished)],
        "unmapped": unmapped_by_hospital(finished).to_dicts(),
        "codes": pl.read_csv(run / "tables" / "codes.csv").to_dicts() if with_further else [],
        "limits": list(LIMITS),
        "flow": flow,
    }


def judged(finished: Finished) -> tuple[EvaluationSettings, ...]:
    """Hold every arm against the simple ones and those from scratch; a further archive against doing without it."""
    inputs, draws = finished.work.inputs, finished.work.settings.draws
    without = (f"{OF_EVENTS}/finetune",) if further.FURTHER in inputs.files else ()
    return (EvaluationSettings(references=REFERENCES + without, covariate="record_density", draws=draws),)


def tables(finished: Finished) -> dict[str, pl.DataFrame]:
    """Unmapped codes by hospital, and shared ones where there is a further archive."""
    inputs = finished.work.inputs
    codes = {"codes": further.shares(inputs)} if further.FURTHER in inputs.files else {}
    return {"unmapped": unmapped_by_hospital(finished), **codes}


EHR = Study(
    name="ehr",
    settings=EhrSettings,
    unit="stay",
    open=open_stays,
    arms=arms,
    pretraining=pretraining,
    before=(LEARNT,),
    words=words,
    audit=audit_records,
    judged=judged,
    tables=tables,
    passed_on=("age", "sex", "unit_type", "record_density"),
    covariates=covariates,
    begin=lambda inputs, settings: further.begin(inputs),
)


def ehr_study(
    archive: Path, *, out: Path, settings: EhrSettings, further: Path | None = None, codes: Path | None = None
) -> Path:
    """Run what is not finished of the study, evaluate it, and write the report; returns the report's path.

    Args:
        archive: stays with an outcome, made by `semeia ingest table`.
        further: an archive of other patients' records, on which networks of events are pretrained, too; nobody in it
            is trained on with a label, or tested.
        codes: your table of what both archives call otherwise: columns code and shared, a row a code of either.
    """
    given = {"further": further, "codes": codes}
    files = {name: path for name, path in given.items() if path is not None}
    return run_study(EHR, Inputs(archive, files=files), out=out, settings=settings)
