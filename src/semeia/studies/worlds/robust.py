"""Test arms that shall not lose outside, in made-up worlds whose records hang on the label otherwise at another site.

Home is a hospital where tests are ordered on suspicion (`workup`); at the sites that coupling is weaker, gone or turned
round. What an arm costs where nothing moves is measured at home and in worlds without coupling. Experts are small JEPAs
pretrained and fine-tuned together (worlds/sweep). Everything here is simulated.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.learning.adapt.blend import USUAL, blended, fit_home, judge_site
from semeia.learning.adapt.experts import Scored
from semeia.learning.adapt.record_move import Embedded, estimate_move, simulate_site, without_direction
from semeia.learning.adapt.stacking import stack
from semeia.learning.probe import fit_linear
from semeia.progress import say
from semeia.ranges import Range, require_ranges
from semeia.studies.worlds.robust_experts import Experts, Home, out_of_fold, train_experts
from semeia.worlds import Patients, Site, WorldSettings, draw_patients
from semeia.worlds.sweep.finetuning import SmallFinetuning
from semeia.worlds.sweep.networks import MODALITIES
from semeia.worlds.sweep.pretraining import SmallPretraining
from semeia.worlds.world import HOME as UNCHANGED

STRENGTHS = (1e-3, 1e-2, 1e-1)
HOME = "home"
WORLD = WorldSettings(structure="workup", lam=0.5, nuisance_scale=2.0)
WORLDS = {
    "W7": WORLD,
    "W1": replace(WORLD, structure="common"),
    "W3": replace(WORLD, structure="dial"),
}
RECODED = Site(shift=1.0, unmapped=0.3)


@dataclass(frozen=True)
class Place:
    """A site, and the share of the outcome among its patients where they are drawn by outcome."""

    site: Site = UNCHANGED
    prevalence: float | None = None


PLACES = {
    "W7": {
        HOME: Place(),
        "kappa .25": Place(Site(kappa=0.25)),
        "kappa 0": Place(Site(kappa=0.0)),
        "kappa -.25": Place(Site(kappa=-0.25)),
        "home, prevalence .1": Place(prevalence=0.1),
        "kappa 0, prevalence .1": Place(Site(kappa=0.0), 0.1),
        "kappa 0, prevalence .5": Place(Site(kappa=0.0), 0.5),
        "stronger signal": Place(Site(recoding=0.5)),
        "affine, 30 % unmapped": Place(RECODED),
    },
    "W1": {HOME: Place(), "affine, 30 % unmapped": Place(RECODED)},
    "W3": {HOME: Place(), "affine, 30 % unmapped": Place(RECODED)},
}
# World, place, arm, reference, least mean difference of AUROC that passes.
CRITERIA = (
    ("W7", HOME, "plain", -0.015),
    ("W7", "kappa 0", "image", -0.01),
    ("W7", "kappa -.25", "image", -0.02),
    ("W1", HOME, "plain", -0.015),
    ("W3", HOME, "plain", -0.015),
)
ROBUST = ("blend_site", "simulate", "drop")


@dataclass(frozen=True)
class RobustSettings:
    """How large the study is.

    Attributes:
        seeds: worlds of each kind, each with its own patients.
        labels: labelled home patients.
        unlabelled: home patients without labels.
        site: unlabelled patients of a site.
        test: labelled patients of each place, only tested.
        pretraining: of the small networks.
        finetuning: of the small networks.
    """

    seeds: int = 10
    labels: int = 300
    unlabelled: int = 4000
    site: int = 1000
    test: int = 3000
    pretraining: SmallPretraining = field(
        default_factory=lambda: SmallPretraining(hidden=128, width=32, predictor=64, steps=600)
    )
    finetuning: SmallFinetuning = field(default_factory=lambda: SmallFinetuning(lr_pretrained=5e-4))

    def __post_init__(self) -> None:
        counts = {"seeds": Range(2), "labels": Range(50), "unlabelled": Range(100), "site": Range(100)}
        require_ranges("robust", self, counts | {"test": Range(100)})


def robust_study(*, out: Path, settings: RobustSettings) -> str:
    """Score every arm at every place, write the table, and say which criteria hold.

    Args:
        out: table of AUROC by world, place, arm and seed, .csv.
        settings: see `RobustSettings`.
    """
    from semeia.report.terminal import table_writer

    write = table_writer(out)
    sources = [(name, seed) for name in WORLDS for seed in range(settings.seeds)]
    homes = [draw_home(replace(WORLDS[name], seed=seed), settings) for name, seed in sources]
    say(f"pretraining and fine-tuning {len(homes)} homes together")
    experts = train_experts(homes, pretraining=settings.pretraining, finetuning=settings.finetuning)
    rows = []
    for (name, seed), home, networks in zip(sources, homes, experts, strict=True):
        world = replace(WORLDS[name], seed=seed)
        for place, arm, auroc in scored_places(world, PLACES[name], home, networks, settings):
            rows.append({"world": name, "place": place, "seed": seed, "arm": arm, "auroc": auroc})
    table = pl.DataFrame(rows)
    write(table)
    return "\n".join(["All of it is simulated.", "", *summary(table), "", *criteria(table)])


def draw_home(world: WorldSettings, settings: RobustSettings) -> Home:
    """Draw the home patients of a world."""
    labelled = draw_patients(world, settings.labels, seed=world.seed, part="labelled")
    unlabelled = draw_patients(world, settings.unlabelled, seed=world.seed, part="unlabelled")
    values = {name: getattr(unlabelled, name) for name in MODALITIES}
    sd = {name: one.std(0) + 1e-6 for name, one in values.items()}
    return Home(labelled, unlabelled, {name: one.mean(0) for name, one in values.items()}, sd)


def scored_places(
    world: WorldSettings, places: dict[str, Place], home: Home, networks: Experts, settings: RobustSettings
) -> Iterator[tuple[str, str, float]]:
    """Fit every arm at home, let it read unlabelled patients of each place, and score others of that place."""
    from sklearn.metrics import roc_auc_score

    arms = Arms(home, networks)
    for name, place in places.items():
        site = _unlabelled_of(world, place, settings)
        test = draw_patients(world, settings.test, seed=world.seed, part="test", site=place.site)
        for arm, score in arms.at(home.features(site), home.features(test)).items():
            yield name, arm, float(roc_auc_score(test.label, score))


class Arms:
    """Every arm, fitted at home."""

    def __init__(self, home: Home, networks: Experts) -> None:
        self.networks, self.label = networks, home.labelled.label
        labelled, unlabelled = home.features(home.labelled), home.features(home.unlabelled)
        self.embedded, self.unlabelled = networks.embed(labelled), self._embedded(unlabelled)
        image, joint = (out_of_fold(networks, expert, labelled) for expert in ("image", "joint"))
        scored = Scored(image, joint, self.embedded["image"])
        self.link = fit_home(scored, self.label, self._scored(unlabelled))
        self.stack = stack(scored, self.label)
        self.frozen = self._head(*self.embedded.values())
        self.ridge, self.ridge_image = self._head(*labelled.values()), self._head(labelled["image"])

    def at(self, site: dict[str, np.ndarray], test: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Score patients by every arm; the last three read unlabelled patients of the same site."""
        scored, (image, record) = self._scored(test), self.networks.embed(test).values()
        move = estimate_move(self.link.calibration, self.unlabelled, self._embedded(site))
        moved = simulate_site(self.embedded["record"], self.label, move)
        kept = without_direction(self.embedded["record"], move)
        weight = judge_site(self.link, self._scored(site)).weight
        return {
            "ridge_image": self.ridge_image(test["image"]),
            "ridge": self.ridge(*test.values()),
            "image": scored.image,
            "plain": self.networks.score("plain", test),
            "bagged": scored.joint,
            "frozen": self.frozen(image, record),
            "blend_.75": blended(scored.image, scored.joint, weight=USUAL),
            "blend_.5": blended(scored.image, scored.joint, weight=0.5),
            "stacking": self.stack(scored),
            "blend_site": blended(scored.image, scored.joint, weight=weight),
            "simulate": self._head(self.embedded["image"], moved)(image, record),
            "drop": self._head(self.embedded["image"], kept)(image, without_direction(record, move)),
        }

    def _scored(self, features: dict[str, np.ndarray]) -> Scored:
        image, joint = (self.networks.score(expert, features) for expert in ("image", "joint"))
        return Scored(image, joint, self.networks.embed(features)["image"])

    def _embedded(self, features: dict[str, np.ndarray]) -> Embedded:
        return Embedded(self.networks.score("image", features), *self.networks.embed(features).values())

    def _head(self, *parts: np.ndarray) -> Callable[..., np.ndarray]:
        """Fit ridge logistic regression, its strength by cross-validation; gives the log-odds of further patients."""
        x = np.column_stack(parts)
        mean, sd = x.mean(0), x.std(0) + 1e-6
        head = fit_linear((x - mean) / sd, self.label, np.arange(len(x)), seed=0, strengths=STRENGTHS)
        return lambda *others: (np.column_stack(others) - mean) / sd @ head.weight + head.bias


