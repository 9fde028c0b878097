"""Pretraining and fine-tuning on an archive of one's own: any images, readings and outcome, any or no fixed split."""

import time
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl

from semeia.archive.hashing import file_sha256
from semeia.archive.split import label_subset
from semeia.archive.store import Archive, open_archive
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.learning.cells import DONE, Cell, cells_of
from semeia.learning.finetune import FinetuneSettings, Mode, finetune, fresh_model
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.pretrain import PretrainSettings, pretrain
from semeia.learning.progress import doing, terminal
from semeia.ranges import require_seed
from semeia.report.page import write_report
from semeia.settings_json import from_plain
from semeia.studies.arms import Fold
from semeia.studies.described import HOUSE, preprocessing
from semeia.studies.described import own as described_own
from semeia.studies.gather import gather, write_predictions, write_scores
from semeia.studies.grid import mark_finished, one_cell
from semeia.studies.holding import kept_to_one
from semeia.studies.kept_out import divide, kept_for_testing
from semeia.studies.labels import labels_of
from semeia.studies.leakage import Audited, audit_run
from semeia.studies.record import begin_run, close_run, note_images, note_run, read_record
from semeia.studies.results import write_results
from semeia.views.dataset import PICTURES, PatientData, count_images, load_patient_data, model_images


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
    read = model_images(archive)
    pictures = read["image_type"] == PICTURES
    if pictures.any() and (settings.model.crop.voxels[0] > 1 or settings.model.image == "rings"):
        left = count_images(archive, read).left_out()
        raise InputError(
            f"{archive.path}: its images are pictures without a spacing{f' ({left[0]})' if left else ''}, and the "
            "model is for volumes; add "
            '--model.image patches --model.crop.voxels "[1, 64, 64]" --model.crop.patch "[1, 8, 8]"'
        )


@kept_to_one
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
    require_seed(seed)
    opened = open_archive(archive)
    require_fitting_crop(opened, settings)
    further = {"seed": seed, "modalities": modalities}
    begin_run(out, archive, study="pretrain", settings=settings, further=further)
    with doing("reading the images"):
        data = load_patient_data(opened, crop=settings.model.crop, cache=out / "cache")
    note_images(out, data)
    chosen = modalities_of(data, modalities)
    something = np.any([data.observed(name) for name in chosen], axis=0)
    rows = np.flatnonzero(~kept_for_testing(data, seed=seed) & something)
    cell = Cell("multimodal_jepa" if len(chosen) > 1 else f"{'_'.join(chosen)}_jepa", "pretrain", 1.0, seed)
    total = settings.optimiser.total(round(len(rows) * (1 - settings.held_out)))
    folder, began = out / cell.name, time.monotonic()
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
    if not (folder / DONE).exists():
        mark_finished(cell, folder, seconds=time.monotonic() - began)
    return note_run(out, folder)


@kept_to_one
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
        pretraining: its `model` is the network from scratch; a pretrained encoder brings its own.
        settings: see `FinetuneSettings`.

    Returns:
        The predictions table, also in `out/predictions.parquet`; beside it results.csv and report.html.
    """
    start = None if pretrained is None else pretrained_model(pretrained)
    encoder = None if start is None else load_model(start)
    own = OwnSettings(
        outcome,
        mode,
        fraction,
        tuple(range(seeds)),
        pretraining_used(pretrained, encoder, pretraining or PretrainSettings()),
        settings or FinetuneSettings(),
        encoder=None if start is None else file_sha256(start),
    )
    opened = open_archive(archive)
    if encoder is None:
        require_fitting_crop(opened, own.pretraining)
    begin_run(out, archive, study="own", settings=own)
    crop = own.pretraining.model.crop if encoder is None else encoder.preprocessing.crop
    types = () if encoder is None else encoder.preprocessing.images
    with doing("reading the images"):
        data = load_patient_data(opened, crop=crop, cache=out / "cache", types=types)
    if encoder is not None:
        encoder.preprocessing.require_same(data, np.arange(len(data)))
    note_images(out, data)
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
    facts = {"seeds": list(own.seeds), "notes": notes, "statements": said, **about.record()}
    close_run(out, facts, report=write_report)
    return table


def pretraining_used(run: Path | None, encoder: Model | None, given: PretrainSettings) -> PretrainSettings:
    """How the encoder that is fine-tuned was made, for the record: its own settings, where it was pretrained.

    Raises:
        InputError: settings are given beside a pretrained encoder, which has its own.
    """
    if run is None or encoder is None:
        return given
    if given not in (PretrainSettings(), replace(PretrainSettings(), model=encoder.settings)):
        raise InputError("--pretraining.* are settings of a model from scratch; with --pretrained leave them out")
    config = read_record(run)["config"]
    try:
        known = {field.name: config[field.name] for field in fields(PretrainSettings) if field.name in config}
        used = from_plain(PretrainSettings, known | {"loop": {}})  # its device may be none of this machine's
    except (TypeError, ValueError, AttributeError):  # a run of an older version
        used = PretrainSettings()
    return replace(used, model=encoder.settings)


def pretrained_model(run: Path) -> Path:
    """The one pretrained model of a run folder."""
    cells = [run / cell.name / FILE for cell in cells_of(run) if cell.mode == "pretrain"]
    found = [path for path in cells if path.exists()]
    if len(found) != 1:
        raise InputError(f"{run}: holds {len(found)} pretrained models, one is needed; is it a run of semeia pretrain?")
    return found[0]


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
