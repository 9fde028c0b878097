"""Declare the study of worlds: when does pretraining help? Made-up patients whose truth is known.

Its two findings are those that the abstract's summaries of arXiv 2509.15470 name of a synthetic environment, which is
not public: ours is an open reconstruction of the question. Its criteria were written down before it was run.
"""

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import polars as pl

from semeia.archive.atomic import write_csv, write_text
from semeia.report.content import DataTable, Section, TitledTable
from semeia.report.html import to_html
from semeia.report.numbers import estimate, number, p_value
from semeia.studies.worlds.page import difference, map_page, title_of
from semeia.studies.worlds.sweep import MapSettings, run_map
from semeia.worlds.sweep.condition import Condition
from semeia.worlds.sweep.estimates import BEST_SIMPLE, Areas, Map
from semeia.worlds.sweep.run import Place
from semeia.worlds.world import Site

LAMS = (0.0, 0.25, 0.5, 0.75, 1.0)
KAPPAS = (0.25, 0.0, -0.25)
NUISANCES = (1.0, 2.0)
WORKUP_LABELS = 300
FINDING_ARMS = (
    *("scratch", "ema_finetune", "ema_frozen", "ema+vicreg_finetune", "incomplete_finetune", "random_frozen"),
    *(BEST_SIMPLE, "bayes"),
)
COMMON, APART = ("lam", "1"), ("structure", "independent")
# By key: the question, the arm that JEPA is held against, and where, by name.
FINDINGS = {
    "independent": (
        "Does JEPA beat supervision where causes are independent?",
        "scratch",
        {"independent causes": APART, "label on unshared causes": ("lam", "0"), "common cause": COMMON},
    ),
    "incomplete": (
        "Does JEPA on complete patients without labels beat supervision on incomplete ones?",
        "incomplete_finetune",
        {f"lam {lam:g}": ("lam", f"{lam:g}") for lam in LAMS} | {"independent causes": APART},
    ),
}


@dataclass(frozen=True)
class Criterion:
    """One thing that was expected, and what came."""

    words: str
    figure: str
    holds: bool


def worlds_study(*, out: Path, settings: MapSettings | None = None) -> Path:
    """Run every arm in nine made-up worlds; ends with the criteria (criteria.csv), tables and a page.

    Args:
        out: run folder; the same command goes on where it stopped.

    Returns:
        The page.
    """
    settings = settings or MapSettings()
    places = places_of_study(settings)
    found, diagnostics = run_map(places, out=out, settings=settings, study="worlds")
    criteria = judge(found, diagnostics, labels=settings.labels)
    words = [(one.words, one.figure, "holds" if one.holds else "fails") for one in criteria]
    write_csv(out / "criteria.csv", pl.DataFrame(words, schema=["criterion", "figure", "verdict"], orient="row"))
    first = (_criteria(criteria), *_findings(found, settings.labels))
    page = map_page("Worlds: when does pretraining help?", found, diagnostics, settings.condition, first=first)
    write_text(out / "report.html", to_html(page))
    return out / "report.html"


