"""Title metrics and covariates by the names that the tables give them."""

import re

from semeia.evaluation.estimands import title_of
from semeia.report.numbers import lowered, sentence

DETECTABLE = "Smallest difference detectable (80\u00a0% power)"
GAIN = "auroc_gain_over_"
UNIT = r"_(mm3?|years|kg|cm)$"


def metric_title(metric: str) -> str:
    """Title a metric."""
    if metric.endswith("auroc_detectable_difference"):
        return DETECTABLE
    return sentence(title_of(metric, said=covariate_title))


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
