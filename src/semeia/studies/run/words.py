"""Say what training in this package does whatever is trained; each study adds what is its own."""

from collections.abc import Mapping
from dataclasses import replace

from semeia.evaluation.description import CohortDescription, Description
from semeia.learning.schedule import OptimiserSettings
from semeia.studies.run.study import Finished

SEED = "random numbers that follow from the seed"
PRETRAINED = f"an encoder pretrained without labels from {SEED}; the head from {SEED}"
PHOTOGRAPHS = f"published ImageNet weights; the head from {SEED}"
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
    "refitted": "Yes, over folds: preprocessing, pretraining and fitting are done anew without the tested patients. "
    "The intervals resample patients and take each model as it is.",
}


def two_cohorts(
    inside: tuple[str, str] = ("Patients kept for testing", "in patients kept for testing"), *, outside: tuple[str, str]
) -> dict[str, CohortDescription]:
    """Describe the internal and the external cohort, each as a heading and inside a sentence."""
    return {"internal": CohortDescription(*inside), "external": CohortDescription(*outside)}


def said(finished: Finished, about: Description, statements: Mapping[str, str]) -> dict[str, object]:
    """Complete what a study says of itself for run.json.

    Its arms are added to what it is about, and its outcomes where none is named; its own statements go before what
    holds of all studies and of all networks here.
    """
    outcomes = about.outcomes or {name: name.replace("_", " ") for name in finished.work.material.outcomes}
    full = replace(about, arms={name: arm.about for name, arm in finished.arms.items()}, outcomes=outcomes)
    return {**full.record(), "statements": {**HOUSE, **network_words(finished), **statements}}


def network_words(finished: Finished) -> dict[str, str]:
    """Say how networks were prepared for, built and trained, from what the run read and its settings."""
    settings, data = finished.work.settings, finished.work.material.dataset
    encoder, tuned = settings.pretraining.model.encoder, settings.finetuning
    read = {name for arm in finished.arms.values() for name in arm.about.modalities}
    prepared = "; ".join(one.prepared() for name, one in data.modalities.items() if name in read) if data else ""
    pretrained = any(arm.about.role == "pretrained" for arm in finished.arms.values())
    words = [f"fitting: {_length(tuned.pretrained if pretrained else tuned.scratch)}"]
    if finished.first:
        terms = ", ".join(settings.pretraining.objective.terms)
        words.insert(0, f"Pretraining by {terms}: {_length(settings.pretraining.optimiser)}")
    return {
        "preprocessing": f"{prepared[:1].upper()}{prepared[1:]}. The same for all patients, carried unchanged to the "
        "tested ones.",
        "training": f"{'; '.join(words)}.",
        "architecture": f"A transformer of {encoder.dim} dimensions, {encoder.depth} blocks, {encoder.heads} heads; "
        "every setting stands under Configuration.",
        "overfitting": f"Dropout of {tuned.supervised.dropout}, weight decay, and few steps, fixed beforehand. Every "
        "score is of a patient on whom the model was not fitted.",
    }


def _length(optimiser: OptimiserSettings) -> str:
    length = f"{optimiser.steps} steps" if optimiser.steps else f"{optimiser.epochs} epochs"
    return f"{length} in batches of {optimiser.batch}, learning rate {optimiser.lr}"
