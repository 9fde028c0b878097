"""The audit of a run on records: is anybody tested whom something was fitted on, or any hospital on two sides?

A run folder, its archive and its folds go in; rows of the table "leakage" come out. Whom a model was fitted on is read
from the model's own file, not from the plan it should have followed.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.keys import mark
from semeia.archive.store import Archive
from semeia.evaluation.tables.leakage import COLUMNS, Row, leakage_row
from semeia.learning.linear import FILE, load_linear
from semeia.signatures.model import load_signatures
from semeia.studies.arms import Fold
from semeia.studies.ehr_arms import blocks_of
from semeia.studies.grid import Cell
from semeia.studies.probes import Probed, shuffled_row, site_row

FEWEST = 10


def audit_records(
    run: Path,
    archive: Archive,
    stays: pl.DataFrame,
    *,
    cohort: np.ndarray,
    folds: dict[int, Fold],
    signatures: list[Cell],
    cells: list[Cell],
) -> pl.DataFrame:
    """Every check, one row each.

    Args:
        run: the run folder.
        archive: the archive it was made from.
        stays: see `stays_of`.
        cohort: of each stay.
        folds: of each seed, with all its labels.
        signatures: the cells that learned them.
        cells: those that met labels.
    """
    folders = {cell.seed: run / cell.name for cell in signatures}
    everybody = stays["subject_id"].to_list()
    models = {seed: load_signatures(folder) for seed, folder in folders.items()}
    learned = {seed: set(model.fitted_on.seen(archive, everybody)) for seed, model in models.items()}
    linear = [(cell.seed, run / cell.name / FILE) for cell in cells if (run / cell.name / FILE).exists()]
    trained = [(seed, _subjects(stays, load_linear(path).fitted_on)) for seed, path in linear]
    return pl.DataFrame(
        [
            _overlap(
                "Tested patients that were pretrained on", stays, folds, learned.items(), of="by id and by record"
            ),
            _overlap("Tested patients that were trained on", stays, folds, trained, of="by id"),
            _hospitals(stays, cohort, [*learned.values(), *(subjects for _, subjects in trained)]),
            leakage_row("Tested images that look like a training patient's", found=None, words="there are no images"),
            _inside_or_outside(stays, cohort, folds, folders),
            shuffled_row({seed: _probed(stays, folds[seed], folder) for seed, folder in folders.items()}, where=ARM),
        ],
        schema=COLUMNS,
    )


ARM = "signatures_logistic"


def _subjects(stays: pl.DataFrame, marks: Iterable[str]) -> set[int]:
    known = set(marks)
    return {number for number, name in stays.select("subject_id", "pseudonym").rows() if mark(name) in known}


def _overlap(
    check: str, stays: pl.DataFrame, folds: dict[int, Fold], fitted: Iterable[tuple[int, set[int]]], *, of: str
) -> Row:
    tested: set[int] = set()
    shared: set[int] = set()
    models = 0
    for seed, subjects in fitted:
        test = set(stays["subject_id"].gather(folds[seed].test).to_list())
        tested, shared, models = tested | test, shared | (test & subjects), models + 1
    words = f"patients {of}, against whom each of {models} stored models says it was fitted on"
    return leakage_row(check, found=bool(shared), count=len(shared), of=len(tested), words=words)


def _hospitals(stays: pl.DataFrame, cohort: np.ndarray, fitted: list[set[int]]) -> Row:
    outside = set(stays["site"].filter(cohort == "external"))
    known = set(stays.filter(pl.col("subject_id").is_in(list(set().union(*fitted))))["site"])
    words = "external hospitals of which a patient was learned from or trained on"
    return leakage_row(
        "Hospitals on both sides", found=bool(outside & known), count=len(outside & known), of=len(outside), words=words
    )


def _features(folder: Path, rows: np.ndarray) -> np.ndarray:
    return blocks_of(folder, ("signatures",))[1][rows]


def _inside_or_outside(
    stays: pl.DataFrame, cohort: np.ndarray, folds: dict[int, Fold], folders: dict[int, Path]
) -> Row:
    """Hospitals are too small to be told one by one; are the inside and the outside alike?"""
    seed = min(folds)
    rows = folds[seed].test
    outside = (cohort[rows] == "external").astype(np.int64)
    if min(outside.sum(), (1 - outside).sum()) < FEWEST:
        words = f"needs at least {FEWEST} tested stays inside and outside"
        return leakage_row("Site told from the embedding", found=None, where=ARM, words=words)
    return site_row(
        _features(folders[seed], rows),
        outside,
        stays["subject_id"].to_numpy()[rows],
        seed=seed,
        where=ARM,
        of="tested stays outside against those inside",
    )


def _probed(stays: pl.DataFrame, fold: Fold, folder: Path) -> Probed:
    labels = stays["label"].to_numpy()
    patients = stays["subject_id"].to_numpy()[fold.labelled]
    train, test = _features(folder, fold.labelled), _features(folder, fold.test)
    return Probed(train=train, labels=fold.labels, patients=patients, test=test, truth=labels[fold.test])
