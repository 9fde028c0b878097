"""Hold one model of a run ready to answer: what `semeia predict` says of a unit, and why."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np

from semeia import __version__
from semeia.archive import Privacy
from semeia.data.dataset import Dataset
from semeia.data.modalities import Signatures
from semeia.errors import InputError
from semeia.learning.linear import LinearModel
from semeia.learning.model import Model
from semeia.learning.neighbours import FEWEST, FILE, USUAL, Neighbours, features_of, load_neighbours
from semeia.learning.scoring import by_seed
from semeia.learning.stored import Choice, Scorer, about_run, choose, load_scorers, scores_units
from semeia.service.explanation import maps, of_items, of_modalities, why_no_map
from semeia.service.raw import archive_of
from semeia.service.unit import RAW, read_unit
from semeia.signatures.model import load_signatures
from semeia.studies.calibration import Calibration, load_calibration

UNCALIBRATED = "not calibrated: no calibration is stored with the model, this is what the model itself says"


def calibrated(calibration: Calibration | None, scores: np.ndarray) -> dict[str, object]:
    """Give the calibrated probability, or say that there is none."""
    if calibration is None or scores.ndim > 1:
        return {"calibrated": False, "calibration": UNCALIBRATED, "calibrated_probability": None}
    chance = calibration(float(scores[0]))
    return {"calibrated": True, "calibration": calibration.describe(), "calibrated_probability": chance}


@dataclass(frozen=True)
class Served:
    """A model of a run and what it is called; answers are dictionaries, ready for JSON.

    Attributes:
        choice: which model.
        outcome: that it predicts.
        scorers: by seed.
        calibration: of its scores, where one is stored.
        neighbours: of the first seed's network, where they came along.
        privacy: what the identity gate may let pass of DICOM files and records.
        lock: one answer at a time: memory is bounded, and torch takes its threads.
    """

    choice: Choice
    outcome: str
    scorers: dict[int, Scorer]
    calibration: Calibration | None
    neighbours: Neighbours | None
    privacy: Privacy
    lock: Lock

    @property
    def first(self) -> Scorer:
        """The model of the first seed, which is the one that maps and embeddings are of."""
        return self.scorers[min(self.scorers)]

    def predict(self, body: Mapping[str, object]) -> dict[str, object]:
        """Score one unit, with an explanation unless `explain` is false.

        Raises:
            InputError: the request cannot be used; see `read_unit`.
        """
        explain = body.get("explain", True)
        if not isinstance(explain, bool):
            raise InputError("explain: must be true or false")
        with self._asked(body) as units:
            scores = self._scores(units, ())
            answer: dict[str, object] = {
                "outcome": self.outcome,
                "model": str(self.choice),
                "models": len(self.scorers),
                **calibrated(self.calibration, scores),
                "seen_in_training": any(
                    bool(self.scorers[seed].fitted_on.seen(data).any()) for seed, data in units.items()
                ),
            }
            if scores.ndim == 1:
                answer["probability"] = float(scores[0])
            else:
                answer["probabilities"] = [float(chance) for chance in scores[0]]
            return answer | (self._explained(units) if explain else {})

    def embed(self, body: Mapping[str, object]) -> dict[str, object]:
        """Give what the encoder of the first seed makes of one unit, by modality; null where there is none.

        Raises:
            InputError: the request cannot be used, or the model is no network.
        """
        model = self.first
        if not isinstance(model, Model):
            raise InputError("embeddings are of networks; this model is none")
        with self._asked(body) as units:
            pooled, there = model.pooled(units[min(units)], np.arange(1))
        parts = {
            name: pooled[0, at].tolist() if bool(there[0, at]) else None for at, name in enumerate(model.encoder.parts)
        }
        return {"seed": min(self.scorers), "embedding": parts}

    def about(self) -> dict[str, object]:
        """Say that the service is up, of what, and what to send."""
        reads = {name: modality.describe() for name, modality in self.first.modalities.items()}
        model = self.first
        columns = list(model.columns) if isinstance(model, LinearModel) and not reads else []
        return {
            "status": "ok",
            "semeia_version": __version__,
            "model": str(self.choice),
            "outcome": self.outcome,
            "models": len(self.scorers),
            "reads": reads,
            "covariates": columns,
        }

    @contextmanager
    def _asked(self, body: Mapping[str, object]) -> Iterator[dict[int, Dataset]]:
        """Read a request's unit for the model of each seed, one request at a time."""
        reads = {seed: scorer.modalities for seed, scorer in self.scorers.items()}
        files = {seed: tuple(one.files() for one in modalities.values()) for seed, modalities in reads.items()}
        own = [name for name, one in self.first.modalities.items() if isinstance(one, Signatures)]
        sent = body.get("observations")
        if len(set(files.values())) > 1 and isinstance(sent, Mapping) and (named := [x for x in own if x in sent]):
            raise InputError(
                f"observations.{named[0]}: the model of each seed reads its own; send the record (`record`)"
            )
        with self.lock, ExitStack() as stack:
            archive = None
            if any(body.get(name) is not None for name in RAW):
                known = [one for modalities in reads.values() for one in modalities.values()]
                archive = stack.enter_context(archive_of(body, known, privacy=self.privacy))
            # Where several seeds read the same files, the unit is read once, as the first of them reads it.
            once = {files[seed]: modalities for seed, modalities in reversed(reads.items())}
            units = {key: read_unit(body, modalities, archive) for key, modalities in once.items()}
            yield {seed: units[files[seed]] for seed in reads}

    def _scores(self, units: Mapping[int, Dataset], hide: tuple[str, ...]) -> np.ndarray:
        """What `semeia predict` gives: the mean over the seeds."""
        scores = {seed: self.scorers[seed].score(data, np.arange(len(data)), hide=hide) for seed, data in units.items()}
        return by_seed(self.choice.arm, scores, "mean")[0][2]

    def _explained(self, units: Mapping[int, Dataset]) -> dict[str, object]:
        data = units[min(units)]
        alike = [seed for seed, other in units.items() if other is data]

        def without(_: Dataset, hide: tuple[str, ...]) -> np.ndarray:
            """One number: the probability, or of several classes the expected one."""
            return _expected(self._scores(units, hide))

        def changed(other: Dataset, hide: tuple[str, ...]) -> np.ndarray:
            """The same of changed units, by the models that read what the first one reads."""
            return _expected(self._scores(dict.fromkeys(alike, other), hide))

        names = {
            name: tuple(load_signatures(Path(modality.source)).names)
            for name, modality in self.first.modalities.items()
            if isinstance(modality, Signatures)
        }
        model, missing = self.first, why_no_map(self.first, data)
        return {
            "contributions": of_modalities(data, without),
            "items": of_items(data, changed, names),
            "saliency": maps(model, data) if isinstance(model, Model) and not missing else None,
            "saliency_missing": missing or None,
            **distance(model, self.neighbours, data),
        }


