"""The study of health records, first form: what do signatures tell of dying in hospital, a day after admission?

Protocol. Units: the first stay in intensive care of each patient, if it is longer than 24 hours. Everything written up
to 24 hours after admission may be seen. Internal are some hospitals (about 60 % of the stays), external the others,
which nothing is fitted on. Seed s tests fold s of five internal patient folds; signatures, counts, their codes, the
models and their penalties are fitted on the other folds only. Signatures read the whole records of those patients, with
or without a label. All arms of a seed see the same labels.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.split import label_subset, patient_folds
from semeia.archive.store import open_archive
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.learning.resources import measuring
from semeia.signatures.ica import IcaSettings
from semeia.signatures.settings import SignatureSettings
from semeia.signatures.window import Window
from semeia.studies.arms import Fold
from semeia.studies.counts import densities, seen_codes
from semeia.studies.ehr_arms import learn_signatures, plan, score_arm
from semeia.studies.ehr_audit import audit_records
from semeia.studies.ehr_record import facts_of, flow, unmapped_by_hospital
from semeia.studies.gather import gather, write_predictions, write_scores
from semeia.studies.grid import Cell, run_cells
from semeia.studies.holding import kept_to_one
from semeia.studies.protocol import require_fractions, require_seeds
from semeia.studies.record import begin_run, finish_run
from semeia.studies.results import write_results
from semeia.studies.stays import hospitals_inside, stays_of

REFERENCES = ("counts_logistic", "counts_boosting", "age_sex")
PASSED_ON = ("age", "sex", "unit_type", "record_density")
# An hour a step and a day back; as many signatures as can be told apart in a few hundred patients' records.
INTENSIVE_CARE = SignatureSettings(
    components=32, window=Window(24, 1), draws=3, starts=2, ica=IcaSettings(most_iterations=2000)
)


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
        signatures: see `SignatureSettings`; each fold has random draws of its own, and another `seed`
            (--signatures.seed 1) others for all: runs that differ in it alone show how far results hang on the draws.
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
        if not 0 < self.inside < 1:
            raise InputError(f"study: inside is {self.inside}; give a share between 0 and 1, such as 0.6")
        EvaluationSettings(draws=self.draws)  # refuses too few now, not after the fits


@kept_to_one
def ehr_study(archive: Path, *, out: Path, settings: EhrSettings) -> Path:
    """Runs what is not finished of the study, evaluates it, and writes the report; returns the report's path."""
    begin_run(out, archive, study="ehr", settings=settings)
    opened = open_archive(archive)
    stays = stays_of(opened, settings.outcome)
    cohort = cohort_of(stays, settings)
    folds = {seed: fold_of_seed(stays, settings, seed=seed, fraction=1.0) for seed in settings.seeds}
    first, then = plan(settings.seeds, settings.fractions)
    with measuring() as used:
        work = partial(work_on, archive=archive, run=out, settings=settings)
        run_cells(first, work, run=out, workers=settings.workers, label="signatures")
        run_cells(then, work, run=out, workers=settings.workers, label="models")
        units = stays.with_columns(record_density=densities(seen_codes(opened, stays), rows=len(stays)))
        named = {"study": "ehr", "outcome": settings.outcome, "passed_on": PASSED_ON}
        predictions = gather(out, then, units, labels_of(stays), cohort=cohort, **named)
        write_predictions(out, predictions)
        audit = audit_records(out, opened, stays, cohort=cohort, folds=folds, signatures=first, cells=then)
        unmapped = unmapped_by_hospital(out, first, stays, cohort)
        judged = EvaluationSettings(draws=settings.draws, references=REFERENCES, covariate="record_density")
        tables = {"leakage": audit, "unmapped": unmapped}
        notes = write_results(out, predictions, settings=(judged,), further=tables)
    facts = facts_of(out, first, unmapped, outcome=settings.outcome)
    return finish_run(out, used=used, flow=flow(stays, cohort), notes=notes, facts=facts, unit="stay")


def labels_of(stays: pl.DataFrame) -> np.ndarray:
    """0, 1 or NaN (no label) for each stay."""
    return stays["label"].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def cohort_of(stays: pl.DataFrame, settings: EhrSettings) -> np.ndarray:
    """For each stay one of: internal, external, unknown (no hospital is named; nothing is done with it)."""
    inside = hospitals_inside(stays, share=settings.inside, seed=settings.hospitals)
    site = stays["site"].fill_null("").to_numpy()
    return np.where(np.isin(site, inside), "internal", np.where(site == "", "unknown", "external"))


def fold_of_seed(stays: pl.DataFrame, settings: EhrSettings, *, seed: int, fraction: float) -> Fold:
    """The protocol: whose records are learned from, whose labels, and who is tested."""
    cohort, labels, subject = cohort_of(stays, settings), labels_of(stays), stays["subject_id"].to_numpy()
    inside, labelled = cohort == "internal", ~np.isnan(labels)
    words = pl.col("label").cast(pl.String).fill_null("none").alias("stratum")
    folds = patient_folds(stays.filter(inside).select("subject_id", words), folds=settings.folds)
    held_out = np.isin(subject, folds.filter(pl.col("fold") == seed)["subject_id"].to_numpy())
    training = inside & ~held_out
    table = stays.select("unit_id", "subject_id", pl.col("label").alias("value"))
    chosen = label_subset(table.filter(training & labelled), fraction, seed=seed)
    rows = np.flatnonzero(training & labelled & np.isin(subject, chosen))
    test = labelled & ((inside & held_out) | (cohort == "external"))
    return Fold(pretraining=np.flatnonzero(training), labelled=rows, labels=labels[rows], test=np.flatnonzero(test))


def work_on(cell: Cell, folder: Path, *, archive: Path, run: Path, settings: EhrSettings) -> None:
    """One cell, in a worker process."""
    opened = open_archive(archive)
    stays = stays_of(opened, settings.outcome)
    fold = fold_of_seed(stays, settings, seed=cell.seed, fraction=cell.fraction)
    if cell.mode == "pretrain":
        atlas, chosen = cell.seed == min(settings.seeds), settings.signatures
        learn_signatures(cell, folder, archive=opened, stays=stays, fold=fold, settings=chosen, atlas=atlas)
        return
    signatures = run / Cell("signatures", "pretrain", 1.0, cell.seed).name
    write_scores(folder, fold.test, score_arm(cell, folder, signatures=signatures, stays=stays, fold=fold))
