"""Stays in intensive care as numbers: what a model of records reads, block by block, and how it is fitted.

First, for each seed, signatures are learned from the training patients' records, and every stay that is trained or
tested on is written in numbers; then each arm reads some of the blocks.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.archive.atomic import write_parquet
from semeia.archive.keys import mark
from semeia.archive.store import Archive, open_archive
from semeia.data.dataset import Dataset
from semeia.data.fingerprint import Fingerprint
from semeia.data.modalities import Signatures as SignatureModality
from semeia.encoders.settings import ModelSettings
from semeia.learning.cells import Cell, seconds_of
from semeia.learning.linear import fit_logistic_regression
from semeia.report.atlas.page import write_atlas
from semeia.signatures.channels import AGE, SEX, Channels
from semeia.signatures.express import express
from semeia.signatures.fit import fit_signatures
from semeia.signatures.model import SignatureModel, load_signatures
from semeia.signatures.settings import SignatureSettings
from semeia.studies.atlas import atlas_of
from semeia.studies.records.counts import counts_of, densities, seen_codes, values_of
from semeia.studies.run.audit import Seen
from semeia.studies.run.reading import read_units
from semeia.studies.run.study import Arm, Fold, Inputs, Material, Work, fold_of

UNMAPPED, ATLAS, LEARNT = "unmapped.parquet", "atlas.html", "signatures"


def signature_folder(run: Path, seed: int) -> Path:
    """Where a seed's signatures lie."""
    return run / Cell(LEARNT, "pretrain", 1.0, seed).name


def read_signed(
    inputs: Inputs,
    model: ModelSettings,
    folder: Path | None,
    cache: Path,
    outcome: str,
    *,
    earlier: dt.timedelta = dt.timedelta(0),
) -> Dataset:
    """Read the units of an outcome as a model does: with the signatures of a folder, or (None) without any.

    Earlier than the times of prediction nothing later is known, and the record is looked at that date, too.
    """
    hours = (earlier / dt.timedelta(hours=1),) if earlier else ()
    placed = {
        name: replace(one, source=str(folder), hours=(*one.hours, *hours))
        if isinstance(one, SignatureModality)
        else one
        for name, one in model.modalities.items()
        if folder is not None or not isinstance(one, SignatureModality)
    }
    data = read_units(inputs, replace(model, modalities=placed), cache, {}, outcome, earlier)
    as_set = {
        name: replace(data.modalities[name], hours=one.hours)
        for name, one in model.modalities.items()
        if isinstance(one, SignatureModality) and name in data.modalities
    }
    return replace(data, modalities=data.modalities | as_set)


def signed_by_seed(read: Callable[[ModelSettings, Path], Dataset], run: Path) -> Callable[[Material, int], Material]:
    """Let what is read by a model be that of each seed, whose signatures lie in a folder of their own."""

    def of_seed(material: Material, seed: int) -> Material:
        folder = signature_folder(run, seed).resolve()
        return replace(material, read=lambda model: read(model, folder))

    return of_seed


def seen_by_signatures(
    run: Path, seeds: Iterable[int], archive: Archive, material: Material, inside: np.ndarray
) -> list[Seen]:
    """Which units (of those inside) are of patients that each seed's signatures say they were fitted on."""
    subject = material.subjects
    fitted = {seed: load_signatures(signature_folder(run, seed)).fitted_on for seed in seeds}
    return [
        (seed, inside & np.isin(subject, list(marks.seen(archive, subject[inside].tolist()))))
        for seed, marks in fitted.items()
    ]


def fit_facts(run: Path, seed: int) -> dict[str, object]:
    """Say how the fit of a seed's signatures went, for run.json."""
    folder = signature_folder(run, seed)
    model = load_signatures(folder)
    return {
        "seed": seed,
        "signatures": len(model.names),
        "unstable": int(model.unstable.sum()),
        "channels": len(model.channels),
        "patients": model.fitting.patients,
        "sections": model.fitting.sections,
        "iterations": model.fitting.iterations,
        "state": model.fitting.state,
        "seconds": seconds_of(folder),
    }


@dataclass(frozen=True)
class Signatures:
    """The signatures of a seed, fitted on all records that may be seen, and expressed once for all cells of the seed.

    Attributes:
        settings: of the fit; one that did not converge is refused.
        model: how networks read them.
    """

    settings: SignatureSettings
    model: ModelSettings

    def learn(self, cell: Cell, rows: np.ndarray, folder: Path, work: Work) -> None:
        """Fit, store, and read everything once: what is expressed is kept for the other cells."""
        patients = work.material.units["subject_id"].gather(rows).unique().to_list()
        archive = open_archive(work.inputs.archive)
        fitted = fit_signatures(archive, patients, settings=replace(self.settings, seed=cell.seed), scratch=folder)
        fitted.save(folder)
        fitted.require_usable()
        self.write(fitted, patients, cell.seed, folder, work)
        work.material.data(self.model)

    def write(self, fitted: SignatureModel, patients: list[int], seed: int, folder: Path, work: Work) -> None:
        """Write what else is kept beside the signatures; by default nothing."""


