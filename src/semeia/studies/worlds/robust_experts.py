"""Train the experts of many made-up homes together: small JEPAs, fine-tuned in folds, for the image alone or both."""

from dataclasses import dataclass

import numpy as np
import torch

from semeia.worlds import Patients
from semeia.worlds.sweep.finetuning import VALIDATION, Labelled, SmallFinetuning, finetune
from semeia.worlds.sweep.networks import MODALITIES, Encoders
from semeia.worlds.sweep.pretraining import Pairs, SmallPretraining, pretrain

FOLDS = 5
Features = dict[str, np.ndarray]


@dataclass(frozen=True)
class Home:
    """What is learnt from at home: patients in arrays, how features are standardised, sites of the labelled ones."""

    labelled: Patients
    unlabelled: Patients
    mean: Features
    sd: Features
    site: np.ndarray

    def features(self, patients: Patients) -> Features:
        """Standardise by the unlabelled home patients; what is missing is at the mean."""
        return {
            name: np.nan_to_num((getattr(patients, name) - self.mean[name]) / self.sd[name]).astype(np.float32)
            for name in MODALITIES
        }


@dataclass(frozen=True)
class Experts:
    """All networks of one home: the pretrained encoders, one plain classifier, and folds of two experts."""

    encoders: Encoders
    models: dict[str, list]

    def embed(self, features: Features) -> Features:
        """Embeddings by the pretrained encoders."""
        with torch.no_grad():
            return {name: self.encoders[name](torch.from_numpy(features[name])[None])[0].numpy() for name in MODALITIES}

    def score(self, expert: str, features: Features, fold: int | None = None) -> np.ndarray:
        """Log-odds: of one fold's model, or their mean."""
        values = {name: torch.from_numpy(features[name])[None] for name in MODALITIES}
        present = torch.ones(1, len(features["image"]), 2, dtype=torch.bool)
        models = self.models[expert] if fold is None else [self.models[expert][fold]]
        with torch.no_grad():
            return np.mean([model(values, present)[0].numpy() for model in models], axis=0)


def train_experts(homes: list[Home], *, pretraining: SmallPretraining, finetuning: SmallFinetuning) -> list[Experts]:
    """Pretrain one pair of encoders a home; fine-tune a plain model and five folds of each expert; all together."""
    unlabelled = [home.features(home.unlabelled) for home in homes]
    pairs = Pairs(_stacked(unlabelled), np.array([len(home.unlabelled.label) for home in homes]))
    seeds = list(range(len(homes)))
    every = torch.arange(len(homes))
    encoders = pretrain(pairs, every, objective="ema+vicreg", settings=pretraining, seeds=seeds)
    fitted = [{"plain": [], "joint": [], "image": []} for _ in homes]
    for fold in (None, *range(FOLDS)):
        labelled = _labelled(homes, fold)
        for expert in ("plain",) if fold is None else ("joint", "image"):
            allowed = torch.ones(len(homes), 2, dtype=torch.bool)
            allowed[:, 1] = expert != "image"
            models = finetune(
                labelled,
                every,
                encoders.of_cells(every),
                allowed=allowed,
                lr_encoder=finetuning.lr_pretrained,
                settings=finetuning,
                seeds=seeds,
            )
            for place in range(len(homes)):
                fitted[place][expert].append(models.of_cells(torch.tensor([place])))
    return [Experts(encoders.of_cells(torch.tensor([place])), fitted[place]) for place in range(len(homes))]


def _labelled(homes: list[Home], fold: int | None) -> Labelled:
    """Labelled patients outside a fold; one in five of them is held out for the choice of the step."""
    rows = np.arange(len(homes[0].labelled.label))
    rows = rows if fold is None else rows[rows % FOLDS != fold]
    values = [{name: one[rows] for name, one in home.features(home.labelled).items()} for home in homes]
    count = np.full(len(homes), len(rows))
    return Labelled(
        values=_stacked(values),
        present=torch.ones(len(homes), len(rows), 2, dtype=torch.bool),
        label=torch.from_numpy(np.stack([home.labelled.label[rows] for home in homes])).float(),
        training=count - count // VALIDATION,
        count=count,
    )


def out_of_fold(networks: Experts, expert: str, features: Features) -> np.ndarray:
    """Log-odds of each labelled patient by the model of the fold that left it out."""
    fold = np.arange(len(features["image"])) % FOLDS
    scores = np.stack([networks.score(expert, features, fold=one) for one in range(FOLDS)])
    return scores[fold, np.arange(len(fold))]


def _stacked(features: list[Features]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.stack([one[name] for one in features])) for name in MODALITIES}
