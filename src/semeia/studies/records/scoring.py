"""The stored arms of a study of records score an archive they have never seen, by the signatures of their own seed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from semeia.archive.keys import mark
from semeia.archive.store import Archive
from semeia.data.dataset import Dataset, open_dataset
from semeia.data.modality import Modality
from semeia.errors import InputError
from semeia.evaluation.statistics.calibration import clipped_logit
from semeia.learning.adapt.experts import Scored
from semeia.learning.model import Model
from semeia.learning.prediction_table import home_sites, predictions_of
from semeia.learning.scoring import Seeds, by_seed, require_unseen
from semeia.learning.stored import Blend, Choice, Scorer, about_run, score_known
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
    stays = _dated(archive, outcome)
    signatures = _signatures(run, {seed for models in chosen.values() for seed in models})
    everything = [model for models in chosen.values() for model in models.values()]
    seen = _seen(stays, archive, everything, signatures.values())
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


def _dated(archive: Archive, outcome: str) -> pl.DataFrame:
    """Stays with a time of prediction."""
    return stays_of(archive, outcome, to_fit=False).drop_nulls("time").drop("row").with_row_index("row")


def _signatures(run: Path, seeds: Iterable[int]) -> dict[int, SignatureModel]:
    return {seed: load_signatures(signature_folder(run, seed)) for seed in sorted(seeds)}


def _seen(
    stays: pl.DataFrame, archive: Archive, models: Iterable[Scorer], signatures: Iterable[SignatureModel]
) -> Bool[np.ndarray, " stays"]:
    """Whose records or labels any of the models was fitted on."""
    marks = {name for model in models for name in model.fitted_on.patients}
    subjects = stays["subject_id"].to_list()
    known = {number for model in signatures for number in model.fitted_on.seen(archive, subjects)}
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
        own = [models[seed] for models in chosen.values() if isinstance(models.get(seed), Model)]
        networks = {name: modality for model in own for name, modality in model.modalities.items()}
        read = StaysInNumbers.of(stays, archive, signed, networks=networks)
        for choice, models in chosen.items():
            if seed in models:
                scores[choice][seed] = read.score(models[seed])
    return scores


@dataclass(frozen=True)
class StaysInNumbers:
    """Stays as the models of a seed read them, with the signatures of that seed; one stay a patient, in their order.

    Attributes:
        networks: what those of the seed read, each modality in one way.
        x: numbers of each stay, [stay, column].
    """

    stays: pl.DataFrame
    archive: Archive
    networks: dict[str, Modality]
    columns: tuple[str, ...]
    x: Float[np.ndarray, "stay column"]

    @classmethod
    def of(
        cls,
        stays: pl.DataFrame,
        archive: Archive,
        signed: SignatureModel,
        *,
        networks: dict[str, Modality] | None = None,
    ) -> "StaysInNumbers":
        """Read stays, numbered from 0; refuses those that the signatures were fitted on."""
        expressed = express(signed, archive, stays.select("subject_id", "time"), unseen=True).table
        blocks = plain_blocks(signed, archive, stays) | {"signatures": expressed.select(signed.names)}
        return cls(stays, archive, networks or {}, *side_by_side(blocks))

    @cached_property
    def data(self) -> Dataset:
        """Open what networks read."""
        units = self.stays.select("unit_id", "subject_id", "time")
        return open_dataset(self.archive, self.networks, units=units)

    def score(self, scorer: Scorer) -> Float[np.ndarray, " stay"]:
        """Probabilities; NaN where a network finds nothing to read."""
        if isinstance(scorer, Blend):
            return scorer.of(self.score(scorer.anchor), self.score(scorer.joint))
        if isinstance(scorer, Model):
            return score_known(scorer, self.data, np.arange(len(self.stays)), otherwise=np.nan)
        place = {name: number for number, name in enumerate(self.columns)}
        if not set(scorer.columns) <= place.keys():
            raise InputError("a model reads columns that the signatures of its seed do not give")
        return scorer.score_columns(self.x[:, [place[name] for name in scorer.columns]])


@dataclass(frozen=True)
class Stays:
    """Stays with a time of prediction, and what two linear models of each seed say of them; a place for `adapt`.

    Attributes:
        units: a row a stay, see `stays_of`.
        pairs: both models by seed.
        signatures: by seed.
    """

    archive: Archive
    units: pl.DataFrame
    pairs: dict[int, tuple[Scorer, Scorer]]
    signatures: dict[int, SignatureModel]

    @classmethod
    def of(cls, run: Path, archive: Archive, pairs: dict[int, tuple[Scorer, Scorer]], outcome: str) -> "Stays":
        """Read an archive; of the outcome only when to predict."""
        return cls(archive, _dated(archive, outcome).drop("label"), pairs, _signatures(run, pairs))

    def complete(self) -> Bool[np.ndarray, " stay"]:
        """Say which have everything that both read: all, as nothing noted counts as nothing done."""
        return np.ones(len(self.units), bool)

    def seen(self, seed: int) -> Bool[np.ndarray, " stay"]:
        """Say whose records or labels were fitted on."""
        return _seen(self.units, self.archive, self.pairs[seed], [self.signatures[seed]])

    def scored(self, seed: int, rows: Int[np.ndarray, " some"]) -> Scored:
        """Give the log-odds of both; there are no features beside them."""
        stays = self.units[rows].drop("row").with_row_index("row")
        read = StaysInNumbers.of(stays, self.archive, self.signatures[seed])
        anchor, joint = (clipped_logit(read.score(one)) for one in self.pairs[seed])
        return Scored(anchor, joint, np.empty((len(rows), 0)))
