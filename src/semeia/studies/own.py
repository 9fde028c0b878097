"""Pretraining and fine-tuning on an archive of one's own: any images, readings and outcome, any or no fixed split."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl

from semeia.archive.hashing import file_sha256
from semeia.archive.split import label_subset, patient_folds
from semeia.archive.store import Archive, open_archive
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.learning.finetune import FinetuneSettings, Mode, finetune, fresh_model
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.pretrain import PretrainSettings, pretrain
from semeia.learning.progress import terminal
from semeia.report.page import write_report
from semeia.studies.arms import Fold
from semeia.studies.described import HOUSE, preprocessing
from semeia.studies.described import own as described_own
from semeia.studies.gather import gather, write_predictions, write_scores
from semeia.studies.grid import DONE, Cell, one_cell
from semeia.studies.labels import labels_of
from semeia.studies.leakage import Audited, audit_run
from semeia.studies.record import begin_run, close_run, note_run
from semeia.studies.results import write_results
from semeia.views.dataset import PatientData, load_patient_data

FOLDS = 5


@dataclass(frozen=True)
class OwnSettings:
    """A fine-tuning run on one's own archive; see `finetune_archive`. `encoder` is the pretrained file's SHA-256."""

    outcome: str
    mode: str
    fraction: float
    seeds: tuple[int, ...]
    pretraining: PretrainSettings
    finetuning: FinetuneSettings
    encoder: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise InputError(f"no mode '{self.mode}'; there are {', '.join(get_args(Mode))}")
        if not 0 < self.fraction <= 1:
            raise InputError(f"fraction is {self.fraction}; it must lie above 0 and not above 1")
        if not self.seeds:
            raise InputError("seeds must be at least 1")


def modalities_of(data: PatientData, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    """What the archive has of the modalities wanted (all by default)."""
    there = tuple(name for name in ("image", "reading") if data.observed(name).any())
    lacking = set(wanted or ()) - set(there)
    if lacking or not there:
        raise InputError(f"the archive has no {', '.join(sorted(lacking)) or 'image or reading'}")
    return there if wanted is None else tuple(name for name in there if name in wanted)


def require_fitting_crop(archive: Archive, settings: PretrainSettings) -> None:
    """Refuses to read flat pictures as volumes, with the options that fit them."""
    spacing = archive.table("images")["spacing"]
    if (
        len(spacing)
        and spacing.is_null().all()
        and (settings.model.crop.voxels[0] > 1 or settings.model.image == "rings")
    ):
        raise InputError(
            f"{archive.path}: its images are pictures without a spacing, and the model is for volumes; add "
            '--model.image patches --model.crop.voxels "[1, 64, 64]" --model.crop.patch "[1, 8, 8]"'
        )


def pretrain_archive(
    archive: Path,
    *,
    out: Path,
    settings: PretrainSettings,
    modalities: tuple[str, ...] | None = None,
    seed: int = 0,
) -> str:
    """Pretrains on an archive; returns the verdict in words.

    The patients of a fixed test split are never seen; without one, a fifth of the patients, another for each seed up to
    five, is left out, so that `finetune_archive` has somebody to test on.
    """
    begin_run(out, archive, study="pretrain", settings=settings)
    opened = open_archive(archive)
    require_fitting_crop(opened, settings)
    data = load_patient_data(opened, crop=settings.model.crop, cache=out / "cache")
    chosen = modalities_of(data, modalities)
    something = np.any([data.observed(name) for name in chosen], axis=0)
    rows = np.flatnonzero(~kept_for_testing(data, seed=seed) & something)
    cell = Cell("multimodal_jepa" if len(chosen) > 1 else f"{'_'.join(chosen)}_jepa", "pretrain", 1.0, seed)
    total = settings.optimiser.total(round(len(rows) * (1 - settings.held_out)))
    folder = out / cell.name
    with terminal(f"pretraining on {len(rows)} units", total, per_step=settings.optimiser.batch) as report:
        pretrain(
            data,
            rows,
            modalities=chosen,
            settings=settings,
            seed=seed,
            folder=folder,
            cell=cell.name,
            report=report,
        )
    return note_run(out, folder)


def finetune_archive(
    archive: Path,
    *,
    out: Path,
    pretrained: Path | None,
    outcome: str,
    mode: str = "probe_finetune",
    fraction: float = 1.0,
    seeds: int = 1,
    pretraining: PretrainSettings | None = None,
    settings: FinetuneSettings | None = None,
) -> pl.DataFrame:
    """Fits an outcome on few labels and scores the patients that were kept for testing.

    Args:
        archive: with an outcome of its units.
        out: the run folder; `predict`, `evaluate` and `report` take it.
        pretrained: a run folder of `pretrain_archive`; None trains from scratch.
        outcome: its name; values 0 and 1.
        mode: "frozen", "finetune" or "probe_finetune".
        fraction: of the labelled training patients, in (0, 1].
        seeds: how many. From scratch and without a fixed split, each tests another of five patient folds.
        pretraining: its `model` is the network from scratch.
        settings: see `FinetuneSettings`.

    Returns:
        The predictions table, also in `out/predictions.parquet`; beside it results.csv and report.html.
    """
    start = None if pretrained is None else pretrained_model(pretrained)
    own = OwnSettings(
        outcome,
        mode,
        fraction,
        tuple(range(seeds)),
        pretraining or PretrainSettings(),
        settings or FinetuneSettings(),
        encoder=None if start is None else file_sha256(start),
    )
    begin_run(out, archive, study="own", settings=own)
    opened = open_archive(archive)
    encoder = None if start is None else load_model(start)
    if encoder is None:
        require_fitting_crop(opened, own.pretraining)
    crop = own.pretraining.model.crop if encoder is None else encoder.preprocessing.crop
    data = load_patient_data(opened, crop=crop, cache=out / "cache")
    reads = modalities_of(data, None) if encoder is None else encoder.preprocessing.modalities
    # A unit that has nothing of what the model reads can neither train nor test it.
    something = np.any([data.observed(name) for name in reads], axis=0)
    labels = np.where(something, labels_of(data, opened, outcome), np.nan)
    arm = "scratch" if start is None else start.parent.parent.name
    cells = [Cell(arm, mode, fraction, seed) for seed in own.seeds]
    folds: dict[int, Fold] = {}
    for cell in cells:
        train, test = divide(data, labels, start=encoder, seed=cell.seed)
        folds[cell.seed] = Fold(pretraining=train, labelled=train, labels=labels[train], test=test)
        work = partial(score_own, data=data, labels=labels, train=train, test=test, start=start, settings=own)
        if not (out / cell.name / DONE).exists():
            one_cell(cell, work, out)
    cohort = np.full(len(data), "internal")
    table = gather(out, cells, data.units, labels, cohort=cohort, study="own", outcome=outcome)
    write_predictions(out, table)
    audit = audit_run(
        Audited(
            run=out,
            archive=opened,
            data=data,
            labels=labels,
            folds=folds,
            cells=cells,
            encoders={} if start is None else {(arm, seed): start for seed in own.seeds},
        )
    )
    notes = write_results(out, table, settings=(EvaluationSettings(),), further={"leakage": audit})
    about = described_own(arm, reads, pretrained=start is not None, outcome=outcome)
    said = HOUSE | {"preprocessing": preprocessing(opened, crop, reads)}
    close_run(out, {"seeds": list(own.seeds), "notes": notes, "statements": said, **about.record()})
    write_report(out)
    return table


def pretrained_model(run: Path) -> Path:
    """The one pretrained model of a run folder."""
    found = sorted(run.glob(f"pretrained/*/seed-*/{FILE}"))
    if len(found) != 1:
        raise InputError(f"{run}: holds {len(found)} pretrained models, one is needed; is it a run of semeia pretrain?")
    return found[0]


def kept_for_testing(data: PatientData, *, seed: int) -> np.ndarray:
    """Units of the patients set aside: the fixed split's test side (or its val side), else one of five folds."""
    split = data.units["split"].fill_null("").to_numpy()
    for side in ("test", "val"):
        if (split == side).any():
            return split == side
    patients = data.units.select("subject_id", pl.lit("all").alias("stratum")).unique("subject_id")
    folds = patient_folds(patients, folds=FOLDS)
    held = folds.filter(pl.col("fold") == seed % FOLDS)["subject_id"].to_numpy()
    return np.isin(data.units["subject_id"].to_numpy(), held)


