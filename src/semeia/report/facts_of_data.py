"""What a run knows of its data, in words: a run goes in, a sentence comes out, empty where the run does not know.

A rule of the house (splits by patient, masks for what is missing) is stated only of models that were trained here.
"""

from collections.abc import Callable

import polars as pl

from semeia.report.comparisons import against_scratch
from semeia.report.estimates import cohorts_of
from semeia.report.figures import palette_of
from semeia.report.flow import Box, read_flow
from semeia.report.names import cohort_title, covariate_title, outcome_title
from semeia.report.numbers import MINUS, count, listed, percent
from semeia.report.run_folder import Run
from semeia.report.tables import sizes

MOST_SITES = 12
TIMES = " \u00d7 "


def aim(run: Run) -> str:
    """Development or evaluation, and of what."""
    if not run.outcome:
        return ""
    what = "Development and evaluation of models" if run.trained_here else "Evaluation of predictions"
    return f"{what} of {outcome_title(run.outcome)}."


def question(run: Run) -> str:
    """The question of the run."""
    if against_scratch(run.estimates, palette_of(run.estimates, run.pretrained), outcome=run.outcome):
        return f"Whether pretraining on unlabelled data improves the prediction of {outcome_title(run.outcome)}."
    return aim(run)


def sources(run: Run) -> str:
    """The archive and who of it went where."""
    flow = read_flow(run.record.get("flow"))
    if flow is None:
        return ""
    boxes = [*flow.trunk, *(box for _, group in flow.branches for box in group)]
    return f"{_boxes(boxes, flow.unit)}."


def exclusions(run: Run) -> str:
    """Who was left out, and why."""
    flow = read_flow(run.record.get("flow"))
    out = [box for kept in flow.trunk for box in kept.excluded] if flow else []
    return f"Left out: {_boxes(out, flow.unit)}." if flow and out else ""


def participants(run: Run) -> str:
    """Where the flow is drawn, and how many were tested, with and without the outcome."""
    drawn = "Drawn under Who was studied. " if read_flow(run.record.get("flow")) else ""
    return f"{drawn}{sizes_of(run)}"


def _boxes(boxes: list[Box], unit: str) -> str:
    words = []
    for box in boxes:
        counts = [(box.patients, "patient"), (box.units, unit)]
        numbers = listed([f"{count(n)} {what}{'' if n == 1 else 's'}" for n, what in counts if n is not None])
        note = f" ({box.note})" if box.note else ""
        words.append(f"{box.label}: {numbers}{note}")
    return "; ".join(words)


def sites(run: Run) -> str:
    """The sites of the patients that were tested."""
    if run.predictions is None or "site" not in run.predictions.columns:
        return ""
    found = sorted({str(site) for site in run.predictions["site"].drop_nulls().unique()} - {""})
    if len(found) < 2:
        return ""
    named = f": {listed(found)}" if len(found) <= MOST_SITES else ""
    return f"Tested at {len(found)} sites{named}."


def sizes_of(run: Run) -> str:
    """Units, patients and positives of each cohort."""
    return "; ".join(sizes(run.estimates, outcome=run.outcome))


def training_size(run: Run) -> str:
    """How many were pretrained on, and of how many the labels were used."""
    found = [record.get("patients") for record in run.records("pretraining")]
    patients = [n for n in found if isinstance(n, int)]
    fractions = sorted({e.fraction for e in run.estimates})
    if not patients or not fractions:
        return ""
    span = listed(list(dict.fromkeys([count(min(patients)), count(max(patients))])), last="to")
    shares = listed([percent(fraction) for fraction in fractions])
    return f"Pretrained on {span} patients by seed and arm; fitted to {shares} of the labelled training patients."


def outcome(run: Run) -> str:
    """What is predicted."""
    frame = run.predictions
    classes = 0 if frame is None else frame.filter(pl.col("outcome") == run.outcome)["label"].n_unique()
    kind = {0: "", 1: "", 2: ", yes or no"}.get(classes, f", one of {classes} classes")
    title = outcome_title(run.outcome)
    return f"{title[:1].upper()}{title[1:]}{kind}, of each unit." if run.outcome else ""


