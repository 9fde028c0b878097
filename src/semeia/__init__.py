"""Semeia: pretrain on a hospital's unlabelled archive, fine-tune on its few labels, say honestly whether it helped.

What most people need is here by name (`FRONT`), each imported when it is first used: `import semeia` loads nothing.
"""

from importlib import import_module

__version__ = "0.1.0"

FRONT = {
    "open_archive": "archive.store",
    "ingest_images": "readers",
    "ingest_dicom": "readers",
    "ingest_hospital": "readers",
    "ingest_meds": "readers",
    "ingest_omop": "readers",
    "ingest_table": "readers",
    "open_dataset": "data.dataset",
    "array_dataset": "data.dataset",
    "Picture": "data.modalities",
    "Volume": "data.modalities",
    "Table": "data.modalities",
    "Vector": "data.modalities",
    "OptimiserSettings": "learning.schedule",
    "PretrainSettings": "learning.pretrain",
    "pretrain": "learning.pretrain",
    "FinetuneSettings": "learning.finetune",
    "finetune": "learning.finetune",
    "load_model": "learning.model",
    "predict": "studies.predict",
    "embed": "learning.scoring",
    "advise": "studies.advise",
    "EncoderClassifier": "learning.classifier",
    "SignatureSettings": "signatures.settings",
    "SignatureTransformer": "signatures.transformer",
    "evaluate": "evaluation",
    "EvaluationSettings": "evaluation",
}


def __getattr__(name: str) -> object:
    if name not in FRONT:
        raise AttributeError(f"module 'semeia' has no attribute '{name}'")
    try:
        return getattr(import_module(f"semeia.{FRONT[name]}"), name)
    except ModuleNotFoundError as error:
        if install := import_module("semeia.errors").missing_extra(error):
            raise ModuleNotFoundError(f"semeia.{name}: {install}", name=error.name) from error
        raise


def __dir__() -> list[str]:
    return sorted([*globals(), *FRONT])
