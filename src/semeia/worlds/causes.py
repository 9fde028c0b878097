"""Draw the hidden causes of made-up patients, and the label that follows from them; world.py says which does."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from semeia.worlds.draws import generator
from semeia.worlds.world import APART, HOME, Site, WorldSettings

Rows = Float[np.ndarray, " n"]
Causes = Float[np.ndarray, "n causes"]
_COUPLED = slice(0, 3)  # the record's latents that the work-up moves
_CALIBRATION = 50_000  # patients from whom the intercept is found


@dataclass(frozen=True)
class Latents:
    """The truth about n patients, never for a model.

    Attributes:
        shared: shared causes; where nothing is shared, of no effect.
        image: causes of the image.
        record: causes of the record, after the work-up moved them.
        oracle: probability of the label given every cause.
        bayes: probability of the label given the image's and the record's causes as they were before any work-up:
            what a model can reach at most without using it.
        label: 0 or 1.
    """

    shared: Causes
    image: Causes
    record: Causes
    oracle: Rows
    bayes: Rows
    label: Int[np.ndarray, " n"]


@dataclass(frozen=True)
class Drawn:
    """Causes before a label: what each modality holds, what is shared, and the label's own cause (sd about 1)."""

    shared: Causes
    image: Causes
    record: Causes
    cause: Rows


def draw_latents(world: WorldSettings, n: int, *, seed: int, part: str, site: Site = HOME) -> Latents:
    """Draw the causes and labels of n patients; the first patients are the same whatever n.

    `part` is which of the seed's patients, such as "train"; two parts have no patient in common.
    """
    return labelled(world, _causes(world, n, seed=seed, part=part), seed=seed, part=part, site=site)


def labelled(world: WorldSettings, drawn: Drawn, *, seed: int, part: str, site: Site = HOME) -> Latents:
    """Draw the label that follows from causes, and what the label does to the record."""
    oracle = _probability(world, drawn.cause, site)
    label = (generator(seed, part, "label").random(len(oracle)) < oracle).astype(np.int64)
    record = drawn.record
    if site.recoding:
        direction = label_weights(world)[2]
        record = record + site.recoding * (record @ direction)[:, None] * direction
    if world.structure == "workup":
        kappa = world.kappa if site.kappa is None else site.kappa
        record = record.copy()
        record[:, _COUPLED] += kappa * (2 * label[:, None] - 1)
    return Latents(drawn.shared, drawn.image, record, oracle, _bayes(world, drawn, oracle, site), label)


@lru_cache(maxsize=64)
def label_weights(world: WorldSettings) -> tuple[Rows, Rows, Rows]:
    """Directions of length 1 in which shared causes, the image's and the record's own act on the label.

    Own directions are among all causes of a modality where nothing is shared, or in a blend; among its unique ones in
    a block world, whose shared causes come first.
    """
    rng = generator(world.seed, "world", "label")
    shared, image, record = rng.standard_normal((3, world.width))
    if world.latents == "block" and world.structure not in APART:
        shared[world.shared :] = 0
        image[: world.shared] = record[: world.shared] = 0
    shared, image, record = (w / np.linalg.norm(w) for w in (shared, image, record))
    return shared, image, record


def _causes(world: WorldSettings, n: int, *, seed: int, part: str) -> Drawn:
    """Draw shared and own causes, and put together what each modality holds."""
    if world.structure == "selection":
        return _selected(world, n, seed=seed, part=part)
    return _unselected(world, n, seed=seed, part=part)


def sources(world: WorldSettings, n: int, *, seed: int, part: str) -> tuple[Causes, Causes, Causes]:
    """Draw what all causes are made of: what is shared, and each modality's own."""
    shared, image, record = (
        generator(seed, part, name).standard_normal((n, world.width)) for name in ("shared", "image", "record")
    )
    return shared, image, record


def summed(world: WorldSettings, shared: Causes, own_image: Causes, own_record: Causes) -> Drawn:
    """Put together what each modality holds, and the label's cause where that is a sum of causes."""
    w, w_image, w_record = label_weights(world)
    own, lam = (own_image @ w_image + own_record @ w_record) / np.sqrt(2), share_of_shared(world)
    cause = np.sqrt(lam) * (shared @ w) + np.sqrt(1 - lam) * own
    if world.structure in APART:
        return Drawn(shared, own_image, own_record, cause)
    return Drawn(shared, _observed(world, shared, own_image), _observed(world, shared, own_record), cause)


def share_of_shared(world: WorldSettings) -> float:
    """Share of the variance of the label's cause that shared causes have, where that is a sum."""
    return 0.0 if world.structure in APART else 1.0 if world.structure == "common" else world.lam


