"""The models that a run folder stores: which arms there are, and each arm's models by seed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semeia.archive.small_file import read_object
from semeia.errors import InputError
from semeia.learning import baselines
from semeia.learning.cells import Cell, cells_of
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.progress import say
from semeia.views.crops import CropSettings
from semeia.views.dataset import PatientData
from semeia.views.fingerprint import Fingerprint

# What run.json must hold of the right type, where it holds it.
FIELDS = {"study": str, "kind": str, "config": dict, "archive": dict, "inputs": dict, "versions": dict, "state": str}


class NotStoredError(InputError):
    """A cell holds no model that could be read again."""


@dataclass(frozen=True)
class Scorer:
    """One stored model, whatever it is."""

    model: Model | baselines.LinearBaseline

    @property
    def crop(self) -> CropSettings:
        return self.model.preprocessing.crop if isinstance(self.model, Model) else self.model.crop

    @property
    def fitted_on(self) -> Fingerprint:
        return self.model.preprocessing.fitted_on if isinstance(self.model, Model) else self.model.fitted_on

    @property
    def images(self) -> tuple[str, ...]:
        """Types of the images it was trained on; none where it reads none, or they are not known."""
        return self.model.preprocessing.images if isinstance(self.model, Model) else self.model.images

    @property
    def reads(self) -> tuple[str, ...]:
        """Modalities; none where only covariates are read."""
        if isinstance(self.model, Model):
            return self.model.preprocessing.modalities
        kind = baselines.BASELINES[self.model.name].reads
        return {"pixels": ("image",), "reading": ("reading",)}.get(kind, ())

    def score(self, data: PatientData, rows: np.ndarray, *, hide: tuple[str, ...]) -> np.ndarray:
        """Probabilities: [n], or [n, class] where there are several."""
        return (
            self.model.score(data, rows, hide=hide) if isinstance(self.model, Model) else self.model.score(data, rows)
        )


@dataclass(frozen=True, order=True)
class Choice:
    """Which models of a run: an arm, how it met the labels, and how many of them."""

    arm: str
    mode: str
    fraction: float

    def cells(self, run: Path) -> list[Cell]:
        """One a seed."""
        own = (self.arm, self.mode, self.fraction)
        return [cell for cell in cells_of(run) if (cell.arm, cell.mode, cell.fraction) == own]

    def __str__(self) -> str:
        return f"{self.arm} {self.mode} {self.fraction:g}"


def choices(run: Path, *, arm: str | None, mode: str | None, fraction: float | None) -> list[Choice]:
    """All arms, modes and fractions that fit what was named; refuses when there are none."""
    there = list(dict.fromkeys(Choice(c.arm, c.mode, c.fraction) for c in cells_of(run) if c.mode != "pretrain"))
    if not there:
        raise InputError(f"{run}: no fitted models in it; is it a run folder?")
    fit = [
        choice
        for choice in there
        if arm in (None, choice.arm) and mode in (None, choice.mode) and fraction in (None, choice.fraction)
    ]
    if not fit:
        asked = " ".join(str(value) for value in (arm, mode, fraction) if value is not None)
        raise InputError(f"{run}: no model fits {asked}; name --arm, --mode and --fraction of {_listed(there)}")
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
    if (folder / FILE).exists():
        return Scorer(load_model(folder / FILE))
    if (folder / baselines.FILE).exists():
        return Scorer(baselines.load_baseline(folder / baselines.FILE))
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
            say(f"{choice} is left out: {error}")
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
    """run.json of a run folder.

    Raises:
        InputError: there is none, it cannot be read, or a field is of another type than is written.
    """
    path = run / "run.json"
    if not path.exists():
        raise InputError(f"{run}: no run.json in it; is it a run folder?")
    record = read_object(path)
    for name, kind in FIELDS.items():
        if not isinstance(record.get(name, kind()), kind):
            raise InputError(f"{path}: its '{name}' is of another type than Semeia writes; restore the file")
    return record
