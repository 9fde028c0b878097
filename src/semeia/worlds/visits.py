"""Let made-up patients come several times: causes that move, visits at dates of their own, what each visit recorded.

Shared causes and a modality's own are Ornstein-Uhlenbeck processes of variance 1, which forget in 36 and in 12 months
(C.3 of the description); `drift` is how many times as fast. A patient's first visit is that of the world without time,
bit for bit; what comes later is drawn after it and changes nothing before. The label is drawn from the causes at the
newest visit, so that its prevalence is the world's.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from semeia.data.dataset import Dataset, Observed, array_dataset
from semeia.data.modalities import Vector
from semeia.errors import InputError
from semeia.ranges import ABOVE_0, FROM_0, FROM_1, SHARE, require_ranges
from semeia.worlds.causes import (
    Latents,
    expected_probability,
    label_weights,
    labelled,
    share_of_shared,
    sources,
    summed,
)
from semeia.worlds.draws import generator
from semeia.worlds.observe import Modality, draw_nuisance, features
from semeia.worlds.world import WorldSettings

LINEAR = ("common", "independent", "dial")
FORGOTTEN = (36.0, 12.0, 12.0)  # months: shared causes, the image's own, the record's own
_GAP_SHAPE = 2.0  # of the Gamma distribution


@dataclass(frozen=True)
class Course:
    """How patients come back.

    Attributes:
        visits: of a patient at most.
        returns: chance that another visit follows.
        gap: months between two visits, on average.
        drift: how fast causes move; 0: never.
        lasting: share of the variance of nuisance that stays with a patient; the rest is another at each visit.
        scanned: chance of an image at a visit after the first, which has both.
        recorded: chance of a record, which a visit without an image always leaves.
    """

    visits: int = 4
    returns: float = 0.8
    gap: float = 9.0
    drift: float = 1.0
    lasting: float = 0.5
    scanned: float = 0.7
    recorded: float = 0.9

    def __post_init__(self) -> None:
        shares = dict.fromkeys(("returns", "lasting", "scanned", "recorded"), SHARE)
        require_ranges("course", self, shares | {"visits": FROM_1, "gap": ABOVE_0, "drift": FROM_0})


@dataclass(frozen=True)
class Visits:
    """What a hospital holds of n made-up patients over time, the first visit first, and the truth.

    Attributes:
        months: since the first visit; NaN where there was no such visit.
        image: features, float32; NaN where none was taken.
        record: likewise.
        label: 0 or 1, at each patient's newest visit.
        causes: of the image and of the record at each visit, also where nobody saw them; never for a model.
        truth: at the newest visit; `bayes` is what the causes behind all that was seen tell of the label.
    """

    months: Float[np.ndarray, "n visit"]
    image: Float[np.ndarray, "n visit image"]
    record: Float[np.ndarray, "n visit record"]
    label: Int[np.ndarray, " n"]
    causes: dict[Modality, Float[np.ndarray, "n visit causes"]]
    truth: Latents

    @property
    def newest(self) -> Int[np.ndarray, " n"]:
        """Number of each patient's newest visit."""
        return (~np.isnan(self.months)).sum(1) - 1


def require_linear(world: WorldSettings) -> None:
    """Refuse worlds whose label is no sum of causes, of which the truth over time is not worked out."""
    if world.structure not in LINEAR or world.latents != "block":
        raise InputError(f"visits: the world must be a block one of {', '.join(LINEAR)}")


def draw_visits(world: WorldSettings, n: int, *, course: Course, seed: int, part: str) -> Visits:
    """Draw n patients with their visits; the first patients and visits are the same however many more there are.

    Raises:
        InputError: The label of the world is no sum of causes.
    """
    require_linear(world)
    parts = [part, *(f"{part}, visit {number}" for number in range(1, course.visits))]
    months = _dates(n, course, seed=seed, parts=parts)
    moving = _moved(world, months, course, seed=seed, parts=parts)
    rows, there = np.arange(n), ~np.isnan(months)
    newest = there.sum(1) - 1
    truth = labelled(world, summed(world, *(source[rows, newest] for source in moving)), seed=seed, part=part)
    held = [summed(world, *(source[:, number] for source in moving)) for number in range(course.visits)]
    causes: dict[Modality, np.ndarray] = {
        "image": np.stack([one.image for one in held], 1),
        "record": np.stack([one.record for one in held], 1),
    }
    seen = _seen(there, course, seed=seed, parts=parts)
    shown = {name: _shown(world, name, causes[name], course, seed=seed, parts=parts) for name in causes}
    for name, values in shown.items():
        values[~seen[name]] = np.nan
    bayes = _bayes(world, moving, months, newest, seen, course)
    return Visits(months, shown["image"], shown["record"], truth.label, causes, replace(truth, bayes=bayes))


