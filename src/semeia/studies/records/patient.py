"""Patients through time: scans and records together, pretrained without labels; is that worth more than the labels?

Protocol. A unit is a patient at an index date, the time at which its outcome is predicted; everything observed up to it
may be seen. The fixed split's test (or val) side is tested, or else seed s tests fold s of five patient folds; an
external archive is only tested. For each seed signatures are fitted on the records of the other patients, with or
without a label, and expressed at each scan and at the index date from the record up to it. All arms of a seed see the
same labels.
"""

from dataclasses import replace
from pathlib import Path

import polars as pl

from semeia.archive.store import open_archive
from semeia.data.modalities.signatures import dates_of
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.description import Contrast, Description
from semeia.settings_json import from_plain
from semeia.signatures.express import unmapped
from semeia.signatures.model import load_signatures
from semeia.studies.records.blocks import LEARNT, fit_facts, seen_by_signatures, signature_folder
from semeia.studies.records.patient_arms import arms, pretraining
from semeia.studies.records.patient_data import PatientSettings, open_patients
from semeia.studies.run.audit import audit, of_networks
from semeia.studies.run.protocol import FOLDS, require_asked, require_inside
from semeia.studies.run.reading import outside_of
from semeia.studies.run.record import read_record
from semeia.studies.run.runner import run_study
from semeia.studies.run.study import Finished, Inputs, Study, Work
from semeia.studies.run.words import said, two_cohorts

REFERENCES = ("multimodal_scratch/finetune", "image_scratch/finetune", "multimodal_random/frozen", "record_logistic")


def audit_patients(finished: Finished) -> pl.DataFrame:
    """Audit networks and simple models, and whom the signatures of each seed were fitted on."""
    audited, material = of_networks(finished), finished.work.material
    inside = ~outside_of(material.dataset)  # pyright: ignore[reportArgumentType]
    seeds, archive = sorted({cell.seed for cell in finished.first}), open_archive(finished.work.inputs.archive)
    learnt = seen_by_signatures(finished.work.run, seeds, archive, material, inside)
    return audit(replace(audited, pretrained=[*audited.pretrained, *learnt]))


def unmapped_by_site(finished: Finished) -> pl.DataFrame:
    """How much of each site's records the signatures of the first seed do not know."""
    work, parts = finished.work, []
    model = load_signatures(signature_folder(work.run, min(work.settings.seeds)))
    for cohort, path in (("internal", work.inputs.archive), ("external", work.inputs.external)):
        if path is not None:
            archive = open_archive(path)
            dates = dates_of(archive).select("subject_id", "time")
            parts.append(unmapped(archive, dates, model.channels).select(pl.lit(cohort).alias("cohort"), pl.all()))
    return pl.concat(parts)


def words(finished: Finished) -> dict[str, object]:
    """What run.json is to hold in words."""
    settings: PatientSettings = finished.work.settings
    material, outcome = finished.work.material, settings.outcome
    fixed = material.units["split"].is_not_null().any()
    about = Description(
        title="Patients through time",
        question="does pretraining on unlabelled scans and records improve the prediction of "
        f"{outcome.replace('_', ' ')}?",
        main=("multimodal_jepa", "finetune"),
        cohorts=two_cohorts(outside=("The other hospital", "at the other hospital")),
        contrasts=tuple(
            Contrast(arm, reference, "finetune", title)
            for arm, reference, title in (
                ("multimodal_jepa", "multimodal_scratch", "What pretraining adds to the same network"),
                ("multimodal_scratch", "image_scratch", "What the record adds to scans, without pretraining"),
                ("multimodal_scratch", "multimodal_last", "What earlier dates add, without pretraining"),
            )
        ),
    )
    partition = "the fixed split of the archive" if fixed else f"another of {FOLDS} folds of patients for each seed"
    own = {
        "partition": f"Tested is {partition}; signatures and encoders learn from the other patients only.",
        "inputs": "Everything observed up to the index date; signatures at each scan and at the index date, each from "
        "the record up to it. A patient without a record by a date has none there.",
    }
    return {
        **said(finished, about, own),
        "outcome": outcome,
        "signatures": [fit_facts(finished.work.run, seed) for seed in settings.seeds],
    }


PATIENT = Study(
    name="patient",
    settings=PatientSettings,
    unit="patient at an index date",
    open=open_patients,
    arms=arms,
    pretraining=pretraining,
    before=(LEARNT,),
    words=words,
    audit=audit_patients,
    judged=(EvaluationSettings(references=REFERENCES),),
    tables=lambda finished: {"unmapped": unmapped_by_site(finished)},
    passed_on=("age", "scans", "events"),
)


def patient_study(archive: Path, *, out: Path, settings: PatientSettings, external: Path | None = None) -> Path:
    """Run every arm on patients with scans and records; returns the report's path.

    Args:
        archive: with records, scans or their features, and an outcome with times of prediction.
        out: the run folder.
        settings: see `PatientSettings`.
        external: an archive of another hospital with the same outcome, only tested.
    """
    opened = open_archive(archive)
    require_asked(opened, settings.outcome, settings.seeds)
    if not opened.files_of("events"):
        raise InputError(f"{archive}: holds no records; without them use `semeia study own`")
    if settings.internal:
        require_inside(opened, settings.internal, folds=FOLDS)
    return run_study(PATIENT, Inputs(archive, external), out=out, settings=settings)


def reopen(run: Path, archive: Path, external: Path | None = None) -> Work:
    """Open a finished run of the study again, on what it was run on."""
    record, inputs = read_record(run), Inputs(archive, external)
    if record.get("study") != PATIENT.name or record.get("state") != "finished":
        raise InputError(f"{run}: holds no finished study of patients; `semeia study patient` makes one")
    if record["archive"]["fingerprint"] != open_archive(archive).fingerprint() or record["inputs"] != inputs.digests():
        raise InputError(f"{run}: was run on other archives; give the same --archive and, if there was one, --external")
    settings: PatientSettings = from_plain(PatientSettings, record["config"])
    return Work(run, inputs, settings, open_patients(inputs, settings, run / "cache"))
