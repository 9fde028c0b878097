"""One part of a study of one's own archive: pretrain alone, or fine-tune one model. See `semeia.studies.own`."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import get_args

import polars as pl

from semeia.data.modalities import Picture
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.evaluation.description import ArmDescription
from semeia.group import with_others
from semeia.learning.cells import cells_of
from semeia.learning.devices import require_devices
from semeia.learning.diagnostics.verdict import COLLAPSED
from semeia.learning.finetune import FinetuneSettings, Mode
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.pretrain import PretrainSettings
from semeia.settings_json import from_plain, known_fields
from semeia.studies.own import (
    IMAGENET,
    IMAGENET_TUNED,
    OWN,
    PUBLISHED,
    START,
    OwnSettings,
    groups_of,
    model_of,
    model_read_by,
    read_by,
)
from semeia.studies.run.arms import Encoder, Network
from semeia.studies.run.record import read_record
from semeia.studies.run.runner import run_pretraining, run_study
from semeia.studies.run.study import Arm, Inputs, Pretraining
from semeia.studies.run.words import PHOTOGRAPHS, PRETRAINED, SEED


@dataclass(frozen=True)
class FinetuneRun(OwnSettings):
    """Fine-tuning of one model.

    Attributes:
        mode: "frozen", "finetune" or "probe_finetune".
        arm: name of the arm.
    """

    mode: str = "probe_finetune"
    arm: str = "scratch"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mode not in get_args(Mode):
            raise InputError(f"no mode '{self.mode}'; there are {', '.join(get_args(Mode))}")


def pretrain_archive(
    archive: Path,
    *,
    out: Path,
    settings: PretrainSettings | None = None,
    modalities: tuple[str, ...] | None = None,
    seed: int = 0,
    devices: int = 1,
) -> str:
    """Pretrain on an archive; returns the verdict in words.

    The patients of a fixed test split are never seen; without one, a fifth of the patients, another for each seed up to
    five, is left out, so that `finetune_archive` has somebody to test on.

    Args:
        devices: processes of this machine that share every step, a GPU each where there are GPUs. The losses are those
            of one; so are they under torchrun, which starts the processes itself.
    """
    own = OwnSettings(modalities=modalities or (), seeds=(seed,), pretraining=settings or PretrainSettings())
    require_devices(devices, own.pretraining.loop.device)
    study = replace(OWN, name="pretrain", pretraining=_all_at_once)
    further = {"seed": seed, "modalities": modalities}
    run = partial(run_pretraining, study, Inputs(archive), out=out, settings=own, further=further)
    with with_others(devices, run):
        return run()


def _all_at_once(settings: OwnSettings, inputs: Inputs) -> dict[str, Pretraining]:
    reads = read_by(settings, inputs)
    name = next(iter(groups_of(reads)))
    return {f"{name}_jepa": Encoder(tuple(reads), settings.pretraining, shown=True)}


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
    even_if_collapsed: bool = False,
    ordinal: bool = False,
    imagenet: Path | None = None,
) -> pl.DataFrame:
    """Fit an outcome on few labels and score the patients that were kept for testing.

    Args:
        out: the run folder; `predict`, `evaluate` and `report` take it.
        pretrained: a run folder of `pretrain_archive`; None trains from scratch.
        outcome: its name; values 0 and 1, or classes counted from 0.
        mode: "frozen", "finetune" or "probe_finetune".
        fraction: of the labelled training patients, in (0, 1].
        seeds: how many. From scratch and without a fixed split, each tests another of five patient folds.
        pretraining: its `model` is the network from scratch; a pretrained encoder brings its own.
        settings: see `FinetuneSettings`.
        even_if_collapsed: takes an encoder whose pretraining ended with "Collapsed", too.
        ordinal: takes several classes as grades in an order.
        imagenet: instead of a pretrained encoder, weights made by `semeia weights convert`, for archives of pictures.

    Returns:
        The predictions table, also in `out/predictions.parquet`; beside it results.csv and report.html.
    """
    if pretrained is not None and imagenet is not None:
        raise InputError("--pretrained and --imagenet are two starts; give one of them")
    start = None if pretrained is None else pretrained_model(pretrained)
    encoder = None if start is None else load_model(start)
    if encoder is not None and not even_if_collapsed:
        refuse_collapsed(encoder)
    given = pretraining or PretrainSettings()
    if imagenet is not None and given.model == ModelSettings():
        given = replace(given, model=IMAGENET)
    own = FinetuneRun(
        outcome=outcome,
        ordinal=ordinal,
        mode=mode,
        fractions=(fraction,),
        seeds=tuple(range(seeds)),
        pretraining=pretraining_used(pretrained, encoder, given),
        finetuning=settings or (FinetuneSettings() if imagenet is None else IMAGENET_TUNED),
        arm=PUBLISHED if imagenet else "scratch" if start is None else start.parent.parent.name,
        workers=1,
    )
    files = {name: path for name, path in ((START, start), (PUBLISHED, imagenet)) if path is not None}
    run_study(FINETUNE, Inputs(archive, files=files), out=out, settings=own)
    return pl.read_parquet(out / "predictions.parquet")


def one_arm(settings: FinetuneRun, inputs: Inputs) -> dict[str, Arm]:
    """The model that is fine-tuned; published weights read pictures only."""
    start, weights = inputs.files.get(START), inputs.files.get(PUBLISHED)
    model, encoder = model_of(settings, inputs), load_model(start) if start else None
    reads = read_by(settings, inputs)
    if encoder is not None:
        names, title = encoder.preprocessing.names, settings.arm.replace("_", " ")
        title = title[:1].upper() + title[1:]
        role, begun = "pretrained", f"{PRETRAINED}. Verdict on the encoder: {encoder.verdict}"
    elif weights is not None:
        names = tuple(name for name, one in reads.items() if isinstance(one, Picture))[:1]
        if not names:
            raise InputError(f"{inputs.archive}: has no pictures, which --imagenet starts from")
        title, role, begun = "ImageNet weights", "pretrained", PHOTOGRAPHS
    else:
        names, title, role, begun = tuple(reads), "From scratch", "scratch", SEED
    about = ArmDescription(title, role, "network", begun, names)
    tuned, modes = settings.finetuning, (settings.mode,)
    return {settings.arm: Network(about, model, tuned, modes=modes, encoder=start, weights=weights, shown=True)}


FINETUNE = replace(OWN, name="finetune", settings=FinetuneRun, arms=one_arm, pretraining=lambda settings, inputs: {})


def pretrained_model(run: Path) -> Path:
    """The one pretrained model of a run folder."""
    cells = [run / cell.name / FILE for cell in cells_of(run) if cell.mode == "pretrain"]
    there = [path for path in cells if path.exists()]
    if len(there) != 1:
        raise InputError(f"{run}: holds {len(there)} pretrained models, one is needed; is it a run of semeia pretrain?")
    return there[0]


def refuse_collapsed(encoder: Model) -> None:
    """Refuse an encoder that pretraining itself said not to use."""
    if encoder.verdict.startswith(COLLAPSED):
        raise InputError(
            f"the pretrained encoder: {encoder.verdict} Leave out --pretrained to begin from scratch, or pretrain "
            "anew; --even-if-collapsed takes it all the same"
        )


def pretraining_used(run: Path | None, encoder: Model | None, given: PretrainSettings) -> PretrainSettings:
    """How the encoder that is fine-tuned was made, for the record: its own settings, where it was pretrained."""
    if run is None or encoder is None:
        return given
    own = model_read_by(encoder)
    if given not in (PretrainSettings(), replace(PretrainSettings(), model=own)):
        raise InputError("--pretraining.* are settings of a model from scratch; with --pretrained leave them out")
    known = known_fields(PretrainSettings, read_record(run)["config"])
    try:
        used = from_plain(PretrainSettings, known | {"loop": {}})  # its device may be none of this machine's
    except InputError:  # a run of an older version
        used = PretrainSettings()
    return replace(used, model=own)
