"""The arms of the study of records: which columns of a stay each model reads, and what it fits to them.

First, for each seed, signatures are learned from the training patients' records, and every stay that is trained or
tested on is written in numbers, block by block; then each arm reads some of the blocks. An arm is one row of `ARMS`.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.archive.atomic import write_parquet
from semeia.archive.keys import mark
from semeia.archive.store import Archive
from semeia.learning.linear import fit_logistic_regression
from semeia.report.atlas.page import write_atlas
from semeia.signatures.channels import AGE, SEX, Channels
from semeia.signatures.express import express
from semeia.signatures.fit import fit_signatures
from semeia.signatures.model import SignatureModel
from semeia.signatures.settings import SignatureSettings
from semeia.studies.arms import Fold
from semeia.studies.atlas import atlas_of
from semeia.studies.counts import counts_of, densities, seen_codes, values_of
from semeia.studies.grid import Cell

UNMAPPED, ATLAS = "unmapped.parquet", "atlas.html"


@dataclass(frozen=True)
class Arm:
    """One arm: the blocks it reads, and what it fits."""

    reads: tuple[str, ...]
    fits: Literal["logistic", "boosting"]


SIGNATURES, COUNTS = ("people", "signatures"), ("people", "counts")
VALUES = (*COUNTS, "values")
ARMS = {
    "signatures_logistic": Arm(SIGNATURES, "logistic"),
    "signatures_boosting": Arm(SIGNATURES, "boosting"),
    "counts_logistic": Arm(COUNTS, "logistic"),
    "counts_boosting": Arm(COUNTS, "boosting"),
    "values_logistic": Arm(VALUES, "logistic"),
    "values_boosting": Arm(VALUES, "boosting"),
    "age_sex": Arm(("people",), "logistic"),
    "record_density": Arm(("density",), "logistic"),
}


def plan(seeds: tuple[int, ...], fractions: tuple[float, ...]) -> tuple[list[Cell], list[Cell]]:
    """All cells: those that learn signatures, then those that meet labels."""
    first = [Cell("signatures", "pretrain", 1.0, seed) for seed in seeds]
    then = [Cell(arm, "none", fraction, seed) for seed in seeds for arm in ARMS for fraction in fractions]
    return first, then


def learn_signatures(
    cell: Cell,
    folder: Path,
    *,
    archive: Archive,
    stays: pl.DataFrame,
    fold: Fold,
    settings: SignatureSettings,
    atlas: bool,
) -> None:
    """Learns the signatures of one seed, and writes the blocks of its stays.

    Args:
        cell: of the seed.
        folder: where the model goes, and the blocks in a folder of their own.
        archive: the records.
        stays: see `stays_of`.
        fold: `pretraining` are the stays whose patients' whole records are learned from.
        settings: of the fit; a thousand times its seed is added to that of the fold.
        atlas: whether to draw the model's atlas, too.
    """
    patients = stays["subject_id"].gather(fold.pretraining).to_list()
    model = fit_signatures(
        archive, patients, settings=replace(settings, seed=cell.seed + 1000 * settings.seed), scratch=folder
    )
    model.save(folder)
    model.require_usable()
    blocks = plain_blocks(model, archive, stays)
    expressed, unmapped = _expressions(model, archive, stays, fold)
    for name, block in (blocks | {"signatures": expressed}).items():
        write_parquet(_block(folder, name), block)
    write_parquet(folder / UNMAPPED, unmapped)
    if atlas:
        write_atlas(atlas_of(model, archive, patients), folder / ATLAS)


def plain_blocks(model: SignatureModel, archive: Archive, stays: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Stays in numbers, but for the signatures: a block of columns by name, a row a stay."""
    seen = seen_codes(archive, stays)
    return {
        "people": _people(stays, model.channels),
        "counts": _counts(seen, model.channels, len(stays)),
        "values": _values(seen, model.channels, len(stays)),
        "density": pl.DataFrame({"log_events": np.log1p(densities(seen, rows=len(stays)))}),
    }


