"""The tables that an evaluation gives beside its results: a name and a pure function of `Judged` each.

A new analysis is one file and one line here; its table is written as tables/<name>.csv, and left out when empty.
Those of ANALYSES are given the places of binary outcomes only, those of CLASS_ANALYSES the places of outcomes of
several classes only.
"""

from collections.abc import Callable

import polars as pl

from semeia.evaluation.calibration_tables import calibration_curves, calibration_measures
from semeia.evaluation.case_mix import case_mix
from semeia.evaluation.comparisons import comparisons
from semeia.evaluation.confusion import confusion
from semeia.evaluation.decision_curves import decision_curves
from semeia.evaluation.interactions import interactions
from semeia.evaluation.judged import Judged
from semeia.evaluation.leakage import leakage
from semeia.evaluation.operating_metrics import operating_points
from semeia.evaluation.recalibration_table import recalibrations
from semeia.evaluation.sites import sites
from semeia.evaluation.subgroups import subgroups
from semeia.evaluation.transport import transport
from semeia.evaluation.validation_size import validation_size

ANALYSES: dict[str, Callable[[Judged], pl.DataFrame]] = {
    "comparisons": comparisons,
    "operating_points": operating_points,
    "calibration_curves": calibration_curves,
    "calibration": calibration_measures,
    "recalibration": recalibrations,
    "decision_curves": decision_curves,
    "transport": transport,
    "case_mix": case_mix,
    "sites": sites,
    "validation_size": validation_size,
    "subgroups": subgroups,
    "interactions": interactions,
    "leakage": leakage,
}

CLASS_ANALYSES: dict[str, Callable[[Judged], pl.DataFrame]] = {"confusion": confusion}