def _expected(scores: np.ndarray) -> np.ndarray:
    return scores if scores.ndim == 1 else scores @ np.arange(scores.shape[1])


NO_NEIGHBOURS = "nothing of the training patients is stored with this model (semeia export --neighbours ARCHIVE)"


def distance(model: object, neighbours: Neighbours | None, data: Dataset) -> dict[str, object]:
    """Say how near a unit is to what the model was fitted on, and whether it is outside, as far as that is known."""
    told = _unlike(data)
    near = None
    if neighbours is not None and isinstance(model, Model):
        features, there = features_of(model, data, np.arange(1))
        near = neighbours.near(features[0], there[0])
    if near is None:
        why = (
            NO_NEIGHBOURS if neighbours is None else f"fewer than {FEWEST} units to compare with have what this one has"
        )
        return {
            "out_of_distribution": {"flag": True if told else None, "why": told or why},
            "nearest_training_patients": None,
            "nearest_missing": why,
        }
    who = (
        "patients it was not fitted on" if near.held_out else "the patients it was fitted on, of whom none asks itself"
    )
    why = (
        f"its nearest unit of the training patients is {near.distance:.3g} away; of {near.told_by} units of {who} "
        f"{USUAL:.0%} have theirs within {near.radius:.3g}"
    )
    counted = {"patients": near.patients, "of": near.of, "within": near.radius}
    return {
        "out_of_distribution": {"flag": near.unusual or bool(told), "why": told or why, "distance": near.distance},
        "nearest_training_patients": counted,
        "nearest_missing": None,
    }


def _unlike(data: Dataset) -> str:
    """Say which images are darker or brighter than those trained on."""
    words = {
        name: modality.unlike(data.observations[name].arrays)
        for name, modality in data.modalities.items()
        if data.observed(name).any()
    }
    return "; ".join(f"{name}: {said}" for name, said in words.items() if said)


def load_served(run: Path, *, arm: str | None, mode: str | None, fraction: float | None, accept: str = "") -> Served:
    """Load one model of a run folder, or of an exported one; `accept` is for the identity gate.

    Raises:
        InputError: several fit, none is stored, or it reads what cannot be sent in a request.
    """
    choice = choose(run, arm=arm, mode=mode, fraction=fraction)
    scorers = load_scorers(run, choice)
    if not all(scores_units(scorer) for scorer in scorers.values()):
        raise InputError(f"{run}: {choice} reads counts of whole records; score an archive by `semeia predict`")
    outcome = dict(choice.axes).get("outcome") or about_run(run).get("outcome") or "none"
    path = run / min(choice.cells(run)).name / FILE
    neighbours = load_neighbours(path) if path.exists() else None
    return Served(choice, str(outcome), scorers, load_calibration(run), neighbours, Privacy(accept), Lock())
