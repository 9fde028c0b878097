"""A finished run scores an archive it has never seen: predictions or embeddings, with whatever modalities there are.

Scores are the mean over the run's seeds. Patients that any of these models was fitted on are refused, with the count.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.small_file import read_object
from semeia.archive.store import Archive, open_archive
from semeia.errors import InputError
from semeia.learning import baselines
from semeia.learning.model import FILE, Model, load_model
from semeia.views.crops import CropSettings
from semeia.views.dataset import PatientData, load_patient_data
from semeia.views.fingerprint import Fingerprint

KEPT_OUT = {"subject_id", "pseudonym", "site", "unit_id", "kind", "time", "region", "split", "input_opinion"}


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


@dataclass(frozen=True)
class Choice:
    """Which models of a run: an arm, how it met the labels, and how many of them."""

    arm: str
    mode: str
    fraction: float


def choose(run: Path, *, arm: str | None, mode: str | None, fraction: float | None) -> Choice:
    """The one arm, mode and fraction that fit what was named; refuses when there are several or none."""
    cells = run / "cells"
    if not cells.is_dir():
        raise InputError(f"{run}: no fitted models in it; is it a run folder?")
    there = [Choice(path.parts[-3], path.parts[-2], float(path.parts[-1])) for path in sorted(cells.glob("*/*/*"))]
    fit = [
        choice
        for choice in there
        if arm in (None, choice.arm) and mode in (None, choice.mode) and fraction in (None, choice.fraction)
    ]
    if len(fit) == 1:
        return fit[0]
    words = ", ".join(f"{choice.arm} {choice.mode} {choice.fraction:g}" for choice in (fit or there))
    asked = " ".join(str(value) for value in (arm, mode, fraction) if value is not None) or "(nothing named)"
    problem = "several models fit" if fit else "no model fits"
    raise InputError(f"{run}: {problem} {asked}; name --arm, --mode and --fraction of one of: {words}")


def load_scorers(run: Path, choice: Choice) -> list[Scorer]:
    """All seeds of the chosen models."""
    seeds = sorted((run / "cells" / choice.arm / choice.mode / f"{choice.fraction:g}").glob("seed-*"))
    return [load_scorer(seed) for seed in seeds]


def load_scorer(folder: Path) -> Scorer:
    """The model of one cell."""
    if (folder / FILE).exists():
        return Scorer(load_model(folder / FILE))
    if (folder / baselines.FILE).exists():
        return Scorer(baselines.load_baseline(folder / baselines.FILE))
    raise InputError(f"{folder}: holds no stored model (boosted trees could only be stored as pickle)")


def predict(
    run: Path,
    *,
    archive: Path,
    arm: str | None = None,
    mode: str | None = None,
    fraction: float | None = None,
    modalities: tuple[str, ...] | None = None,
    outcome: str | None = None,
    skip_seen: bool = False,
) -> pl.DataFrame:
    """Scores every unit of an archive; labels come along where the archive has them.

    Args:
        run: a run folder, or one that `export` made.
        archive: ingested from anywhere; best one that the run has never seen.
        arm, mode, fraction: which models; may be left out where the run has only one that fits.
        modalities: what may be used of the archive; all by default. The others are masked.
        outcome: which labels to add; the run's own by default. An outcome of patients (a diagnosis) gives one row a
            patient, whose score is the highest of its units.
        skip_seen: leaves out the patients a model was fitted on instead of refusing.

    Returns:
        The columns of a predictions table, then the covariates of the units.
    """
    choice = choose(run, arm=arm, mode=mode, fraction=fraction)
    scorers = load_scorers(run, choice)
    opened = open_archive(archive)
    data = load_patient_data(opened, crop=scorers[0].crop)
    reads = scorers[0].reads
    hide = hidden(reads, modalities, data)
    rows = usable_rows(data, scorers, hide=hide, skip_seen=skip_seen)
    score = np.mean([scorer.score(data, rows, hide=hide) for scorer in scorers], axis=0)
    columns = {"score": score} if score.ndim == 1 else {f"score_{k}": chance for k, chance in enumerate(score.T)}
    named = {**asdict(choice), "seed": 0, "cohort": "external"}
    if outcome is not None and outcome not in opened.outcomes():
        raise InputError(f"{archive}: no outcome '{outcome}'; it has {', '.join(opened.outcomes()) or 'none'}")
    # An arm of one of several outcomes carries its own after an @.
    outcome = outcome or choice.arm.partition("@")[2] or about_run(run).get("outcome")
    table = data.units[rows].with_columns(pl.Series(name, values) for name, values in columns.items())
    table = with_labels(opened, table, outcome, classes=max(len(columns), 2))
    study = str(about_run(run).get("study", "predictions"))
    table = table.with_columns(
        pl.lit(study).alias("study"),
        pl.lit(outcome or "none").alias("outcome"),
        *(pl.lit(value).alias(name) for name, value in named.items()),
        pl.col("pseudonym").alias("subject_id"),
    )
    first = ["study", "outcome", *named, "site", "subject_id", "unit_id", "label", *columns]
    rest = [name for name in data.units.columns if name in table.columns and name not in KEPT_OUT | set(first)]
    return table.select(*first, *rest)


def about_run(run: Path) -> dict:
    """Study and outcome of a run, as far as run.json says."""
    path = run / "run.json"
    if not path.exists():
        return {}
    record = read_object(path)
    config = record.get("config")
    outcome = (isinstance(config, dict) and config.get("outcome")) or record.get("outcome")
    study = record.get("study", "predictions")
    if not isinstance(study, str) or not isinstance(outcome, str | None):
        raise InputError(f"{path}: its study and outcome must be text; restore the file")
    return {"study": study, "outcome": outcome}


def hidden(reads: tuple[str, ...], modalities: tuple[str, ...] | None, data: PatientData) -> tuple[str, ...]:
    """Modalities of the model that must be masked; refuses names that mean nothing and an archive that has none."""
    unknown = set(modalities or ()) - {"image", "reading"}
    if unknown:
        raise InputError(f"no modality '{', '.join(sorted(unknown))}'; there are image and reading")
    hide = tuple(name for name in reads if modalities is not None and name not in modalities)
    if reads and set(hide) == set(reads):
        raise InputError(f"this arm reads {', '.join(reads)}, and all of it is hidden by --modalities")
    if reads and not any(data.observed(name).any() for name in reads if name not in hide):
        raise InputError(f"the archive has none of {', '.join(name for name in reads if name not in hide)}")
    return hide


def usable_rows(data: PatientData, scorers: list[Scorer], *, hide: tuple[str, ...], skip_seen: bool) -> np.ndarray:
    """Units to score: of patients never fitted on, with something of what the model reads."""
    seen = np.zeros(len(data), bool)
    for scorer in scorers:
        seen |= scorer.fitted_on.seen(data)
    if seen.any() and not skip_seen:
        patients = data.units.filter(seen)["subject_id"].n_unique()
        raise InputError(
            f"{patients} patients of this archive were seen in training: scores on them would flatter the model; "
            "--skip-seen leaves them out"
        )
    open_to = [name for name in scorers[0].reads if name not in hide]
    something = np.any([data.observed(name) for name in open_to], axis=0) if open_to else ~seen
    rows = np.flatnonzero(~seen & something)
    if not len(rows):
        raise InputError("no unit is left to score: all were seen in training or have nothing that the model reads")
    return rows


def with_labels(archive: Archive, table: pl.DataFrame, outcome: str | None, *, classes: int = 2) -> pl.DataFrame:
    """Adds `label`, null where unknown; an outcome of patients reduces the table to one row a patient."""
    if outcome is None or outcome not in archive.outcomes():
        return table.with_columns(pl.lit(None, pl.Int64).alias("label"))
    values = archive.outcome(outcome).select("unit_id", "subject_id", "value")
    if not values["value"].is_in([float(value) for value in range(classes)]).all():
        raise InputError(
            f"{archive.path}: outcome '{outcome}' has other values than 0 to {classes - 1}; name another with --outcome"
        )
    labels = values.select("unit_id", "subject_id", pl.col("value").cast(pl.Int64).alias("label"))
    whole = archive.table("units").filter(pl.col("kind") == "patient")["unit_id"]
    of_units = labels["unit_id"].is_in(table["unit_id"].implode()) | ~labels["unit_id"].is_in(whole.implode())
    if of_units.any():
        return table.join(labels.drop("subject_id"), on="unit_id", how="left", maintain_order="left")
    if classes > 2:
        raise InputError(
            f"{archive.path}: '{outcome}' is of whole patients; of several classes only units can be scored"
        )
    # The highest score first, so that everything else in the row is of the unit that decides.
    deciding = table.sort("score", descending=True).unique("subject_id", keep="first", maintain_order=True)
    deciding = deciding.drop("unit_id").join(labels, on="subject_id", how="inner").sort("subject_id")
    if deciding.is_empty():
        raise InputError(f"no scored unit has an outcome '{outcome}'")
    return deciding


def embed(
    run: Path, *, archive: Path, arm: str, seed: int = 0, modalities: tuple[str, ...] | None = None
) -> pl.DataFrame:
    """Embeddings of every unit by a pretrained encoder: unit_id, subject_id (pseudonym), e0, e1, ...

    A missing modality's part of the embedding is null.
    """
    path = run / "pretrained" / arm / f"seed-{seed}" / FILE
    if not path.exists():
        there = sorted(
            str(found.parent.relative_to(run / "pretrained")) for found in run.glob(f"pretrained/*/*/{FILE}")
        )
        raise InputError(f"{run}: no pretrained encoder {arm}/seed-{seed}; it has {', '.join(there) or 'none'}")
    model = load_model(path)
    data = load_patient_data(open_archive(archive), crop=model.preprocessing.crop)
    reads = model.preprocessing.modalities
    hide = hidden(reads, modalities, data)
    rows = np.flatnonzero(np.any([data.observed(name) for name in reads if name not in hide], axis=0))
    pooled, there = model.pooled(data, rows, hide=hide)
    pooled[~there] = float("nan")
    values = pl.DataFrame(pooled.flatten(1).numpy(), schema=[f"e{i}" for i in range(pooled[0].numel())])
    named = data.units[rows].select("unit_id", pl.col("pseudonym").alias("subject_id"))
    return pl.concat([named, values.fill_nan(None)], how="horizontal")
