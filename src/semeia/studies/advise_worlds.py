"""Train in random made-up worlds: what was measured in each before, and what pretraining gained."""

from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np
import torch

from semeia.evaluation.statistics.delong import areas
from semeia.learning.advice.map import Place
from semeia.learning.advice.placing import place
from semeia.learning.advice.predictability import PENALTIES
from semeia.ranges import FROM_1, SEED, Range, require_ranges
from semeia.worlds import Missing, Patients, WorldSettings, draw_patients
from semeia.worlds.draws import generator
from semeia.worlds.sweep.finetuning import VALIDATION, Classifiers, Labelled, SmallFinetuning, finetune
from semeia.worlds.sweep.networks import MODALITIES, Encoders
from semeia.worlds.sweep.pretraining import Pairs, SmallPretraining, fresh_encoders, pretrain
from semeia.worlds.world import BLENDED, Structure

FAMILIES: tuple[Structure, ...] = get_args(Structure)
TOGETHER = 27  # worlds whose networks are trained as one
SCORED = 16  # classifiers that score together
LABELS = (60, 100, 200, 300)
UNLABELLED = (1000, 2000, 4000, 8000)
GAINS = ("scratch", "frozen", "ridge")


@dataclass(frozen=True)
class MapSettings:
    """How large the study is.

    Attributes:
        worlds: of each structure.
        draws: of labels in each world; the gain is their mean.
        test: patients on whom the gain is measured.
        seed: of the worlds.
        pretraining: of the small networks.
        finetuning: of the small networks.
    """

    worlds: int = 6
    draws: int = 6
    test: int = 2000
    seed: int = 0
    pretraining: SmallPretraining = field(default_factory=lambda: SmallPretraining(hidden=64, predictor=64, steps=1000))
    finetuning: SmallFinetuning = field(default_factory=lambda: SmallFinetuning(lr_pretrained=5e-4))

    def __post_init__(self) -> None:
        require_ranges("map", self, {"worlds": FROM_1, "draws": FROM_1, "test": Range(100), "seed": SEED})


@dataclass(frozen=True)
class Configuration:
    """One world of the map, and how many of its patients are seen."""

    world: WorldSettings
    labels: int
    unlabelled: int
    missing: Missing

    def patients(self, part: str, count: int) -> Patients:
        """Draw some of its patients."""
        return draw_patients(self.world, count, seed=self.world.seed, part=part, missing=self.missing)


@dataclass(frozen=True)
class Trained:
    """What was measured in a world before training, and the gains that training had."""

    family: str
    place: Place
    scratch: float
    frozen: float
    ridge: float


def configuration(structure: Structure, number: int, seed: int) -> Configuration:
    """Draw a world of a structure, and the sizes of its archive."""
    rng = generator(seed, "map", structure, str(number))
    world = WorldSettings(
        structure=structure,
        latents="blend" if structure in BLENDED and rng.random() < 0.4 else "block",
        rho=float(rng.choice([0.25, 0.5, 0.75, 0.9])),
        lam=float(rng.choice([0.0, 0.25, 0.5, 0.75, 1.0])),
        effect=float(rng.choice([0.0, 0.3, 0.6, 0.9])),
        selected=float(rng.choice([0.3, 0.6])),
        nuisance_scale=float(rng.choice([0.25, 0.5, 1.0])),
        seed=int(rng.integers(1_000_000)),
    )
    missing = Missing(float(rng.choice([0.0, 0.0, 0.3])))
    return Configuration(world, int(rng.choice(LABELS)), int(rng.choice(UNLABELLED)), missing)


def train(drawn: list[Configuration], settings: MapSettings) -> list[Trained]:
    """Measure, pretrain once a world, fine-tune once a draw of labels, and give the mean gains."""
    seen = [one.patients("unlabelled", one.unlabelled) for one in drawn]
    scales = [_scale(patients) for patients in seen]
    labelled = [[one.patients(f"labelled {draw}", one.labels) for draw in range(settings.draws)] for one in drawn]
    tests = [one.patients("test", settings.test) for one in drawn]
    cells, seeds = torch.arange(len(drawn)), [one.world.seed for one in drawn]
    encoders = pretrain(_pairs(seen, scales), cells, objective="ema+vicreg", settings=settings.pretraining, seeds=seeds)
    of_world = cells.repeat_interleave(settings.draws)
    groups = [patients for draws in labelled for patients in draws]
    small = _labelled(groups, [scales[world] for world in of_world])
    inputs = {name: small.values[name].shape[2] for name in MODALITIES}
    every = torch.arange(len(groups))
    again = [seeds[world] * settings.draws + int(place) % settings.draws for place, world in enumerate(of_world)]
    values, present = _filled(tests, scales)
    scores = {}
    for name in ("jepa", "scratch"):
        start = (
            encoders.of_cells(of_world)
            if name == "jepa"
            else fresh_encoders(inputs, settings=settings.pretraining, seeds=again)
        )
        fitted = finetune(
            small,
            every,
            start,
            allowed=torch.ones(len(groups), 2, dtype=torch.bool),
            lr_encoder=settings.finetuning.lr_pretrained if name == "jepa" else settings.finetuning.lr,
            settings=settings.finetuning,
            seeds=again,
        )
        scores[name] = _scored(fitted, values, present, of_world)
    made = []
    for world, one in enumerate(drawn):
        mine = np.flatnonzero(of_world.numpy() == world)
        label = tests[world].label
        own = [areas(label, scores[name][mine]).value.mean() for name in ("jepa", "scratch")]
        encoder, scale = encoders.of_cells(cells[world : world + 1]), scales[world]
        new, ridge, frozen = _scaled(tests[world], scale), [], []
        for patients in labelled[world]:
            known = _scaled(patients, scale)
            ridge.append(_ridge_area(_columns(known), patients.label, _columns(new), label))
            frozen.append(_ridge_area(_embedded(encoder, known), patients.label, _embedded(encoder, new), label))
        placed = _placed(seen[world], labelled[world][0], scale)
        gains = (own[0] - own[1], np.mean(frozen) - own[1], own[0] - np.mean(ridge))
        made.append(Trained(one.world.structure, placed, *(float(gain) for gain in gains)))
    return made