def score_arm(
    cell: Cell, folder: Path, *, signatures: Path, stays: pl.DataFrame, fold: Fold
) -> Float[np.ndarray, " test"]:
    """Fits one arm to its labels and scores the fold's tested stays; a linear model is stored in the cell's folder.

    Args:
        cell: of the arm.
        folder: of the cell.
        signatures: folder of the seed's signatures.
        stays: see `stays_of`.
        fold: who is trained and who is tested on.
    """
    arm = ARMS[cell.arm]
    columns, x = blocks_of(signatures, arm.reads)
    train, test = x[fold.labelled], x[fold.test]
    patients = stays["subject_id"].to_numpy()[fold.labelled]
    if arm.fits == "boosting":
        from semeia.learning.boosting import fit_boosting

        return fit_boosting(train, fold.labels, patients, seed=cell.seed).score(test)
    marks = tuple(sorted(mark(name) for name in stays["pseudonym"].gather(fold.labelled)))
    fitted = fit_logistic_regression(train, fold.labels, patients, columns=columns, fitted_on=marks, seed=cell.seed)
    fitted.save(folder)
    return fitted.score(test)


def blocks_of(signatures: Path, names: tuple[str, ...]) -> tuple[tuple[str, ...], Float[np.ndarray, "stays columns"]]:
    """Blocks side by side, a row a stay: names of the columns, and the numbers; NaN where missing."""
    return side_by_side({name: pl.read_parquet(_block(signatures, name)) for name in names})


def side_by_side(blocks: dict[str, pl.DataFrame]) -> tuple[tuple[str, ...], Float[np.ndarray, "stays columns"]]:
    """Blocks as one matrix, and the names of its columns: that of the block, then the column's own."""
    columns = tuple(f"{name}: {column}" for name, block in blocks.items() for column in block.columns)
    return columns, np.concatenate([block.to_numpy() for block in blocks.values()], axis=1).astype(np.float64)


def _block(folder: Path, name: str) -> Path:
    return folder / "stays" / f"{name}.parquet"


def _people(stays: pl.DataFrame, channels: Channels) -> pl.DataFrame:
    """Age, and each sex that enough training patients have."""
    sexes = [code.removeprefix(SEX) for code in channels.table["code"] if code.startswith(SEX)]
    of_sex = [(pl.col("sex") == sex).fill_null(False).cast(pl.Float64).alias(f"{SEX}{sex}") for sex in sexes]
    return stays.select(pl.col("age").cast(pl.Float64).fill_null(float("nan")), *of_sex)


def _counts(seen: pl.DataFrame, channels: Channels, rows: int) -> pl.DataFrame:
    """How often each code that is a channel was seen: signatures and counts start from the same codes."""
    codes = [code for code in channels.table["code"] if code != AGE and not code.startswith(SEX)]
    return pl.DataFrame(counts_of(seen, codes, rows=rows), schema=codes)


def _values(seen: pl.DataFrame, channels: Channels, rows: int) -> pl.DataFrame:
    codes = channels.table.filter(pl.col("mode") == "measurement")["code"].to_list()
    return pl.DataFrame(values_of(seen, codes, rows=rows), schema=codes)


def _expressions(
    model: SignatureModel, archive: Archive, stays: pl.DataFrame, fold: Fold
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Expressions of all stays, NaN for those without a label, and what was unmapped of the tested ones.

    The tested are asked for as such: a model that was fitted on one of them refuses.
    """
    tested = express(model, archive, stays[fold.test].select("subject_id", "time"), unseen=True)
    trained = express(model, archive, stays[fold.labelled].select("subject_id", "time"))
    numbers = np.full((len(stays), len(model.names)), np.nan)
    for rows, found in ((fold.test, tested), (fold.labelled, trained)):
        numbers[rows] = found.table.select(model.names).to_numpy()
    return pl.DataFrame(numbers, schema=list(model.names)), tested.unmapped
