"""Say what training in this package does whatever is trained; each study adds what is its own."""

from semeia.studies.run.study import Finished

SEED = "random numbers that follow from the seed"
PRETRAINED = f"an encoder pretrained without labels from {SEED}; the head from {SEED}"
ONE_SOLUTION = "nothing: the fit has one solution, or follows from the seed"
HOUSE = {
    "missing": "What was not observed of a unit is masked, never filled in.",
    "absent_input": "A modality that is absent is masked; a unit with nothing that the model reads is refused.",
    "disjoint": "By patient: nobody is tested by a model that was fitted or pretrained on them.",
    "pseudonyms": "Patients are keyed pseudonyms from the archive on.",
    "selection_of_model": "The number of steps is fixed; no model was picked by how it scored a tested patient.",
    "imbalance": "None were used: classes are neither weighted nor resampled, in training or in evaluation.",
    "scoring": "By the stored models, each on the patients that it did not see (`semeia predict` does the same).",
    "specification": "Every model is in the run folder; `semeia export` copies one, with its preprocessing, to be used "
    "elsewhere.",
    "held_out": "Yes: every score is of a patient on whom the model was not fitted.",
    "refitted": "Yes, over folds: preprocessing, pretraining and fitting are done anew without the tested patients. The "
    "intervals resample patients and take each model as it is.",
}


def network_words(finished: Finished) -> dict[str, str]:
    """Say how networks were prepared for, built and trained, from the settings of the run."""
    settings, data = finished.work.settings, finished.work.material.data(finished.work.settings.pretraining.model)
    encoder, tuned = settings.pretraining.model.encoder, settings.finetuning
    read = {name for arm in finished.arms.values() for name in arm.about.modalities}
    prepared = "; ".join(f"{name}: {one.describe()}" for name, one in data.modalities.items() if name in read)
    return {
        "preprocessing": f"{prepared}. Scales are fitted on the training patients and carried unchanged to the tested "
        "ones.",
        "training": f"AdamW; {tuned.scratch.total(1)} steps from scratch, {tuned.pretrained.total(1)} from a pretrained "
        f"encoder, batches of {tuned.scratch.batch}; pretraining by {', '.join(settings.pretraining.objective.terms)}.",
        "architecture": f"A transformer {encoder.dim} wide, {encoder.depth} blocks deep, {encoder.heads} heads; every "
        "setting stands under Configuration.",
        "overfitting": f"Dropout of {tuned.supervised.dropout}, weight decay, and few steps, fixed beforehand. Every "
        "score is of a patient on whom the model was not fitted.",
    }
