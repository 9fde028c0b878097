"""Score an archive with the models of a run: networks and baselines of images, or linear models of records.

All arms that fit what was named are scored in one pass over the images.
"""

from dataclasses import replace
from pathlib import Path

import polars as pl

from semeia.archive.store import open_archive
from semeia.errors import InputError
from semeia.learning.prediction_table import home_sites, predictions_of, score_columns, with_labels
from semeia.learning.scoring import Seeds, by_seed, data_for, read_alike, say_which, scores_of, seen_by
from semeia.learning.stored import about_run, choices, scores_units, stored_models
from semeia.progress import warn


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
    chosen = stored_models(run, choices(run, arm=arm, mode=mode, fraction=fraction))
    everything = [scorer for scorers in chosen.values() for scorer in scorers.values()]
    opened, about = open_archive(archive), about_run(run)
    models = max(len(scorers) for scorers in chosen.values())
    if about.get("study") == "ehr" or not all(scores_units(scorer) for scorer in everything):
        if modalities is not None:
            raise InputError("--modalities are of images and readings; this run's models read records")
        from semeia.studies.records.scoring import predict_records

        scored = predict_records(run, opened, chosen, outcome=outcome, seeds=seeds, skip_seen=skip_seen)
        say_which(models, seeds)
        return scored
    if outcome is not None:
        opened.outcome(outcome)  # refuses one that is not there before anything is scored
    study, tables = str(about.get("study", "predictions")), []
    for read, own in read_alike(chosen).items():
        data = data_for(opened, dict(read), modalities)
        seen = seen_by(everything, data, skip_seen=skip_seen)
        home = home_sites(data.units, seen)
        for choice in own:
            of = outcome or dict(choice.axes).get("outcome") or about.get("outcome")
            try:
                rows, scores = scores_of(chosen[choice], opened, data, seen, modalities)
                for name, seed, score in by_seed(choice.shown, scores, seeds):
                    scored = data.units[rows].hstack(pl.DataFrame(score_columns(score)))
                    table = with_labels(opened, scored, of, units=data.units)
                    named = replace(choice, arm=name)
                    tables.append(predictions_of(table, named, study=study, outcome=of, seed=seed, home=home))
            except InputError as error:
                if len(chosen) == 1:
                    raise
                warn(f"{choice} is left out: {error}")
    if not tables:
        raise InputError(f"{run}: none of its models can score {archive}; the lines above say why")
    say_which(models, seeds)
    return pl.concat(tables, how="diagonal")
