"""Run every arm on the same patients of many cells at once, and keep how well each tells the labels apart.

| arm | what it is |
|---|---|
| `scratch`, `image_only`, `record_only` | networks that start from chance, of both modalities or of one |
| `random_frozen` | logistic regression on the embeddings that these networks start with |
| `OBJECTIVE_finetune`, `OBJECTIVE_frozen` | the same networks, pretrained on the archive |
| `incomplete_finetune` | pretrained on labelled patients who have no record |
| `ridge`, `canonical`, `boosting` | without networks: simple_arms.py |
| `bayes`, `oracle` | what the causes tell: the ceiling |
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from torch.nn import functional as F

from semeia.evaluation.statistics.discrimination import auroc, auroc_draws
from semeia.learning.diagnostics.collapse import ridge_r2, spread
from semeia.worlds.draws import generator
from semeia.worlds.sweep.archives import (
    Cohort,
    UnlabelledArchive,
    fit_archive,
    has_record,
    stacked_labels,
    stacked_pairs,
)
from semeia.worlds.sweep.condition import Condition
from semeia.worlds.sweep.finetuning import Classifiers, Labelled, finetune
from semeia.worlds.sweep.networks import MODALITIES, Encoders, joined
from semeia.worlds.sweep.pretraining import Pairs, fresh_encoders, pretrain
from semeia.worlds.sweep.readings import patients_of
from semeia.worlds.sweep.simple_arms import boosted_scores, ridge_scores
from semeia.worlds.world import HOME

HELD_OUT = 2000  # patients on whom an encoder is looked at, never trained on
DRAWS = 200  # of the patients of a cohort, the same for every arm
SIMPLE = ("ridge", "canonical", "boosting")
Cell = tuple[Condition, int]
Scores = dict[str, list[Float[np.ndarray, "_"]]]  # by arm, of each cohort


@dataclass(frozen=True)
class Outcome:
    """What came of one cell.

    Attributes:
        areas: arm, cohort, auroc, draws (AUROC in each bootstrap draw of the cohort's patients).
        diagnostics: of each objective's embeddings, by name; see `looked_at`.
    """

    condition: Condition
    seed: int
    areas: pl.DataFrame
    diagnostics: dict[str, float]


def run_cells(cells: list[Cell]) -> Iterator[Outcome]:
    """Train every arm of cells of one `Condition.shape` together; give one after the other what came of it."""
    first = cells[0][0]
    keys = [condition.archive(seed) for condition, seed in cells]
    distinct = list(dict.fromkeys(keys))
    sources = [cells[keys.index(key)] for key in distinct]
    archives = [
        fit_archive(patients_of(of, of.unlabelled, seed=seed, part="unlabelled", missing=of.missing_train))
        for of, seed in sources
    ]
    starts = _pretrained(first, stacked_pairs(archives), [seed for _, seed in sources])
    looked = [
        looked_at(starts, index, archive.cohort(patients_of(of, HELD_OUT, seed=seed, part="held out")))
        for index, (archive, (of, seed)) in enumerate(zip(archives, sources, strict=True))
    ]
    place = torch.tensor([distinct.index(key) for key in keys])
    starts = {name: encoders.of_cells(place) for name, encoders in starts.items()}
    of_cells = [archives[index] for index in place]
    starts["incomplete"] = _from_incomplete(cells, starts["random"], of_cells)
    training = [_training(*cell, archive) for cell, archive in zip(cells, of_cells, strict=True)]
    models = _fitted(cells, starts, stacked_labels(training, seeds=[seed for _, seed in cells]))
    for index, (condition, seed) in enumerate(cells):
        archive, cohorts = of_cells[index], _cohorts(condition, seed, of_cells[index])
        scores = _network_scores(models, index, cohorts)
        scores |= _frozen_scores(starts, index, training[index], cohorts, seed)
        scores |= _simple_scores(archive, training[index], cohorts, seed, boosting=condition.boosting)
        for ceiling in ("bayes", "oracle"):
            scores[ceiling] = [getattr(cohort.patients.truth, ceiling) for cohort in cohorts]
        yield Outcome(condition, seed, _areas(condition, seed, scores, cohorts), looked[place[index]])


def looked_at(starts: dict[str, Encoders], index: int, held_out: Cohort) -> dict[str, float]:
    """Measure each objective's embeddings of patients who were held out, without labels.

    Returns:
        By "OBJECTIVE_measure": `r2` of one modality's latent from the other's by ridge regression, mean of both
        directions, and `r2_shuffled` of wrong pairs; `effective_rank` and `mean_energy`
        (learning/diagnostics/collapse.py).
    """
    both = np.flatnonzero(has_record(held_out.patients))
    measures, half = {}, len(both) // 2
    shuffle = np.random.default_rng(0).permutation(half)
    for objective, encoders in starts.items():
        mine = encoders.of_cells(torch.tensor([index])).requires_grad_(False)
        values, _ = held_out.stacked()
        latents = [mine[name](values[name])[0] for name in MODALITIES]
        one, other = (z.double().numpy()[both[: 2 * half]] for z in latents)
        pairs = ((one, other), (other, one))
        r2 = [ridge_r2(x[:half], y[:half], x[half:], y[half:]) for x, y in pairs]
        wrong = [ridge_r2(x[:half], y[:half][shuffle], x[half:], y[half:][shuffle]) for x, y in pairs]
        spreads = [spread(F.layer_norm(z, z.shape[-1:])) for z in latents]
        named = {"r2": np.mean(r2), "r2_shuffled": np.mean(wrong)}
        named |= {name: np.mean([found[name] for found in spreads]) for name in ("effective_rank", "mean_energy")}
        measures |= {f"{objective}_{name}": float(value) for name, value in named.items()}
    return measures


def _pretrained(shared: Condition, pairs: Pairs, seeds: list[int]) -> dict[str, Encoders]:
    """Encoders of every archive by objective; "random" are those that all start from."""
    inputs = {name: pairs.values[name].shape[2] for name in MODALITIES}
    starts = {"random": fresh_encoders(inputs, settings=shared.pretraining, seeds=seeds).requires_grad_(False)}
    every = torch.arange(len(seeds))
    for objective in shared.objectives:
        starts[objective] = pretrain(pairs, every, objective=objective, settings=shared.pretraining, seeds=seeds)
    return starts


def _from_incomplete(cells: list[Cell], fresh: Encoders, archives: list[UnlabelledArchive]) -> Encoders:
    """Encoders pretrained by supervision on patients without a record; once for cells with the same patients."""
    keys = [(of.world, of.course, of.reading, of.wrong_labels, seed) for of, seed in cells]
    firsts = [keys.index(key) for key in dict.fromkeys(keys)]
    cohorts = [_without_records(*cells[index], archives[index]) for index in firsts]
    settings = cells[0][0].finetuning
    fitted = finetune(
        stacked_labels(cohorts, seeds=[cells[index][1] for index in firsts]),
        torch.arange(len(firsts)),
        fresh.of_cells(torch.tensor(firsts)),
        allowed=torch.tensor([[True, False]] * len(firsts)),
        lr_encoder=settings.lr,
        settings=settings,
        seeds=[cells[index][1] for index in firsts],
    )
    return fitted.encoders.of_cells(torch.tensor([firsts.index(keys.index(key)) for key in keys]))


def _fitted(cells: list[Cell], starts: dict[str, Encoders], labelled: Labelled) -> dict[str, Classifiers]:
    """Fine-tuned classifiers of every cell by arm: those from chance together, those pretrained together."""
    settings, count = cells[0][0].finetuning, len(cells)
    fresh = {"scratch": (True, True), "image_only": (True, False), "record_only": (False, True)}
    pretrained = {f"{name}_finetune": (True, True) for name in starts if name != "random"}
    models = {}
    for arms, lr in ((fresh, settings.lr), (pretrained, settings.lr_pretrained)):
        stacks = [starts[arm.removesuffix("_finetune") if arm in pretrained else "random"] for arm in arms]
        every = torch.arange(count)
        fitted = finetune(
            labelled,
            every.repeat(len(arms)),
            joined(stacks),
            allowed=torch.tensor([*arms.values()]).repeat_interleave(count, 0),
            lr_encoder=lr,
            settings=settings,
            seeds=[seed for _, seed in cells] * len(arms),
        )
        models |= {arm: fitted.of_cells(every + number * count) for number, arm in enumerate(arms)}
    return models


def _network_scores(models: dict[str, Classifiers], index: int, cohorts: list[Cohort]) -> Scores:
    """Logits of fine-tuned classifiers of one cell."""
    scores: Scores = {}
    for arm, stack in models.items():
        model = stack.of_cells(torch.tensor([index]))
        scores[arm] = [model(*cohort.stacked())[0].detach().numpy() for cohort in cohorts]
    return scores


def _frozen_scores(
    starts: dict[str, Encoders], index: int, training: Cohort, cohorts: list[Cohort], seed: int
) -> Scores:
    """Logits of ridge logistic regression on the embeddings of one cell's encoders, frozen."""
    scores: Scores = {}
    for name, encoders in starts.items():
        if name != "incomplete":
            model = Classifiers(encoders.of_cells(torch.tensor([index])), torch.tensor([[True, True]]))
            model.requires_grad_(False).standardise_by(*training.stacked())
            columns = [model.embed(*cohort.stacked())[0].double().numpy() for cohort in (training, *cohorts)]
            scores[f"{name}_frozen"] = ridge_scores(columns[0], training.patients.label, columns[1:], seed=seed)
    return scores


def _simple_scores(
    archive: UnlabelledArchive, training: Cohort, cohorts: list[Cohort], seed: int, *, boosting: bool
) -> Scores:
    """What arms without a network make of one cell's patients."""
    label, every = training.patients.label, (training, *cohorts)
    variates = [
        archive.canonical.columns(cohort.features["image"], cohort.features["record"], has_record(cohort.patients))
        for cohort in every
    ]
    scores = {
        "ridge": ridge_scores(training.columns, label, [cohort.columns for cohort in cohorts], seed=seed),
        "canonical": ridge_scores(variates[0], label, variates[1:], seed=seed),
    }
    if boosting:
        raw = [np.hstack([cohort.patients.image, cohort.patients.record]) for cohort in every]
        scores["boosting"] = boosted_scores(raw[0], label, raw[1:], seed=seed)
    return scores


def _areas(condition: Condition, seed: int, scores: Scores, cohorts: list[Cohort]) -> pl.DataFrame:
    """AUROC of every arm in every cohort, and in the same bootstrap draws of its patients."""
    rows = []
    for number, (name, cohort) in enumerate(zip(cohort_names(condition), cohorts, strict=True)):
        label = cohort.patients.label
        drawn = generator(seed, "bootstrap", name).integers(0, len(label), (DRAWS, len(label)))
        weights = np.stack([np.bincount(rows_, minlength=len(label)) for rows_ in drawn])
        for arm, of_cohorts in scores.items():
            score = of_cohorts[number]
            rows.append((arm, name, auroc(label, score), auroc_draws(label, score, weights).tolist()))
    schema = {"arm": pl.String, "cohort": pl.String, "auroc": pl.Float64, "draws": pl.List(pl.Float32)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def cohort_names(condition: Condition) -> list[str]:
    """The cohorts that scores are taken on: at home, then the sites."""
    return ["internal", *(name for name, _ in condition.sites)]


def _cohorts(condition: Condition, seed: int, archive: UnlabelledArchive) -> list[Cohort]:
    """Test patients at home and the same people at every site, so that sites differ in nothing else."""
    draws = [
        patients_of(condition, condition.test, seed=seed, part="test", site=site, missing=condition.missing_test)
        for site in (HOME, *(site for _, site in condition.sites))
    ]
    return [archive.cohort(patients) for patients in draws]


def _training(condition: Condition, seed: int, archive: UnlabelledArchive) -> Cohort:
    return archive.cohort(
        patients_of(condition, condition.labels, seed=seed, part="train", missing=condition.missing_train)
    )


def _without_records(condition: Condition, seed: int, archive: UnlabelledArchive) -> Cohort:
    patients = patients_of(condition, condition.labelled_images, seed=seed, part="images")
    wrong = generator(seed, "images", "wrong").random(len(patients.label)) < condition.wrong_labels
    return archive.cohort(replace(patients, record=np.full_like(patients.record, np.nan), label=patients.label ^ wrong))
