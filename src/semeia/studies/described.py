"""Describe the studies for whoever reads their tables: what each arm, cohort and outcome is, and what was done.

Everything here is written into run.json by the study that ran (see evaluation/description.py); the report knows none of
it by itself.
"""

from collections.abc import Mapping

from semeia.archive.store import Archive
from semeia.evaluation.description import ArmDescription, CohortDescription, Contrast, Description
from semeia.views.crops import CropSettings

SEED = "random numbers that follow from the seed"
PRETRAINED = f"an encoder pretrained without labels from {SEED}; the head from {SEED}"
ONE_SOLUTION = "nothing: the fit has one solution, or follows from the seed"
BOTH, IMAGE, READING = ("image", "reading"), ("image",), ("reading",)

NODULE_ARMS = {
    "multimodal_jepa": ArmDescription("Multimodal JEPA", "pretrained", "multimodal", PRETRAINED, BOTH),
    "image_jepa": ArmDescription("Image-only JEPA", "pretrained", "image only", PRETRAINED, IMAGE),
    "multimodal_scratch": ArmDescription("Multimodal from scratch", "scratch", "multimodal", SEED, BOTH),
    "image_scratch": ArmDescription("Image only from scratch", "scratch", "image only", SEED, IMAGE),
    "random_encoder": ArmDescription("Random encoder", "random", "multimodal", SEED, BOTH),
    "reading_logistic": ArmDescription("Readings, logistic regression", "simple", "", ONE_SOLUTION, READING),
    "reading_boosting": ArmDescription("Readings, gradient boosting", "simple", "", ONE_SOLUTION, READING),
    "image_components": ArmDescription("Image components, logistic regression", "simple", "", ONE_SOLUTION, IMAGE),
    "diameter": ArmDescription("Diameter alone", "shortcut", column="diameter_mm"),
    "z_extent": ArmDescription("Z-extent alone", "shortcut", column="z_extent_mm"),
    "scanner": ArmDescription("Scanner alone", "shortcut"),
    "human_reader": ArmDescription("Another reader\u2019s rating", "human"),
}
NODULE_LIMITS = (
    "This is an open reconstruction of the question that arXiv 2509.15470 asks. The text and code of that study were "
    "not available; its published AUCs are context only and are not reproduced here, since its cohorts are private.",
    "The label malignancy is an opinion of radiologists who read the scan, not a diagnosis, and it is nearly a "
    "function of size: the diameter alone predicts it well. What counts is what a model adds to the diameter.",
    "The crops hold only the slices that a nodule spans. Where an image was stored with each slice stretched to full "
    "contrast by itself, intensities are not Hounsfield units and cannot be compared between slices or scanners.",
    "A diagnosis belongs to a patient, not to a nodule. Where diagnosis is the outcome, a patient\u2019s score is the "
    "maximum over the patient\u2019s nodules.",
    "Other scanner makers stand in for other institutions: the external patients come from the same public collection.",
)
EHR_ARMS = {
    "signatures_logistic": ArmDescription("Signatures, logistic regression", start=ONE_SOLUTION),
    "signatures_boosting": ArmDescription("Signatures, gradient boosting", start=ONE_SOLUTION),
    "counts_logistic": ArmDescription("Raw counts, logistic regression", start=ONE_SOLUTION),
    "counts_boosting": ArmDescription("Raw counts, gradient boosting", start=ONE_SOLUTION),
    "values_logistic": ArmDescription("Counts and last values, logistic regression", start=ONE_SOLUTION),
    "values_boosting": ArmDescription("Counts and last values, gradient boosting", start=ONE_SOLUTION),
    "age_sex": ArmDescription("Age and sex alone", "simple", start=ONE_SOLUTION),
    "record_density": ArmDescription("Number of events alone", "shortcut", column="record_density"),
}
START_TITLES = {
    "random": "Random weights",
    "imagenet": "ImageNet weights",
    "simclr": "SimCLR",
    "moco": "MoCo",
    "byol": "BYOL",
    "vicreg": "VICReg",
    "mae": "Masked autoencoder",
    "mae_long": "Masked autoencoder, trained longer",
    "ijepa": "Latent prediction, I-JEPA",
    "clip": "Image and report, CLIP",
    "convirt": "Image and report, ConVIRT",
    "slip": "Two views and report, SLIP",
    "simclr_oa": "SimCLR on osteoarthritis only",
    "simclr_matched": "SimCLR on as many of any grade",
}
# What training in this package does whatever is trained; each study adds what is its own.
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
}
FOLDS = (
    "Yes, over folds: preprocessing, pretraining and fitting are done anew without the tested patients. The intervals "
    "resample patients and take each model as it is."
)


