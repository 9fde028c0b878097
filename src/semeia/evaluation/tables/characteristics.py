"""Describe the units of a cohort: sizes, prevalence, and each further column, beside the home cohort's.

Nothing that goes out can name a patient: numbers are rounded to three digits and come from ten patients or more, values
of words that few patients share are pooled, dates and columns of many words are left out.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from jaxtyping import Float, Int, Int8
from scipy.special import ndtri

from semeia.evaluation.cells import concatenate
from semeia.evaluation.judged import Place
from semeia.evaluation.notes import Notes
from semeia.evaluation.schema import PREDICTION_COLUMNS
from semeia.evaluation.shapes import Column, Numbers, Reals, Rows
from semeia.evaluation.statistics.discrimination import weighted_mean
from semeia.evaluation.strata import FEW_VALUES, MISSING, MOST_LEVELS
from semeia.evaluation.tables.suppression import FEWEST, SHOWN, suppress
from semeia.evaluation.uncertainty import Interval

RARE, OTHER = "other (fewer than 10)", "other"


@dataclass(frozen=True)
class Covariate:
    """One column over the rows of the table: numbers (NaN where missing), or words."""

    name: str
    numbers: Reals | None
    words: pl.Series | None


def covariates_of(table: pl.DataFrame, notes: Notes) -> list[Covariate]:
    """The site and every further column that can be shown."""
    names = [name for name in table.columns if name == "site" or name not in PREDICTION_COLUMNS]
    found: list[Covariate] = []
    for name in names:
        if name.startswith(("_", "score_")) or table[name].is_null().all():
            continue
        covariate = _covariate(name, table[name])
        if covariate is None:
            notes.add("column left out of the case mix, it holds dates, lists or too many values", name)
        else:
            found.append(covariate)
    return found


def _covariate(name: str, values: pl.Series) -> Covariate | None:
    if values.dtype.is_temporal() or values.dtype.is_nested() or values.dtype == pl.Object:
        return None
    if values.dtype.is_float():
        values = values.fill_nan(None)
    distinct = values.n_unique()
    if values.dtype.is_numeric() and distinct > FEW_VALUES:
        numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return Covariate(name, np.where(np.isinf(numbers), np.nan, numbers), None)
    if distinct > MOST_LEVELS:
        return None
    return Covariate(name, None, values.cast(pl.String).fill_null(MISSING))


def pooled_names(patients: Int[np.ndarray, "levels cohorts"], names: list[str]) -> list[str]:
    """Name the levels; those whose counts are not shown (`suppress`) in a cohort, as in the subgroups, become one."""
    hidden = np.zeros(len(names), dtype=bool)
    for count in patients.T:
        present = np.flatnonzero(count)
        hidden[present] |= np.array([state != SHOWN for state in suppress(count[present, None])], dtype=bool)
    few = ((patients > 0) & (patients < FEWEST)).any(axis=1)
    name = RARE if np.array_equal(hidden, few) else OTHER
    return [name if pooled else level for level, pooled in zip(names, hidden.tolist(), strict=True)]


QUARTILES = {"lower quartile": 0.25, "median": 0.5, "upper quartile": 0.75}


@dataclass(frozen=True)
class Units:
    """The distinct units of a cohort: their place in the table, patient and label."""

    row: Numbers
    patient: Numbers
    label: Int8[np.ndarray, "n"]


@dataclass(frozen=True)
class Finding:
    """A number that describes a cohort."""

    characteristic: str  # what it is of: units, patients, prevalence, or the name of a covariate
    level: str  # the value of a covariate that is words, else empty
    measure: str  # what was taken of it
    value: float
    interval: Interval | None = None
    compared: bool = False  # whether it compares the cohort with the home cohort


def units_of(place: Place) -> Units:
    """The units that any arm predicted, each once."""
    every = concatenate([fold for folds in place.cells.values() for fold in folds.values()])
    _, first = np.unique(every.unit, return_index=True)
    return Units(every.row[first], every.patient[first], every.label[first])


def drawn_prevalence(place: Place, *, seen_from: Place) -> Rows:
    """Prevalence of one cohort, to be put beside the draws of another: the cohort as it is, then in every draw.

    The draws of two cohorts follow from one seed: those of another cohort are taken one draw further on, so that the
    two vary independently.
    """
    units = units_of(place)
    values = place.draws.apply(units.patient, partial(weighted_mean, units.label.astype(np.float64)))
    if place is seen_from:
        return values
    drawn = np.roll(place.draws.drawn(values), -1)
    return np.concatenate([values[:1], drawn, np.full(seen_from.draws.left_out_groups, values[0])])


def sizes(units: Units, *, level: float) -> list[Finding]:
    """Units, patients, units a patient, and the prevalence with its interval."""
    n, patients = len(units.row), len(np.unique(units.patient))
    ends = clustered_wilson(units.label, units.patient, level=level)
    interval = Interval(*ends, f"{level:.0%} Wilson, patient-clustered")
    return [
        Finding("units", "", "count", float(n)),
        Finding("patients", "", "count", float(patients)),
        Finding("units a patient", "", "mean", n / patients),
        Finding("prevalence", "", "share", float(units.label.mean()), interval),
    ]


def clustered_wilson(label: Column, patient: Numbers, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share, with as many units as would be worth the same were they independent.

    That number is p (1 - p) over the patient-clustered variance of the share (Korn and Graubard 1998), at most that of
    the units; where all labels are the same it is the number of patients. Near 0 or 1 it beats the bootstrap.
    """
    n, share = len(label), float(label.mean())
    clusters = np.unique(patient, return_inverse=True)[1]
    variance = float((np.bincount(clusters, weights=label - share) ** 2).sum()) / n**2
    worth = min(n, share * (1 - share) / variance) if variance > 0 else clusters.max() + 1
    z = float(ndtri((1 + level) / 2))
    centre = (share + z**2 / (2 * worth)) / (1 + z**2 / worth)
    reach = z / (1 + z**2 / worth) * np.sqrt(share * (1 - share) / worth + z**2 / (4 * worth**2))
    return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))


