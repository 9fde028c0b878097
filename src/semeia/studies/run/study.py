"""Declare a study: what is read, who is trained and tested, which arms there are, and what is said of them.

A study is one `Study` and the settings of its own; the runner (studies/run/runner.py) does the rest: cells, resuming,
gathering, audit, evaluation, report.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl

from semeia.archive.hashing import file_sha256
from semeia.archive.split import label_subset
from semeia.archive.store import open_archive
from semeia.data.dataset import Dataset
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.description import ArmDescription
from semeia.learning.cells import Cell
from semeia.objectives.task import BINARY, Task

OUTCOME = "outcome"


@dataclass(frozen=True)
class Inputs:
    """What a study reads.

    Attributes:
        files: further files, or archives, of the user's, by the name of their option.
    """

    archive: Path
    external: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)

    def digests(self) -> dict[str, str]:
        """What is in the files, by name: a run is not gone on with on others."""
        there = {
            name: open_archive(path).fingerprint() if path.is_dir() else file_sha256(path)
            for name, path in self.files.items()
        }
        return there | ({} if self.external is None else {"external": open_archive(self.external).fingerprint()})


@dataclass(frozen=True)
class Material:
    """What is studied: units, labels, and who may be seen where.

    Attributes:
        units: unit_id, subject_id, pseudonym, site and covariates, one row a unit.
        cohort: internal: may be trained on wherever it is not tested; external: only tested; unknown: may be seen
            without labels; [unit].
        labels: of each outcome, [unit], NaN where there is none; the first is the main one.
        testing: units that each seed tests, bool [unit].
        dataset: the units as most models read them, and
        read: as some model reads them.
        of_seed: the same as the models of a seed see it, where what they read was fitted for that seed alone.
    """

    units: pl.DataFrame
    cohort: np.ndarray
    labels: dict[str, np.ndarray]
    testing: Callable[[int], np.ndarray]
    tasks: Mapping[str, Task] = field(default_factory=dict)
    dataset: Dataset | None = None
    read: Callable[[ModelSettings], Dataset] | None = None
    of_seed: Callable[["Material", int], "Material"] = lambda material, seed: material
    extra: Any = None

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.labels)

    @property
    def training(self) -> np.ndarray:
        """Units that may be trained on wherever they are not tested, bool [unit]."""
        return self.cohort == "internal"

    @property
    def subjects(self) -> np.ndarray:
        """The patient of each unit."""
        return self.units["subject_id"].to_numpy()

    def task(self, outcome: str) -> Task:
        """What kind of outcome it is."""
        return self.tasks.get(outcome, BINARY)

    def data(self, model: ModelSettings) -> Dataset:
        """The units as a model reads them."""
        if self.read is None:
            raise InputError("this study has no data that a network could read")
        return self.read(model)

    def outcome_of(self, cell: Cell) -> str:
        """Which outcome a cell predicts."""
        return cell.axis(OUTCOME, self.outcomes[0])


@dataclass(frozen=True)
class Fold:
    """What one seed may see and what it is tested on; rows of the units.

    Attributes:
        pretraining: units that may be seen without labels.
        labelled: labelled training units, and
        labels: their labels.
    """

    pretraining: np.ndarray
    labelled: np.ndarray
    labels: np.ndarray
    test: np.ndarray

    def where(self, keep: np.ndarray) -> "Fold":
        """Leave units out; `keep` is bool [unit]."""
        known = keep[self.labelled]
        return Fold(
            self.pretraining[keep[self.pretraining]],
            self.labelled[known],
            self.labels[known],
            self.test[keep[self.test]],
        )


def fold_of(material: Material, outcome: str, *, seed: int, fraction: float) -> Fold:
    """Say who is seen without labels, who with, who is tested. Every arm of a seed sees the same labels."""
    labels, testing, subject = material.labels[outcome], material.testing(seed), material.subjects
    training, known = material.training & ~testing, ~np.isnan(labels)
    table = pl.DataFrame({"unit_id": material.units["unit_id"], "subject_id": subject, "value": labels})
    chosen = label_subset(table.filter(training & known), fraction, seed=seed)
    rows = np.flatnonzero(training & known & np.isin(subject, chosen))
    test = np.flatnonzero(testing & known)
    if not len(test):
        raise InputError(f"nobody whom seed {seed} sets aside has a label of '{outcome}': nothing to test on")
    return Fold(pretraining_rows(material, seed), rows, labels[rows], test)


def pretraining_rows(material: Material, seed: int) -> np.ndarray:
    """The units that may be seen without labels."""
    return np.flatnonzero((material.cohort != "external") & ~material.testing(seed))


@dataclass(frozen=True)
class Work:
    """Where a cell is run: what its arm gets beside the cell and its fold."""

    run: Path
    inputs: Inputs
    settings: Any
    material: Material


@runtime_checkable
class Pretraining(Protocol):
    """What is learnt once a seed, without labels (or from all that is known of training patients)."""

    def learn(self, cell: Cell, rows: np.ndarray, folder: Path, work: Work) -> None:
        """Learn from the units that may be seen, and leave the result in the cell's folder."""
        ...


