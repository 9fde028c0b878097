"""Show made-up patients as a hospital sees them: features of an image and of a record, with what is missing.

x = tanh([causes, nuisance] W1) W2 + noise, with weights that are fixed in a world (C.2 of the description). Images are
the same everywhere; a site can stretch, move and lack features of the record, and whole records can be missing.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from semeia.ranges import Range, require_ranges
from semeia.worlds.causes import Latents, Rows, draw_latents
from semeia.worlds.draws import generator
from semeia.worlds.world import HOME, Site, WorldSettings

HIDDEN = 48
GAIN = 1.5
_CALIBRATION = 5000  # patients from whom that is found
_SLOPE = 2.0  # log-odds of a missing record: for one sd of the image's score (MAR), for no label against one (MNAR)

Weights = tuple[Float[np.ndarray, "causes hidden"], Float[np.ndarray, "hidden features"]]
Modality = Literal["image", "record"]


@dataclass(frozen=True)
class Missing:
    """Whole records that are missing.

    Attributes:
        share: of patients, on average.
        mechanism: "mcar" for no reason; "mar" more often where a score of the image is high; "mnar" more often in
            patients without the label.
    """

    share: float = 0.0
    mechanism: Literal["mcar", "mar", "mnar"] = "mcar"

    def __post_init__(self) -> None:
        require_ranges("missing", self, {"share": Range(0, 1, below=True)})


COMPLETE = Missing()


@dataclass(frozen=True)
class Patients:
    """What a hospital holds of n made-up patients, and the truth.

    Attributes:
        image: features, float32.
        record: features, float32; NaN where a feature or the whole record is missing.
        label: 0 or 1.
        truth: the causes, never for a model.
    """

    image: Float[np.ndarray, "n image"]
    record: Float[np.ndarray, "n record"]
    label: Int[np.ndarray, " n"]
    truth: Latents


def draw_patients(
    world: WorldSettings, n: int, *, seed: int, part: str, site: Site = HOME, missing: Missing = COMPLETE
) -> Patients:
    """Draw n patients: a pure function of its arguments, in which the first patients are the same whatever n.

    `part` is which of the seed's patients, such as "unlabelled", "train", "test"; `missing` is which have no record.
    """
    truth = draw_latents(world, n, seed=seed, part=part, site=site)
    image = features(world, "image", truth.image, seed=seed, part=part)
    record = as_coded(world, features(world, "record", truth.record, seed=seed, part=part), site)
    record[_lost(image, truth.label, missing, world, seed=seed, part=part)] = np.nan
    return Patients(image, record, truth.label, truth)


def features(
    world: WorldSettings,
    modality: Modality,
    causes: Float[np.ndarray, "n causes"],
    *,
    seed: int,
    part: str,
    nuisance: Float[np.ndarray, "n nuisance"] | None = None,
) -> Float[np.ndarray, "n features"]:
    """Features of one modality from its causes, float32; nuisance and noise follow from seed, part and modality."""
    into, out = mixing(world, modality)
    if nuisance is None:
        nuisance = draw_nuisance(world, modality, len(causes), seed=seed, part=part)
    noise = generator(seed, part, modality, "noise").standard_normal((len(causes), out.shape[1]))
    hidden = np.tanh(np.hstack([causes, world.nuisance_scale * nuisance]) @ into)
    return (hidden @ out + world.noise * noise).astype(np.float32)


def draw_nuisance(
    world: WorldSettings, modality: Modality, n: int, *, seed: int, part: str
) -> Float[np.ndarray, "n nuisance"]:
    """Causes of no interest, of variance 1."""
    return generator(seed, part, modality, "nuisance").standard_normal((n, world.nuisance))


@lru_cache(maxsize=64)
def mixing(world: WorldSettings, modality: Modality) -> Weights:
    """The two matrices of a modality, entries N(0, 1.5^2 / fan-in): the same in every world of this seed and size."""
    rng = generator(world.seed, "world", modality)
    sizes = (world.width + world.nuisance, HIDDEN, world.image if modality == "image" else world.record)
    into, out = (GAIN / np.sqrt(before) * rng.standard_normal((before, after)) for before, after in pairwise(sizes))
    return into, out


def as_coded(world: WorldSettings, record: Float[np.ndarray, "n record"], site: Site) -> Float[np.ndarray, "n record"]:
    """The record's features as a site codes them; NaN in those that it lacks, for every patient."""
    rng = generator(world.seed, "site", str(site.seed))
    scale, offset = rng.standard_normal((2, world.record))
    lacking = rng.permutation(world.record) < round(site.unmapped * world.record)
    coded = record * (1 + 0.3 * site.shift * scale) + 0.5 * site.shift * offset
    coded[:, lacking] = np.nan
    return coded.astype(np.float32)


def _lost(
    image: np.ndarray, label: np.ndarray, missing: Missing, world: WorldSettings, *, seed: int, part: str
) -> np.ndarray:
    """Which patients have no record, bool [n]."""
    chance = np.full(len(label), missing.share)
    if missing.share and missing.mechanism != "mcar":
        mean, sd, _ = _calibration(world)
        score = (_score(image) - mean) / sd if missing.mechanism == "mar" else -label.astype(float)
        chance = 1 / (1 + np.exp(-_SLOPE * score - _start(world, missing)))
    return generator(seed, part, "missing").random(len(label)) < chance


@lru_cache(maxsize=64)
def _start(world: WorldSettings, missing: Missing) -> float:
    """The log-odds at score 0 with which the home site misses `share` of records."""
    from scipy.optimize import brentq
    from scipy.special import expit

    if missing.mechanism == "mar":
        score, mass = _calibration(world)[2], np.full(_CALIBRATION, 1 / _CALIBRATION)
    else:
        score, mass = np.array([0.0, -1.0]), np.array([1 - world.prevalence, world.prevalence])
    return float(brentq(lambda a: mass @ expit(_SLOPE * score + a) - missing.share, -60, 60))  # pyright: ignore[reportArgumentType]


@lru_cache(maxsize=16)
def _calibration(world: WorldSettings) -> tuple[float, float, Rows]:
    """Mean and deviation of the image's score in this world, and the standardised scores of some patients."""
    truth = draw_latents(world, _CALIBRATION, seed=0, part="calibration")
    score = _score(features(world, "image", truth.image, seed=0, part="calibration"))
    return float(score.mean()), float(score.std()), (score - score.mean()) / score.std()


def _score(image: np.ndarray) -> np.ndarray:
    """A fixed contrast of the image's features, on which missingness at random depends."""
    half = image.shape[1] // 2
    return image[:, :half].sum(1) - image[:, half:].sum(1)
