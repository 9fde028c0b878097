"""Score an archive with the models of a run: networks and baselines of images, or linear models of records."""

from pathlib import Path

import polars as pl

from semeia.errors import InputError
from semeia.learning import linear
from semeia.learning.cells import cells_of
from semeia.learning.scoring import Asked, Seeds, predict_units
from semeia.learning.stored import about_run, load_scorer


def predict(
    run: Path,
    *,
    archive: Path,
    arm: str | None = None,
    mode: str | None = None,
    fraction: float | None = None,
    modalities: tuple[str, ...] | None = None,
    outcome: str | None = None,
    seeds: Seeds = "mean",
    skip_seen: bool = False,
) -> pl.DataFrame:
    """Scores an archive by all arms of a run that fit; labels come along where the archive has them.

    Args:
        run: a run folder, or one that `export` made.
        archive: ingested from anywhere; best one that the run has never seen.
        arm: which arm, such as multimodal_jepa; all by default.
        mode: how the model met the labels: none, frozen, finetune or probe_finetune; all by default.
        fraction: share of the labelled training patients that the model was fitted to; all by default.
        modalities: what may be used of the archive; all by default. The others are masked.
        outcome: which labels to add; the run's own by default. An outcome of patients (a diagnosis) gives one row a
            patient, whose score is the highest of its units. Of records it says which stays, and at what time.
        seeds: "mean" scores by the mean over the models of an arm (one a seed); "each" gives every single model's
            scores under its seed, as a study evaluates them; "both" adds the mean as an arm of its own, ARM_mean.
        skip_seen: leaves out the patients a model was fitted on instead of refusing.

    Returns:
        The columns of a predictions table, then the covariates of the units.
    """
    asked = Asked(arm, mode, fraction, modalities, outcome, seeds, skip_seen)
    stored = (run / cell.name for cell in cells_of(run) if (run / cell.name / linear.FILE).exists())
    first = next(stored, None)
    of_stays = about_run(run).get("study") == "ehr" or (first is not None and not load_scorer(first).of_units)
    if not of_stays:
        return predict_units(run, archive, asked)
    if modalities is not None:
        raise InputError("--modalities are of images and readings; this run's models read records")
    from semeia.studies.records.scoring import predict_records

    return predict_records(run, archive, asked)