@dataclass(frozen=True)
class Arm(ABC):
    """A model that meets labels.

    Attributes:
        about: what it is, for whoever reads the tables.
        modes: how it meets the labels.
        outcomes: which it predicts; none named: all.
        pretraining: name of the pretraining that it starts from; empty: of none.
    """

    about: ArmDescription
    modes: tuple[str, ...] = field(default=("none",), kw_only=True)
    outcomes: tuple[str, ...] = field(default=(), kw_only=True)
    pretraining: str = field(default="", kw_only=True)

    @abstractmethod
    def score(self, cell: Cell, fold: Fold, folder: Path, work: Work) -> np.ndarray:
        """Fit to the labels of the fold, and score its test units: [test], or [test, class]."""


@dataclass(frozen=True)
class Finished:
    """A study whose cells are all there, for what comes after them."""

    work: Work
    first: Sequence[Cell]
    then: Sequence[Cell]
    predictions: pl.DataFrame
    pretraining: Mapping[str, Any]
    arms: Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """The declaration.

    Attributes:
        open: makes the material, in every process; given inputs, settings and a folder for caches.
        arms: by name, from settings and inputs.
        words: what run.json is to hold in words and facts.
        pretraining: by name; arms find what they start from there.
        before: names of pretraining that the others need.
        axes: further axes that every arm is run on, with their values; an arm asks its cell for its own.
        judged: one evaluation each (the whole, a stratum, ...), with the draws of the settings; or what says which.
        audit: rows of the table "leakage".
        extras: what else the study draws, once its predictions are there.
        passed_on: covariates that go along with the predictions (or what names them of the inputs), beside those that
            the settings name as `covariates`.
        covariates: the units with all of these, where some take long to count.
        begin: refuses what the study cannot be run on, before anything is written.
    """

    name: str
    settings: type
    unit: str
    open: Callable[[Inputs, Any, Path], Material]
    arms: Callable[[Any, Inputs], Mapping[str, Arm]]
    words: Callable[[Finished], dict[str, object]]
    audit: Callable[[Finished], pl.DataFrame]
    pretraining: Callable[[Any, Inputs], Mapping[str, Pretraining]] = lambda settings, inputs: {}
    before: tuple[str, ...] = ()
    axes: Callable[[Any], Mapping[str, tuple[str, ...]]] = lambda settings: {}
    judged: tuple[EvaluationSettings, ...] | Callable[[Finished], tuple[EvaluationSettings, ...]] = (
        EvaluationSettings(),
    )
    extras: tuple[Callable[[Finished], None], ...] = ()
    tables: Callable[[Finished], dict[str, pl.DataFrame]] = lambda finished: {}
    passed_on: tuple[str, ...] | Callable[[Inputs], tuple[str, ...]] = ()
    covariates: Callable[[Work], pl.DataFrame] = lambda work: work.material.units
    begin: Callable[[Inputs, Any], None] = lambda inputs, settings: None
