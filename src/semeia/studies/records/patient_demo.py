"""Show the study of patients on a hospital that is simulated: written, ingested, and studied with few arms."""

from dataclasses import replace
from pathlib import Path

from semeia.archive.store import MANIFEST
from semeia.data.crops import CropSettings
from semeia.encoders.settings import EncoderSettings, ModelSettings
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.progress import say
from semeia.readers.hospital import ingest_hospital
from semeia.signatures.settings import SignatureSettings
from semeia.studies.records.patient import patient_study
from semeia.studies.records.patient_data import ACROSS, PatientSettings
from semeia.worlds.hospital import HospitalSettings, write_hospital
from semeia.worlds.hospital.omop_files import site_name

# The work-up world, where much is to be seen with few patients: the record is nearly the answer at home, not elsewhere.
HOSPITAL = HospitalSettings(patients=400, cause="workup", workup=1.0, labelled=150)
_STEPS = OptimiserSettings(steps=100, batch=32)
_CROP = CropSettings(voxels=(8, 16, 16), voxel_mm=(4.0, 2.0, 2.0), patch=(8, 8, 8))
DEMO = PatientSettings(
    outcome="cancer",
    internal=site_name(0),
    arms=("multimodal_jepa", "multimodal_scratch", "image_scratch", "record_logistic", "only_events"),
    seeds=(0, 1),
    signatures=SignatureSettings(components=12, at_least=3000, draws=0, starts=0),
    pretraining=PretrainSettings(
        model=ModelSettings(image="patches", crop=_CROP, encoder=EncoderSettings(dim=64)),
        objective=ACROSS,
        optimiser=OptimiserSettings(steps=300, batch=96),
        forecaster=True,
    ),
    finetuning=FinetuneSettings(scratch=_STEPS, pretrained=replace(_STEPS, encoder_lr=3e-4)),
    draws=1000,
)
# Smaller still: to see every step and the page, no more.
_FEW = OptimiserSettings(steps=4, batch=16)
QUICK = replace(
    DEMO,
    seeds=(0,),
    signatures=replace(DEMO.signatures, components=2, at_least=300, accept_unconverged=True),
    pretraining=replace(DEMO.pretraining, optimiser=_FEW),
    finetuning=FinetuneSettings(scratch=_FEW, pretrained=replace(_FEW, encoder_lr=3e-4)),
    draws=200,
    workers=1,
)


def demo(out: Path, *, quick: bool = False) -> Path:
    """Write a simulated hospital, ingest it, and run the study on it with few arms; returns the report's path.

    Args:
        out: gets `hospital`, `archive` and `run`.
        quick: only show the way, in `out/quick`: few patients, one seed, next to no training.
    """
    out = out / "quick" if quick else out
    hospital, archive = out / "hospital", out / "archive"
    if not (archive / MANIFEST).exists():
        if not hospital.exists():
            say(write_hospital(replace(HOSPITAL, patients=60, labelled=30) if quick else HOSPITAL, out=hospital))
        ingest_hospital(hospital, into=archive)
    say(f"{archive}: SIMULATED patients of two hospitals; no number that follows is a result about people")
    return patient_study(archive, out=out / "run", settings=QUICK if quick else DEMO)