def divide(data: PatientData, labels: np.ndarray, *, start: Model | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labelled training and test units. Nobody is tested whom the pretrained encoder has seen."""
    known = ~np.isnan(labels)
    testing = kept_for_testing(data, seed=seed)
    if start is not None:
        seen = start.preprocessing.fitted_on.seen(data)
        fixed = data.units["split"].is_not_null().any()
        overlap = int((seen & testing & known).sum())
        if fixed and overlap:
            raise InputError(f"{overlap} labelled test units are of patients that were pretrained on")
        # Without a fixed split, the encoder's own left-out patients are the test; one from elsewhere has seen nobody.
        testing = testing if fixed or not seen.any() else ~seen
    train, test = np.flatnonzero(known & ~testing), np.flatnonzero(known & testing)
    if not len(test):
        raise InputError("no labelled patient is left to test on: all were pretrained on")
    return train, test


def score_own(
    cell: Cell,
    folder: Path,
    *,
    data: PatientData,
    labels: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    start: Path | None,
    settings: OwnSettings,
) -> None:
    """Fits one seed and writes its scores."""
    table = pl.DataFrame({"unit_id": data.units["unit_id"], "subject_id": data.units["subject_id"], "value": labels})
    chosen = label_subset(table[train], cell.fraction, seed=cell.seed)
    rows = train[np.isin(table["subject_id"].to_numpy()[train], chosen)]
    if start is None:
        model = fresh_model(
            data, train, modalities=modalities_of(data, None), settings=settings.pretraining.model, seed=cell.seed
        )
    else:
        model = load_model(start)
    total = settings.finetuning.scratch.total(len(rows))
    with terminal(f"fine-tuning on {len(rows)} labels", total, per_step=settings.finetuning.scratch.batch) as report:
        fitted = finetune(
            data,
            rows,
            labels[rows],
            start=model,
            mode=cell.mode,  # pyright: ignore[reportArgumentType]
            pretrained=start is not None,
            settings=settings.finetuning,
            seed=cell.seed,
            folder=folder,
            cell=cell.name,
            report=report,
        )
    write_scores(folder, test, fitted.score(data, test))