def inputs(run: Run) -> str:
    """What the models read."""
    found = [record.get("modalities") for record in run.records("pretraining")]
    names = list(dict.fromkeys(str(name) for names in found if isinstance(names, list) for name in names))
    return f"The networks read {listed(names)}; the simple baselines are named in the results." if names else ""


def preprocessing(run: Run) -> str:
    """How images and readings were prepared."""
    crop = run.setting("pretraining", "model", "crop")
    if not run.trained_here or not isinstance(crop, dict):
        return ""
    words = []
    for key, between, said in (
        ("voxels", TIMES, "voxels"),
        ("voxel_mm", TIMES, "mm a voxel"),
        ("window_hu", " to ", "HU"),
    ):
        values = crop.get(key)
        if isinstance(values, list):
            words.append(f"{between.join(f'{value:g}' for value in values)} {said}".replace("-", MINUS))
    return (
        f"Images are cut around the unit to {', '.join(words)}; readings are standardised by the training patients. "
        "The same for all patients, carried unchanged to the tested ones."
    )


def missing(run: Run) -> str:
    """What was done with what is missing, and what was left out of the evaluation."""
    lacking = [note for note in run.notes if "no label" in note or "missing" in note]
    rule = ["What was not observed of a unit is masked, never filled in."] if run.trained_here else []
    return " ".join([*rule, *(f"{note.rstrip('.')}." for note in lacking)])


def absent_input(run: Run) -> str:
    """What a model does with a unit of which something is missing."""
    rule = "A modality that is absent is masked; a unit with nothing that the model reads is refused."
    return rule if run.trained_here else ""


def partition(run: Run) -> str:
    """How patients were dealt to training and test."""
    seeds, folds = run.record.get("seeds"), run.setting("folds")
    if not run.trained_here or not isinstance(seeds, list):
        return ""
    dealt = f"Each of {len(seeds)} seeds tests another of {folds} folds of patients" if folds else "Split by patient"
    inside = run.setting("internal")
    outside = f" of {inside}; all other sites are external and only tested" if inside else ""
    several = len({e.fraction for e in run.estimates}) > 1
    return f"{dealt}{outside}.{' Smaller label fractions are parts of the larger ones.' if several else ''}"


def disjoint(run: Run) -> str:
    """The level at which training and test are apart."""
    shared = next((note for note in run.notes if "in more than one cohort" in note), "")
    rule = "By patient: nobody is tested by a model that was fitted or pretrained on them."
    return " ".join(words for words in (rule if run.trained_here else "", shared, _audit(run)) if words)


def _audit(run: Run) -> str:
    table = run.tables.get("leakage")
    if table is None or "state" not in table.columns:
        return ""
    checked = table.filter(pl.col("state") != "unknown").height
    found = table.filter(pl.col("state") == "found").height
    said = f"{found} found something" if found else "none found anything"
    return f"Of {checked} checks for leakage and shortcuts {said}."


def fingerprint(run: Run) -> str:
    """The fingerprint of the archive."""
    archive = run.record.get("archive")
    found = archive.get("fingerprint") if isinstance(archive, dict) else None
    return f"The archive has the fingerprint {str(found)[:16]}…" if found else ""


def pseudonyms(run: Run) -> str:
    """What stands for a patient's id."""
    return "Patients are keyed pseudonyms from the archive on." if run.trained_here else ""


def characteristics(run: Run) -> str:
    """Which covariates of the tested units the predictions carry."""
    if run.predictions is None:
        return ""
    from semeia.evaluation import PREDICTION_COLUMNS

    plain = [name for name in run.predictions.columns if name not in PREDICTION_COLUMNS]
    cohorts = listed([cohort_title(cohort) for cohort in cohorts_of(run.estimates)])
    return f"{listed([covariate_title(name) for name in plain])}, by cohort ({cohorts})." if plain else ""


DATA: dict[str, Callable[[Run], str]] = {
    "aim": aim,
    "question": question,
    "sources": sources,
    "sites": sites,
    "exclusions": exclusions,
    "flow": participants,
    "sizes": sizes_of,
    "training_size": training_size,
    "outcome": outcome,
    "inputs": inputs,
    "preprocessing": preprocessing,
    "missing": missing,
    "absent_input": absent_input,
    "partition": partition,
    "disjoint": disjoint,
    "fingerprint": fingerprint,
    "pseudonyms": pseudonyms,
    "characteristics": characteristics,
}
