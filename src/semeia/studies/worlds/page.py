"""Show a map of worlds on one page: maps of differences, every arm's level, what can be seen without labels."""

import polars as pl

from semeia.report.content import DataTable, Figure, Section, TitledTable
from semeia.report.html import Page
from semeia.report.numbers import estimate, number
from semeia.report.plots.matrix import Matrix, MatrixCell
from semeia.worlds.sweep.condition import Condition
from semeia.worlds.sweep.estimates import BEST_SIMPLE, Areas, Map

TITLES = {
    "scratch": "from scratch",
    "image_only": "image only",
    "record_only": "record only",
    "random_frozen": "random, frozen",
    "incomplete_finetune": "supervised on incomplete",
    "ridge": "ridge logistic",
    "canonical": "canonical variates",
    "boosting": "boosted trees",
    BEST_SIMPLE: "best simple arm",
    "bayes": "Bayes",
    "oracle": "every cause known",
}
OBJECTIVES = {"ema": "JEPA", "ema+vicreg": "JEPA + VICReg", "vicreg": "JEPA, VICReg alone", "clip": "CLIP"}
SIMULATED = "Made-up patients throughout: nothing here is a result about a hospital."
MEASURES = {"r2": "R² paired", "r2_shuffled": "R² shuffled", "effective_rank": "rank", "mean_energy": "mean energy"}
INTERVAL = "Difference in AUROC, paired by seed and patient. Hatched: the interval holds 0, so that nothing is shown."
UNLABELLED = (
    "On patients held out. R² of each modality\u2019s latent from the other\u2019s by ridge regression, mean of "
    "both directions; of wrong pairs it is about 0. Rank and mean energy mislead: they are good where it is no use."
)
At = dict[tuple[str, int, str], dict[str, Areas]]  # by value, labels, cohort


def map_page(
    title: str, found: Map, diagnostics: pl.DataFrame, condition: Condition, *, first: tuple[Section, ...] = ()
) -> Page:
    """The page: the sections given, then one a sweep, then what can be seen without labels."""
    sweeps = list(dict.fromkeys(key[0] for key in found))
    sections = [sweep_section(sweep, found, condition.objectives) for sweep in sweeps]
    sections.append(_unlabelled(diagnostics, condition.objectives))
    seeds = diagnostics["seed"].n_unique()
    sizes = [
        f"{seeds} seeds, each another world, other patients and other networks",
        f"{condition.unlabelled:,} unlabelled and {condition.test:,} test patients a seed, unless swept",
        "95 % intervals: bootstrap over seeds and their test patients",
    ]
    return Page(title, [*first, *sections], remark=SIMULATED, sizes=sizes)


def title_of(arm: str) -> str:
    """An arm in words."""
    objective, _, mode = arm.rpartition("_")
    if objective in OBJECTIVES:
        return f"{OBJECTIVES[objective]}, {'frozen' if mode == 'frozen' else 'fine-tuned'}"
    return TITLES.get(arm, arm)


def difference(one: Areas, other: Areas) -> str:
    """A paired difference with its interval, in words."""
    return estimate(*one.minus(other).estimate, digits=3, sign=True)


def sweep_section(sweep: str, found: Map, objectives: tuple[str, ...]) -> Section:
    """Maps of paired differences of a sweep, and every arm's level."""
    at = {(value, labels, cohort): arms for (of, value, labels, cohort), arms in found.items() if of == sweep}
    name, key = sweep.replace("_", " "), sweep.replace("_", "-")
    jepa = f"{objectives[0]}_finetune"
    frozen = f"{objectives[0]}_frozen"
    pairs = [(jepa, "scratch"), (frozen, "scratch"), (jepa, BEST_SIMPLE), (jepa, "incomplete_finetune")]
    titles = [f"{title_of(arm)} less {title_of(reference)}" for arm, reference in pairs]
    panels = [_panel(at, *pair, name=name) for pair in pairs] if _is_grid(at) else []
    rows = [
        [*_place(where), *(difference(arms[arm], arms[other]) for arm, other in pairs)] for where, arms in at.items()
    ]
    table = DataTable([name, "Labels", "Cohort", *titles], rows)
    levels = TitledTable("AUROC of every arm", "", _levels(name, at), folded=True)
    if panels:
        figure = Figure(f"map-{key}", "Where pretraining helps", INTERVAL, [*panels], table)
        return Section(f"sweep-{key}", f"By {name}", figures=[figure], tables=[levels])
    return Section(f"sweep-{key}", f"By {name}", tables=[TitledTable("Paired differences in AUROC", "", table), levels])


def _is_grid(at: At) -> bool:
    """Whether every value was run with every number of labels, and there are several of both."""
    values, labels = {key[0] for key in at}, {key[1] for key in at}
    return min(len(values), len(labels)) > 1 and all((value, n, "internal") in at for value in values for n in labels)


def _panel(at: At, arm: str, reference: str, *, name: str) -> Matrix:
    """The map of one paired difference at home."""
    values, labels = list(dict.fromkeys(key[0] for key in at)), sorted({key[1] for key in at})
    found = {
        (value, n): at[value, n, "internal"][arm].minus(at[value, n, "internal"][reference]).estimate
        for value in values
        for n in labels
    }
    reach = max(0.02, *(abs(difference) for difference, _, _ in found.values()))
    rows = [(value, [_cell(*found[value, n], reach=reach) for n in labels]) for value in values]
    corner = f"{name}, by labelled patients \u2192"
    return Matrix(f"{title_of(arm)} less {title_of(reference)}", corner, [f"{n:,}" for n in labels], rows)


def _cell(difference: float, low: float, high: float, *, reach: float) -> MatrixCell:
    return MatrixCell(number(difference, 3, sign=True), "", difference / reach, hatched=low <= 0 <= high)


def _levels(name: str, at: At) -> DataTable:
    arms = list(dict.fromkeys(arm for of in at.values() for arm in of if arm != BEST_SIMPLE))
    rows = []
    for where, of in at.items():
        levels = [estimate(*of[arm].estimate, digits=3) if arm in of else "not run" for arm in arms]
        rows.append([*_place(where), *levels])
    return DataTable([name, "Labels", "Cohort", *map(title_of, arms)], rows)


def _place(where: tuple[str, int, str]) -> list[str]:
    value, labels, cohort = where
    return [value, f"{labels:,}", cohort]


def _unlabelled(diagnostics: pl.DataFrame, objectives: tuple[str, ...]) -> Section:
    """What was measured without labels, a row an encoder of a value; numbers of labels change nothing of it."""
    rows = []
    means = diagnostics.group_by("sweep", "value", maintain_order=True).mean()
    for row in means.iter_rows(named=True):
        for objective in (*objectives, "random"):
            measured = [number(row[f"{objective}_{m}"], 1 if m == "effective_rank" else 2) for m in MEASURES]
            rows.append([row["sweep"].replace("_", " "), row["value"], OBJECTIVES.get(objective, "random"), *measured])
    table = DataTable(["Sweep", "Value", "Encoder", *MEASURES.values()], rows)
    shown = TitledTable("Encoders after pretraining, mean over seeds", UNLABELLED, table)
    return Section("unlabelled", "What can be seen without labels", tables=[shown])
