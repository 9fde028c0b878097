"""What a run knows of its models, in words: a run goes in, a sentence comes out, empty where the run does not know."""

from collections.abc import Callable

from semeia.report.estimates import MACRO, arms_of
from semeia.report.figures import palette_of
from semeia.report.names import arm_title
from semeia.report.numbers import listed
from semeia.report.run_folder import Run


def model(run: Run) -> str:
    """The arms that stand in the tables."""
    palette = palette_of(run.estimates, run.pretrained)
    pairs = [pair for pair in arms_of(run.estimates, run.pretrained) if palette.arm(pair[0]).role != "human"]
    named = [arm_title(arm, "none") for arm, _ in pairs if arm in run.pretrained]
    networks = f" Pretrained without labels: {listed(list(dict.fromkeys(named)))}." if named else ""
    return f"Compared: {'; '.join(arm_title(*pair) for pair in pairs)}.{networks}" if pairs else ""


def architecture(run: Run) -> str:
    """The network in numbers."""
    encoder = run.setting("pretraining", "model", "encoder")
    if not isinstance(encoder, dict):
        return ""
    numbers = [
        (encoder.get(key), said) for key, said in (("dim", "dimensions"), ("depth", "blocks"), ("heads", "heads"))
    ]
    words = listed([f"{n} {said}" for n, said in numbers if n is not None])
    return f"A transformer of {words}; every setting stands under Configuration." if words else ""


def software(run: Run) -> str:
    """Semeia's version and those of the libraries."""
    versions = run.record.get("versions")
    others = [f"{name} {version}" for name, version in versions.items()] if isinstance(versions, dict) else []
    ours = run.record.get("semeia_version")
    return f"{', '.join([f'Semeia {ours}', *others])}." if ours else ""


def code(run: Run) -> str:
    """What the analysis was made with."""
    return f"Semeia is free software (Apache-2.0). Versions: {software(run)}" if software(run) else ""


def initialisation(run: Run) -> str:
    """How parameters began."""
    if not run.trained_here:
        return ""
    pretrained = (
        "Pretrained arms begin with their pretrained encoder, the others" if run.pretrained else "Networks begin"
    )
    return f"{pretrained} with random numbers that follow from the seed."


def training(run: Run) -> str:
    """How the networks were trained, in numbers."""
    words = []
    for name, path in (("Pretraining", ("pretraining", "optimiser")), ("fitting", ("finetuning", "pretrained"))):
        settings = run.setting(*path)
        if isinstance(settings, dict):
            length = f"{settings['steps']} steps" if settings.get("steps") else f"{settings.get('epochs')} epochs"
            words.append(f"{name}: {length} in batches of {settings.get('batch')}, rate {settings.get('rate')}")
    return f"{'; '.join(words)}." if words and run.trained_here else ""


def overfitting(run: Run) -> str:
    """What was done against overfitting."""
    dropout = run.setting("finetuning", "supervised", "dropout")
    if not run.trained_here or dropout is None:
        return ""
    return (
        f"Dropout of {dropout}, whole modalities dropped, weight decay, moved and turned images, and few steps, fixed "
        "beforehand. Every score is of a patient on whom the model was not fitted."
    )


def selection_of_model(run: Run) -> str:
    """How the final model of each seed was chosen."""
    rule = "The number of steps is fixed; no model was picked by how it scored a tested patient."
    return rule if run.trained_here else ""


def ensembles(run: Run) -> str:
    """How several seeds stand together."""
    seeds = run.record.get("seeds")
    if not isinstance(seeds, list) or len(seeds) < 2:
        return ""
    return f"None: measures are means over {len(seeds)} seeds, each scored by itself."


def imbalance(run: Run) -> str:
    """What was done about rare classes."""
    rule = "None were used: classes are neither weighted nor resampled, in training or in evaluation."
    return rule if run.trained_here else ""


def output(run: Run) -> str:
    """What comes out of the model, and where its threshold is from."""
    if any(e.metric == "sensitivity" for e in run.estimates):
        return "A probability. The threshold was chosen inside and carried outside unchanged."
    if any(e.metric == MACRO for e in run.estimates):
        return "A probability of each class; the most probable one is called."
    return "A probability." if run.estimates else ""


def scoring(run: Run) -> str:
    """How predictions were calculated."""
    if not run.trained_here:
        return "The predictions were given as a table; how they came about is not known here."
    return "By the stored models, each on the patients that it did not see (`semeia predict` does the same)."


def specification(run: Run) -> str:
    """Where the whole model is."""
    where = (
        "Every model is in the run folder; `semeia export` copies one, with its preprocessing, to be used elsewhere."
    )
    return where if run.trained_here else ""


def held_out(run: Run) -> str:
    """Whether the models were judged on what they were fitted to."""
    return "Yes: every score is of a patient on whom the model was not fitted." if run.trained_here else ""


def refitted(run: Run) -> str:
    """What was done anew in each part of the resampling."""
    if not run.trained_here or not run.setting("folds"):
        return ""
    return (
        "Yes, over folds: preprocessing, pretraining and fitting are done anew without the tested patients. The "
        "intervals resample patients and take each model as it is."
    )


def configuration(run: Run) -> str:
    """Where all settings are."""
    return "Every setting stands at the end of this page." if run.record.get("config") else ""


MODEL: dict[str, Callable[[Run], str]] = {
    "model": model,
    "architecture": architecture,
    "software": software,
    "code": code,
    "initialisation": initialisation,
    "training": training,
    "overfitting": overfitting,
    "selection_of_model": selection_of_model,
    "ensembles": ensembles,
    "imbalance": imbalance,
    "output": output,
    "scoring": scoring,
    "specification": specification,
    "held_out": held_out,
    "refitted": refitted,
    "configuration": configuration,
}
