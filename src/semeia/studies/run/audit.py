"""Audit a run: did anything that is tested leak into what was fitted, and could a model take a shortcut?

Rows of the table "leakage" come out (evaluation/tables/leakage.py has its columns, and the checks that need the
predictions only). Whom a model was fitted on is read from the model's own file, not from the plan it should have
followed.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from semeia.archive.audit.copies import look_alikes
from semeia.archive.store import open_archive
from semeia.data.dataset import Dataset
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.evaluation.tables.columns import TABLES, Row
from semeia.evaluation.tables.leakage import leakage_row
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.stored import load_scorer
from semeia.studies.run.arms import Network, encoder_file
from semeia.studies.run.probes import SITE, Probed, shuffled_row, site_row
from semeia.studies.run.study import Finished, Fold, Material, fold_of

NO_MODEL = "no model of this kind is stored in the run"
FEWEST = 10
Seen = tuple[int, np.ndarray]  # a seed, and which units its model says it was fitted on
Features = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # rows to (rows that can be read, their features)


@dataclass(frozen=True)
class Audited:
    """What an audit looks at.

    Attributes:
        folds: of each seed, with all its labels.
        pretrained: whom each model without labels was fitted on.
        trained: whom each model with labels was.
        features: what each pretrained arm makes of units, by arm and seed.
        places: of each unit, told apart by the site probe; "" where unknown.
        of: what is told from what, in words.
        by: how patients are recognised, in words.
        pairs: units that look alike, of two patients; None where there are no images.
        binary: labels of two classes, for the probes.
    """

    material: Material
    folds: dict[int, Fold]
    pretrained: list[Seen]
    trained: list[Seen]
    features: dict[str, dict[int, Features]]
    places: np.ndarray
    of: str
    by: str
    binary: np.ndarray
    pairs: list[tuple[int, int]] | None = None
    further: list[Row] = field(default_factory=list)


def audit_networks(finished: Finished, *, binary: np.ndarray | None = None) -> pl.DataFrame:
    """Audit a study whose models are networks and simple models of one dataset.

    `binary` are labels of two classes, where the main outcome has more; by default the most frequent class against the
    others.
    """
    return audit(of_networks(finished, binary=binary))


def of_networks(finished: Finished, *, binary: np.ndarray | None = None) -> Audited:
    """Gather what is to be looked at, from the files of the models; arguments as in `audit_networks`."""
    material = finished.work.material
    data = material.dataset
    if data is None:
        raise TypeError("networks read a dataset")
    encoders = _encoders(finished)
    features: dict[str, dict[int, Features]] = {}
    for (arm, seed), (model, read) in encoders.items():
        features.setdefault(arm, {})[seed] = _embedding(material.of_seed(material, seed).data(read), model)
    places, sites = _places(material)
    return Audited(
        material,
        folds_of(finished),
        pretrained=[(seed, model.preprocessing.fitted_on.seen(data)) for (_, seed), (model, _) in encoders.items()],
        trained=_trained(finished, data),
        features=features,
        places=places,
        of=f"the largest of {sites} sites",
        by="by id and by image",
        binary=_in_two(material.labels[material.outcomes[0]]) if binary is None else binary,
        pairs=_pairs(finished),
    )


def _in_two(labels: np.ndarray) -> np.ndarray:
    """Turn several classes into the most frequent one against the others."""
    values, counts = np.unique(labels[~np.isnan(labels)], return_counts=True)
    return labels if len(values) <= 2 else np.where(np.isnan(labels), np.nan, labels == values[counts.argmax()])


def _encoders(finished: Finished) -> dict[tuple[str, int], tuple[Model, ModelSettings]]:
    """What was learnt without labels, here or before, with the settings by which it reads; by arm and seed."""
    run = finished.work.run
    here = [
        (cell, encoder_file(run, cell.arm, cell.seed), finished.pretraining[cell.arm].settings.model)  # pyright: ignore[reportAttributeAccessIssue]
        for cell in finished.first
        if (run / cell.name / FILE).exists()
    ]
    arms = [(cell, finished.arms[cell.arm]) for cell in finished.then]
    before = [(cell, arm.encoder, arm.model) for cell, arm in arms if isinstance(arm, Network) and arm.encoder]
    return {(cell.arm, cell.seed): (load_model(path), read) for cell, path, read in (*here, *before)}


def _trained(finished: Finished, data: Dataset) -> list[Seen]:
    """Whom each stored model with labels was fitted on."""
    trained = []
    for cell in finished.then:
        with suppress(InputError):  # boosted trees are not stored
            trained.append((cell.seed, load_scorer(finished.work.run / cell.name).fitted_on.seen(data)))
    return trained


def _places(material: Material) -> tuple[np.ndarray, int]:
    """The largest site against the others, "" where unknown or all are too small; and the number of sites."""
    sites = material.units["site"].fill_null("").to_numpy()
    names, counts = np.unique(sites[sites != ""], return_counts=True)
    if len(names) < 2 or counts.min() < FEWEST:
        return np.full(len(sites), ""), len(names)
    return np.where(sites == "", "", np.where(sites == names[counts.argmax()], "main", "other")), len(names)


def audit(audited: Audited) -> pl.DataFrame:
    """Every check, one row each, and one an arm for those that ask features."""
    every = [*audited.pretrained, *audited.trained]
    rows = [
        _overlap("Tested patients that were pretrained on", audited, audited.pretrained),
        _overlap("Tested patients that were trained on", audited, audited.trained),
        _twins(audited, every),
        *audited.further,
    ]
    for arm, own in audited.features.items():
        rows += [_site_probe(audited, arm, own), _permuted(audited, arm, own)]
    if not audited.features:
        rows.append(leakage_row(SITE, found=None, words="nothing was pretrained in this run"))
    return pl.DataFrame(rows, schema=TABLES["leakage"])


def folds_of(finished: Finished) -> dict[int, Fold]:
    """The fold of each seed for the main outcome, with all its labels."""
    material = finished.work.material
    seeds = sorted({cell.seed for cell in finished.then})
    return {seed: fold_of(material, material.outcomes[0], seed=seed, fraction=1.0) for seed in seeds}


def _overlap(check: str, audited: Audited, models: list[Seen]) -> Row:
    if not models:
        return leakage_row(check, found=None, words=NO_MODEL)
    subject = audited.material.subjects
    shared: set[int] = set()
    tested: set[int] = set()
    for seed, seen in models:
        test = audited.folds[seed].test
        tested |= {int(number) for number in subject[test]}
        shared |= {int(number) for number in subject[test][seen[test]]}
    words = f"patients {audited.by}, against whom each of {len(models)} stored models says it was fitted on"
    return leakage_row(check, found=bool(shared), count=len(shared), of=len(tested), words=words)


def _twins(audited: Audited, models: list[Seen]) -> Row:
    """Tested units that look like a unit of another patient, on whom a model of the same seed was fitted."""
    check = "Tested images that look like a training patient's"
    if audited.pairs is None or not models:
        return leakage_row(check, found=None, words="there are no images" if audited.pairs is None else NO_MODEL)
    alike: set[int] = set()
    for seed, seen in models:
        test = set(audited.folds[seed].test.tolist())
        alike |= {one for one, other in audited.pairs if one in test and seen[other]}
    tested = len({int(row) for fold in audited.folds.values() for row in fold.test})
    pairs = len(audited.pairs) // 2
    words = f"same pixels, or a nearly identical middle slice; {pairs} such pairs in the whole archive"
    return leakage_row(check, found=bool(alike), count=len(alike), of=tested, words=words)


def _pairs(finished: Finished) -> list[tuple[int, int]] | None:
    """Units that look alike, either order."""
    archive = open_archive(finished.work.inputs.archive)
    if archive.table("images").is_empty():
        return None
    place = {unit: row for row, unit in enumerate(finished.work.material.units["unit_id"])}
    pairs = [(place[a], place[b]) for a, b in look_alikes(archive).iter_rows() if a in place and b in place]
    return [*pairs, *((b, a) for a, b in pairs)]


def _site_probe(audited: Audited, arm: str, own: dict[int, Features]) -> Row:
    """Ask whether places can be told apart by the frozen features; one seed's suffice."""
    seed = min(own)
    known = np.flatnonzero(audited.places != "")
    _, counts = np.unique(audited.places[known], return_counts=True)
    if len(counts) < 2 or counts.min() < FEWEST:
        return leakage_row(SITE, found=None, where=arm, words=f"needs two places of at least {FEWEST} units")
    rows, features = own[seed](known)
    is_main = (audited.places[rows] == "main").astype(np.int64)
    return site_row(features, is_main, audited.material.subjects[rows], seed=seed, where=arm, of=audited.of)


def _permuted(audited: Audited, arm: str, own: dict[int, Features]) -> Row:
    probed = {}
    for seed, features in own.items():
        train, x = features(audited.folds[seed].labelled)
        test, new = features(audited.folds[seed].test)
        subject = audited.material.subjects[train]
        probed[seed] = Probed(x, audited.binary[train], subject, new, audited.binary[test])
    return shuffled_row(probed, where=arm)


def _embedding(data: Dataset, model: Model) -> Features:
    """What an encoder makes of units that have something of what it reads; 0 for a missing modality."""

    def features(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = rows[data.something(model.preprocessing.names)[rows]]
        pooled, there = model.pooled(data, rows)
        pooled[~there] = 0.0
        return rows, pooled.flatten(1).double().numpy()

    return features
