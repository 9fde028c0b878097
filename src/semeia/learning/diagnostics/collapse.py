"""Measure whether pretraining has collapsed and whether it carries signal between modalities.

The loss and the rank alone mislead: a constant vector absorbs most of an uncentred loss, and the centred rank can be
highest where nothing was learnt. So: the loss against the same loss with patients shuffled, and what a ridge regression
on one modality's latents explains of the other's, against shuffled, on patients that were not trained on.
Source: RankMe (Garrido et al. 2022, 2210.02885), here centred. In words: verdict.py.
"""

import math
from dataclasses import dataclass, replace
from itertools import permutations, product

import numpy as np
import torch
from jaxtyping import Float64

from semeia.data.batch import Batch, Seen
from semeia.data.dataset import Dataset
from semeia.data.masks import Masks
from semeia.data.preprocessing import Preprocessing, make_batch
from semeia.encoders.tokens import Tokens
from semeia.objectives.latent_prediction import LatentPrediction
from semeia.objectives.step import Step
from semeia.shapes import Embeddings, TokenMask

SHUFFLES = 8
# With fewer held-out units than this, rank and spread say more of their number than of the encoder.
ENOUGH = 8
RANK = "effective_rank"
LEAST_RANK = 4  # of an embedding that uses its room
# Months between what is seen and what is predicted.
LAGS = {"same_date": (0.0, 1.0), "within_a_year": (1.0, 12.0), "over_a_year": (12.0, math.inf)}


@torch.no_grad()
def diagnose(
    objective: LatentPrediction,
    data: Dataset,
    fit_rows: np.ndarray,
    watch_rows: np.ndarray,
    *,
    preprocessing: Preprocessing,
    seed: int,
) -> dict[str, float]:
    """Diagnostics of a pretrained objective on watched patients.

    Args:
        fit_rows: trained units; the ridge regressions are fitted on these.
        watch_rows: units of patients that were not trained on; everything is measured on these.

    Returns:
        Numbers by name; those that so few units cannot give are left out.
    """
    objective.eval()
    if len(watch_rows) < ENOUGH:
        return {"watched_units": float(len(watch_rows))}
    watched = make_batch(data, watch_rows, preprocessing=preprocessing)
    found = paired_against_shuffled(objective, watched, seed=seed)
    found |= by_pair_and_lag(objective, watched, seed=seed) | rollout_drift(objective, watched)
    pooled = means(objective, newest(watched))
    for index, name in enumerate(objective.encoder.kinds):
        # A vector of two numbers (age, sex) has two directions: its rank says nothing of the encoder.
        numbers = watched.modalities[name].values[0, 0].numel() if name in watched.modalities else 0
        known = {what: value for what, value in spread(pooled[index]).items() if what != RANK or numbers >= LEAST_RANK}
        found |= {f"{name}_{what}": value for what, value in known.items()}
    if len(objective.encoder.kinds) > 1:
        fitted = make_batch(data, fit_rows[:1000], preprocessing=preprocessing)
        found |= cross_modal(objective, newest(fitted), newest(watched), seed=seed)
    return {name: round(value, 4) for name, value in found.items() if math.isfinite(value)}


def newest(batch: Batch) -> Batch:
    """Keep the newest observation of each modality, as if made at the index date.

    Modalities are looked at on the same dates: what one tells of another would be the dates alone.
    """
    return Batch(
        {
            name: Seen(seen.values[:, :1], seen.present[:, :1], seen.where[:, :1], torch.zeros_like(seen.when[:, :1]))
            for name, seen in batch.modalities.items()
        }
    )


def paired_against_shuffled(objective: LatentPrediction, batch: Batch, *, seed: int) -> dict[str, float]:
    """The prediction loss, and the same with each patient's prediction held against another patient's target."""
    step = Step(index=0, total=1, seed=seed)
    tokens = objective.encoder.embed(batch)
    masks = objective.masks_of(tokens, step.generator("diagnostic masks"))
    compared = paired_and_shuffled(*objective.predict(batch, masks), masks.target, tokens.present, seed=seed)
    return {
        "paired_loss": compared.paired,
        "shuffled_loss": compared.shuffled,
        "paired_to_shuffled": compared.ratio,
        "paired_to_shuffled_high": compared.ratio + 1.96 * compared.error,
    }