def expected_probability(world: WorldSettings, mean: Rows, variance: Rows | float, site: Site = HOME) -> Rows:
    """Probability of the label where its cause is known up to a normal error."""
    nodes, mass = np.polynomial.hermite_e.hermegauss(32)
    at = mean[:, None] + np.sqrt(np.broadcast_to(variance, mean.shape))[:, None] * nodes
    return np.asarray(_sigmoid(world.beta * at + _intercept(world, site.prevalence)) @ (mass / mass.sum()))


def _unselected(world: WorldSettings, n: int, *, seed: int, part: str) -> Drawn:
    shared, own_image, own_record = sources(world, n, seed=seed, part=part)
    drawn = summed(world, shared, own_image, own_record)
    image, record, cause = drawn.image, drawn.record, drawn.cause
    if world.structure == "synergy":
        _, w_image, w_record = label_weights(world)
        cause = (image @ w_image) * (record @ w_record)
    elif world.structure == "anticausal":
        cause = shared[:, 0]
    elif world.structure == "risk":
        extra = generator(seed, part, "severity").standard_normal(n)
        cause = (shared @ label_weights(world)[0] + extra) / np.sqrt(2)
        image = own_image.copy()
        image[:, 0] = cause
        record[:, -1] = world.effect * cause + np.sqrt(1 - world.effect**2) * record[:, -1]
    elif world.structure == "curved":
        first, second, third = shared[:, :3].T
        cause = 0.8 * first * second + 0.6 * (np.abs(third) - 0.8)
    return Drawn(shared, image, record, cause)


def _selected(world: WorldSettings, n: int, *, seed: int, part: str) -> Drawn:
    """The first n people whose causes add up to enough; what brings them in is what causes the label."""
    from scipy.stats import norm

    sd = 0.5
    threshold = norm.isf(world.selected) * np.sqrt(2 + sd**2)
    people = int(1.2 * n / world.selected) + 100
    while True:
        drawn = _unselected(world, people, seed=seed, part=part)
        noise = generator(seed, part, "referral").standard_normal(people)
        enter = np.flatnonzero(np.sqrt(2) * drawn.cause + sd * noise > threshold)[:n]
        if len(enter) == n:
            return Drawn(drawn.shared[enter], drawn.image[enter], drawn.record[enter], drawn.cause[enter])
        people *= 2


def _observed(world: WorldSettings, shared: Causes, own: Causes) -> Causes:
    """What one modality holds of shared causes and its own."""
    if world.latents == "blend":
        rho = 0.0 if world.structure == "independent" else world.rho
        return np.sqrt(rho) * shared + np.sqrt(1 - rho) * own
    return np.hstack([shared[:, : world.shared], own[:, world.shared :]])


def _probability(world: WorldSettings, cause: Rows, site: Site) -> Rows:
    """Probability of the label given its cause."""
    if world.structure == "anticausal":
        return np.where(cause > _intercept(world, site.prevalence), 1 - world.flips, world.flips)
    return _sigmoid(world.beta * cause + _intercept(world, site.prevalence))


@lru_cache(maxsize=256)
def _intercept(world: WorldSettings, prevalence: float | None) -> float:
    """What holds the prevalence: the log-odds at cause 0, or the threshold on severity."""
    from scipy.optimize import brentq
    from scipy.stats import norm

    prevalence = world.prevalence if prevalence is None else prevalence
    if world.structure == "anticausal":
        return float(norm.isf((prevalence - world.flips) / (1 - 2 * world.flips)))
    cause = world.beta * _causes(world, _CALIBRATION, seed=0, part="calibration").cause
    bound = 40 + np.abs(cause).max()
    return float(brentq(lambda b: _sigmoid(cause + b).mean() - prevalence, -bound, bound))  # pyright: ignore[reportArgumentType]


def _bayes(world: WorldSettings, drawn: Drawn, oracle: Rows, site: Site) -> Rows:
    """Integrate over causes that no modality holds; in a block world each is held by one."""
    if world.latents == "block":
        return oracle
    rho = 0.0 if world.structure == "independent" else world.rho
    lam = share_of_shared(world)
    w, w_image, w_record = label_weights(world)
    # Of one coordinate: covariances of (shared, own of the image, own of the record) with (image, record).
    across = np.array([[np.sqrt(rho)] * 2, [np.sqrt(1 - rho), 0], [0, np.sqrt(1 - rho)]])
    held = np.linalg.pinv(np.array([[1, rho], [rho, 1]]))
    weights = np.stack([np.sqrt(lam) * w, np.sqrt((1 - lam) / 2) * w_image, np.sqrt((1 - lam) / 2) * w_record])
    on_held = weights.T @ across @ held  # [coordinate, modality]
    mean = drawn.image @ on_held[:, 0] + drawn.record @ on_held[:, 1]
    variance = max(float(np.square(weights).sum() - (on_held * (weights.T @ across)).sum()), 0.0)
    return expected_probability(world, mean, variance, site)


def _sigmoid(odds: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return np.asarray(expit(odds))
