"""What differs between cohorts before any model is judged (Debray et al. 2015, J Clin Epidemiol 68:279).

Sizes, prevalence, every covariate, the spread of the linear predictor (the wider, the easier the cases are told apart),
how well the cohort can be told, and each metric at the home cohort's prevalence (operating_point.py).
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.evaluation.cells import Cell, Fold
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.measured import ranked_values
from semeia.evaluation.resampling import PARTS, Draws, deal_patients
from semeia.evaluation.shapes import Column, Matrix, Numbers, Reals, Weights
from semeia.evaluation.statistics.calibration import clipped_logit
from semeia.evaluation.statistics.discrimination import auroc_within_parts, rankings_of_parts, weighted_sums
from semeia.evaluation.statistics.group_sums import ratio
from semeia.evaluation.statistics.logistic import fit_logistic
from semeia.evaluation.statistics.operating_point import SHIFTED, at_prevalence, class_means
from semeia.evaluation.tables.across_seeds import across_seeds, mean_over_seeds, mostly_defined
from semeia.evaluation.tables.characteristics import (
    Covariate,
    Finding,
    Units,
    covariates_of,
    drawn_prevalence,
    numbers,
    sizes,
    units_of,
    words,
)
from semeia.evaluation.tables.columns import TABLES, Row, place_columns
from semeia.evaluation.uncertainty import interval_of, interval_of_draws


def case_mix(judged: Judged) -> pl.DataFrame:
    """The table "case_mix": a row a cohort, characteristic, level and measure.

    Rows of a cohort alone have no arm. Of an arm at all labels there are the linear predictor, the membership model,
    and its performance at the cohort's own prevalence and at that of the cohort it is `compared_with`.
    """
    covariates = covariates_of(judged.table, judged.notes)
    present = [[place for place in places if place.cells] for places in judged.outcomes().values()]
    rows = [row for places in present if places for row in _of_outcome(judged, places, covariates)]
    return pl.DataFrame(rows, schema=TABLES["case_mix"])


def _of_outcome(judged: Judged, places: list[Place], covariates: list[Covariate]) -> Iterator[Row]:
    home = next((place for place in places if place.inside), places[0])
    units = {place.cohort: units_of(place) for place in places}
    described = {c.name: words(c.name, c.words, units, home=home.cohort) for c in covariates if c.words is not None}
    for place in places:
        other = None if place is home else units[home.cohort]
        findings = sizes(units[place.cohort], level=judged.settings.level)
        for covariate in covariates:
            if covariate.numbers is not None:
                findings += numbers(covariate.name, covariate.numbers, units[place.cohort], other)
            else:
                findings += described[covariate.name][place.cohort]
        nobody = Cell("", "", 1.0)
        yield from (_row(place, nobody, finding, home) for finding in findings)
        # of the patients of both cohorts, each drawn from its own.
        both = np.concatenate([home.draws.strata, place.draws.strata + home.draws.strata.max() + 1])
        joined = None if place is home else replace(place.draws, strata=both)
        for cell, folds in place.full.items():
            found = [*_linear_predictor(place, folds), *_performance(place, folds, home, units)]
            if joined is not None and cell in home.full:
                found += _membership(judged, place, folds, home, home.full[cell], covariates, joined)
            yield from (_row(place, cell, finding, home) for finding in found)


def _row(place: Place, cell: Cell, finding: Finding, home: Place) -> Row:
    own: Row = {
        "characteristic": finding.characteristic,
        "level": finding.level,
        "measure": finding.measure,
        "compared_with": home.cohort if finding.compared else "",
        "value": finding.value,
        **(finding.interval.columns() if finding.interval else {}),
    }
    columns = place_columns(place, cell)
    return (columns if cell.arm else columns | {"fraction": None}) | own


def _findings(
    values: Float[np.ndarray, "rows k"],
    names: tuple[str, ...],
    draws: Draws,
    characteristic: str,
    level: str,
    compared: bool,
    folds: Collection[Fold] | None = None,
) -> Iterator[Finding]:
    """A finding for each statistic that exists; all patients carry it where `folds` are not given."""
    for name, column in zip(names, values.T, strict=True):
        if mostly_defined(column, draws):
            known = interval_of_draws(draws, column) if folds is None else interval_of(draws, column, folds, name)
            yield Finding(characteristic, level, name, float(column[0]), known, compared)


def _linear_predictor(place: Place, folds: dict[int, Fold]) -> Iterator[Finding]:
    def statistic(fold: Fold, weights: Weights) -> Float[np.ndarray, "draws 2"]:
        predictor = clipped_logit(fold.score)
        n, *sums = weighted_sums(np.column_stack([np.ones(len(predictor)), predictor, predictor**2]), weights).T
        mean, square = (ratio(total, n) for total in sums)
        return np.column_stack([mean, np.sqrt(np.maximum(square - mean**2, 0))])

    names = ("mean", "standard deviation")
    return _findings(across_seeds(folds, place.draws, statistic), names, place.draws, "linear predictor", "", False)


def _performance(place: Place, folds: dict[int, Fold], home: Place, units: dict[str, Units]) -> Iterator[Finding]:
    """SHIFTED at the cohort's own prevalence, and at the home cohort's, which are drawn as the patients are."""
    known = [
        (ranked_values(fold, place.draws)["auroc", None], place.draws.apply(fold.patient, partial(class_means, fold)))
        for fold in folds.values()
    ]
    for at in [place] if place is home else [place, home]:
        if 0 < units[at.cohort].label.mean() < 1:
            prevalence = drawn_prevalence(at, seen_from=place)
            level = "own prevalence" if at is place else "home prevalence"
            values = mean_over_seeds(np.stack([at_prevalence(auroc, means, prevalence) for auroc, means in known]))
            carrying = list(folds.values())
            yield from _findings(values, SHIFTED, place.draws, "performance", level, at is not place, carrying)


# Rows on which one part's model is fitted: more change nothing but the time it takes.
MOST_ROWS = 20_000


def features_of(covariates: list[Covariate], rows: Numbers, member: Column) -> tuple[Matrix, list[str]]:
    """Columns for the membership model of some units (`rows` of the table), and the covariates that were left out.

    Numbers have a second column where some are missing. Words become a column a value; a covariate of which the cohorts
    share no value is left out, as it is another name for the cohort. `member` is 1 for units of the other cohort.
    """
    columns: list[np.ndarray] = []
    left_out: list[str] = []
    for covariate in covariates:
        if covariate.numbers is not None:
            value = covariate.numbers[rows]
            missing = np.isnan(value)
            known = value[~missing]
            columns.append(np.where(missing, known.mean() if len(known) else 0.0, value))
            columns += [missing.astype(np.float64)] if missing.any() else []
        elif covariate.words is not None:
            words = covariate.words.gather(pl.Series(rows))
            values = words.unique().sort()
            each = [(words == value).to_numpy() for value in values]
            if any(one[member == 1].any() and one[member == 0].any() for one in each):
                columns += [one.astype(np.float64) for one in each[1:]]
            else:
                left_out.append(covariate.name)
    return np.column_stack(columns) if columns else np.empty((len(rows), 0)), left_out


def membership_score(features: Matrix, member: Column, subject: Numbers, *, seed: int) -> tuple[Reals, Numbers]:
    """Log-odds of each unit being of the other cohort, by a model (ridge of one) fitted on other parts; the parts.

    A c-statistic of 0.5 says that the cohorts cannot be told apart, so that a gap between them is not one of case mix;
    near 1 they hold other patients. Only units judged by the same fit are to be compared: a part that holds more of one
    cohort is judged by a model that saw less of it, which over parts would push the statistic below 0.5. A patient
    (`subject`) of both cohorts is in one part.
    """
    part = deal_patients(subject, member, seed=seed)
    out = np.full(len(member), np.nan)
    shuffled = np.random.default_rng(seed).permutation(len(member))
    for number in range(PARTS):
        fit, use = shuffled[part[shuffled] != number][:MOST_ROWS], part == number
        if not use.any() or len(np.unique(member[fit])) < 2:
            continue
        centre, spread = features[fit].mean(axis=0), features[fit].std(axis=0)
        scaled = (features - centre) / np.where(spread > 0, spread, 1.0)
        design = np.column_stack([np.ones(len(scaled)), scaled])
        penalty = np.append(0.0, np.ones(scaled.shape[1]))
        out[use] = design[use] @ fit_logistic(design[fit], member[fit], penalty=penalty)
    return out, part


def _membership(
    judged: Judged,
    place: Place,
    folds: dict[int, Fold],
    home: Place,
    at_home: dict[int, Fold],
    covariates: list[Covariate],
    draws: Draws,
) -> Iterator[Finding]:
    """C-statistic of the membership model, averaged over the seeds that predicted in both cohorts."""
    usable = [covariate for covariate in covariates if covariate.name != "site"]
    subjects = judged.subject
    values = []
    for seed in folds.keys() & at_home.keys():
        pair = (at_home[seed], folds[seed])
        row = np.concatenate([fold.row for fold in pair])
        member = np.repeat([0, 1], [len(fold.row) for fold in pair])
        features, left_out = features_of(usable, row, member)
        for name in left_out:
            judged.notes.add("column left out of the membership model, it tells the cohort by itself", name)
        predictor = clipped_logit(np.concatenate([fold.score for fold in pair]))
        score, part = membership_score(
            np.column_stack([features, predictor]), member, subjects[row], seed=judged.settings.seed
        )
        if not np.isnan(score).any():
            patient = np.concatenate([pair[0].patient, pair[1].patient + len(home.draws.strata)])
            rankings = rankings_of_parts(member, score, part)
            values.append(draws.apply(patient, partial(auroc_within_parts, rankings)))
    if not values:
        judged.notes.add("membership model left out, there are too few patients", place.cohort)
        return
    stacked = mean_over_seeds(np.stack(values)[:, :, None])
    yield from _findings(stacked, ("auroc",), draws, "membership model", "", True)
