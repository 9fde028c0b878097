"""Test arms that shall not lose outside, in made-up worlds whose records hang on the label otherwise at another site.

Home is a hospital where tests are ordered on suspicion (`workup`), or two of them, more and less so; at the sites that
coupling is weaker, gone or turned round. What an arm costs where nothing moves is measured at home and in worlds with
none. Experts are small JEPAs pretrained and fine-tuned together (worlds/sweep). Everything here is simulated.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.learning.adapt.blend import USUAL, blended, fit_home, judge_site
from semeia.learning.adapt.experts import Scored
from semeia.learning.adapt.record_move import Embedded, estimate_move, simulate_site, without_direction
from semeia.progress import say
from semeia.ranges import Range, require_ranges
from semeia.studies.worlds.robust_experts import FOLDS, Experts, Features, Home, out_of_fold, train_experts
from semeia.studies.worlds.robust_heads import (
    Head,
    anchored_head,
    dropout_head,
    invariant_head,
    ridge_head,
    stressed_head,
)
from semeia.worlds import Patients, Site, WorldSettings, draw_patients
from semeia.worlds.sweep.finetuning import SmallFinetuning
from semeia.worlds.sweep.networks import MODALITIES
from semeia.worlds.sweep.pretraining import SmallPretraining
from semeia.worlds.world import HOME as UNCHANGED

HOME = "home"
WORLD = WorldSettings(structure="workup", lam=0.5, nuisance_scale=2.0)
ONE = (UNCHANGED,)
TWO = (Site(kappa=0.75), Site(kappa=0.25))  # which differ in nothing where there is no coupling
WORLDS = {
    "W7": (WORLD, ONE),
    "W7, two": (WORLD, TWO),
    "W1": (replace(WORLD, structure="common"), TWO),
    "W3": (replace(WORLD, structure="dial"), TWO),
}
RECODED = (Site(shift=1.0, unmapped=0.3),)
NONE, TURNED = (Site(kappa=0.0),), (Site(kappa=-0.25),)


@dataclass(frozen=True)
class Place:
    """Sites that take turns, and the share of the outcome among their patients where they are drawn by outcome."""

    sites: tuple[Site, ...] = ONE
    prevalence: float | None = None


WORKUP = {
    HOME: Place(),
    "kappa .25": Place((Site(kappa=0.25),)),
    "kappa 0": Place(NONE),
    "kappa -.25": Place(TURNED),
    "home, prevalence .1": Place(prevalence=0.1),
    "kappa 0, prevalence .1": Place(NONE, 0.1),
    "kappa 0, prevalence .5": Place(NONE, 0.5),
    "stronger signal": Place((Site(recoding=0.5),)),
    "affine, 30 % unmapped": Place(RECODED),
}
STEADY = {HOME: Place(TWO), "affine, 30 % unmapped": Place(RECODED)}
PLACES = {
    "W7": WORKUP,
    "W7, two": WORKUP | {HOME: Place(TWO), "home, prevalence .1": Place(TWO, 0.1)},
    "W1": STEADY,
    "W3": STEADY,
}
# World, place, reference, least mean difference of AUROC that passes.
CRITERIA = (
    *((world, HOME, "plain", -0.015) for world in WORLDS),
    *((world, "kappa 0", "image", -0.01) for world in ("W7", "W7, two")),
    *((world, "kappa -.25", "image", -0.02) for world in ("W7", "W7, two")),
)
STACKING, ANCHORING = 10.0, 100.0  # penalties, against the summed log-likelihood of the labelled patients
INVARIANT = {"vrex_10": 10.0, "vrex_100": 100.0, "group_dro": None}
RIVALS = ("ridge_image", "ridge", "image", "plain", "bagged", "frozen")  # what arms are held against, and no contender
BLENDED_RIDGE = "ridge_blend_site"  # of two ridge experts, and therefore held against ridge


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
    """
    from semeia.report.terminal import table_writer

    write = table_writer(out)
    sources = [(name, seed) for name in WORLDS for seed in range(settings.seeds)]
    homes = [draw_home(name, seed, settings) for name, seed in sources]
    say(f"pretraining and fine-tuning {len(homes)} homes together")
    experts = train_experts(homes, pretraining=settings.pretraining, finetuning=settings.finetuning)
    rows = []
    for (name, seed), home, networks in zip(sources, homes, experts, strict=True):
        world = replace(WORLDS[name][0], seed=seed)
        for place, arm, auroc in scored_places(world, PLACES[name], home, networks, settings):
            rows.append({"world": name, "place": place, "seed": seed, "arm": arm, "auroc": auroc})
    table = pl.DataFrame(rows)
    write(table)
    return "\n".join(["All of it is simulated.", "", *summary(table), "", *criteria(table)])


