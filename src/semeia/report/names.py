"""What things are called on the page: arms, modes, cohorts, metrics and strata, and the part each arm plays.

An arm that is not known here keeps its own name; its part is `pretrained` when the run says that it was, else
`other`.
"""

import re
from dataclasses import dataclass

from semeia.report.numbers import EN_DASH, NBSP


@dataclass(frozen=True)
class Arm:
    """How one arm is shown: its title, the part it plays in the comparison, and the inputs it sees."""

    title: str
    role: str
    family: str = ""


# In the order of the results table.
ROLES = {
    "pretrained": "Pretrained, then given the labels",
    "scratch": "The same networks without pretraining",
    "random": "Random encoder, never trained",
    "other": "Models",
    "simple": "Simple baselines",
    "shortcut": "Shortcuts: what may carry the label without the disease",
    "human": "The human bar",
}

ARMS = {
    "multimodal_jepa": Arm("Multimodal JEPA", "pretrained", "multimodal"),
    "image_jepa": Arm("Image-only JEPA", "pretrained", "image"),
    "multimodal_scratch": Arm("Multimodal from scratch", "scratch", "multimodal"),
    "image_scratch": Arm("Image only from scratch", "scratch", "image"),
    "random_encoder": Arm("Random encoder", "random", "multimodal"),
    "reading_logistic": Arm("Readings, logistic regression", "simple"),
    "reading_boosting": Arm("Readings, gradient boosting", "simple"),
    "image_components": Arm("Image components, logistic regression", "simple"),
    "signatures_logistic": Arm("Signatures, logistic regression", "other"),
    "signatures_boosting": Arm("Signatures, gradient boosting", "other"),
    "counts_logistic": Arm("Raw counts, logistic regression", "other"),
    "counts_boosting": Arm("Raw counts, gradient boosting", "other"),
    "values_logistic": Arm("Counts and last values, logistic regression", "other"),
    "values_boosting": Arm("Counts and last values, gradient boosting", "other"),
    "age_sex": Arm("Age and sex alone", "simple"),
    "record_density": Arm("Number of events alone", "shortcut"),
    "diameter": Arm("Diameter alone", "shortcut"),
    "z_extent": Arm("Z-extent alone", "shortcut"),
    "scanner": Arm("Scanner alone", "shortcut"),
    "human_reader": Arm("Another reader\u2019s rating", "human"),
    # Of the knee study, by where the weights come from.
    "random": Arm("Random weights", "scratch", "picture"),
    "imagenet": Arm("ImageNet weights", "pretrained", "picture"),
    "simclr": Arm("SimCLR", "pretrained", "picture"),
    "moco": Arm("MoCo", "pretrained", "picture"),
    "byol": Arm("BYOL", "pretrained", "picture"),
    "vicreg": Arm("VICReg", "pretrained", "picture"),
    "mae": Arm("Masked autoencoder", "pretrained", "picture"),
    "mae_long": Arm("Masked autoencoder, trained longer", "pretrained", "picture"),
    "ijepa": Arm("Latent prediction, I-JEPA", "pretrained", "picture"),
    "clip": Arm("Image and report, CLIP", "pretrained", "picture"),
    "convirt": Arm("Image and report, ConVIRT", "pretrained", "picture"),
    "slip": Arm("Two looks and report, SLIP", "pretrained", "picture"),
    "simclr_oa": Arm("SimCLR on osteoarthritis only", "pretrained", "picture"),
    "simclr_matched": Arm("SimCLR on as many of any grade", "pretrained", "picture"),
    "picture_components": Arm("Picture components, logistic regression", "simple"),
}
IN_ORDER = "_ordinal"  # the same arm, told that the classes are grades in an order

MODES = {
    "none": "",
    "frozen": "frozen",
    "finetune": "fine-tuned",
    "probe_finetune": "probed, then fine-tuned",
}

# Inside a sentence: "... improves the prediction of {}".
OUTCOMES = {"kl_grade": "the Kellgren-Lawrence grade"}

COHORTS = {"internal": "Internal", "external": "External", "all": "All patients"}
PLACES = {
    "internal": "inside the home institution",
    "external": "at other institutions",
    "all": "over all patients",
}

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

GAIN = "auroc_gain_over_"
WITH = "auroc_with_"


def arm_of(name: str, pretrained: frozenset[str] = frozenset()) -> Arm:
    """How an arm is shown; `pretrained` are the arms that the run pretrained."""
    if name in ARMS:
        return ARMS[name]
    plain = ARMS.get(name.removesuffix(IN_ORDER))
    if plain is not None:
        # A family of its own: who is told the order is compared with others who are.
        return Arm(f"{plain.title}, grades in order", plain.role, f"{plain.family}{IN_ORDER}")
    return Arm(name, "pretrained" if name in pretrained else "other")


def arm_title(arm: str, mode: str) -> str:
    """The arm with its mode, where the mode tells something ("from scratch" says it already)."""
    title, words = arm_of(arm).title, MODES.get(mode, mode)
    said = arm in ARMS and title.endswith("from scratch")
    return title if not words or said else f"{title} ({words})"


def reference_title(reference: str) -> str:
    """A reference is written "arm" or "arm/mode" in the results."""
    arm, _, mode = reference.partition("/")
    return arm_title(arm, mode or "none")


def outcome_title(outcome: str) -> str:
    """The outcome inside a sentence."""
    return OUTCOMES.get(outcome, outcome)


def cohort_title(cohort: str) -> str:
    """The cohort as a heading."""
    return COHORTS.get(cohort, cohort)


def place(cohort: str) -> str:
    """The cohort inside a sentence."""
    return PLACES.get(cohort, f"in the cohort {cohort}")


UNIT = r"_(mm3?|years|kg|cm)$"


def covariate_title(column: str) -> str:
    """A column name as words: `diameter_mm` is the diameter."""
    return re.sub(UNIT, "", column).replace("_", " ")


def covariate_heading(column: str) -> str:
    """A column name as a heading, with its unit: `diameter_mm` is "Diameter (mm)"."""
    title, unit = covariate_title(column), re.search(UNIT, column)
    return title[:1].upper() + title[1:] + (f" ({unit.group(1)})" if unit else "")


def metric_title(metric: str) -> str:
    """The metric as a heading."""
    if metric.startswith(GAIN):
        return f"AUROC gained over {covariate_title(metric.removeprefix(GAIN))}"
    if metric.startswith(WITH):
        return f"AUROC with {covariate_title(metric.removeprefix(WITH))}"
    for start, title in OF_CLASS.items():
        if metric.startswith(start):
            return title.format(metric.removeprefix(start))
    return METRICS.get(metric, metric.replace("_", " "))


def positive_words(metric: str) -> str:
    """What the units counted as positive are, beside a metric."""
    return "above class 0" if metric == "macro_auroc" else "positive"


def stratum_title(stratum: str) -> str:
    """A restriction in words where it is a plain range; else the expression as it was given."""
    pattern = r"(\w+?)(_mm)? >= ([\d.]+) AND \1\2 <= ([\d.]+)"
    found = re.fullmatch(pattern, stratum.strip(), flags=re.IGNORECASE)
    if not found:
        return stratum
    name, unit, low, high = found.groups()
    return f"{name.replace('_', ' ')} {low}{EN_DASH}{high}{NBSP + 'mm' if unit else ''}"