@torch.no_grad()
def _scored(
    fitted: Classifiers, values: dict[str, torch.Tensor], present: torch.Tensor, world: torch.Tensor
) -> np.ndarray:
    """Log-odds of the test patients of each classifier's world, [classifier, patient]."""
    scores = []
    for cells in torch.arange(len(world)).split(SCORED):
        own = {name: values[name][world[cells]] for name in MODALITIES}
        scores.append(fitted.of_cells(cells)(own, present[world[cells]]).numpy())
    return np.concatenate(scores)


Scale = dict[str, tuple[np.ndarray, np.ndarray]]


def _scale(patients: Patients) -> Scale:
    values = {name: getattr(patients, name) for name in MODALITIES}
    return {name: (np.nanmean(one, 0), np.nanstd(one, 0) + 1e-6) for name, one in values.items()}


def _scaled(patients: Patients, scale: Scale) -> dict[str, np.ndarray]:
    return {name: (getattr(patients, name) - mean) / sd for name, (mean, sd) in scale.items()}


def _has_record(patients: Patients) -> np.ndarray:
    return np.asarray(~np.isnan(patients.record).all(1))


def _placed(seen: Patients, labelled: Patients, scale: Scale) -> Place:
    """Measure as in an archive whose first units are labelled."""
    first, second = (np.concatenate([_scaled(one, scale)[name] for one in (labelled, seen)]) for name in MODALITIES)
    labels = np.concatenate([labelled.label, np.full(len(seen.label), np.nan)])
    both = np.concatenate([_has_record(labelled), _has_record(seen)])
    return place(first, second, labels, np.arange(len(labels)), both=both).place


def _ridge_area(x: np.ndarray, labels: np.ndarray, new: np.ndarray, truth: np.ndarray) -> float:
    from sklearn.linear_model import RidgeCV

    mean, sd = x.mean(0), x.std(0) + 1e-6
    score = RidgeCV(PENALTIES).fit((x - mean) / sd, 2 * labels - 1).predict((new - mean) / sd)
    return float(areas(truth, score[None]).value[0])


def _columns(scaled: dict[str, np.ndarray]) -> np.ndarray:
    return np.nan_to_num(np.hstack([scaled[name] for name in MODALITIES]))


@torch.no_grad()
def _embedded(encoder: Encoders, scaled: dict[str, np.ndarray]) -> np.ndarray:
    """Embeddings of both modalities side by side; of a missing one their mean."""
    parts = []
    for name in MODALITIES:
        there = np.asarray(~np.isnan(scaled[name]).all(1))
        values = torch.from_numpy(np.nan_to_num(scaled[name]).astype(np.float32))
        one = encoder[name](values[None])[0].numpy()
        parts.append(np.where(there[:, None], one, one[there].mean(0)))
    return np.hstack(parts)


def _filled(groups: list[Patients], scales: list[Scale]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Standardised features of several groups, 0 where missing or beyond a group's rows, and what is present."""
    most = max(len(one.label) for one in groups)
    values = {name: torch.zeros(len(groups), most, getattr(groups[0], name).shape[1]) for name in MODALITIES}
    present = torch.zeros(len(groups), most, 2, dtype=torch.bool)
    for place_, (patients, scale) in enumerate(zip(groups, scales, strict=True)):
        rows = len(patients.label)
        for name, one in _scaled(patients, scale).items():
            values[name][place_, :rows] = torch.from_numpy(np.nan_to_num(one).astype(np.float32))
        present[place_, :rows, 0] = True
        present[place_, :rows, 1] = torch.from_numpy(_has_record(patients))
    return values, present


def _pairs(seen: list[Patients], scales: list[Scale]) -> Pairs:
    kept = [_rows(patients, _has_record(patients)) for patients in seen]
    return Pairs(_filled(kept, scales)[0], np.array([len(one.label) for one in kept]))


def _rows(patients: Patients, chosen: np.ndarray) -> Patients:
    return replace(patients, image=patients.image[chosen], record=patients.record[chosen], label=patients.label[chosen])


def _labelled(groups: list[Patients], scales: list[Scale]) -> Labelled:
    values, present = _filled(groups, scales)
    count = np.array([len(one.label) for one in groups])
    label = torch.zeros(present.shape[:2])
    for place_, patients in enumerate(groups):
        label[place_, : len(patients.label)] = torch.from_numpy(patients.label).float()
    return Labelled(values, present, label, count - count // VALIDATION, count)