def draw_home(name: str, seed: int, settings: RobustSettings) -> Home:
    """Draw the home patients of a world."""
    world, sites = replace(WORLDS[name][0], seed=seed), WORLDS[name][1]
    labelled = draw_in_turn(world, settings.labels, sites, part="labelled")
    unlabelled = draw_in_turn(world, settings.unlabelled, sites, part="unlabelled")
    values = {name: getattr(unlabelled, name) for name in MODALITIES}
    sd = {name: one.std(0) + 1e-6 for name, one in values.items()}
    mean = {name: one.mean(0) for name, one in values.items()}
    return Home(labelled, unlabelled, mean, sd, np.arange(settings.labels) % len(sites))


def draw_in_turn(world: WorldSettings, count: int, sites: tuple[Site, ...], *, part: str) -> Patients:
    """Draw patients of several sites, the first of the first, the second of the second, and round again."""
    drawn = [draw_patients(world, count, seed=world.seed, part=part, site=site) for site in sites]
    rows = np.arange(count)
    record, label = (np.stack([getattr(each, name) for each in drawn]) for name in ("record", "label"))
    return replace(drawn[0], record=record[rows % len(sites), rows], label=label[rows % len(sites), rows])


def scored_places(
    world: WorldSettings, places: dict[str, Place], home: Home, networks: Experts, settings: RobustSettings
) -> Iterator[tuple[str, str, float]]:
    """Fit every arm at home, let it read unlabelled patients of each place, and score others of that place."""
    from sklearn.metrics import roc_auc_score

    arms = Arms(home, networks)
    for name, place in places.items():
        site = _unlabelled_of(world, place, settings)
        test = draw_in_turn(world, settings.test, place.sites, part="test")
        for arm, score in arms.at(home.features(site), home.features(test)).items():
            yield name, arm, float(roc_auc_score(test.label, score))


