"""Predictions in, results out: discrimination, calibration, paired differences, intervals."""

from semeia.evaluation.roc import roc_curve, roc_points
from semeia.evaluation.schema import (
    PREDICTION_COLUMNS,
    RESULT_COLUMNS,
    check_predictions,
    check_results,
    read_predictions,
)
from semeia.evaluation.settings import Evaluation, EvaluationSettings
from semeia.evaluation.statistics.discrimination import auprc, auroc, brier
from semeia.evaluation.statistics.intervals import percentile_interval
from semeia.evaluation.views import evaluate

__all__ = [
    "PREDICTION_COLUMNS",
    "RESULT_COLUMNS",
    "Evaluation",
    "EvaluationSettings",
    "auprc",
    "auroc",
    "brier",
    "check_predictions",
    "check_results",
    "evaluate",
    "percentile_interval",
    "read_predictions",
    "roc_curve",
    "roc_points",
]
