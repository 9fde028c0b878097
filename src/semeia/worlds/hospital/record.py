"""Draw the record of one patient from causes by month: diagnoses, laboratory values and drugs with their dates.

Codes come as Poisson processes whose rates follow the latents, laboratory values are linear in them with noise, drugs
are begun where a combination of latents is high. Which code follows which latent is a property of the world. The record
goes on after the index date, as records do: whoever uses that part sees the label, which is written there.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from semeia.worlds.draws import generator
from semeia.worlds.hospital.course import DAYS_A_MONTH, MONTHS, Course

CONDITIONS, LABS, DRUGS = 30, 16, 10
FOLLOW_UP = 6
_VISITS, _LABS_A_VISIT, _DRUG_MONTHS = 0.6, 6, 6


@dataclass(frozen=True)
class Loadings:
    """How the record follows its latents: log rates of conditions, means and noise of labs, thresholds of drugs."""

    base: Float[np.ndarray, " condition"]
    condition: Float[np.ndarray, "condition latent"]
    lab: Float[np.ndarray, "lab latent"]
    lab_mean: Float[np.ndarray, " lab"]
    drug: Float[np.ndarray, "drug latent"]


@dataclass(frozen=True)
class Entry:
    """One row of a record: what (a table of the record and a number within it), when, and a value if it has one."""

    table: str
    item: int
    when: dt.datetime
    value: float | None = None


def loadings(seed: int, latents: int) -> Loadings:
    """Draw which codes follow which latents: two each."""
    rng = generator(seed, "record")

    def sparse(rows: int, size: float) -> np.ndarray:
        made = np.zeros((rows, latents))
        for row in range(rows):
            chosen = [row % latents, (row + 1 + int(rng.integers(latents - 1))) % latents]
            made[row, chosen] = size * rng.choice([-1, 1], 2)
        return made

    return Loadings(
        base=rng.normal(np.log(0.025), 0.5, CONDITIONS),
        condition=sparse(CONDITIONS, 0.7),
        lab=sparse(LABS, 0.5),
        lab_mean=rng.uniform(20, 200, LABS),
        drug=sparse(DRUGS, 0.7),
    )


def record_of(course: Course, follows: Loadings, seed: int) -> list[Entry]:
    """Draw the record of one patient: a pure function of the course, the world and the seed."""
    if not course.has_record:
        return []
    rng = generator(seed, "record", str(course.number))
    months = np.concatenate([course.record, np.repeat(course.record[-1:], FOLLOW_UP, axis=0)])
    entries = []
    rates = np.exp(follows.base + months @ follows.condition.T)
    for month, item in np.argwhere(rng.random(rates.shape) < 1 - np.exp(-rates)):
        entries.append(Entry("condition", int(item), _moment(course, int(month), rng)))
    for month in np.flatnonzero(rng.random(len(months)) < 1 - np.exp(-_VISITS)):
        when = _moment(course, int(month), rng)
        for item in rng.choice(LABS, _LABS_A_VISIT, replace=False):
            score = months[month] @ follows.lab[item] + 0.7 * rng.standard_normal()
            entries.append(Entry("measurement", int(item), when, round(follows.lab_mean[item] * (1 + 0.1 * score), 2)))
    wanted = months @ follows.drug.T > 1.0
    for item in range(DRUGS):
        last = -_DRUG_MONTHS
        for month in np.flatnonzero(wanted[:, item]):
            if month >= last + _DRUG_MONTHS:
                entries.append(Entry("drug", item, _moment(course, int(month), rng)))
                last = int(month)
    if course.label:
        entries.append(Entry("condition", CONDITIONS, course.index + dt.timedelta(days=int(rng.integers(7, 180)))))
    return sorted(entries, key=lambda entry: (entry.when, entry.table, entry.item))


def _moment(course: Course, month: int, rng: np.random.Generator) -> dt.datetime:
    """A moment in a month of the record; the last before the index date ends a day before it, the next begins a day
    after it."""
    ago = (MONTHS - month) * DAYS_A_MONTH + float(rng.uniform(1, DAYS_A_MONTH - 1))
    day = course.index - dt.timedelta(days=ago)
    return day.replace(hour=int(rng.integers(7, 19)), minute=int(rng.integers(60)))