class Arms:
    """Every arm, fitted at home."""

    def __init__(self, home: Home, networks: Experts) -> None:
        self.networks, self.label = networks, home.labelled.label
        labelled, unlabelled = home.features(home.labelled), home.features(home.unlabelled)
        self.image, self.record = networks.embed(labelled).values()
        self.unlabelled = self._embedded(unlabelled)
        image, joint = (out_of_fold(networks, expert, labelled) for expert in ("image", "joint"))
        scored = Scored(image, joint, self.image)
        self.link = fit_home(scored, self.label, self._scored(unlabelled))
        self.ridge, self.ridge_image = self._head(*labelled.values()), self._head(labelled["image"])
        self.ridge_link = fit_home(self._ridge_out_of_fold(labelled), self.label, self._ridge_scored(unlabelled))
        self.stack = anchored_head(scored.anchor, (scored.joint - scored.anchor)[:, None], self.label, penalty=STACKING)
        self.anchored = anchored_head(scored.anchor, self.record, self.label, penalty=ANCHORING)
        self.on_embeddings = {
            "frozen": self._head(self.image, self.record),
            "dropout": dropout_head(self.image, self.record, self.label),
            "stress": stressed_head(self.image, self.record, self.label),
        }
        if len(np.unique(home.site)) > 1:
            both = np.column_stack([self.image, self.record])
            for name, variance in INVARIANT.items():
                self.on_embeddings[name] = invariant_head(both, self.label, home.site, variance=variance)

    def at(self, site: Features, test: Features) -> dict[str, np.ndarray]:
        """Score patients by every arm; the last four read unlabelled patients of the same site."""
        scored, (image, record) = self._scored(test), self.networks.embed(test).values()
        move = estimate_move(self.link.calibration, self.unlabelled, self._embedded(site))
        moved, kept = simulate_site(self.record, self.label, move), without_direction(self.record, move)
        weight = judge_site(self.link, self._scored(site)).weight
        ridge = self._ridge_scored(test)
        of_ridge = judge_site(self.ridge_link, self._ridge_scored(site)).weight
        return {
            "ridge_image": ridge.anchor,
            "ridge": ridge.joint,
            "image": scored.anchor,
            "plain": self.networks.score("plain", test),
            "bagged": scored.joint,
            **{name: head(image, record) for name, head in self.on_embeddings.items()},
            "blend_.75": blended(scored.anchor, scored.joint, weight=USUAL),
            "blend_.5": blended(scored.anchor, scored.joint, weight=0.5),
            "stacking": self.stack(scored.anchor, (scored.joint - scored.anchor)[:, None]),
            "anchored": self.anchored(scored.anchor, record),
            "blend_site": blended(scored.anchor, scored.joint, weight=weight),
            "simulate": self._head(self.image, moved)(image, record),
            "drop": self._head(self.image, kept)(image, without_direction(record, move)),
            BLENDED_RIDGE: blended(ridge.anchor, ridge.joint, weight=of_ridge),
        }

    def _scored(self, features: Features) -> Scored:
        image, joint = (self.networks.score(expert, features) for expert in ("image", "joint"))
        return Scored(image, joint, self.networks.embed(features)["image"])

    def _ridge_scored(self, features: Features) -> Scored:
        return Scored(self.ridge_image(features["image"]), self.ridge(*features.values()), features["image"])

    def _ridge_out_of_fold(self, features: Features) -> Scored:
        """What ridge regression of the other folds says of each labelled patient."""
        fold = np.arange(len(self.label)) % FOLDS
        image, joint = np.empty(len(fold)), np.empty(len(fold))
        for rest, out in ((fold != one, fold == one) for one in range(FOLDS)):
            known, new = ({name: values[rows] for name, values in features.items()} for rows in (rest, out))
            image[out] = ridge_head(known["image"], label=self.label[rest])(new["image"])
            joint[out] = ridge_head(*known.values(), label=self.label[rest])(*new.values())
        return Scored(image, joint, features["image"])

    def _embedded(self, features: Features) -> Embedded:
        return Embedded(self.networks.score("image", features), *self.networks.embed(features).values())

    def _head(self, *parts: np.ndarray) -> Head:
        return ridge_head(*parts, label=self.label)


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
    """Say of every contender and criterion what was found (standard error), and whether it holds.

    What is blended of ridge experts is held against ridge regression in the places of `plain` and `image`.
    """
    of_ridge = {"plain": "ridge", "image": "ridge_image"}
    heads = [f"{world}, {place}, less {other}: {least:+.3f}" for world, place, other, least in CRITERIA]
    lines = [f"| arm | {' | '.join(heads)} | fails |", "|---" * (len(heads) + 2) + "|"]
    for arm in dict.fromkeys(table["arm"]):
        if arm in RIVALS:
            continue
        cells, failed = [], 0
        for world, place, name, least in CRITERIA:
            reference = of_ridge[name] if arm == BLENDED_RIDGE else name
            rows = table.filter((pl.col("world") == world) & (pl.col("place") == place)).sort("seed")
            own, other = (rows.filter(arm=one)["auroc"].to_numpy() for one in (arm, reference))
            if not len(own):
                cells.append("not run")
                continue
            difference, error = (own - other).mean(), (own - other).std(ddof=1) / np.sqrt(len(own))
            failed += int(difference < least)
            cells.append(f"{difference:+.3f} ({error:.3f}) {'**fails**' if difference < least else 'holds'}")
        lines.append(f"| {arm} | {' | '.join(cells)} | {failed} |")
    return lines


def _unlabelled_of(world: WorldSettings, place: Place, settings: RobustSettings) -> Patients:
    """Patients of a site whose labels are used for one thing: to draw them by outcome where the prevalence is given."""
    if place.prevalence is None:
        return draw_in_turn(world, settings.site, place.sites, part="site")
    people = draw_in_turn(world, 10 * settings.site, place.sites, part="site")
    positive = round(place.prevalence * settings.site)
    rows = [np.flatnonzero(people.label == value) for value in (1, 0)]
    chosen = np.concatenate([rows[0][:positive], rows[1][: settings.site - positive]])
    return replace(people, image=people.image[chosen], record=people.record[chosen], label=people.label[chosen])
