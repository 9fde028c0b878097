"""Every estimand: its name, title, where it is asked for, and the statistic that gives it.

A new statistic is a row here and a function of a fold and its context: it then stands in the tidy table and in its
views (views.py). A family is the estimands that one pass over the draws gives.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from semeia.evaluation import measured
from semeia.evaluation.cells import Fold, Kind
from semeia.evaluation.measured import Context, Values
from semeia.evaluation.statistics.calibration_curve import CALIBRATION_ERRORS

# Where an estimand is asked for: in every part of the table at every label fraction; of all rows at the largest;
PARTS, FULL = "parts", "full"
# within subgroups and sites; as a difference from a reference, and from the home cohort.
SUBGROUPS, SITES, REFERENCE, HOME = "subgroups", "sites", "reference", "home"
ALL, EVERYWHERE = (PARTS, REFERENCE, HOME), (PARTS, REFERENCE, HOME, SUBGROUPS)


@dataclass(frozen=True)
class Estimand:
    """What is estimated."""

    name: str  # in tables; * stands for anything
    title: str  # as people read it; {} for what the star stood for
    asked: tuple[str, ...] = (PARTS,)  # where it is asked for
    needs: str = ""  # what it needs beside scores: a cross-fitted threshold, a covariate, grades, a horizon


@dataclass(frozen=True)
class Family:
    """Estimands that one statistic gives."""

    kind: Kind  # of outcome
    values: Callable[[Fold, Context], Values]  # of a fold, in every draw (the first row: the rows as they are)
    estimands: tuple[Estimand, ...]  # values of a name that none of them has are dropped
    pooled: bool = False  # whether seeds that test different units are taken as one set of predictions
    errors: tuple[str, ...] = ()  # those that cannot be below zero: chance has its part (calibration_chance.py)

    def asked(self, where: str) -> bool:
        """Whether any of the estimands is asked for there."""
        return any(where in one.asked for one in self.estimands)

    def find(self, name: str) -> Estimand | None:
        """The estimand of a name."""
        return next((one for one in self.estimands if fnmatchcase(name, one.name)), None)


_RANKED = (
    Estimand("auroc", "AUROC", (*EVERYWHERE, SITES)),
    Estimand("auprc", "AUPRC", ALL),
    Estimand("brier", "Brier score", EVERYWHERE),
)
_RATIO = (Estimand("o_e", "Observed over expected", (SUBGROUPS,)),)
_CALIBRATED = (
    Estimand("calibration_intercept", "Calibration intercept", (PARTS, HOME)),
    Estimand("calibration_slope", "Calibration slope", (PARTS, HOME)),
)
_CALLED = (
    Estimand("sensitivity", "Sensitivity", (PARTS, HOME, SUBGROUPS), "threshold"),
    Estimand("specificity", "Specificity", (PARTS, HOME, SUBGROUPS), "threshold"),
)
_GAINED = (
    Estimand("auroc_with_*", "AUROC with {}", (PARTS,), "covariate"),
    Estimand("auroc_gain_over_*", "AUROC gained over {}", (PARTS, HOME), "covariate"),
)
_OPERATING = (
    Estimand("sensitivity_at_specificity", "Sensitivity at fixed specificity", (FULL,)),
    Estimand("specificity_at_sensitivity", "Specificity at fixed sensitivity", (FULL,)),
    Estimand("ppv", "Positive predictive value", (FULL,)),
    Estimand("npv", "Negative predictive value", (FULL,)),
)
_CURVE = (Estimand("calibration_curve", "Calibration curve", (FULL,)),)
_ERRORS = (
    Estimand("ici", "Mean calibration error (ICI)", (FULL,)),
    Estimand("e50", "Median calibration error (E50)", (FULL,)),
    Estimand("e90", "90th percentile of the calibration error (E90)", (FULL,)),
    Estimand("pooled_brier", "Brier score of all rows together", (FULL,)),
    Estimand("scaled_brier", "Scaled Brier score", (FULL,)),
    Estimand("reliability", "Reliability (part of the Brier score)", (FULL,)),
    Estimand("resolution", "Resolution (part of the Brier score)", (FULL,)),
    Estimand("uncertainty", "Uncertainty (part of the Brier score)", (FULL,)),
    Estimand("within_variance", "Variance within bins (part of the Brier score)", (FULL,)),
    Estimand("within_covariance", "Covariance within bins (part of the Brier score)", (FULL,)),
    Estimand("observed_expected", "Observed over expected", (FULL,)),
)
_DECISIONS = (
    Estimand("net_benefit", "Net benefit", (FULL, REFERENCE)),
    Estimand("net_benefit_over_treat_all", "Net benefit above treating all", (FULL,)),
)
_CLASSES = (
    Estimand("macro_auroc", "Macro AUROC", (PARTS, REFERENCE)),
    Estimand("balanced_accuracy", "Balanced accuracy", (PARTS, REFERENCE)),
    Estimand("quadratic_kappa", "Quadratic-weighted kappa", (PARTS, REFERENCE), "grades"),
    Estimand("accuracy", "Accuracy"),
    Estimand("macro_f1", "Macro F1"),
    Estimand("recall_*", "Recall of class {}"),
    Estimand("brier_classes", "Brier score over all classes"),
    Estimand("log_loss", "Log loss"),
    Estimand("grade_error", "Mean error in grades", (PARTS,), "grades"),
    Estimand("auroc_at_least_*", "AUROC of grade {} or more", (PARTS,), "grades"),
)
_CONCORDANCE = (
    Estimand("c_index", "C-index (Harrell)", ALL),
    Estimand("c_index_uno", "C-index (Uno)", ALL),
)
_OVER_ALL = "Net benefit above treating all at the horizon"
_AT_HORIZON = (
    Estimand("auroc_at_horizon", "AUROC at the horizon", ALL, "horizon"),
    Estimand("brier_at_horizon", "Brier score at the horizon", ALL, "horizon"),
    Estimand("observed_expected_at_horizon", "Observed over expected at the horizon", (PARTS, HOME), "horizon"),
    Estimand("net_benefit_at_horizon", "Net benefit at the horizon", (FULL, REFERENCE), "horizon"),
    Estimand("net_benefit_over_treat_all_at_horizon", _OVER_ALL, (FULL,), "horizon"),
)
_RECALIBRATED = (
    Estimand("intercept", "Calibration intercept", (FULL,)),
    Estimand("slope", "Calibration slope", (FULL,)),
    Estimand("ici", "Mean calibration error (ICI)", (FULL,)),
    Estimand("brier", "Brier score", (FULL,)),
    Estimand("o_e", "Observed over expected", (FULL,)),
)

FAMILIES: tuple[Family, ...] = (
    Family("binary", measured.remembering(measured.ranked_values), _RANKED),
    Family("binary", measured.observed_expected_values, _RATIO),
    Family("binary", measured.remembering(measured.calibrated_values), _CALIBRATED),
    Family("binary", measured.remembering(measured.called_values), _CALLED),
    Family("binary", measured.gain_values, _GAINED),
    Family("binary", measured.operating_values, _OPERATING),
    Family("binary", measured.curve_values, _CURVE, pooled=True),
    Family("binary", measured.errors_values, _ERRORS, pooled=True, errors=CALIBRATION_ERRORS),
    Family("binary", measured.decisions_values, _DECISIONS, pooled=True),
    Family("classes", measured.remembering(measured.compared_classes_values), _CLASSES),
    Family("survival", measured.concordance_values, _CONCORDANCE),
    Family("survival", measured.at_horizon_values, _AT_HORIZON),
)
RECALIBRATED = Family("binary", measured.recalibrated_values, _RECALIBRATED, pooled=True, errors=("ici",))

ESTIMANDS: tuple[Estimand, ...] = tuple(one for family in FAMILIES for one in family.estimands)


def title_of(name: str, *, said: Callable[[str], str] = str) -> str:
    """Title an estimand by its name in a table, what a star stands for as `said`; one that is not known in words."""
    for one in ESTIMANDS:
        if fnmatchcase(name, one.name):
            return one.title.format(said(name.removeprefix(one.name.removesuffix("*"))))
    return name.replace("_", " ")
