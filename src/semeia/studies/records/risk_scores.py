"""Score pulmonary nodules by the published models of Mayo and Brock; nothing is fitted.

Sources: Swensen et al. 1997 (Arch Intern Med 157:849, the Mayo model); McWilliams et al. 2013 (NEJM 369:910, the full
model with spiculation, PanCan 2b, whose size enters as (mm / 10) ** -0.5, centred at 4 mm).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.special import expit

from semeia.evaluation.description import ArmDescription
from semeia.learning.cells import Cell
from semeia.studies.run.study import Arm, Fold, Work

# log odds = intercept + sum of coefficient * covariate; words are 0 or 1.
MAYO = {
    "age": 0.0391,
    "smoker": 0.7917,
    "cancer_history": 1.3388,
    "diameter_mm": 0.1274,
    "spiculation": 1.0407,
    "upper_lobe": 0.7838,
}
BROCK = {
    "age": 0.0287,
    "female": 0.6011,
    "family_history": 0.2961,
    "emphysema": 0.2953,
    "diameter_mm": -5.3854,
    "nonsolid": -0.1276,
    "part_solid": 0.3770,
    "upper_lobe": 0.6581,
    "nodule_count": -0.0824,
    "spiculation": 0.7729,
}


def mayo(known: Mapping[str, np.ndarray]) -> Float[np.ndarray, " n"]:
    """Probability of malignancy: age in years, diameter in mm, whether ever a smoker, cancer more than 5 years ago."""
    return expit(-6.8272 + sum(weight * known[name] for name, weight in MAYO.items()))


def brock(known: Mapping[str, np.ndarray]) -> Float[np.ndarray, " n"]:
    """Probability of malignancy: age in years, diameter in mm, number of nodules in the scan, the others 0 or 1."""
    centred = dict(known) | {
        "age": known["age"] - 62,
        "nodule_count": known["nodule_count"] - 4,
        "diameter_mm": (known["diameter_mm"] / 10) ** -0.5 - 1.58113883,
    }
    return expit(-6.7892 + sum(weight * centred[name] for name, weight in BROCK.items()))


SCORES = {"mayo": ("Mayo score (Swensen 1997)", MAYO, mayo), "brock": ("Brock score (McWilliams 2013)", BROCK, brock)}


@dataclass(frozen=True)
class Published(Arm):
    """A published score of the units' covariates; one that is missing counts as the mean of the training units."""

    name: str

    def score(self, cell: Cell, fold: Fold, folder: Path, work: Work) -> Float[np.ndarray, " test"]:
        """Score the fold's tested units."""
        _, coefficients, formula = SCORES[self.name]
        units = work.material.units
        values = {name: units[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in coefficients}
        means = {name: np.nan_to_num(np.nanmean(column[fold.labelled])) for name, column in values.items()}
        known = {name: np.where(np.isnan(column), means[name], column)[fold.test] for name, column in values.items()}
        return formula(known)


def published(columns: list[str]) -> dict[str, Published]:
    """Those scores of which the units have every covariate as a column."""
    return {
        name: Published(ArmDescription(title, "simple", start="published coefficients"), name)
        for name, (title, needed, _) in SCORES.items()
        if set(needed) <= set(columns)
    }