@dataclass(frozen=True)
class Compared:
    """The loss at the tokens that are asked for, its mean against other patients' targets, and their ratio with the
    standard error of a jackknife over units."""

    paired: float
    shuffled: float
    error: float

    @property
    def ratio(self) -> float:
        return self.paired / self.shuffled


def paired_and_shuffled(
    prediction: torch.Tensor, target: torch.Tensor, asked: TokenMask, there: TokenMask, *, seed: int
) -> Compared:
    """Compare predictions of tokens with their own patients' targets and with other patients'.

    Latents are [unit, token, dim]; `asked` and `there` say which tokens are predicted, and which have a target. The
    seed decides who is held against whom.
    """
    generator = np.random.default_rng([seed, 5])
    own, others = _losses(prediction, target, asked), []
    for _ in range(SHUFFLES):
        order = torch.from_numpy(derangement(len(asked), generator))
        # Only places where both have a token can be compared.
        others.append(_losses(prediction, target[order], asked & there[order]))
    means = [_mean(one) for one in others]
    shuffled = float(np.nanmean(means)) if np.isfinite(means).any() else float("nan")
    without = [one.sum(0) - one for one in (own, np.sum(others, 0))]  # each unit left out in turn: loss, tokens
    with np.errstate(divide="ignore", invalid="ignore"):
        left = (without[0][:, 0] / without[0][:, 1]) / (without[1][:, 0] / without[1][:, 1])
    return Compared(_mean(own), shuffled, float(np.sqrt((len(left) - 1) * np.var(left))))


def by_pair_and_lag(objective: LatentPrediction, batch: Batch, *, seed: int) -> dict[str, float]:
    """Paired over shuffled loss of the newest tokens of each modality, from another's (or its own) of some time ago.

    Returns:
        `ratio_SOURCE_to_TARGET_LAG` by the lags of `LAGS`, where enough patients have both.
    """
    tokens, kinds, found = objective.encoder.embed(batch), objective.encoder.kinds, {}
    if not (tokens.when[tokens.present] > 0).any():
        return {}  # nobody has more than one date
    for target in range(len(kinds)):
        asked = at_date(tokens, target, 0)
        newest = torch.where(asked, tokens.when, torch.inf).amin(1, keepdim=True)
        for (lag, (low, high)), source in product(LAGS.items(), range(len(kinds))):
            before = tokens.when - newest
            known = tokens.present & (tokens.kind == source) & (before >= low) & (before < high) & ~asked
            rows = asked.any(1) & known.any(1)
            if int(rows.sum()) >= ENOUGH:
                prediction, latent = objective.predict(batch, Masks(known, asked))
                own = asked[rows]
                compared = paired_and_shuffled(prediction[rows], latent[rows], own, own, seed=seed)
                found[f"ratio_{kinds[source]}_to_{kinds[target]}_{lag}"] = compared.ratio
    return found


def rollout_drift(objective: LatentPrediction, batch: Batch) -> dict[str, float]:
    """Loss of the newest date when the one before is itself predicted, over that when it is observed.

    Of each modality's three newest dates, the first is seen; `drift_MODALITY` is 1 where a predicted latent serves as
    well as an observed one.
    """
    tokens, found = objective.encoder.embed(batch), {}
    for kind, name in enumerate(objective.encoder.kinds):
        first, second, third = (at_date(tokens, kind, number) for number in (2, 1, 0))
        rows = first.any(1)
        if int(rows.sum()) < ENOUGH:
            continue
        asked = third & rows[:, None]
        direct, target = objective.predict(batch, Masks((first | second) & rows[:, None], asked))
        step, _ = objective.predict(batch, Masks(first, second & rows[:, None]))
        context = objective.encoder.mix(tokens.holding(tokens.x, present=first))
        rolled = torch.where(second[..., None], objective.uncentred(step, tokens.kind), context.x)
        context = replace(context, x=rolled, present=(first | second) & rows[:, None])
        again = objective.predictor(context, tokens.holding(tokens.x, present=asked))
        found[f"drift_{name}"] = _loss(again, target, asked) / _loss(direct, target, asked)
    return found


def at_date(tokens: Tokens, kind: int, number: int) -> TokenMask:
    """Find the tokens of a modality at its newest date (0), the one before (1), ...; none where there are fewer."""
    mine = tokens.present & (tokens.kind == kind)
    for _ in range(number):
        newest = torch.where(mine, tokens.when, torch.inf).amin(1, keepdim=True)
        mine = mine & (tokens.when > newest)
    return mine & (tokens.when == torch.where(mine, tokens.when, torch.inf).amin(1, keepdim=True))


