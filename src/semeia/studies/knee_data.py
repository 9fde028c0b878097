"""The knees of a study in memory: those of the archive, those of another hospital's, and what is known of each.

In: archives and, where there are any, a follow-up table and reports. Out: `Knees`, whose rows are all units of both
archives, and `fold_of`, the protocol: who is seen without labels, who with, who is tested.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.hashing import file_sha256
from semeia.archive.split import label_subset
from semeia.archive.store import open_archive
from semeia.errors import InputError
from semeia.readers.follow_up import follow_up_outcomes
from semeia.readers.knees import OUTCOME
from semeia.readers.reports import read_reports
from semeia.studies.arms import Fold
from semeia.studies.labels import labels_of, values_beside
from semeia.studies.own import kept_for_testing
from semeia.views.crops import CropSettings
from semeia.views.dataset import PatientData, load_patient_data, reports_beside

GRADES = 5
OSTEOARTHRITIS = 2  # the grade from which a knee counts as osteoarthritic (Kellgren and Lawrence 1957)


@dataclass(frozen=True)
class Sources:
    """Where a study reads.

    Attributes:
        archive: radiographs with grades; the fixed split test (or val) is tested, or else one of five patient folds.
        external: another hospital's; only tested.
        outcomes: the user's own follow-up table (readers/follow_up.py): incidence and progression.
        reports: the user's own table of reports (readers/reports.py), in place of those in the archive.
        imagenet: weights for the arm `imagenet`, made by `semeia weights convert`.
    """

    archive: Path
    external: Path | None = None
    outcomes: Path | None = None
    reports: Path | None = None
    imagenet: Path | None = None

    def digests(self) -> dict[str, str]:
        """What the files hold, by name: a run is not gone on with on others."""
        files = {"outcomes": self.outcomes, "reports": self.reports, "imagenet": self.imagenet}
        found = {name: file_sha256(path) for name, path in files.items() if path is not None}
        return found | ({} if self.external is None else {"external": open_archive(self.external).fingerprint()})


@dataclass(frozen=True)
class Knees:
    """All knees of a study.

    Attributes:
        data: those of the archive, then the external ones.
        outside: which are external, bool [unit].
        labels: of each outcome, [unit], NaN where unknown. Grades first.
    """

    data: PatientData
    outside: np.ndarray
    labels: dict[str, np.ndarray]

    @property
    def subject(self) -> np.ndarray:
        """The patient of each unit."""
        return self.data.units["subject_id"].to_numpy()

    def testing(self, seed: int) -> np.ndarray:
        """Which units are set aside by a seed (the same for all seeds where the archive has a fixed split)."""
        held = self.outside.copy()
        inside = np.flatnonzero(~self.outside)
        held[inside] = kept_for_testing(replace(self.data, units=self.data.units[inside]), seed=seed)
        return held


def load_knees(sources: Sources, *, crop: CropSettings, cache: Path) -> Knees:
    """Reads the archives on one grid."""
    opened = open_archive(sources.archive)
    data = load_patient_data(opened, crop=crop, cache=cache)
    grades = labels_of(data, opened, OUTCOME, classes=GRADES)
    outside = np.zeros(len(data), bool)
    if sources.external is not None:
        other = open_archive(sources.external)
        further = load_patient_data(other, crop=crop, cache=cache)
        grades = np.concatenate([grades, labels_of(further, other, OUTCOME, classes=GRADES)])
        outside = np.concatenate([outside, np.ones(len(further), bool)])
        data = laid_end_to_end(data, further)
    labels = {OUTCOME: grades}
    if sources.outcomes is not None:
        followed = follow_up_outcomes(sources.outcomes, opened).outcomes()
        labels |= {name: values_beside(data, values) for name, values in followed.items()}
    if sources.reports is not None:
        texts = read_reports(sources.reports, opened)
        data = replace(data, reports=reports_beside(data.units, texts))
    return Knees(data=data, outside=outside, labels=labels)


def laid_end_to_end(one: PatientData, other: PatientData) -> PatientData:
    """Two archives as one; the patients of the second are numbered after those of the first."""
    first = int(one.units["subject_id"].max()) + 1  # pyright: ignore[reportArgumentType]
    moved = other.units.with_columns(pl.col("subject_id") + first)
    readings = (np.full((len(data), 0), np.nan, np.float32) for data in (one, other))
    return PatientData(
        units=pl.concat([one.units, moved], how="diagonal_relaxed"),
        voxels=np.concatenate([one.voxels, other.voxels]),
        covered=np.concatenate([one.covered, other.covered]),
        readings=np.concatenate(list(readings)),
        image_hash=one.image_hash + other.image_hash,
        crop=one.crop,
        items=(),
        reports=one.reports + other.reports,
        image_types=one.image_types + other.image_types,
        counts=one.counts,
        looks=one.looks + other.looks,
    )


def fold_of(knees: Knees, outcome: str, *, seed: int, fraction: float) -> Fold:
    """Who is seen without labels, who with, who is tested; every arm of a seed sees the same labels."""
    labels, testing = knees.labels[outcome], knees.testing(seed)
    training, known = ~testing, ~np.isnan(labels)
    table = pl.DataFrame({"unit_id": knees.data.units["unit_id"], "subject_id": knees.subject, "value": labels})
    chosen = label_subset(table.filter(training & known), fraction, seed=seed)
    rows = np.flatnonzero(training & known & np.isin(knees.subject, chosen))
    test = np.flatnonzero(testing & known)
    if not len(test):
        raise InputError(f"no knee that is set aside has '{outcome}': nothing to test on")
    return Fold(pretraining=np.flatnonzero(training), labelled=rows, labels=labels[rows], test=test)


def corpus_of(knees: Knees, corpus: str, *, seed: int) -> np.ndarray:
    """Units to pretrain on: "all" that may be seen; those with "osteoarthritis"; "matched": as many, of any grade.

    The restricted corpus is what a clinic's own archive holds; the matched one tells its range from its size. Whole
    patients are drawn for it until there are as many knees.
    """
    rows = np.flatnonzero(~knees.testing(seed))
    if corpus == "all":
        return rows
    with_disease = rows[knees.labels[OUTCOME][rows] >= OSTEOARTHRITIS]
    if corpus == "osteoarthritis":
        return with_disease
    order = np.random.default_rng([seed, 31]).permutation(np.unique(knees.subject[rows]))
    place = np.empty(knees.subject.max() + 1, int)
    place[order] = np.arange(len(order))
    by_patient = rows[np.argsort(place[knees.subject[rows]], kind="stable")]
    return np.sort(by_patient[: len(with_disease)])
