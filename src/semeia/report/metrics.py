"""Title metrics and covariates by the names that the tables give them."""

import re

from semeia.evaluation.estimands import title_of
from semeia.report.numbers import lowered

METRICS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "calibration_intercept": "Calibration intercept",
    "calibration_slope": "Calibration slope",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "o_e": "Observed over expected",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "standardised_net_benefit": "Standardised net benefit",
    "auroc_detectable_difference": "Smallest difference detectable (80\u00a0% power)",
    "macro_auroc": "Macro AUROC",
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "brier_classes": "Brier score over all classes",
    "log_loss": "Log loss",
    "quadratic_kappa": "Quadratic-weighted kappa",
    "grade_error": "Mean error in grades",
    "macro_auroc_detectable_difference": "Smallest difference detectable (80\u00a0% power)",
}
# Metrics of which there is one a class.
OF_CLASS = {"recall_": "Recall of class {}", "auroc_at_least_": "AUROC of grade {} or more"}
GAIN, WITH = "auroc_gain_over_", "auroc_with_"
UNIT = r"_(mm3?|years|kg|cm)$"


def metric_title(metric: str) -> str:
    """Title a metric."""
    if metric.startswith(GAIN):
        return f"AUROC gained over {covariate_title(metric.removeprefix(GAIN))}"
    if metric.startswith(WITH):
        return f"AUROC with {covariate_title(metric.removeprefix(WITH))}"
    for start, title in OF_CLASS.items():
        if metric.startswith(start):
            return title.format(metric.removeprefix(start))
    return METRICS.get(metric) or title_of(metric)


def lowered_title(metric: str) -> str:
    """Title a metric inside a sentence."""
    return lowered(metric_title(metric))


def positive_words(metric: str) -> str:
    """Say what the units counted as positive are, beside a metric."""
    return "above class 0" if metric == "macro_auroc" else "positive"


def covariate_title(column: str) -> str:
    """Say a column inside a sentence: `diameter_mm` is the diameter."""
    return re.sub(UNIT, "", column).replace("_", " ")


def covariate_heading(column: str) -> str:
    """Title a column with its unit: `diameter_mm` is "Diameter (mm)"."""
    title, unit = covariate_title(column), re.search(UNIT, column)
    return title[:1].upper() + title[1:] + (f" ({unit.group(1)})" if unit else "")
