"""Every estimand: its name, title, the better direction, where it is asked for, and the statistic that gives it.

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
    better: str = ""  # higher, lower, a number that is right, or empty
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
    Estimand("auroc", "AUROC", "higher", (*EVERYWHERE, SITES)),
    Estimand("auprc", "AUPRC", "higher", ALL),
    Estimand("brier", "Brier score", "lower", EVERYWHERE),
)
_RATIO = (Estimand("o_e", "Observed over expected", "1", (SUBGROUPS,)),)
_CALIBRATED = (
    Estimand("calibration_intercept", "Calibration intercept", "0", (PARTS, HOME)),
    Estimand("calibration_slope", "Calibration slope", "1", (PARTS, HOME)),
)
_CALLED = (
    Estimand("sensitivity", "Sensitivity", "higher", (PARTS, HOME, SUBGROUPS), "threshold"),
    Estimand("specificity", "Specificity", "higher", (PARTS, HOME, SUBGROUPS), "threshold"),
)
_GAINED = (
    Estimand("auroc_with_*", "AUROC with {}", "higher", (PARTS,), "covariate"),
    Estimand("auroc_gain_over_*", "AUROC gained over {}", "higher", (PARTS, HOME), "covariate"),
)
_OPERATING = (
    Estimand("sensitivity_at_specificity", "Sensitivity at fixed specificity", "higher", (FULL,)),
    Estimand("specificity_at_sensitivity", "Specificity at fixed sensitivity", "higher", (FULL,)),
    Estimand("ppv", "Positive predictive value", "higher", (FULL,)),
    Estimand("npv", "Negative predictive value", "higher", (FULL,)),
)
_CURVE = (Estimand("calibration_curve", "Calibration curve", "", (FULL,)),)
_ERRORS = (
    Estimand("ici", "Mean calibration error (ICI)", "lower", (FULL,)),
    Estimand("e50", "Median calibration error (E50)", "lower", (FULL,)),
    Estimand("e90", "90th percentile of the calibration error (E90)", "lower", (FULL,)),
    Estimand("pooled_brier", "Brier score of all rows together", "lower", (FULL,)),
    Estimand("scaled_brier", "Scaled Brier score", "higher", (FULL,)),
    Estimand("reliability", "Reliability (part of the Brier score)", "lower", (FULL,)),
    Estimand("resolution", "Resolution (part of the Brier score)", "higher", (FULL,)),
    Estimand("uncertainty", "Uncertainty (part of the Brier score)", "", (FULL,)),
    Estimand("within_variance", "Variance within bins (part of the Brier score)", "", (FULL,)),
    Estimand("within_covariance", "Covariance within bins (part of the Brier score)", "", (FULL,)),
    Estimand("observed_expected", "Observed over expected", "1", (FULL,)),
)
_DECISIONS = (
    Estimand("net_benefit", "Net benefit", "higher", (FULL, REFERENCE)),
    Estimand("net_benefit_over_treat_all", "Net benefit above treating all", "higher", (FULL,)),
)
_CLASSES = (
    Estimand("macro_auroc", "Macro AUROC", "higher", (PARTS, REFERENCE)),
    Estimand("balanced_accuracy", "Balanced accuracy", "higher", (PARTS, REFERENCE)),
    Estimand("quadratic_kappa", "Quadratic-weighted kappa", "higher", (PARTS, REFERENCE), "grades"),
    Estimand("accuracy", "Accuracy", "higher"),
    Estimand("macro_f1", "Macro F1", "higher"),
    Estimand("recall_*", "Recall of class {}", "higher"),
    Estimand("brier_classes", "Brier score over all classes", "lower"),
    Estimand("log_loss", "Log loss", "lower"),
    Estimand("grade_error", "Mean error in grades", "lower", (PARTS,), "grades"),
    Estimand("auroc_at_least_*", "AUROC of grade {} or more", "higher", (PARTS,), "grades"),
)
_CONCORDANCE = (
    Estimand("c_index", "C-index (Harrell)", "higher", ALL),
    Estimand("c_index_uno", "C-index (Uno)", "higher", ALL),
)
_OVER_ALL = "Net benefit above treating all at the horizon"
_AT_HORIZON = (
    Estimand("auroc_at_horizon", "AUROC at the horizon", "higher", ALL, "horizon"),
    Estimand("brier_at_horizon", "Brier score at the horizon", "lower", ALL, "horizon"),
    Estimand("observed_expected_at_horizon", "Observed over expected at the horizon", "1", (PARTS, HOME), "horizon"),
    Estimand("net_benefit_at_horizon", "Net benefit at the horizon", "higher", (FULL, REFERENCE), "horizon"),
    Estimand("net_benefit_over_treat_all_at_horizon", _OVER_ALL, "higher", (FULL,), "horizon"),
)
_RECALIBRATED = (
    Estimand("intercept", "Calibration intercept", "0", (FULL,)),
    Estimand("slope", "Calibration slope", "1", (FULL,)),
    Estimand("ici", "Mean calibration error (ICI)", "lower", (FULL,)),
    Estimand("brier", "Brier score", "lower", (FULL,)),
    Estimand("o_e", "Observed over expected", "1", (FULL,)),
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
