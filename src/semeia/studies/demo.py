"""The main job on the bundled sample of real CT nodules: ingest, the nodule study at a reduced size, the report."""

from pathlib import Path

from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.readers import ingest_nodules
from semeia.sample import sample_folder
from semeia.studies.nodule import NoduleSettings, nodule_study

# Smaller than the full study in every way that costs time; the same protocol.
DEMO = NoduleSettings(
    seeds=(0, 1),
    pretraining=PretrainSettings(optimiser=OptimiserSettings(epochs=12)),
    finetuning=FinetuneSettings(
        scratch=OptimiserSettings(steps=80, batch=32),
        pretrained=OptimiserSettings(steps=80, batch=32, encoder_rate=3e-4),
    ),
    draws=1000,
)


def demo(out: Path) -> Path:
    """Runs the demo, or what is left of it, in `out/archive` and `out/run`; returns the report's path."""
    archive = out / "archive"
    if not (archive / "archive.json").exists():
        ingest_nodules(sample_folder(), into=archive)
    return nodule_study(archive, out=out / "run", settings=DEMO)