def places_of_study(settings: MapSettings) -> list[Place]:
    """Every condition of the study."""
    default, labels = settings.condition, settings.labels
    middle = labels[len(labels) // 2]

    def at(count: int, *, boosting: bool = False, **of: object) -> Condition:
        boosting = boosting and default.boosting
        return replace(default, world=replace(default.world, **of), labels=count, boosting=boosting)  # pyright: ignore[reportArgumentType]

    dial = [Place("lam", f"{lam:g}", at(n, structure="dial", lam=lam)) for lam in LAMS for n in labels]
    apart = [Place(*APART, at(n, structure="independent", boosting=n == middle)) for n in labels]
    others = [
        Place("structure", structure, at(middle, structure=structure, boosting=True))
        for structure in ("synergy", "anticausal", "risk", "selection")
    ]
    curved = [
        Place("structure", "curved", at(n, structure="curved", boosting=True))
        for n in dict.fromkeys((middle, labels[-1]))
    ]
    sites = tuple((f"kappa {kappa:g}", Site(kappa=kappa)) for kappa in KAPPAS)
    workup = [
        Place(
            "workup", f"nuisance {n:g}", replace(at(WORKUP_LABELS, structure="workup", nuisance_scale=n), sites=sites)
        )
        for n in NUISANCES
    ]
    return [*dial, *apart, *others, *curved, *workup]


def judge(found: Map, diagnostics: pl.DataFrame, *, labels: tuple[int, ...]) -> list[Criterion]:
    """Hold what came against what was expected; nothing is left out."""
    few = labels[0]

    def arm(place: tuple[str, str], name: str, n: int = few, cohort: str = "internal") -> Areas:
        return found[(*place, n, cohort)][name]

    def gain(place: tuple[str, str], one: str, other: str, n: int = few, cohort: str = "internal") -> Areas:
        return arm(place, one, n, cohort).minus(arm(place, other, n, cohort))

    def words(areas: Areas) -> str:
        return estimate(*areas.estimate, digits=3, sign=True)

    shared, apart = (gain(place, "ema_finetune", "scratch") for place in (COMMON, APART))
    frozen = [gain(APART, "ema_frozen", "random_frozen", n) for n in labels]
    worst = max(frozen, key=lambda areas: areas.estimate[0])
    incomplete = gain(APART, "incomplete_finetune", "ema_finetune")
    looked = diagnostics.filter((pl.col("sweep") == APART[0]) & (pl.col("value") == APART[1]))
    r2 = float((looked["ema_r2"] - looked["ema_r2_shuffled"]).mean())  # pyright: ignore[reportArgumentType]
    hidden, kept = (arm(("lam", lam), "ema_frozen") for lam in ("0", "1"))
    half = shared.estimate[0] / 2
    criteria = [
        Criterion(
            f"Common cause, {few} labels: JEPA fine-tuned beats scratch, one-sided p < .01",
            f"{words(shared)}, p {p_value(shared.above_0) if len(shared.by_seed) > 1 else 'of one seed unknown'}",
            shared.estimate[0] > 0 and shared.above_0 < 0.01,
        ),
        Criterion(
            f"Independent causes, {few} labels: the gain is less than half of that",
            f"{words(apart)} against {number(half, 3, sign=True)}",
            apart.estimate[0] < half,
        ),
        Criterion(
            "Independent causes: frozen JEPA at most .03 above random frozen, at every number of labels",
            f"largest {words(worst)}",
            worst.estimate[0] <= 0.03,
        ),
        Criterion(
            "Independent causes: R² of right pairs within .03 of that of wrong pairs",
            number(r2, 3, sign=True),
            abs(r2) <= 0.03,
        ),
        Criterion(
            f"Label on unshared causes only, {few} labels: frozen JEPA at most .60",
            estimate(*hidden.estimate, digits=3),
            hidden.estimate[0] <= 0.60,
        ),
        Criterion(
            f"Label on shared causes only, {few} labels: frozen JEPA at least .80",
            estimate(*kept.estimate, digits=3),
            kept.estimate[0] >= 0.80,
        ),
        Criterion(
            f"Independent causes, {few} labels: supervision on incomplete patients beats JEPA",
            words(incomplete),
            incomplete.estimate[0] > 0,
        ),
    ]
    for nuisance in NUISANCES:
        place = ("workup", f"nuisance {nuisance:g}")
        home, away = (gain(place, "ema_finetune", "image_only", WORKUP_LABELS, c) for c in ("internal", "kappa 0"))
        criteria += [
            Criterion(f"Work-up, {place[1]}: JEPA beats image only at home", words(home), home.estimate[0] > 0),
            Criterion(f"Work-up, {place[1]}: JEPA below image only at kappa 0", words(away), away.estimate[0] < 0),
        ]
    return criteria


def _criteria(criteria: list[Criterion]) -> Section:
    rows = [["holds" if one.holds else "fails", one.words, one.figure] for one in criteria]
    held = sum(one.holds for one in criteria)
    note = "Difference in AUROC (95 % interval) unless said otherwise. What fails is shown, not tuned away."
    table = TitledTable("Criteria", note, DataTable(["Verdict", "Expected", "Came"], rows))
    return Section("criteria", "What was expected, and what came", f"{held} of {len(criteria)} hold.", tables=[table])


def _findings(found: Map, labels: tuple[int, ...]) -> list[Section]:
    """The two findings: AUROC by number of labels, and the differences that they are about."""
    sections = []
    for key, (heading, other, worlds) in FINDINGS.items():
        rows = []
        for (name, place), n in product(worlds.items(), labels):
            arms = found[(*place, n, "internal")]
            levels = [number(arms[arm].estimate[0], 3) if arm in arms else "not run" for arm in FINDING_ARMS]
            rows.append([name, f"{n:,}", *levels, difference(arms["ema_finetune"], arms[other])])
        less = f"{title_of('ema_finetune')} less {title_of(other)}"
        table = DataTable(["World", "Labels", *map(title_of, FINDING_ARMS), less], rows)
        words = "AUROC, mean over seeds, and the paired difference with its interval"
        sections.append(Section(key, heading, tables=[TitledTable(words, "", table)]))
    return sections
