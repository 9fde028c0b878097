"""Simulate grades of knees four years on from their grades and a score of each image.

Nobody has had these grades.

Why: the real readings are access-controlled. This lets the study of prognosis run end to end, and lets a test ask
whether a model that sees the score in the image predicts worsening better than one that sees the grade: simulated
follow-up, never a result.

Mechanism, all of it ours:
1. Each knee has a hidden rate, normal with mean 0 and sd 1: `visible` of its variance is the caller's score, which
   must be something of the image (mean 0, sd 1); the rest is noise that no image shows.
2. A knee worsens with log-odds a + `slope` * rate. a is set so that a population of knees has the share `incidence`
   (grade 0 or 1) or `progression` (grade 2 or 3) of worse ones. Grade 4 stays.
3. A knee of grade 0 or 1 that worsens is read as grade 2; one of 2 or 3 as one grade more; any other as before.
4. It is not read at 48 months with the probability `missing` of its grade, more often the worse it is and, through
   `missing_slope`, the faster: those who are lost are not like those who are seen.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from semeia.errors import InputError
from semeia.worlds.draws import generator, require_columns, with_grades

_SIDE = {"R": 1, "L": 2}
_OTHER_PROJECT = 37


@dataclass(frozen=True)
class FollowUpSettings:
    """The course of the disease and of the study.

    Attributes:
        incidence: share of knees of grade 0 or 1 that are of grade 2 in four years.
        progression: share of knees of grade 2 or 3 that gain a grade.
        slope: change of the log-odds of worsening with one sd of the hidden rate.
        visible: share of the hidden rate's variance that the score shows, 0 to 1.
        missing: probability of no reading at 48 months, by grade 0 to 4.
        missing_slope: change of its log-odds with one sd of the hidden rate.
        again: share of readings that a second project repeats, in the OAI's columns.
        again_differs: share of those that are off by one grade.
    """

    incidence: float = 0.09
    progression: float = 0.17
    slope: float = 1.5
    visible: float = 0.7
    missing: tuple[float, ...] = (0.18, 0.14, 0.20, 0.28, 0.42)
    missing_slope: float = 0.3
    again: float = 0.1
    again_differs: float = 0.05

    def __post_init__(self) -> None:
        shares = (self.visible, self.again, self.again_differs)
        chances = (self.incidence, self.progression, *self.missing)
        if len(self.missing) != 5 or not all(0 <= share <= 1 for share in shares):
            raise InputError("follow-up: five shares of missing knees are needed, and shares of 0 to 1.")
        if not all(0 < chance < 1 for chance in chances):
            raise InputError("follow-up: incidence, progression and missing must lie between 0 and 1.")


def four_years_later(knees: pl.DataFrame, *, seed: int, settings: FollowUpSettings | None = None) -> pl.DataFrame:
    """Simulate the grades at 48 months.

    Args:
        knees: unit_id, grade (0 to 4) and score (mean 0, sd 1 over knees).
        seed: what becomes of a knee follows from it, the unit_id, the grade and the score.
        settings: the mechanism.

    Returns:
        unit_id, grade, later (empty where it was not read), rate (the hidden one: for tests, never for a model),
        synthetic (true); in the order of `knees`.

    Raises:
        InputError: A column is missing or empty, or a grade is none.
    """
    settings = settings or FollowUpSettings()
    require_columns(knees, "unit_id", "score")
    graded = with_grades(knees)
    starts = [_start(settings.incidence, settings.slope)] * 2 + [_start(settings.progression, settings.slope)] * 2
    lost = [_start(chance, settings.missing_slope) for chance in settings.missing]
    rows = []
    for unit_id, grade, score in graded.select("unit_id", "grade", "score").iter_rows():
        rng = generator(seed, "follow-up", unit_id)
        rate = settings.visible**0.5 * score + (1 - settings.visible) ** 0.5 * rng.standard_normal()
        later = grade
        if rng.random() < (_chance(starts[grade] + settings.slope * rate) if grade < 4 else 0.0):
            later = max(2, grade + 1)
        seen = rng.random() >= _chance(lost[grade] + settings.missing_slope * rate)
        rows.append((unit_id, grade, later if seen else None, rate))
    schema = {"unit_id": pl.String(), "grade": pl.Int64(), "later": pl.Int64(), "rate": pl.Float64()}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(synthetic=pl.lit(True))


def follow_up_rows(knees: pl.DataFrame, *, seed: int, settings: FollowUpSettings | None = None) -> pl.DataFrame:
    """Simulate a table in the OAI's columns, for `follow_up_outcomes`.

    Args:
        knees: patient_id, side (L or R), grade and score.
        seed: as in `four_years_later`.
        settings: the mechanism.

    Returns:
        ID, SIDE (1 right, 2 left), READPRJ (15, or 37 for a second reading), KLG, Visit (00m, 48m), synthetic (true).

    Raises:
        InputError: As `four_years_later`; or a side is neither L nor R.
    """
    settings = settings or FollowUpSettings()
    require_columns(knees, "patient_id", "side")
    if not knees["side"].is_in([*_SIDE]).all():
        raise InputError("the column 'side' must be L or R.")
    named = knees.with_columns(unit_id=pl.col("patient_id").cast(pl.String) + pl.col("side"))
    later = four_years_later(named, seed=seed, settings=settings)
    rows = []
    for patient, side, now, end in zip(named["patient_id"], named["side"], later["grade"], later["later"], strict=True):
        rng = generator(seed, "readings", f"{patient}{side}")
        for visit, grade in (("00m", now), ("48m", end)):
            if grade is None:
                continue
            rows.append((str(patient), _SIDE[side], 15, grade, visit))
            again, differs = rng.random(2) < (settings.again, settings.again_differs)
            if again:
                other = abs(grade - 1) if differs else grade
                rows.append((str(patient), _SIDE[side], _OTHER_PROJECT, other, visit))
    schema = {"ID": pl.String(), "SIDE": pl.Int64(), "READPRJ": pl.Int64(), "KLG": pl.Int64(), "Visit": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(synthetic=pl.lit(True))


def _chance(odds: float) -> float:
    return float(1 / (1 + np.exp(-odds)))


def _start(share: float, slope: float) -> float:
    """The log-odds at rate 0 with which `share` of a normal population has the event, by bisection."""
    rates, weights = np.polynomial.hermite_e.hermegauss(64)
    low, high = -40.0, 40.0
    for _ in range(80):
        middle = (low + high) / 2
        there = float(weights @ (1 / (1 + np.exp(-(middle + slope * rates)))) / weights.sum())
        low, high = (middle, high) if there < share else (low, middle)
    return middle