def numbers(name: str, value: Rows, units: Units, home: Units | None) -> list[Finding]:
    """Median and quartiles, the share missing (NaN), the standardised mean difference from the home cohort."""
    here, at_home = _known(value, units), None if home is None else _known(value, home)
    if here is None:
        return []
    found = [
        Finding(name, "", measure, float(f"{np.quantile(here, quantile):.3g}"))
        for measure, quantile in QUARTILES.items()
    ]
    missing = np.isnan(value[units.row])
    patients = len(np.unique(units.patient[missing]))
    if not patients or patients >= FEWEST:
        found.append(Finding(name, "", "missing", float(missing.mean())))
    if at_home is not None and here.var() + at_home.var() > 0:
        apart = (here.mean() - at_home.mean()) / np.sqrt((here.var(ddof=1) + at_home.var(ddof=1)) / 2)
        found.append(Finding(name, "", "standardised mean difference", float(apart), compared=True))
    return found


def words(name: str, value: pl.Series, cohorts: dict[str, Units], *, home: str) -> dict[str, list[Finding]]:
    """Of each cohort the share of each value, and the largest difference of a share from the home cohort's."""
    values = {cohort: value.gather(units.row).to_numpy() for cohort, units in cohorts.items()}
    levels = sorted({str(one) for present in values.values() for one in present})
    patients = [
        [len(np.unique(units.patient[values[cohort] == level])) for cohort, units in cohorts.items()]
        for level in levels
    ]
    called = pooled_names(np.array(patients), levels)
    shares, found = {cohort: dict.fromkeys(called, 0.0) for cohort in values}, {}
    for cohort, present in values.items():
        for level, pooled in zip(levels, called, strict=True):
            shares[cohort][pooled] += float((present == level).mean())
    for cohort, share in shares.items():
        found[cohort] = [Finding(name, level, "share", one) for level, one in share.items()]
        if cohort != home:
            apart = max(abs(one - shares[home][level]) for level, one in share.items())
            found[cohort].append(Finding(name, "", "largest difference of shares", apart, compared=True))
    return found


def _known(value: Rows, units: Units) -> Float[np.ndarray, "m"] | None:
    """The values that are there; None where they are those of fewer than ten patients."""
    present = ~np.isnan(value[units.row])
    enough = len(np.unique(units.patient[present])) >= FEWEST
    return value[units.row][present] if enough else None
