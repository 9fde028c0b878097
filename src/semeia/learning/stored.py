"""The models that a run folder stores: which arms there are, and each arm's models by seed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit

from semeia.archive.small_file import read_object
from semeia.data.dataset import Dataset
from semeia.data.fingerprint import Fingerprint
from semeia.data.modality import Modality
from semeia.errors import InputError, nearest
from semeia.evaluation.statistics.calibration import clipped_logit
from semeia.learning import linear
from semeia.learning.adapt.blend import blended
from semeia.learning.cells import Cell, cells_of
from semeia.learning.linear import LinearModel
from semeia.learning.model import FILE, Model, load_model
from semeia.progress import warn

BLEND = "blend.json"
EXPERTS = ("anchor", "joint")  # folders beside it
# What run.json must hold of the right type, where it holds it.
FIELDS = {"study": str, "kind": str, "config": dict, "archive": dict, "inputs": dict, "versions": dict, "state": str}


class NotStoredError(InputError):
    """A cell holds no model that could be read again."""


@dataclass(frozen=True)
class Blend:
    """Two stored experts, weighed for one site (learning/adapt/blend.py).

    Attributes:
        anchor: the one that reads less; where a unit has none of its modalities, the joint one speaks alone.
        joint: the one that reads more.
        weight: of the joint expert.
    """

    anchor: Model | LinearModel
    joint: Model | LinearModel
    weight: float

    @property
    def fitted_on(self) -> Fingerprint:
        """The patients either saw."""
        return self.anchor.fitted_on | self.joint.fitted_on

    @property
    def modalities(self) -> dict[str, Modality]:
        """What either reads, and how."""
        return self.joint.modalities | self.anchor.modalities

    def score(self, data: Dataset, rows: np.ndarray, *, hide: tuple[str, ...] = ()) -> np.ndarray:
        """Probabilities, [n]."""
        scores = self.joint.score(data, rows, hide=hide)
        open_to = tuple(name for name in self.anchor.modalities if name not in hide)
        there = data.something(open_to)[rows] if open_to else np.full(len(rows), not self.anchor.modalities)
        if there.any():
            scores[there] = self.of(self.anchor.score(data, rows[there], hide=hide), scores[there])
        return scores

    def of(self, anchor: np.ndarray, joint: np.ndarray) -> np.ndarray:
        """Blend probabilities of both, [n]."""
        return expit(blended(clipped_logit(anchor), clipped_logit(joint), weight=self.weight))


Scorer = Model | LinearModel | Blend


def scores_units(scorer: Scorer) -> bool:
    """Say whether a model can score the units of an archive by itself, and need not be brought their columns."""
    one = scorer.joint if isinstance(scorer, Blend) else scorer
    return not isinstance(one, LinearModel) or one.reads is not None


def score_known(scorer: Scorer, data: Dataset, rows: np.ndarray, *, otherwise: float) -> np.ndarray:
    """Score some units of two classes; one that has nothing of what a network reads gets a value instead."""
    network = isinstance(scorer, Model)
    there = data.something(tuple(scorer.modalities))[rows] if network else np.ones(len(rows), bool)
    scores = np.full(len(rows), otherwise)
    scores[there] = scorer.score(data, rows[there])
    return scores


@dataclass(frozen=True, order=True)
class Choice:
    """Which models of a run: an arm, how it met the labels, and how many of them."""

    arm: str
    mode: str
    fraction: float
    axes: tuple[tuple[str, str], ...] = ()

    @property
    def shown(self) -> str:
        """The arm as tables name it."""
        return self.cell(0).shown

    def cell(self, seed: int) -> Cell:
        """That of one seed."""
        return Cell(self.arm, self.mode, self.fraction, seed, self.axes)

    def cells(self, run: Path) -> list[Cell]:
        """One a seed."""
        return [cell for cell in cells_of(run) if Choice.of(cell) == self]

    @classmethod
    def of(cls, cell: Cell) -> "Choice":
        """That a cell belongs to."""
        return cls(cell.arm, cell.mode, cell.fraction, cell.axes)

    def __str__(self) -> str:
        return " ".join([self.arm, self.mode, f"{self.fraction:g}", *(f"{name}={value}" for name, value in self.axes)])


def choices(run: Path, *, arm: str | None, mode: str | None, fraction: float | None) -> list[Choice]:
    """All arms, modes and fractions that fit what was named; refuses when there are none."""
    there = list(dict.fromkeys(Choice.of(c) for c in cells_of(run) if c.mode != "pretrain"))
    if not there:
        raise InputError(f"{run}: no fitted models in it; is it a run folder?")
    fit = [
        choice
        for choice in there
        if arm in (None, choice.arm) and mode in (None, choice.mode) and fraction in (None, choice.fraction)
    ]
    if not fit:
        arms = list(dict.fromkeys(choice.arm for choice in there))
        if arm is not None and arm not in arms:
            hint = nearest(arm, arms) or f" It has {', '.join(arms[:5])}{', ...' if len(arms) > 5 else '.'}"
            raise InputError(f"{run}: has no arm '{arm}'.{hint} semeia study list {run} names them all.")
        own = [choice for choice in there if arm in (None, choice.arm)]
        asked = " ".join(str(value) for value in (arm, mode, fraction) if value is not None)
        raise InputError(f"{run}: no model fits {asked}; name --mode and --fraction of {_listed(own[:6])}")
    return fit


def choose(run: Path, *, arm: str | None, mode: str | None, fraction: float | None) -> Choice:
    """The one arm, mode and fraction that fit what was named; refuses when there are several or none."""
    fit = choices(run, arm=arm, mode=mode, fraction=fraction)
    if len(fit) == 1:
        return fit[0]
    asked = " ".join(str(value) for value in (arm, mode, fraction) if value is not None) or "(nothing named)"
    raise InputError(f"{run}: several models fit {asked}; name --arm, --mode and --fraction of one of {_listed(fit)}")


def _listed(there: list[Choice]) -> str:
    return ", ".join(str(choice) for choice in there)


def load_scorers(run: Path, choice: Choice) -> dict[int, Scorer]:
    """The chosen models by seed."""
    return {cell.seed: load_scorer(run / cell.name) for cell in choice.cells(run)}


def load_scorer(folder: Path) -> Scorer:
    """The model of one cell."""
    if not (folder / BLEND).exists():
        return load_expert(folder)
    weight = read_object(folder / BLEND).get("weight")
    if not isinstance(weight, int | float) or not 0 <= weight <= 1:
        raise InputError(f"{folder / BLEND}: its weight must be a number from 0 to 1; restore the file")
    return Blend(*(load_expert(folder / name) for name in EXPERTS), weight=weight)


def load_expert(folder: Path) -> Model | LinearModel:
    """The one model in a folder."""
    if (folder / FILE).exists():
        return load_model(folder / FILE)
    if (folder / linear.FILE).exists():
        return linear.load_linear(folder / linear.FILE)
    raise NotStoredError(
        f"{folder}: holds no stored model (boosted trees are not stored, and a cell may be unfinished)"
    )


def stored_models(run: Path, fit: list[Choice]) -> dict[Choice, dict[int, Scorer]]:
    """The models of each choice by seed; what is not stored is left out, and said, unless there is nothing else."""
    found: dict[Choice, dict[int, Scorer]] = {}
    for choice in fit:
        try:
            found[choice] = load_scorers(run, choice)
        except NotStoredError as error:
            if len(fit) == 1:
                raise
            warn(f"{choice} is left out: {error}")
    if not found:
        raise InputError(f"{run}: holds no stored model of {_listed(fit)}")
    return found


def about_run(run: Path) -> dict:
    """Study and outcome of a run, as far as run.json says."""
    if not (run / "run.json").exists():
        return {}
    record = read_record(run)
    config = record.get("config")
    outcome = config.get("outcome") if isinstance(config, dict) else None
    return {"study": record.get("study", "predictions"), "outcome": outcome or record.get("outcome")}


def read_record(run: Path) -> dict:
    """run.json of a run folder."""
    path = run / "run.json"
    if not path.exists():
        raise InputError(f"{run}: no run.json in it; is it a run folder?")
    record = read_object(path)
    for name, kind in FIELDS.items():
        if not isinstance(record.get(name, kind()), kind):
            raise InputError(f"{path}: its '{name}' is of another type than Semeia writes; restore the file")
    return record
