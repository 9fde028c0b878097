"""Pretrain with labels on patients who lack a modality: what a study of complete patients has to beat.

The recipe of MASILab/lmsignatures (MICCAI 2023): first scans with labels and no record, then the complete patients.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from semeia.archive.atomic import write_json
from semeia.errors import InputError
from semeia.learning.cells import Cell
from semeia.learning.finetune import FinetuneSettings, finetune, fresh_model
from semeia.learning.pretrain import PretrainSettings
from semeia.studies.run.study import Work


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