def nodule(outcome: str, internal: str) -> Description:
    """Describe the nodule study.

    Args:
        outcome: what is predicted.
        internal: the manufacturer whose patients are internal.
    """
    return Description(
        title="Nodules",
        question=f"does pretraining on unlabelled data improve the prediction of {outcome}?",
        main=("multimodal_jepa", "finetune"),
        yardsticks=("diameter", "human_reader"),
        arms=NODULE_ARMS,
        cohorts={
            "internal": CohortDescription(f"{internal} scanners", f"on {internal} scanners"),
            "external": CohortDescription("Other scanners", "on scanners of other makers"),
        },
    )


def nodule_facts(archive: Archive, crop: CropSettings, config: Mapping[str, object]) -> dict[str, object]:
    """Say what run.json of the nodule study is to hold of its arms, its limits, and what was done.

    Args:
        archive: that it was run on.
        crop: what its images were cut to.
        config: its settings as run.json holds them.
    """
    internal, seeds = config["internal"], config["seeds"]
    statements = {
        **HOUSE,
        **network_words(config),
        "preprocessing": preprocessing(archive, crop, BOTH),
        "partition": f"Each of {len(seeds) if isinstance(seeds, list) else 1} seeds tests another of {config['folds']} "
        f"folds of patients of {internal}; all other sites are only tested. Smaller label fractions are parts of the "
        "larger ones.",
        "refitted": FOLDS,
    }
    about = nodule(str(config["outcome"]), str(internal))
    return {**about.record(), "limits": list(NODULE_LIMITS), "statements": statements}


def ehr(outcome: str) -> Description:
    """Describe the study of health records."""
    return Description(
        title="Health records",
        main=("signatures_logistic", "none"),
        arms=EHR_ARMS,
        outcomes={outcome: outcome.replace("_", " ")},
        cohorts={
            "internal": CohortDescription("Internal hospitals", "at the internal hospitals"),
            "external": CohortDescription("Other hospitals", "at other hospitals"),
        },
    )


def knee(outcome: str) -> Description:
    """Describe the knee study."""
    from semeia.studies.knee_arms import BASELINE, STARTS

    networks = {name: _start(name, pretrained=bool(start.terms)) for name, start in STARTS.items()}
    components = ArmDescription("Picture components, logistic regression", "simple", "", ONE_SOLUTION, IMAGE)
    return Description(
        title="Knee radiographs",
        question="does pretraining on unlabelled data improve the prediction of the Kellgren-Lawrence grade?",
        yardsticks=(BASELINE,),
        arms={
            **networks,
            **{f"{name}_ordinal": _in_order(about) for name, about in networks.items()},
            BASELINE: components,
        },
        outcomes={outcome: "the Kellgren-Lawrence grade"},
        cohorts={
            "internal": CohortDescription("Home hospital", "at the home hospital"),
            "external": CohortDescription("Other hospital", "at the other hospital"),
        },
        contrasts=(
            Contrast(
                *("simclr_oa", "simclr_matched", "frozen"),
                "A corpus of osteoarthritic knees only, less one of as many knees of any grade (SimCLR, frozen)",
            ),
            Contrast(
                *("simclr", "simclr_matched", "frozen"),
                "A corpus of all knees, less one of as many as are osteoarthritic (SimCLR, frozen)",
            ),
        ),
    )