def summary(table: pl.DataFrame) -> list[str]:
    """Mean AUROC (standard deviation over worlds) of every arm at every place, as lines of a table."""
    lines = []
    for (world,), rows in table.group_by("world", maintain_order=True):
        means = rows.group_by("place", "arm", maintain_order=True).agg(pl.col("auroc").mean(), sd=pl.col("auroc").std())
        cells = {(place, arm): f"{mean:.3f} ({sd or 0:.3f})" for place, arm, mean, sd in means.iter_rows()}
        places, arms = (list(dict.fromkeys(means[column])) for column in ("place", "arm"))
        lines += ["", f"| {world} | {' | '.join(places)} |", "|---" * (len(places) + 1) + "|"]
        lines += [f"| {arm} | {' | '.join(cells[place, arm] for place in places)} |" for arm in arms]
    return lines[1:]


def criteria(table: pl.DataFrame) -> list[str]:
    """Say of every robust arm and criterion what was found, and whether it holds."""
    lines = ["| arm | world | place | minus | at least | found (standard error) | |", "|---" * 7 + "|"]
    for arm in ROBUST:
        for world, place, reference, least in CRITERIA:
            rows = table.filter((pl.col("world") == world) & (pl.col("place") == place)).sort("seed")
            own, other = (rows.filter(pl.col("arm") == name)["auroc"].to_numpy() for name in (arm, reference))
            difference, error = (own - other).mean(), (own - other).std(ddof=1) / np.sqrt(len(own))
            word = "holds" if difference >= least else "fails"
            found = f"{difference:+.3f} ({error:.3f})"
            lines.append(f"| {arm} | {world} | {place} | {reference} | {least:+.3f} | {found} | {word} |")
    return lines


def _unlabelled_of(world: WorldSettings, place: Place, settings: RobustSettings) -> Patients:
    """Patients of a site whose labels are used for one thing: to draw them by outcome where the prevalence is given."""
    if place.prevalence is None:
        return draw_patients(world, settings.site, seed=world.seed, part="site", site=place.site)
    people = draw_patients(world, 10 * settings.site, seed=world.seed, part="site", site=place.site)
    positive = round(place.prevalence * settings.site)
    rows = [np.flatnonzero(people.label == value) for value in (1, 0)]
    chosen = np.concatenate([rows[0][:positive], rows[1][: settings.site - positive]])
    return replace(people, image=people.image[chosen], record=people.record[chosen], label=people.label[chosen])
