"""Train in random made-up worlds: what was measured in each before, and how well each arm did.

An archive of one modality is made of a world's image alone, whose two halves are the views.
"""

from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np
import polars as pl
import torch

from semeia.errors import InputError
from semeia.evaluation.statistics.delong import areas
from semeia.learning.advice.placing import place
from semeia.learning.advice.predictability import ridge
from semeia.ranges import FROM_1, SEED, Range, require_ranges
from semeia.settings_json import to_plain
from semeia.worlds import Missing, Patients, WorldSettings, draw_patients
from semeia.worlds.draws import generator
from semeia.worlds.sweep.archives import (
    Cohort,
    fit_archive,
    has_record,
    stacked_labels,
    stacked_pairs,
)
from semeia.worlds.sweep.finetuning import Classifiers, SmallFinetuning, finetune
from semeia.worlds.sweep.networks import MODALITIES, Encoders
from semeia.worlds.sweep.pretraining import Objective, SmallPretraining, fresh_encoders, pretrain
from semeia.worlds.world import BLENDED, Structure

FAMILIES: tuple[Structure, ...] = get_args(Structure)
EACH = 3  # worlds of each structure that are trained as one
# Features of the image and of the record of worlds that are trained as one; 0: an archive of images alone.
WIDTHS = ((64, 128), (32, 32), (128, 0), (128, 64))
OBJECTIVES: dict[str, Objective] = {"jepa": "ema", "guarded": "ema+vicreg"}
GAINS = {
    "scratch": ("jepa", "scratch"),
    "guarded": ("guarded", "scratch"),
    "frozen": ("jepa_frozen", "scratch"),
    "ridge": ("jepa", "ridge"),
}
RARER = 12  # labelled patients of the rarer class with both views, at least, on average


@dataclass(frozen=True)
class AdviserMapSettings:
    """How large the study is.

    Attributes:
        worlds: of each structure.
        draws: of labels in each world; the gain is their mean.
        test: patients on whom the gain is measured.
        seed: of the worlds.
        pretraining: of the small networks.
        finetuning: of the small networks.
    """

    worlds: int = 36
    draws: int = 6
    test: int = 2000
    seed: int = 0
    pretraining: SmallPretraining = field(default_factory=SmallPretraining)
    finetuning: SmallFinetuning = field(default_factory=SmallFinetuning)

    def __post_init__(self) -> None:
        require_ranges("map", self, {"worlds": FROM_1, "draws": Range(2), "test": Range(100), "seed": SEED})


@dataclass(frozen=True)
class Configuration:
    """One world of the map, and how many of its patients are seen.

    Attributes:
        alone: whether the archive holds the image only.
    """

    world: WorldSettings
    labels: int
    unlabelled: int
    missing: Missing
    alone: bool

    def patients(self, part: str, count: int) -> Patients:
        """Draw some of its patients; of an image alone its two halves."""
        drawn = draw_patients(self.world, count, seed=self.world.seed, part=part, missing=self.missing)
        half = drawn.image.shape[1] // 2
        return replace(drawn, image=drawn.image[:, :half], record=drawn.image[:, half:]) if self.alone else drawn


