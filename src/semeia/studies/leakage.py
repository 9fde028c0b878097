"""The audit of a run: did anything that is tested leak into what was fitted, and could a model take a shortcut?

A run folder, its archive and its folds go in; rows of the table "leakage" come out (evaluation/tables/leakage.py has
its columns, and the checks that need the predictions only). Whom a model was fitted on is read from the model's own
file, not from the plan it should have followed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.copies import look_alikes
from semeia.archive.store import Archive
from semeia.errors import InputError
from semeia.evaluation.tables.leakage import COLUMNS, Row, leakage_row
from semeia.learning.model import Model, load_model
from semeia.learning.progress import doing
from semeia.learning.stored import Scorer, load_scorer
from semeia.studies.arms import Fold
from semeia.studies.grid import Cell
from semeia.studies.probes import SITE, Probed, shuffled_row, site_row
from semeia.views.dataset import PatientData
from semeia.views.fingerprint import Fingerprint

NO_MODEL = "no model of this kind is stored in the run"


@dataclass(frozen=True)
class Audited:
    """What the audit of a run looks at.

    Attributes:
        run: the run folder.
        archive: the archive it was made from.
        data: the archive's units.
        labels: of each unit, NaN where it has none.
        folds: of each seed, with all its labels.
        cells: all labelled cells.
        encoders: the file of the pretrained encoder of each arm and seed.
    """

    run: Path
    archive: Archive
    data: PatientData
    labels: np.ndarray
    folds: dict[int, Fold]
    cells: list[Cell]
    encoders: dict[tuple[str, int], Path]

    @property
    def site(self) -> np.ndarray:
        """The site of each unit; "" where unknown."""
        return self.data.units["site"].fill_null("").to_numpy()


def audit_run(audited: Audited) -> pl.DataFrame:
    """Every check, one row each (and one an arm for those that ask an encoder)."""
    with doing("auditing the run for leakage"):
        return _checked(audited)


def _checked(audited: Audited) -> pl.DataFrame:
    encoders = {key: load_model(path) for key, path in audited.encoders.items()}
    scorers = list(_stored(audited))
    rows = [
        _overlap("Tested patients that were pretrained on", audited, [(s, m) for (_, s), m in encoders.items()]),
        _overlap("Tested patients that were trained on", audited, [(s, m.model) for s, m in scorers]),
        _twins(audited, [*((s, m) for (_, s), m in encoders.items()), *((s, m.model) for s, m in scorers)]),
    ]
    for arm in dict.fromkeys(arm for arm, _ in encoders):
        own = {seed: model for (name, seed), model in encoders.items() if name == arm}
        rows += [_site_probe(audited, arm, own), _permuted(audited, arm, own)]
    if not encoders:
        rows.append(leakage_row(SITE, found=None, words="nothing was pretrained in this run"))
    return pl.DataFrame(rows, schema=COLUMNS)


def _stored(audited: Audited) -> Iterator[tuple[int, Scorer]]:
    for cell in audited.cells:
        try:
            yield cell.seed, load_scorer(audited.run / cell.name)
        except InputError:  # boosted trees are not stored
            continue


def _fitted_on(model: object) -> Fingerprint:
    return model.preprocessing.fitted_on if isinstance(model, Model) else model.fitted_on  # pyright: ignore


def _overlap(check: str, audited: Audited, models: list[tuple[int, object]]) -> Row:
    if not models:
        return leakage_row(check, found=None, words=NO_MODEL)
    subject = audited.data.units["subject_id"].to_numpy()
    shared: set[int] = set()
    tested: set[int] = set()
    for seed, model in models:
        test = audited.folds[seed].test
        tested |= {int(number) for number in subject[test]}
        shared |= {int(number) for number in subject[test][_fitted_on(model).seen(audited.data)[test]]}
    words = f"patients by id and by image, against whom each of {len(models)} stored models says it was fitted on"
    return leakage_row(check, found=bool(shared), count=len(shared), of=len(tested), words=words)


def _twins(audited: Audited, models: list[tuple[int, object]]) -> Row:
    """Tested units that look like a unit of another patient, on whom a model of the same seed was fitted."""
    check = "Tested images that look like a training patient's"
    if not models:
        return leakage_row(check, found=None, words=NO_MODEL)
    place = {unit: row for row, unit in enumerate(audited.data.units["unit_id"])}
    pairs = [
        (place[one], place[other])
        for one, other in look_alikes(audited.archive).iter_rows()
        if one in place and other in place
    ]
    found: set[int] = set()
    for seed, model in models:
        seen, test = _fitted_on(model).seen(audited.data), set(audited.folds[seed].test.tolist())
        for one, other in (*pairs, *((b, a) for a, b in pairs)):
            if one in test and seen[other]:
                found.add(one)
    tested = len({int(row) for fold in audited.folds.values() for row in fold.test})
    words = f"same pixels, or a nearly identical middle slice; {len(pairs)} such pairs in the whole archive"
    return leakage_row(check, found=bool(found), count=len(found), of=tested, words=words)


def _site_probe(audited: Audited, arm: str, models: dict[int, Model]) -> Row:
    """Can the most frequent site be told from the others by the frozen embedding? One seed's encoder suffices."""
    seed = min(models)
    known = np.flatnonzero(audited.site != "")
    sites, counts = np.unique(audited.site[known], return_counts=True)
    if len(sites) < 2 or counts.min() < 10:
        return leakage_row(SITE, found=None, where=arm, words="needs two sites of at least ten units")
    rows, features = _embedded(audited.data, known, models[seed])
    is_main = (audited.site[rows] == sites[counts.argmax()]).astype(np.int64)
    patients = audited.data.units["subject_id"].to_numpy()[rows]
    return site_row(features, is_main, patients, seed=seed, where=arm, of=f"the largest of {len(sites)} sites")


def _permuted(audited: Audited, arm: str, models: dict[int, Model]) -> Row:
    probed = {}
    for seed, model in models.items():
        train, x = _embedded(audited.data, audited.folds[seed].labelled, model)
        test, new = _embedded(audited.data, audited.folds[seed].test, model)
        probed[seed] = Probed(x, audited.labels[train], train, new, audited.labels[test])
    return shuffled_row(probed, where=arm)


def _embedded(data: PatientData, rows: np.ndarray, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """The rows that have something of what the model reads, and their embeddings; 0 for a missing modality."""
    something = np.any([data.observed(name) for name in model.preprocessing.modalities], axis=0)
    rows = rows[something[rows]]
    pooled, there = model.pooled(data, rows)
    pooled[~there] = 0.0
    return rows, pooled.flatten(1).double().numpy()
