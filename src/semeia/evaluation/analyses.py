"""The tables that an evaluation gives beside its results: a name and a pure function of `Judged` each.

A new analysis is one file and one line here; its table is written as tables/<name>.csv, and left out when empty.
Those of ANALYSES are given the places of binary outcomes only, those of CLASS_ANALYSES the places of outcomes of
several classes only.
"""

from collections.abc import Callable

import polars as pl

from semeia.evaluation.judged import Judged
from semeia.evaluation.statistics.validation_size import validation_size
from semeia.evaluation.tables.calibration_tables import calibration_curves, calibration_measures
from semeia.evaluation.tables.case_mix import case_mix
from semeia.evaluation.tables.comparisons import comparisons
from semeia.evaluation.tables.confusion import confusion
from semeia.evaluation.tables.decision_curves import decision_curves
from semeia.evaluation.tables.interactions import interactions
from semeia.evaluation.tables.leakage import leakage
from semeia.evaluation.tables.operating_metrics import operating_points
from semeia.evaluation.tables.recalibration_table import recalibrations
from semeia.evaluation.tables.sites import sites
from semeia.evaluation.tables.subgroups import subgroups
from semeia.evaluation.tables.transport import transport

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