def _loss(prediction: torch.Tensor, target: torch.Tensor, where: TokenMask) -> float:
    return _mean(_losses(prediction, target, where))


def _losses(prediction: torch.Tensor, target: torch.Tensor, where: TokenMask) -> Float64[np.ndarray, "n 2"]:
    """Each unit's loss summed over its tokens, and how many they are."""
    error = torch.nn.functional.smooth_l1_loss(prediction, target, reduction="none").mean(-1)
    return torch.stack([torch.where(where, error, 0).double().sum(1), where.double().sum(1)], 1).numpy()


def _mean(losses: Float64[np.ndarray, "n 2"]) -> float:
    total, tokens = losses.sum(0)
    return float(total / tokens) if tokens else float("nan")


def derangement(n: int, generator: np.random.Generator) -> np.ndarray:
    """A random order in which nobody stays in place (a cycle through a random permutation)."""
    order = generator.permutation(n)
    moved = np.empty(n, int)
    moved[order] = np.roll(order, 1)
    return moved


def means(objective: LatentPrediction, batch: Batch) -> list[Embeddings]:
    """The mean layer-normed target token of each modality seen alone, patients that have it, [n, dim] each."""
    pooled, there = objective.encoder.pool(objective.targets(batch))
    dim = objective.encoder.settings.dim
    return [pooled[there[:, index], index, :dim].float() for index in range(there.shape[1])]


def spread(z: Embeddings) -> dict[str, float]:
    """How much of its room an embedding uses; nothing where fewer than two patients have it.

    Returns:
        `std_min` and `std_median` over dimensions; `mean_energy`, the share of the squared length that is the mean's
        (1: everybody has the same vector); `effective_rank`, exp of the entropy of the centred singular values.
    """
    if len(z) < 2:
        return {}
    sd = z.std(0)
    energy = z.mean(0).square().sum() / z.square().sum(1).mean().clamp(min=1e-12)
    singular = torch.linalg.svdvals(z - z.mean(0))
    share = singular / singular.sum().clamp(min=1e-12)
    entropy = -(share * (share + 1e-7).log()).sum()
    return {
        "std_min": float(sd.min()),
        "std_median": float(sd.median()),
        "mean_energy": float(energy),
        RANK: float(entropy.exp()),
    }


def cross_modal(objective: LatentPrediction, fitted: Batch, watched: Batch, *, seed: int) -> dict[str, float]:
    """R2 of each modality's mean latent from each other's, by ridge regression; paired, and of shuffled pairs."""
    encoder, measures = objective.encoder, {}
    pools = [encoder.pool(objective.targets(batch)) for batch in (fitted, watched)]
    generator = np.random.default_rng([seed, 6])
    for source, target in permutations(range(len(encoder.kinds)), 2):
        sides = []
        for pooled, there in pools:
            both = there[:, source] & there[:, target]
            mean = pooled[both, :, : encoder.settings.dim].double().numpy()
            sides += [mean[:, source], mean[:, target]]
        x, y, new_x, new_y = sides
        if min(len(x), len(new_x)) < 2:
            continue
        name = f"r2_{encoder.kinds[source]}_to_{encoder.kinds[target]}"
        measures[name] = ridge_r2(x, y, new_x, new_y)
        measures[f"{name}_shuffled"] = ridge_r2(x, y[generator.permutation(len(y))], new_x, new_y)
    return measures


def ridge_r2(x: np.ndarray, y: np.ndarray, new_x: np.ndarray, new_y: np.ndarray) -> float:
    """Share of the variance of `new_y` that a ridge regression fitted on (x, y) explains; NaN without variance."""
    mean, sd = x.mean(0), x.std(0) + 1e-6
    design, centre = (x - mean) / sd, y.mean(0)
    penalty = len(x) * 0.1 * np.eye(x.shape[1])
    weight = np.linalg.solve(design.T @ design + penalty, design.T @ (y - centre))
    left = new_y - centre - (new_x - mean) / sd @ weight
    total = np.square(new_y - centre).sum()
    return float(1 - np.square(left).sum() / total) if total > 0 else float("nan")
