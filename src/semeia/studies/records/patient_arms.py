"""The arms of the study of patients: what is learnt before labels, networks from every start, and simple models.

The recipe of MASILab/lmsignatures (MICCAI 2023): first scans with labels and no record, then the complete patients.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from semeia.archive.atomic import write_json
from semeia.archive.store import open_archive
from semeia.data.modalities import Signatures, Table, Vector, Volume
from semeia.data.modality import Modality
from semeia.errors import InputError
from semeia.evaluation.description import ArmDescription
from semeia.learning.cells import Cell
from semeia.learning.columns import Columns
from semeia.learning.finetune import FinetuneSettings, finetune, fresh_model
from semeia.learning.pretrain import PretrainSettings
from semeia.objectives.build import ObjectiveSettings
from semeia.studies.records.blocks import LEARNT
from semeia.studies.records.blocks import Signatures as FittedSignatures
from semeia.studies.records.patient_data import SIGNATURES, PatientSettings, groups_of, model_of, read_by
from semeia.studies.records.risk_scores import published
from semeia.studies.run.arms import Encoder, Network, everything_logistic, simple_arm
from semeia.studies.run.study import Arm, Inputs, Pretraining, Work
from semeia.studies.run.words import PRETRAINED, SEED


@dataclass(frozen=True)
class Incomplete:
    """An encoder of everything, fitted to the labels that `Material.extra` has ([unit], NaN: none).

    Attributes:
        modalities: what it reads; what those patients lack is masked.
        settings: its model is read; nothing is pretrained without labels.
        finetuning: how it meets the labels.
    """

    modalities: tuple[str, ...]
    settings: PretrainSettings
    finetuning: FinetuneSettings

    def learn(self, cell: Cell, rows: np.ndarray, folder: Path, work: Work) -> None:
        """Fit; preprocessing is that of all patients that may be seen."""
        data, labels = work.material.data(self.settings.model), work.material.extra
        labelled = rows[~np.isnan(labels[rows])]
        if len(np.unique(labels[labelled])) < 2:
            raise InputError(
                f"{len(labelled)} labelled patients have no record, all of one class: leave --incomplete out"
            )
        settings = self.settings.model.encoder
        start = fresh_model(data, rows, modalities=self.modalities, settings=settings, seed=cell.seed)
        # The steps that the labels of complete patients get would be few for these.
        optimiser = replace(self.finetuning.scratch, steps=self.settings.optimiser.total(len(labelled)))
        finetune(
            data,
            labelled,
            labels[labelled],
            start=start,
            mode="finetune",
            pretrained=False,
            settings=replace(self.finetuning, scratch=optimiser),
            seed=cell.seed,
            folder=folder,
            cell=cell.name,
        )
        verdict = f"Fitted to the labels of {len(labelled)} patients without a record; nothing was measured on others."
        write_json(folder / "diagnostics.json", {"units": len(labelled), "diagnostics": {}, "verdict": verdict})


def pretraining(settings: PatientSettings, inputs: Inputs) -> dict[str, Pretraining]:
    """Signatures first; then encoders: of everything and of scans alone, and the rival ways to learn beforehand."""
    reads = read_by(settings, inputs)
    groups, model = groups_of(reads), model_of(settings, reads)
    jepa = replace(settings.pretraining, model=model)
    made: dict[str, Pretraining] = {
        LEARNT: FittedSignatures(settings.signatures, model),
        "multimodal_jepa": Encoder(groups["multimodal"], jepa),
    }
    if groups["image"]:
        first = groups["image"][0]
        clip = ObjectiveSettings(terms=("clip",), modality=first, other=SIGNATURES)
        made["image_jepa"] = Encoder(groups["image"], jepa)
        rival = replace(jepa, forecaster=False)  # of latents only
        made["multimodal_clip"] = Encoder(groups["multimodal"], replace(rival, objective=clip))
        if isinstance(reads[first], Volume) and reads[first].embedding == "patches":
            drawn = ObjectiveSettings(terms=("mae",), modality=first)
            made["multimodal_mae"] = Encoder(groups["multimodal"], replace(rival, objective=drawn))
    if settings.incomplete:
        made["multimodal_supervised"] = Incomplete(groups["multimodal"], jepa, settings.finetuning)
    return made


# How an encoder was learnt, in words, and the modes in which it meets the labels.
STARTS = {
    "jepa": ("pretrained", ("frozen", "finetune", "probe_finetune")),
    "clip": ("pretrained by matching scans and records (CLIP)", ("finetune",)),
    "mae": ("pretrained by drawing hidden patches", ("finetune",)),
    "supervised": ("pretrained on labels of patients without a record", ("finetune",)),
}


def arms(settings: PatientSettings, inputs: Inputs) -> dict[str, Arm]:
    """Every network from every start, what is read of the newest date alone, and simple models."""
    reads = read_by(settings, inputs)
    groups, model, tuned = groups_of(reads), model_of(settings, reads), settings.finetuning
    titles = {"multimodal": "Everything", "image": "Scans alone", "record": "Record alone"}
    made: dict[str, Arm] = {}

    def network(group: str, words: str, role: str, begins: str, modes: tuple[str, ...], start: str = "") -> Network:
        about = ArmDescription(f"{titles[group]}, {words}", role, group, begins, groups[group])
        return Network(about, model, tuned, modes=modes, pretraining=start)

    for name in pretraining(settings, inputs):
        if name != LEARNT:
            group, _, kind = name.partition("_")
            words, modes = STARTS[kind]
            begins = PRETRAINED if kind != "supervised" else f"an encoder {words}"
            made[name] = network(group, words, "pretrained", begins, modes, name)
    for group in (group for group, names in groups.items() if names):
        made[f"{group}_scratch"] = network(group, "from scratch", "scratch", SEED, ("finetune",))
    made["multimodal_random"] = network("multimodal", "random encoder", "random", SEED, ("frozen",))
    newest = {name: replace(one, history=replace(one.history, most=1)) for name, one in reads.items()}
    last = network("multimodal", "newest observations alone, from scratch", "model", SEED, ("finetune",))
    made["multimodal_last"] = replace(last, model=model_of(settings, newest))
    return made | simple_arms(settings, inputs, reads)


def simple_arms(settings: PatientSettings, inputs: Inputs, reads: dict[str, Modality]) -> dict[str, Arm]:
    """Regression and trees on numbers; components of images; published scores; and what may carry the label alone."""
    groups, model = groups_of(reads), model_of(settings, reads)
    made: dict[str, Arm] = {}
    record = groups["record"]
    vectors = tuple(name for name in groups["image"] if isinstance(reads[name], Vector))
    columns = {"record": Columns.of(record)}
    made["record_logistic"] = simple_arm("Record, logistic regression", columns["record"], model)
    if vectors:
        columns["features"] = Columns.of((*vectors, *record))
    for name, title in (("record", "Record"), ("features", "Features of scans and record")):
        if name in columns:
            made[f"{name}_boosting"] = simple_arm(f"{title}, gradient boosting", columns[name], model, "boosting")
    numeric = tuple(name for name, one in reads.items() if isinstance(one, Volume | Vector | Table | Signatures))
    if len(numeric) > 1:
        made["multimodal_logistic"] = everything_logistic(numeric, model)
    for name in (name for name in groups["image"] if isinstance(reads[name], Volume)):
        title = f"{name}, principal components"
        made[f"{name}_components"] = simple_arm(title, Columns(modality=name), model, "components")
    for name, title in (("scans", "Number of scans alone"), ("events", "Number of events alone")):
        made[f"only_{name}"] = simple_arm(title, Columns((name,)), model, role="shortcut")
    return made | published([*open_archive(inputs.archive).table("units").columns, "age", "female"])
