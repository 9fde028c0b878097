"""The study of health records, first form: what do signatures tell of dying in hospital, a day after admission?

Protocol. Units: the first stay in intensive care of each patient, if it is longer than 24 hours. Everything written up
to 24 hours after admission may be seen. Internal are some hospitals (about 60 % of the stays), external the others,
which nothing is fitted on. Seed s tests fold s of five internal patient folds; signatures, counts, their codes, the
models and their penalties are fitted on the other folds only. Signatures read the whole records of those patients, with
or without a label. All arms of a seed see the same labels.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.store import open_archive
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.description import ArmDescription, CohortDescription, Description
from semeia.evaluation.tables.leakage import leakage_row
from semeia.learning.linear import FILE, load_linear
from semeia.signatures.ica import IcaSettings
from semeia.signatures.model import load_signatures
from semeia.signatures.settings import SignatureSettings
from semeia.signatures.window import Window
from semeia.studies.counts import densities, seen_codes
from semeia.studies.records import LEARNT, UNMAPPED, RecordArm, Signatures, blocks_of, fit_facts, signature_folder
from semeia.studies.run.audit import Audited, Features, audit, folds_of
from semeia.studies.run.protocol import cohorts_of, fold_testing, require_fractions, require_numbers, require_seeds
from semeia.studies.run.runner import run_study
from semeia.studies.run.study import Arm, Finished, Inputs, Material, Pretraining, Study, Work
from semeia.studies.run.words import HOUSE, ONE_SOLUTION
from semeia.studies.stays import hospitals_inside, stays_of

REFERENCES = ("counts_logistic", "counts_boosting", "age_sex")
# An hour a step and a day back; as many signatures as can be told apart in a few hundred patients' records.
INTENSIVE_CARE = SignatureSettings(
    components=32, window=Window(24, 1), draws=3, starts=2, ica=IcaSettings(most_iterations=2000)
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
STATEMENTS = {
    "inputs": "Everything in the record up to the time of the prediction, as signatures, as counts of codes or as last "
    "values; age and sex.",
    "preprocessing": "Scaling, fills, signatures, the codes that are counted and standardisation are fitted on the "
    "training patients and carried unchanged to the tested ones.",
    "missing": "Signatures fill what is not in a record as their model says (the fill of each channel); a count is 0; "
    "a missing value is the training mean to logistic regression and a value of its own to trees.",
    "absent_input": "A record without any known code is scored from its fills, age and sex.",
    "initialisation": "Signatures start from random numbers that follow from the seed; logistic regression has one "
    "solution.",
    "training": "Logistic regression with a ridge; gradient boosting with shallow trees.",
    "overfitting": "The ridge and the number of trees are chosen by cross-validation over the training patients. Every "
    "score is of a patient on whom nothing was fitted.",
    "selection_of_model": "None: every arm is shown. Penalties were chosen within the training patients; nothing was "
    "chosen by how it scored a tested patient.",
    "scoring": "By models each of which did not see the patient, in any form.",
    "specification": "Signatures and linear models are in the run folder; boosted trees are not stored. The folder "
    "stays beside the signatures holds numbers of patients: leave it behind when a model is shared.",
}


@dataclass(frozen=True)
class EhrSettings:
    """The study. The defaults are the full one.

    Attributes:
        outcome: what is predicted.
        inside: share of the stays that the internal hospitals have, about.
        hospitals: seed of which hospitals these are.
        seeds: each tests another fold; at most as many as there are folds.
        folds: patient folds of the internal hospitals.
        fractions: of the labelled training patients.
        signatures: see `SignatureSettings`; its seed is that of the fold.
        draws: bootstrap draws of the evaluation.
        workers: processes, one thread each.
    """

    outcome: str = "hospital_mortality"
    inside: float = 0.6
    hospitals: int = 0
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    folds: int = 5
    fractions: tuple[float, ...] = (0.25, 0.5, 1.0)
    signatures: SignatureSettings = field(default_factory=lambda: INTENSIVE_CARE)
    draws: int = 2000
    workers: int = 2

    def __post_init__(self) -> None:
        require_seeds(self.seeds, folds=self.folds)
        require_fractions(self.fractions)
        require_numbers(self)
        if not 0 < self.inside < 1:
            raise InputError(f"study: inside is {self.inside}; give a share between 0 and 1, such as 0.6")
        EvaluationSettings(draws=self.draws)  # refuses too few now, not after the fits


def open_stays(inputs: Inputs, settings: EhrSettings, cache: Path) -> Material:
    """Read the stays and deal hospitals and patients."""
    archive = open_archive(inputs.archive)
    stays = stays_of(archive, settings.outcome)
    site = stays["site"].fill_null("").to_numpy()
    inside = np.isin(site, hospitals_inside(stays, share=settings.inside, seed=settings.hospitals))
    cohort = cohorts_of(site, inside)
    words = pl.col("label").cast(pl.String).fill_null("none").alias("stratum")
    strata = stays.filter(inside).select("subject_id", words)
    subject = stays["subject_id"].to_numpy()
    return Material(
        units=stays,
        cohort=cohort,
        labels={settings.outcome: stays["label"].cast(pl.Float64).fill_null(float("nan")).to_numpy()},
        training=inside,
        unlabelled=np.zeros(len(stays), bool),
        testing=fold_testing(subject, strata, folds=settings.folds, outside=cohort == "external"),
        extra=archive,
    )


def pretraining(settings: EhrSettings, inputs: Inputs) -> dict[str, Pretraining]:
    """Signatures, once a seed."""
    return {LEARNT: Signatures(settings.signatures, min(settings.seeds))}


def arms(settings: EhrSettings, inputs: Inputs) -> dict[str, Arm]:
    """Signatures, counts and values by logistic regression and boosting; people and the size of the record alone."""
    blocks = {
        "signatures": ("Signatures", ("people", "signatures")),
        "counts": ("Raw counts", ("people", "counts")),
        "values": ("Counts and last values", ("people", "counts", "values")),
    }
    fits = {"logistic": "logistic regression", "boosting": "gradient boosting"}
    models = {
        f"{name}_{fit}": RecordArm(ArmDescription(f"{title}, {by}", start=ONE_SOLUTION), reads, fit)  # pyright: ignore[reportArgumentType]
        for name, (title, reads) in blocks.items()
        for fit, by in fits.items()
    }
    density = ArmDescription("Number of events alone", "shortcut", column="record_density")
    people = ArmDescription("Age and sex alone", "simple", start=ONE_SOLUTION)
    return {**models, "age_sex": RecordArm(people, ("people",)), "record_density": RecordArm(density, ("density",))}


def covariates(work: Work) -> pl.DataFrame:
    """The stays with the size of their records."""
    stays = work.material.units
    return stays.with_columns(record_density=densities(seen_codes(work.material.extra, stays), rows=len(stays)))


def audit_records(finished: Finished) -> pl.DataFrame:
    """Is anybody tested whom something was fitted on, or any hospital on two sides?"""
    run, material = finished.work.run, finished.work.material
    stays, subject = material.units, material.subjects
    models = {cell.seed: load_signatures(signature_folder(run, cell.seed)) for cell in finished.first}
    everybody = subject.tolist()
    learned = [
        (seed, np.isin(subject, list(m.fitted_on.seen(material.extra, everybody)))) for seed, m in models.items()
    ]
    stored = [(cell.seed, run / cell.name / FILE) for cell in finished.then]
    trained = [(seed, _labelled_by(stays, path)) for seed, path in stored if path.exists()]
    outside = set(stays["site"].filter(material.cohort == "external"))
    fitted = np.logical_or.reduce([seen for _, seen in (*learned, *trained)])
    crossing = outside & set(stays["site"].filter(fitted))
    hospitals = leakage_row(
        "Hospitals on both sides",
        found=bool(crossing),
        count=len(crossing),
        of=len(outside),
        words="external hospitals of which a patient was learned from or trained on",
    )
    folds = folds_of(finished)
    tested = np.isin(np.arange(len(stays)), folds[min(folds)].test)
    # Hospitals are too small to be told one by one; are the inside and the outside alike?
    places = np.where(tested, np.where(material.cohort == "external", "main", "other"), "")
    return audit(
        Audited(
            material,
            folds,
            learned,
            trained,
            {"signatures_logistic": {seed: _features(run, seed) for seed in models}},
            places,
            "tested stays outside against those inside",
            "by id and by record",
            material.labels[material.outcomes[0]],
            further=[hospitals],
        )
    )


def _labelled_by(stays: pl.DataFrame, path: Path) -> np.ndarray:
    from semeia.archive.keys import mark

    known = set(load_linear(path).fitted_on.patients)
    return np.array([mark(name) in known for name in stays["pseudonym"]], bool)


def _features(run: Path, seed: int) -> Features:
    return lambda rows: (rows, blocks_of(signature_folder(run, seed), ("signatures",))[1][rows])


def unmapped_by_hospital(finished: Finished) -> pl.DataFrame:
    """How much of each hospital's records the signatures do not know, over the tested stays and all seeds.

    Returns:
        cohort, site, patients (null where few), events (a seed that tested it), share, by cohort and falling share.
    """
    run, material = finished.work.run, finished.work.material
    seeds = pl.concat([pl.read_parquet(run / cell.name / UNMAPPED) for cell in finished.first])
    places = material.units.select(pl.col("site").fill_null(""), cohort=pl.Series(material.cohort)).unique()
    # Every seed tests all who are outside, and another fifth of those inside.
    times = pl.when(pl.col("cohort") == "external").then(len(finished.first)).otherwise(1)
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
    """What run.json is to hold of the signatures of each seed, of unmapped codes, and in words."""
    outcome = finished.work.settings.outcome
    about = Description(
        title="Health records",
        main=("signatures_logistic", "none"),
        arms={name: arm.about for name, arm in finished.arms.items()},
        outcomes={outcome: outcome.replace("_", " ")},
        cohorts={
            "internal": CohortDescription("Internal hospitals", "at the internal hospitals"),
            "external": CohortDescription("Other hospitals", "at other hospitals"),
        },
    )
    flow = {
        "archive": "In the archive, first stays",
        "pretraining": "Signatures may be learned from",
        "internal": "Internal hospitals, labelled",
        "external": "External hospitals, labelled",
    }
    return {
        **about.record(),
        "signatures": [fit_facts(finished.work.run, cell.seed) for cell in finished.first],
        "unmapped": unmapped_by_hospital(finished).to_dicts(),
        "limits": list(LIMITS),
        "statements": {**HOUSE, **STATEMENTS},
        "flow": flow,
    }


EHR = Study(
    name="ehr",
    settings=EhrSettings,
    unit="stay",
    open=open_stays,
    arms=arms,
    pretraining=pretraining,
    words=words,
    audit=audit_records,
    judged=lambda finished: (
        EvaluationSettings(draws=finished.work.settings.draws, references=REFERENCES, covariate="record_density"),
    ),
    tables=lambda finished: {"unmapped": unmapped_by_hospital(finished)},
    passed_on=("age", "sex", "unit_type", "record_density"),
    covariates=covariates,
)


def ehr_study(archive: Path, *, out: Path, settings: EhrSettings) -> Path:
    """Run what is not finished of the study, evaluate it, and write the report; returns the report's path."""
    return run_study(EHR, Inputs(archive), out=out, settings=settings)
