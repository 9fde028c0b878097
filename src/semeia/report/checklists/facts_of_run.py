"""Say what a run knows of its data and its models, a sentence each, empty where it does not know.

What was done in training is stated by whoever ran it (run.json "statements") and never assumed here.
"""

from collections.abc import Callable

from semeia.evaluation.description import ArmDescription
from semeia.evaluation.schema import PREDICTION_COLUMNS
from semeia.report.estimates import MACRO
from semeia.report.flow import Box, Flow, read_flow
from semeia.report.metrics import covariate_title
from semeia.report.numbers import counted, listed, percent, sentence, span
from semeia.report.run_folder import Run
from semeia.report.sections.leakage import audit_words
from semeia.report.sections.results import sizes

MOST_SITES = 12
SEEDS_APART = "None: measures are means over seeds, each scored by itself."
GIVEN = "The predictions were given as a table; how they came about is not known here."


def aim(run: Run) -> str:
    """Say whether models were developed or evaluated, and of what."""
    if not run.outcome:
        return ""
    what = "Development and evaluation of models" if run.trained_here else "Evaluation of predictions"
    return f"{what} of {run.names.outcome(run.outcome)}."


def _flow(run: Run) -> Flow | None:
    return read_flow(run.record.get("flow"))


def sources(run: Run) -> str:
    """Say what is in the archive and who of it went where."""
    read = _flow(run)
    if read is None:
        return ""
    boxes = [*read.trunk, *(box for _, group in read.branches for box in group)]
    return f"{_boxes(boxes, read.unit)}."


def exclusions(run: Run) -> str:
    """Say who was left out, and why."""
    read = _flow(run)
    out = [box for kept in read.trunk for box in kept.excluded] if read else []
    return f"Left out: {_boxes(out, read.unit)}." if read and out else ""


def _boxes(boxes: list[Box], unit: str) -> str:
    words = []
    for box in boxes:
        counts = ((box.patients, "patient"), (box.units, unit))
        numbers = listed([counted(n, what) for n, what in counts if n is not None])
        words.append(f"{box.label}: {numbers}{f' ({box.note})' if box.note else ''}")
    return "; ".join(words)


def sites(run: Run) -> str:
    """Say at which sites patients were tested, where there are several."""
    tested = run.sites
    named = f": {listed(tested)}" if len(tested) <= MOST_SITES else ""
    return f"Tested at {len(tested)} sites{named}." if len(tested) > 1 else ""


def training_size(run: Run) -> str:
    """Count whom was pretrained on, and of how many the labels were used."""
    patients = [n for record in run.records("pretraining") if isinstance(n := record.get("patients"), int)]
    if not patients or not run.estimates:
        return ""
    shares = listed([percent(fraction) for fraction in sorted({e.fraction for e in run.estimates})])
    by_seed = f"Pretrained on {span(patients)} patients by seed and arm"
    return f"{by_seed}; fitted to {shares} of the labelled training patients."


def outcome(run: Run) -> str:
    """Say what is predicted."""
    frame = run.predictions
    classes = 0 if frame is None else frame.filter(outcome=run.outcome)["label"].n_unique()
    values = {0: "", 1: "", 2: ", yes or no"}.get(classes, f", one of {classes} classes")
    return f"{sentence(run.names.outcome(run.outcome))}{values}, of each unit." if run.outcome else ""


def missing(run: Run) -> str:
    """Say what was left out of the evaluation for want of a value."""
    lacking = [note for note in run.notes if "no label" in note or "missing" in note]
    return " ".join(f"{note.rstrip('.')}." for note in lacking)


def disjoint(run: Run) -> str:
    """Say at which level training and test are apart, and what the audit came to."""
    shared = next((note for note in run.notes if "in more than one cohort" in note), "")
    table = run.tables.get("leakage")
    audit = audit_words(table) if table is not None and "state" in table.columns else ""
    return " ".join(words for words in (run.statements.get("disjoint", ""), shared, audit) if words)


def fingerprint(run: Run) -> str:
    """Give the fingerprint of the archive."""
    return f"The archive has the fingerprint {run.fingerprint}\u2026" if run.fingerprint else ""


def characteristics(run: Run) -> str:
    """Name the covariates of the tested units that the predictions carry."""
    if run.predictions is None:
        return ""
    plain = [covariate_title(name) for name in run.predictions.columns if name not in PREDICTION_COLUMNS]
    cohorts = listed([run.names.cohort(cohort) for cohort in run.names.cohorts])
    return f"{listed(plain)}, by cohort ({cohorts})." if plain else ""


def model(run: Run) -> str:
    """Name the arms that stand in the tables, and those that were pretrained."""
    names = run.names
    pairs = [pair for pair in names.in_order(names.pairs) if names.about(pair[0]).role != "human"]
    pretrained = list(dict.fromkeys(names.arm(arm) for arm, _ in pairs if arm in names.pretrained))
    networks = f" Pretrained without labels: {listed(pretrained)}." if pretrained else ""
    return f"Compared: {'; '.join(names.arm(*pair) for pair in pairs)}.{networks}" if pairs else ""


def _of_arms(run: Run, said: Callable[[ArmDescription], str]) -> str:
    """What is said of each arm that the run describes, once for arms of which it is the same."""
    described, groups = run.names.description.arms, dict[str, list[str]]()
    for arm in dict.fromkeys(arm for arm, _ in run.names.pairs if arm in described):
        groups.setdefault(said(described[arm]), []).append(described[arm].title)
    return " ".join(f"{listed(titles)}: {words}." for words, titles in groups.items() if words)


def software(run: Run) -> str:
    """Give Semeia's version and those of the libraries."""
    versions, ours = run.record.get("versions"), run.record.get("semeia_version")
    others = [f"{name} {version}" for name, version in versions.items()] if isinstance(versions, dict) else []
    return f"{', '.join([f'Semeia {ours}', *others])}." if ours else ""


def output(run: Run) -> str:
    """Say what comes out of the model, and where its threshold is from."""
    if any(e.metric == MACRO for e in run.estimates):
        return "A probability of each class; the most probable one is called."
    called = any(e.metric == "sensitivity" for e in run.estimates)
    return f"A probability. {run.names.threshold if called else ''}".strip() if run.estimates else ""


OF_RUN: dict[str, Callable[[Run], str]] = {
    fact.__name__: fact
    for fact in (
        *(aim, sources, sites, exclusions, training_size, outcome, missing, disjoint, fingerprint),
        *(characteristics, model, software, output),
    )
}
OF_RUN |= {
    "question": lambda run: run.names.description.question or aim(run),
    "sizes": lambda run: "; ".join(sizes(run)),
    "flow": lambda run: "Drawn under Who was studied. " * bool(_flow(run)) + "; ".join(sizes(run)),
    # what the models read, and from what their parameters began
    "inputs": lambda run: _of_arms(run, lambda about: listed([*about.modalities])),
    "initialisation": lambda run: _of_arms(run, lambda about: about.start),
    "code": lambda run: software(run) and f"Semeia is free software (Apache-2.0). Versions: {software(run)}",
    "ensembles": lambda run: SEEDS_APART if run.names.several_seeds else "",
    "scoring": lambda run: "" if run.trained_here else GIVEN,
    "configuration": lambda run: "Every setting stands at the end of this page." if run.record.get("config") else "",
}
# What only whoever trained the models can state.
STATED = (
    *("preprocessing", "absent_input", "partition", "pseudonyms", "architecture", "training", "overfitting"),
    *("selection_of_model", "imbalance", "specification", "held_out", "refitted"),
)