def as_dataset(visits: Visits) -> Dataset:
    """Hand patients to any model: a unit a patient at the date of the newest visit, with everything seen up to it."""
    first = {"image": (Vector(), visits.image[:, 0]), "record": (Vector(), visits.record[:, 0])}
    dataset, observations = array_dataset(first), {}
    rows = np.arange(len(visits.label))
    before = visits.months[rows, visits.newest][:, None] - visits.months
    for name, values in (("image", visits.image), ("record", visits.record)):
        seen = ~np.isnan(values).all(2)
        newest_first = np.argsort(np.where(seen, before, np.inf), 1)
        number = np.where(seen, np.cumsum(seen).reshape(seen.shape) - 1, -1)
        slot, when = (np.take_along_axis(each, newest_first, 1) for each in (number, np.where(seen, before, 0)))
        arrays = dataset.modalities[name].arrays(values[seen], ())
        observations[name] = Observed(arrays, slot, when.astype(np.float32))
    return replace(dataset, observations=observations)


def _dates(n: int, course: Course, *, seed: int, parts: list[str]) -> np.ndarray:
    """Months since the first visit, [n, visit]; NaN from where a patient no longer came."""
    dates = [np.zeros(n)]
    for part in parts[1:]:
        gap = generator(seed, part, "gap").gamma(_GAP_SHAPE, course.gap / _GAP_SHAPE, n)
        back = generator(seed, part, "return").random(n) < course.returns
        dates.append(np.where(back, dates[-1] + gap, np.nan))
    return np.stack(dates, 1)


def _moved(
    world: WorldSettings, months: np.ndarray, course: Course, *, seed: int, parts: list[str]
) -> list[Float[np.ndarray, "n visit causes"]]:
    """Shared causes, the image's own and the record's own, at every visit."""
    courses = [[source] for source in sources(world, len(months), seed=seed, part=parts[0])]
    for number, part in enumerate(parts[1:], 1):
        gap = np.nan_to_num(months[:, number] - months[:, number - 1])[:, None]
        fresh = sources(world, len(months), seed=seed, part=part)
        for steps, new, forgotten in zip(courses, fresh, FORGOTTEN, strict=True):
            kept = np.exp(-course.drift * gap / forgotten)
            steps.append(kept * steps[-1] + np.sqrt(1 - kept**2) * new)
    return [np.stack(steps, 1) for steps in courses]


def _seen(there: np.ndarray, course: Course, *, seed: int, parts: list[str]) -> dict[str, np.ndarray]:
    """Which visits left an image, and which a record; each leaves one of them."""
    image, record = there.copy(), there.copy()
    for number, part in enumerate(parts[1:], 1):
        image[:, number] &= generator(seed, part, "scanned").random(len(there)) < course.scanned
        kept = generator(seed, part, "recorded").random(len(there)) < course.recorded
        record[:, number] &= kept | ~image[:, number]
    return {"image": image, "record": record}


def _shown(
    world: WorldSettings, modality: Modality, causes: np.ndarray, course: Course, *, seed: int, parts: list[str]
) -> np.ndarray:
    """Features of a modality at every visit; the nuisance of any two has the correlation `lasting`."""
    n, lasting = len(causes), course.lasting
    first = draw_nuisance(world, modality, n, seed=seed, part=parts[0])
    rest = draw_nuisance(world, modality, n, seed=seed, part=f"{parts[0]}, lasting")
    stays = np.sqrt(lasting) * first + np.sqrt(1 - lasting) * rest
    shown = [features(world, modality, causes[:, 0], seed=seed, part=parts[0])]
    for number, part in enumerate(parts[1:], 1):
        fresh = draw_nuisance(world, modality, n, seed=seed, part=part)
        nuisance = np.sqrt(lasting) * stays + np.sqrt(1 - lasting) * fresh
        shown.append(features(world, modality, causes[:, number], seed=seed, part=part, nuisance=nuisance))
    return np.stack(shown, 1)


def _bayes(
    world: WorldSettings,
    moving: list[np.ndarray],
    months: np.ndarray,
    newest: np.ndarray,
    seen: dict[str, np.ndarray],
    course: Course,
) -> np.ndarray:
    """Probability of the label from the causes at the visits that saw them.

    A process that forgets exponentially is Markov: of what was seen of a cause the newest tells all.
    """
    rows, lam = np.arange(len(months)), share_of_shared(world)
    mean, variance = np.zeros(len(months)), np.zeros(len(months))
    parts = zip(
        moving,
        label_weights(world),
        (lam, (1 - lam) / 2, (1 - lam) / 2),
        (seen["image"] | seen["record"], seen["image"], seen["record"]),
        FORGOTTEN,
        strict=True,
    )
    for source, weights, share, of, forgotten in parts:
        last = np.where(of, np.arange(of.shape[1]), 0).max(1)  # the first visit saw everything
        kept = np.exp(-course.drift * (months[rows, newest] - months[rows, last]) / forgotten)
        mean += np.sqrt(share) * kept * (source[rows, last] @ weights)
        variance += share * (1 - kept**2)
    return expected_probability(world, mean, variance)