def configuration(structure: Structure, number: int, seed: int) -> Configuration:
    """Draw a world of a structure, and the sizes of its archive, over what real archives are."""
    rng = generator(seed, "map", structure, str(number))
    image, record = WIDTHS[number // EACH % len(WIDTHS)]

    def one_of(*values: float | int) -> float:
        return float(rng.choice(values))

    world = WorldSettings(
        structure=structure,
        latents="blend" if structure in BLENDED and rng.random() < 0.4 else "block",
        shared=int(one_of(3, 4, 8)),
        unique=int(one_of(2, 4, 8)),
        rho=one_of(0.25, 0.5, 0.75, 0.9),
        lam=one_of(0, 0.25, 0.5, 0.75, 1),
        beta=one_of(1.5, 3, 5),
        prevalence=one_of(0.1, 0.2, 0.3, 0.5),
        kappa=one_of(0.25, 0.5, 1),
        effect=one_of(0, 0.3, 0.6, 0.9),
        selected=one_of(0.3, 0.6),
        nuisance=int(one_of(4, 16, 32)),
        nuisance_scale=one_of(0.25, 0.5, 1, 2),
        noise=one_of(0.1, 0.3, 1),
        image=image,
        record=record or image,
        seed=int(rng.integers(1_000_000)),
    )
    alone = not record
    missing = Missing(0.0 if alone else one_of(0, 0, 0.3, 0.6))
    labels, unlabelled = np.exp(rng.uniform(np.log([20, 300]), np.log([1000, 10_000])))
    fewest = RARER / (min(world.prevalence, 1 - world.prevalence) * (1 - missing.share))
    return Configuration(world, round(max(labels, fewest)), round(float(unlabelled)), missing, alone)


def measure(one: Configuration) -> dict[str, float | bool]:
    """Measure a world as an archive whose first units are labelled; see `Place`."""
    archive = fit_archive(one.patients("unlabelled", one.unlabelled))
    labelled = archive.cohort(one.patients("labelled 0", one.labels))
    first, second = (np.concatenate([labelled.features[name], archive.pairs[name]]) for name in MODALITIES)
    unlabelled = len(archive.pairs["image"])
    labels = np.concatenate([labelled.patients.label, np.full(unlabelled, np.nan)])
    both = np.concatenate([has_record(labelled.patients), np.ones(unlabelled, bool)])
    found = place(first, second, labels, np.arange(len(labels)), both=both, alone=one.alone).place
    if found is None:
        raise InputError(f"a world of {one.world.structure} has too few labels of a class to be measured")
    return to_plain(found)


def train(drawn: list[Configuration], settings: AdviserMapSettings) -> pl.DataFrame:
    """Pretrain once a world, all of one width of features, fine-tune once a draw of labels, and score every arm.

    Returns:
        A row a world and draw: world (its place among those drawn), draw, and the AUROC of every arm.
    """
    archives = [fit_archive(one.patients("unlabelled", one.unlabelled)) for one in drawn]
    tests = [archive.cohort(one.patients("test", settings.test)) for one, archive in zip(drawn, archives, strict=True)]
    labelled = [
        [archive.cohort(one.patients(f"labelled {draw}", one.labels)) for draw in range(settings.draws)]
        for one, archive in zip(drawn, archives, strict=True)
    ]
    seeds = [one.world.seed for one in drawn]
    pairs = stacked_pairs(archives)
    pretrained = {
        name: pretrain(pairs, torch.arange(len(drawn)), objective=objective, settings=settings.pretraining, seeds=seeds)
        for name, objective in OBJECTIVES.items()
    }
    models = finetuned(labelled, pretrained, seeds, settings)
    rows = []
    for world in range(len(drawn)):
        cells = torch.arange(settings.draws) + world * settings.draws
        scores = {name: scored(stack.of_cells(cells), tests[world]) for name, stack in models.items()}
        found = {name: areas(tests[world].patients.label, each).value for name, each in scores.items()}
        for draw, cohort in enumerate(labelled[world]):
            row = {name: float(each[draw]) for name, each in found.items()}
            columns = {"ridge": (cohort.columns, tests[world].columns)}
            for name, encoders in pretrained.items():
                own = encoders.of_cells(torch.tensor([world]))
                columns[f"{name}_frozen"] = embedded(own, cohort, cohort), embedded(own, cohort, tests[world])
            for name, (x, new) in columns.items():
                score = ridge(x, 2.0 * cohort.patients.label - 1)(new)
                row[name] = float(areas(tests[world].patients.label, score[None]).value[0])
            rows.append({"world": world, "draw": draw} | row)
    return pl.DataFrame(rows)


def finetuned(
    labelled: list[list[Cohort]], pretrained: dict[str, Encoders], seeds: list[int], settings: AdviserMapSettings
) -> dict[str, Classifiers]:
    """Classifiers of every world and draw, world by world, from scratch and pretrained."""
    draws = len(labelled[0])
    world = torch.arange(len(labelled)).repeat_interleave(draws)
    again = [seed * draws + draw for seed in seeds for draw in range(draws)]
    stacked = stacked_labels([cohort for several in labelled for cohort in several], seeds=again)
    inputs = {name: stacked.values[name].shape[2] for name in MODALITIES}
    starts = {name: encoders.of_cells(world) for name, encoders in pretrained.items()}
    starts["scratch"] = fresh_encoders(inputs, settings=settings.pretraining, seeds=again)
    return {
        name: finetune(
            stacked,
            torch.arange(len(again)),
            start,
            allowed=torch.ones(len(again), 2, dtype=torch.bool),
            lr_encoder=settings.finetuning.lr if name == "scratch" else settings.finetuning.lr_pretrained,
            settings=settings.finetuning,
            seeds=again,
        )
        for name, start in starts.items()
    }


def scored(models: Classifiers, cohort: Cohort) -> np.ndarray:
    return models(*cohort.stacked(len(models.allowed))).detach().numpy()


def embedded(encoders: Encoders, training: Cohort, cohort: Cohort) -> np.ndarray:
    """Embeddings standardised by the training patients; of a missing modality their mean."""
    model = Classifiers(encoders, torch.ones(1, 2, dtype=torch.bool)).requires_grad_(False)
    model.standardise_by(*training.stacked())
    return model.embed(*cohort.stacked())[0].double().numpy()
