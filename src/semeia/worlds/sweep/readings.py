"""Draw the patients of a condition, and read those who came several times as two views.

| reading | image | record |
|---|---|---|
| `newest` | the newest image | the newest record |
| `all` | the newest, and the mean of all images | likewise |
| `across` | the newest visit: image and record, as far as it left them | the mean of the visits before it, of both |

With `across` what predicts each other are two times, and whoever came once "has no record".
"""

from dataclasses import replace

import numpy as np

from semeia.worlds.observe import COMPLETE, Missing, Patients, draw_patients
from semeia.worlds.sweep.condition import Condition
from semeia.worlds.visits import Visits, draw_visits
from semeia.worlds.world import HOME, Site


def patients_of(
    condition: Condition, n: int, *, seed: int, part: str, site: Site = HOME, missing: Missing = COMPLETE
) -> Patients:
    """Draw n patients of a condition's world, as it reads them; the seed takes the place of the world's."""
    world = replace(condition.world, seed=seed)
    if condition.course is None:
        return draw_patients(world, n, seed=seed, part=part, site=site, missing=missing)
    visits = draw_visits(world, n, course=condition.course, seed=seed, part=part)
    return Patients(*_views(visits, condition.reading), visits.label, visits.truth)


def _views(visits: Visits, reading: str) -> tuple[np.ndarray, np.ndarray]:
    both = (visits.image, visits.record)
    if reading == "across":
        rows, newest = np.arange(len(visits.label)), visits.newest
        earlier = np.asarray(np.arange(visits.months.shape[1]) < newest[:, None])
        past = [_mean(np.where(earlier[:, :, None], values, np.nan)) for values in both]
        return np.hstack([values[rows, newest] for values in both]), np.hstack(past)
    image, record = (_newest(values) for values in both)
    if reading == "all":
        return np.hstack([image, _mean(visits.image)]), np.hstack([record, _mean(visits.record)])
    return image, record


def _newest(values: np.ndarray) -> np.ndarray:
    """The newest observation of each patient; the first visit left one."""
    seen = np.asarray(~np.isnan(values).all(2))
    return values[np.arange(len(values)), np.where(seen, np.arange(seen.shape[1]), 0).max(1)]


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the visits that left an observation; NaN where none did."""
    seen = np.asarray(~np.isnan(values).all(2))
    total = np.where(seen[:, :, None], values, 0).sum(1)
    count = np.where(seen.any(1), seen.sum(1), np.nan)
    return (total / count[:, None]).astype(np.float32)
