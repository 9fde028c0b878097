"""Draw the course of one patient: latents by month, the label, dates of scans.

Latents follow Ornstein-Uhlenbeck processes of unit variance. Four are common to images and record (or, with
independent causes, one copy drives each), and each of the two has four of its own. The label is drawn from their values
at the index date:

    common       the common causes decide
    independent  what drives the images and what drives the record decide, half each; nothing is shared
    workup       half common, a quarter each own; and at the home site suspicion shows in the record before the index
                 date (what is looked for is written down), elsewhere less
"""

import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float

from semeia.errors import InputError
from semeia.worlds.draws import generator

MONTHS = 36  # of record before the index date
SHARED = OWN = 4
DAYS_A_MONTH = 365.25 / 12
_TAU_SHARED, _TAU_OWN = 36.0, 12.0
SUSPECTED = slice(1, 4)  # latents of the record in which a work-up shows
_WORKUP_MONTHS = 18
_GAP_MONTHS, _LEAST_GAP, _MOST_SCANS = 9.0, 2.0, 3


@dataclass(frozen=True)
class HospitalSettings:
    """A simulated hospital.

    Attributes:
        patients: how many, over all sites.
        sites: how many hospitals; the first is home, the others share a quarter of the patients.
        cause: what decides the label: common, independent, or workup.
        labelled: patients of the home site with a label; all of the other sites have one.
        prevalence: of the label.
        strength: of the causes, in log odds per standard deviation.
        workup: how far suspicion moves the record before the index date, in standard deviations, with cause workup.
        workup_elsewhere: the same at the other sites.
        absent: share of patients without an image, and share without a record.
        seed: from which everything follows.
    """

    patients: int = 600
    sites: int = 2
    cause: Literal["common", "independent", "workup"] = "common"
    labelled: int = 200
    prevalence: float = 0.3
    strength: float = 3.0
    workup: float = 0.5
    workup_elsewhere: float = 0.0
    absent: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.patients < 1 or not 1 <= self.sites <= 9 or self.labelled < 0:
            raise InputError("a hospital needs 1 patient or more, 1 to 9 sites and no negative number of labels.")
        if not 0 < self.prevalence < 1 or not 0 <= self.absent <= 0.4:
            raise InputError("prevalence must lie between 0 and 1, absent from 0 to 0.4.")


@dataclass(frozen=True)
class Course:
    """One patient.

    Attributes:
        number: from 0.
        site: number of the hospital, 0 the home one.
        label: 0 or 1.
        score: what the label was drawn from, of unit variance.
        index: the date at which the patient is looked at.
        birth: date of birth.
        female: whether so.
        image: what drives the images, [month, 8], the last row at the index date.
        record: what drives the record, the same.
        scans: months before the index date of each scan, oldest first; none where images are absent.
        has_record: whether there is one.
    """

    number: int
    site: int
    label: int
    score: float
    index: dt.datetime
    birth: dt.date
    female: bool
    image: Float[np.ndarray, "month latent"]
    record: Float[np.ndarray, "month latent"]
    scans: tuple[float, ...]
    has_record: bool

    @property
    def name(self) -> str:
        """How the record numbers the patient."""
        return str(910_273_000 + self.number)

    def hospital_number(self, seed: int) -> str:
        """How the imaging department numbers the patient: another number."""
        return f"SIMMRN{int(hashlib.sha256(f'{seed}/{self.number}'.encode()).hexdigest(), 16) % 10**9:09d}"


def course_of(number: int, settings: HospitalSettings) -> Course:
    """Draw one patient: a pure function of the settings and the number."""
    rng = generator(settings.seed, "course", str(number))
    elsewhere = settings.sites > 1 and rng.random() < 0.25
    site = 1 + int(rng.integers(settings.sites - 1)) if elsewhere else 0
    common, other = (_wandering(rng, SHARED, _TAU_SHARED) for _ in range(2))
    own_image, own_record = (_wandering(rng, OWN, _TAU_OWN) for _ in range(2))
    driven = other if settings.cause == "independent" else common
    image, record = np.hstack([common, own_image]), np.hstack([driven, own_record])
    score = _score(image[-1], record[-1], settings.cause)
    odds = settings.strength * score + intercept(settings.prevalence, settings.strength)
    label = int(rng.random() < 1 / (1 + np.exp(-odds)))
    record[-_WORKUP_MONTHS:, SUSPECTED] += moved_by(site, settings) * (2 * label - 1)
    day = dt.datetime(2015, 1, 1) + dt.timedelta(days=int(rng.integers(4 * 365)), hours=int(rng.integers(9, 17)))
    gaps = np.maximum(rng.exponential(_GAP_MONTHS, _MOST_SCANS - 1), _LEAST_GAP)
    before = np.concatenate([[0.0], np.cumsum(gaps)])[: int(rng.integers(1, _MOST_SCANS + 1))]
    scans = tuple(float(month) for month in before[before < MONTHS - 1][::-1])
    missing = rng.random()
    return Course(
        number=number,
        site=site,
        label=label,
        score=score,
        index=day,
        birth=(day - dt.timedelta(days=int(rng.integers(50 * 365, 80 * 365)))).date(),
        female=bool(rng.random() < 0.5),
        image=image,
        record=record,
        scans=() if missing < settings.absent else scans,
        has_record=not settings.absent <= missing < 2 * settings.absent,
    )


def _wandering(rng: np.random.Generator, count: int, tau: float) -> Float[np.ndarray, "month {count}"]:
    """Stationary Ornstein-Uhlenbeck processes of unit variance, one value a month, the last at the index date."""
    kept = np.exp(-1 / tau)
    values = rng.standard_normal((MONTHS + 1, count))
    for month in range(1, MONTHS + 1):
        values[month] = kept * values[month - 1] + np.sqrt(1 - kept**2) * values[month]
    return values


def moved_by(site: int, settings: HospitalSettings) -> float:
    """How far suspicion moves the record at a site, in standard deviations."""
    if settings.cause != "workup":
        return 0.0
    return settings.workup_elsewhere if site else settings.workup


def weights_of(cause: str) -> tuple[float, float, float, float]:
    """Weights in the score of: what is common (or drives the images), what else drives the record, each one's own."""
    half = np.sqrt(0.5)
    return {"common": (1.0, 0.0, 0.0, 0.0), "independent": (half, half, 0.0, 0.0), "workup": (half, 0.0, 0.5, 0.5)}[
        cause
    ]


def _score(image: np.ndarray, record: np.ndarray, cause: str) -> float:
    """What decides the label, of unit variance."""
    groups = image[:SHARED], record[:SHARED], image[SHARED:], record[SHARED:]
    sums = [group.sum() / np.sqrt(len(group)) for group in groups]
    return float(np.dot(weights_of(cause), sums))


@lru_cache
def intercept(prevalence: float, strength: float) -> float:
    """The log odds at score 0 that give a prevalence, by bisection over normal scores."""
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float((weights / (1 + np.exp(-(strength * points + middle)))).sum() / weights.sum())
        low, high = (middle, high) if mean < prevalence else (low, middle)
    return (low + high) / 2