@dataclass(frozen=True)
class SignaturesOfStays(Signatures):
    """Signatures, and beside them all stays in numbers.

    Attributes:
        atlas: the seed whose model gets an atlas, too.
    """

    atlas: int

    def write(self, fitted: SignatureModel, patients: list[int], seed: int, folder: Path, work: Work) -> None:
        """Write the blocks of the stays in a folder of their own."""
        archive, stays = work.material.extra, work.material.units
        fold = fold_of(work.material, work.material.outcomes[0], seed=seed, fraction=1.0)
        expressed, unmapped = _expressions(fitted, archive, stays, fold)
        for name, block in (plain_blocks(fitted, archive, stays) | {"signatures": expressed}).items():
            write_parquet(_block(folder, name), block)
        write_parquet(folder / UNMAPPED, unmapped)
        if seed == self.atlas:
            write_atlas(atlas_of(fitted, archive, patients), folder / ATLAS)


@dataclass(frozen=True)
class RecordArm(Arm):
    """A model of records: the blocks it reads, and what it fits."""

    reads: tuple[str, ...]
    fits: Literal["logistic", "boosting"] = "logistic"

    def score(self, cell: Cell, fold: Fold, folder: Path, work: Work) -> Float[np.ndarray, " test"]:
        """Fit and score the fold's tested stays; a linear model is stored in the cell's folder."""
        columns, x = blocks_of(signature_folder(work.run, cell.seed), self.reads)
        train, test = x[fold.labelled], x[fold.test]
        stays = work.material.units
        patients = stays["subject_id"].to_numpy()[fold.labelled]
        if self.fits == "boosting":
            from semeia.learning.boosting import fit_boosting

            return fit_boosting(train, fold.labels, patients, seed=cell.seed).score(test)
        marks = Fingerprint(tuple(sorted({mark(name) for name in stays["pseudonym"].gather(fold.labelled)})))
        fitted = fit_logistic_regression(train, fold.labels, patients, columns=columns, fitted_on=marks, seed=cell.seed)
        fitted.save(folder)
        return fitted.score_columns(test)


def blocks_of(signatures: Path, names: tuple[str, ...]) -> tuple[tuple[str, ...], Float[np.ndarray, "stays columns"]]:
    """Blocks side by side, a row a stay: names of the columns, and the numbers; NaN where missing."""
    return side_by_side({name: pl.read_parquet(_block(signatures, name)) for name in names})


def side_by_side(blocks: dict[str, pl.DataFrame]) -> tuple[tuple[str, ...], Float[np.ndarray, "stays columns"]]:
    """Names of the columns with their block's, and the numbers."""
    columns = tuple(f"{name}: {column}" for name, block in blocks.items() for column in block.columns)
    return columns, np.concatenate([block.to_numpy() for block in blocks.values()], axis=1).astype(np.float64)


def plain_blocks(model: SignatureModel, archive: Archive, stays: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """What is known of stays without signatures: people, counts of codes, last values, number of events."""
    seen, channels, rows = seen_codes(archive, stays), model.channels, len(stays)
    codes = [code for code in channels.table["code"] if code != AGE and not code.startswith(SEX)]
    measured = channels.table.filter(pl.col("mode") == "measurement")["code"].to_list()
    return {
        "people": _people(stays, channels),
        "counts": pl.DataFrame(counts_of(seen, codes, rows=rows), schema=codes),
        "values": pl.DataFrame(values_of(seen, measured, rows=rows), schema=measured),
        "density": pl.DataFrame({"log_events": np.log1p(densities(seen, rows=rows))}),
    }


def _block(folder: Path, name: str) -> Path:
    return folder / "stays" / f"{name}.parquet"


def _people(stays: pl.DataFrame, channels: Channels) -> pl.DataFrame:
    """Age, and each sex that enough training patients have."""
    sexes = [code.removeprefix(SEX) for code in channels.table["code"] if code.startswith(SEX)]
    of_sex = [(pl.col("sex") == sex).fill_null(False).cast(pl.Float64).alias(f"{SEX}{sex}") for sex in sexes]
    return stays.select(pl.col("age").cast(pl.Float64).fill_null(float("nan")), *of_sex)


def _expressions(
    model: SignatureModel, archive: Archive, stays: pl.DataFrame, fold: Fold
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Expressions of all stays, NaN for those without a label, and what was unmapped of the tested ones.

    The tested are asked for as such: a model that was fitted on one of them refuses.
    """
    tested = express(model, archive, stays[fold.test].select("subject_id", "time"), unseen=True)
    trained = express(model, archive, stays[fold.labelled].select("subject_id", "time"))
    numbers = np.full((len(stays), len(model.names)), np.nan)
    for rows, expressed in ((fold.test, tested), (fold.labelled, trained)):
        numbers[rows] = expressed.table.select(model.names).to_numpy()
    return pl.DataFrame(numbers, schema=list(model.names)), tested.unmapped
