"""Say what one cell of the map is: a world, how many patients of each kind, what is missing, and which networks."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Literal

from semeia.errors import InputError
from semeia.ranges import Range, require_ranges
from semeia.settings_json import to_plain
from semeia.worlds.observe import Missing
from semeia.worlds.sweep.finetuning import SmallFinetuning
from semeia.worlds.sweep.pretraining import Objective, SmallPretraining
from semeia.worlds.visits import Course, require_linear
from semeia.worlds.world import Site, WorldSettings

Reading = Literal["newest", "all", "across"]


@dataclass(frozen=True)
class Condition:
    """One place on the map; with a seed it is a cell.

    Attributes:
        world: what causes what; a cell's seed takes the place of the world's.
        labels: labelled patients with both modalities, a fifth of them held out by networks.
        unlabelled: patients of the archive.
        labelled_images: labelled patients without a record, from whom `incomplete` is pretrained.
        wrong_labels: share of them whose label is wrong.
        test: patients of each cohort that scores are taken on.
        missing_train: records missing from the archive and the labelled patients.
        missing_test: records missing from the test patients.
        sites: other hospitals to be tested at, (name, site).
        course: how patients come back; by default everybody comes once.
        reading: what is read of several visits: the newest image and record; these and the mean of all; or the newest
            visit against the mean of those before it.
        objectives: of pretraining.
        pretraining: small networks and how they learn without labels.
        finetuning: how they meet labels.
        boosting: whether trees are boosted too, which takes as long as everything else.
    """

    world: WorldSettings = field(default_factory=WorldSettings)
    labels: int = 200
    unlabelled: int = 8000
    labelled_images: int = 4000
    wrong_labels: float = 0.0
    test: int = 4000
    missing_train: Missing = field(default_factory=Missing)
    missing_test: Missing = field(default_factory=Missing)
    sites: tuple[tuple[str, Site], ...] = ()
    course: Course | None = None
    reading: Reading = "newest"
    objectives: tuple[Objective, ...] = ("ema", "ema+vicreg")
    pretraining: SmallPretraining = field(default_factory=SmallPretraining)
    finetuning: SmallFinetuning = field(default_factory=SmallFinetuning)
    boosting: bool = True

    def __post_init__(self) -> None:
        counts = dict.fromkeys(("unlabelled", "labelled_images", "test"), Range(100))
        require_ranges("condition", self, counts | {"labels": Range(20), "wrong_labels": Range(0, 0.5, below=True)})
        if self.labels * min(self.world.prevalence, 1 - self.world.prevalence) < 4:
            raise InputError(
                f"condition: {self.labels} labels at prevalence {self.world.prevalence:g} are too few to fit to"
            )
        if not self.objectives:
            raise InputError("condition: name an objective")
        if self.course is not None:
            require_linear(self.world)
            if self.sites or self.missing_train.share or self.missing_test.share:
                raise InputError("condition: with a course there are no other sites, and nothing more is missing")

    @property
    def digest(self) -> str:
        """Name of its folder."""
        return hashlib.sha256(json.dumps(to_plain(self), sort_keys=True).encode()).hexdigest()[:12]

    @property
    def shape(self) -> str:
        """What must be alike where cells are trained together."""
        sizes = (self.unlabelled, self.labelled_images, self.objectives, self.world.image, self.world.record)
        return repr((sizes, self.pretraining, self.finetuning, self.course and self.reading))

    def archive(self, seed: int) -> tuple[object, ...]:
        """What decides the unlabelled patients: cells that agree in it are pretrained once."""
        return self.archive_world(seed), self.missing_train, self.course, self.reading, seed

    def archive_world(self, seed: int) -> WorldSettings:
        """The world, with what does not show in unlabelled patients set to defaults: it is pretrained on once."""
        world = replace(self.world, seed=seed)
        if world.structure == "workup" or (self.missing_train.share and self.missing_train.mechanism == "mnar"):
            return world
        structure = "common" if world.structure in ("dial", "curved") else world.structure
        default = WorldSettings()
        return replace(world, structure=structure, lam=default.lam, beta=default.beta, prevalence=default.prevalence)