def own(arm: str, modalities: tuple[str, ...], *, pretrained: bool, outcome: str) -> Description:
    """Describe a fine-tuning run on one's own archive."""
    title = arm.replace("_", " ")
    about = ArmDescription(
        title=f"{title[:1].upper()}{title[1:]}" if pretrained else "From scratch",
        role="pretrained" if pretrained else "scratch",
        family="network",
        start=PRETRAINED if pretrained else SEED,
        modalities=modalities,
    )
    held_out = CohortDescription("Patients kept for testing", "in patients kept for testing")
    return Description(
        title="Own archive",
        arms={arm: about},
        outcomes={outcome: outcome.replace("_", " ")},
        cohorts={"internal": held_out},
    )


def preprocessing(archive: Archive, crop: CropSettings, modalities: tuple[str, ...]) -> str:
    """Say how the images and readings of an archive were prepared for a network.

    Args:
        archive: whose images.
        crop: what they were cut to.
        modalities: what the network reads.
    """
    said = []
    if "image" in modalities:
        images = archive.table("images")
        volumes = images.filter(images["spacing"].is_not_null())
        plane = crop.voxels[1:]
        times = " \u00d7 "
        if volumes.height:
            size, edge = (times.join(f"{n:g}" for n in values) for values in (crop.voxels, crop.voxel_mm))
            said.append(f"Images are cut around the unit to {size} voxels of {edge} mm")
            low, high = (f"{value:g}".replace("-", "\u2212") for value in crop.window_hu)
            windows = {"hu": f"Hounsfield units from {low} to {high} are mapped to 0 to 1"}
            kinds = volumes["intensity"].unique(maintain_order=True)
            said += [windows.get(kind, "stored grey values are divided by the largest of their type") for kind in kinds]
        if volumes.height < images.height:
            said.append(f"pictures without a spacing are brought to {times.join(str(n) for n in plane)} pixels")
    if "reading" in modalities:
        said.append("readings are standardised by the training patients")
    words = "; ".join(dict.fromkeys(said))
    return f"{words[:1].upper()}{words[1:]}. The same for all patients, carried unchanged to the tested ones."


def network_words(config: Mapping[str, object]) -> dict[str, str]:
    """State the encoder and the training of a run in numbers, from its settings as run.json holds them."""

    def setting(*path: str) -> object:
        value: object = config
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    words = []
    for name, path in (("Pretraining", ("pretraining", "optimiser")), ("fitting", ("finetuning", "pretrained"))):
        given = setting(*path)
        if isinstance(given, Mapping):
            length = f"{given['steps']} steps" if given.get("steps") else f"{given.get('epochs')} epochs"
            words.append(f"{name}: {length} in batches of {given.get('batch')}, rate {given.get('rate')}")
    encoder = setting("pretraining", "model", "encoder")
    held = encoder if isinstance(encoder, Mapping) else {}
    sizes = {"dim": "dimensions", "depth": "blocks", "heads": "heads"}
    numbers = ", ".join(f"{held[key]} {said}" for key, said in sizes.items() if held.get(key) is not None)
    stated = {
        "training": f"{'; '.join(words)}." if words else "",
        "architecture": f"A transformer of {numbers}; every setting stands under Configuration." if numbers else "",
    }
    dropout = setting("finetuning", "supervised", "dropout")
    if dropout is not None:
        stated["overfitting"] = (
            f"Dropout of {dropout}, weight decay, and few steps, fixed beforehand. Every score is of a patient on whom "
            "the model was not fitted."
        )
    return {fact: said for fact, said in stated.items() if said}


def _start(name: str, *, pretrained: bool) -> ArmDescription:
    role = "pretrained" if name != "random" else "scratch"
    published = f"published ImageNet weights; the head from {SEED}"
    start = PRETRAINED if pretrained else published if name == "imagenet" else SEED
    return ArmDescription(START_TITLES.get(name, name), role, "grades as classes", start, IMAGE)


def _in_order(about: ArmDescription) -> ArmDescription:
    """Who is told the order of the grades is compared with others who are."""
    return ArmDescription(
        f"{about.title}, grades in order", about.role, "grades in order", about.start, about.modalities
    )
