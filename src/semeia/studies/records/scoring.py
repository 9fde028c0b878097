"""The stored arms of a study of records score an archive they have never seen, by the signatures of their own seed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from semeia.archive.keys import mark
from semeia.archive.store import Archive
from semeia.data.dataset import Dataset, open_dataset
from semeia.errors import InputError
from semeia.learning.linear import LinearModel
from semeia.learning.model import Model
from semeia.learning.prediction_table import home_sites, predictions_of
from semeia.learning.scoring import Seeds, by_seed, require_unseen
from semeia.learning.stored import Choice, Scorer, about_run, score_known
from semeia.signatures.express import express
from semeia.signatures.model import SignatureModel, load_signatures
from semeia.studies.records.blocks import plain_blocks, side_by_side, signature_folder
from semeia.studies.records.counts import densities, seen_codes
from semeia.studies.records.ehr_data import stays_of

COVARIATES = ("age", "sex", "unit_type", "record_density")


def predict_records(
    run: Path,
    archive: Archive,
    chosen: dict[Choice, dict[int, Scorer]],
    *,
    outcome: str | None,
    seeds: Seeds,
    skip_seen: bool,
) -> pl.DataFrame:
    """Score the stays of an archive that have a time of prediction.

    A stay that has nothing of what a network reads is left out of its scores.
    """
    outcome = outcome or str(about_run(run).get("outcome"))
    stays = stays_of(archive, outcome, to_fit=False).drop_nulls("time").drop("row").with_row_index("row")
    signatures = {
        seed: load_signatures(signature_folder(run, seed))
        for seed in sorted({seed for models in chosen.values() for seed in models})
    }
    seen = _seen(stays, archive, chosen, signatures)
    require_unseen(int(seen.sum()), skip_seen=skip_seen)
    home, stays = home_sites(stays, seen), stays.filter(~seen).drop("row").with_row_index("row")
    if stays.is_empty():
        raise InputError(f"{archive.path}: no stay is left to score: none has a time of prediction, or all were seen")
    scores = _scores(stays, archive, chosen, signatures)
    counted = seen_codes(archive, stays)
    stays = stays.with_columns(record_density=densities(counted, rows=len(stays)))
    study = str(about_run(run).get("study"))
    columns = ["unit_id", "pseudonym", "site", pl.col("label").cast(pl.Int64), "score"]
    covariates = [name for name in COVARIATES if name in stays.columns]
    tables = [
        predictions_of(
            stays.with_columns(pl.Series("score", score)).select(*columns, *covariates),
            replace(choice, arm=name),
            study=study,
            outcome=outcome,
            seed=seed,
            home=home,
        ).filter(pl.col("score").is_not_nan())
        for choice in chosen
        for name, seed, score in by_seed(choice.arm, scores[choice], seeds)
    ]
    return pl.concat(tables)


def _seen(
    stays: pl.DataFrame,
    archive: Archive,
    chosen: dict[Choice, dict[int, Scorer]],
    signatures: dict[int, SignatureModel],
) -> Bool[np.ndarray, " stays"]:
    """Whose records or labels any of the models was fitted on."""
    marks = {name for models in chosen.values() for model in models.values() for name in model.fitted_on.patients}
    subjects = stays["subject_id"].to_list()
    known = {number for model in signatures.values() for number in model.fitted_on.seen(archive, subjects)}
    pairs = stays.select("subject_id", "pseudonym").iter_rows()
    return np.array([subject in known or mark(name) in marks for subject, name in pairs], bool)


def _scores(
    stays: pl.DataFrame,
    archive: Archive,
    chosen: dict[Choice, dict[int, Scorer]],
    signatures: dict[int, SignatureModel],
) -> dict[Choice, dict[int, Float[np.ndarray, " stays"]]]:
    """The records are read once for each seed's signatures, and scored by all arms of that seed."""
    scores: dict[Choice, dict[int, np.ndarray]] = {choice: {} for choice in chosen}
    for seed, signed in signatures.items():
        expressed = express(signed, archive, stays.select("subject_id", "time"), unseen=True).table
        blocks = plain_blocks(signed, archive, stays) | {"signatures": expressed.select(signed.names)}
        columns, x = side_by_side(blocks)
        place = {name: number for number, name in enumerate(columns)}
        data: Dataset | None = None  # the networks of a seed read alike
        for choice, models in chosen.items():
            model = models.get(seed)
            if isinstance(model, LinearModel):
                if not set(model.columns) <= place.keys():
                    raise InputError(f"{choice} reads columns that the signatures of seed {seed} do not give")
                scores[choice][seed] = model.score_columns(x[:, [place[name] for name in model.columns]])
            elif isinstance(model, Model):
                if data is None:  # one stay a patient, so that both are in the order of the patients
                    units = stays.select("unit_id", "subject_id", "time")
                    data = open_dataset(archive, model.preprocessing.modalities, units=units)
                scores[choice][seed] = score_known(model, data, np.arange(len(data)), otherwise=np.nan)
    return scores
