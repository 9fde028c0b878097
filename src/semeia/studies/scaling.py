"""How much pretraining pays, by what, for how long, and for whom: gain over scratch against compute and archive size.

Protocol. Only units that no other study tests are used: of an archive with a fixed split its training side; without
one, all but the last of five folds of patients. Among these seed s tests another of five folds. Every start (scratch,
random, each objective at each length and on each share of the archive) has the same network, the same labels and the
same fine-tuning budget. A further archive may be learnt from, too; nobody of it is tested or has a label. Defaults of
other studies are to be chosen from this one, before their test folds are read.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import polars as pl

from semeia.archive.atomic import write_csv
from semeia.archive.store import open_archive
from semeia.data.modalities import Volume
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.description import ArmDescription, CohortDescription, Description
from semeia.learning.cells import Cell, seconds_of
from semeia.learning.columns import Columns
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.ranges import FROM_1, require_ranges
from semeia.studies.run.arms import Encoder, Network, simple_arm
from semeia.studies.run.audit import audit_networks
from semeia.studies.run.protocol import (
    FOLDS,
    StudySettings,
    kept_for_testing,
    require_each_once,
    require_fractions,
    require_names,
    require_seeds,
)
from semeia.studies.run.reading import labels_of, outside_of, read_units, task_of
from semeia.studies.run.runner import run_study
from semeia.studies.run.study import Arm, Finished, Inputs, Material, Pretraining, Study
from semeia.studies.run.words import PRETRAINED, SEED, said

# Terms of each objective, and how many of its steps cost about as much as one of SimCLR, which encodes two whole views:
# latent prediction encodes a part and, without gradient, the whole; a masked autoencoder a quarter of one view.
OBJECTIVES = {
    "jepa": (("jepa",), "ema", 2.0),
    "cjepa": (("jepa",), "ema+vicreg", 2.0),
    "mae": (("mae",), "", 4.0),
    "simclr": (("simclr",), "", 1.0),
    "vicreg": (("vicreg",), "", 1.0),
}
SCRATCH, COMPONENTS = "scratch", "components"
MODES = ("frozen", "probe_finetune", "finetune")
Corpus = Literal["own", "both", "further"]
ALSO = {"own": "", "both": " on both archives", "further": " on the further archive"}
REFERENCES = (*(f"{SCRATCH}/{mode}" for mode in MODES), f"{COMPONENTS}/none")


@dataclass(frozen=True)
class ScalingSettings(StudySettings):
    """The curves.

    Attributes:
        outcome: what is predicted, of two classes or several.
        modality: the images that are learnt from; empty: the first that the archive has.
        objectives: names in `OBJECTIVES`.
        steps: lengths of pretraining, in steps of SimCLR; other objectives take as many as cost about the same.
        shares: of the pretraining patients that are learnt from.
        corpora: what is learnt from: the archive's own patients, those of the further archive, or both, at equal steps.
        pretraining: see `PretrainSettings`; its terms and its number of steps are those above.
        finetuning: see `FinetuneSettings`; the same for every start.
    """

    outcome: str = ""
    modality: str = ""
    objectives: tuple[str, ...] = tuple(OBJECTIVES)
    steps: tuple[int, ...] = (100, 400, 1600)
    shares: tuple[float, ...] = (1.0,)
    corpora: tuple[Corpus, ...] = ("own",)
    fractions: tuple[float, ...] = (0.1, 1.0)
    pretraining: PretrainSettings = field(default_factory=PretrainSettings)
    finetuning: FinetuneSettings = field(default_factory=FinetuneSettings)

    def __post_init__(self) -> None:
        require_names("objective", self.objectives, tuple(OBJECTIVES))
        require_ranges("study", self, {"steps": FROM_1})
        require_fractions(self.shares)
        require_seeds(self.seeds, folds=FOLDS)
        require_names("corpus", self.corpora, get_args(Corpus))
        require_each_once(self, "objectives", "steps", "corpora")
        super().__post_init__()


@dataclass(frozen=True)
class Point:
    """One pretraining: an objective, how long, on what share of the patients, of which archive."""

    objective: str
    steps: int
    share: float
    corpus: Corpus

    @property
    def name(self) -> str:
        """The arm."""
        share = "" if self.share == 1 else f"_{self.share:g}"
        return f"{self.objective}_{self.steps}{share}" + ("" if self.corpus == "own" else f"_{self.corpus}")

    @property
    def title(self) -> str:
        """What people read."""
        whom = "" if self.share == 1 else f" on {self.share:.0%} of the patients"
        return f"{self.objective}, {self.steps} steps{whom}{ALSO[self.corpus]}"

    def settings(self, base: PretrainSettings) -> PretrainSettings:
        """Pretrain by this objective for so long."""
        terms, guard, steps_for_one = OBJECTIVES[self.objective]
        jepa = replace(base.objective.jepa, guard=guard) if guard else base.objective.jepa
        optimiser = replace(base.optimiser, steps=round(self.steps * steps_for_one))
        return replace(base, objective=replace(base.objective, terms=terms, jepa=jepa), optimiser=optimiser)


def points(settings: ScalingSettings) -> list[Point]:
    """List every pretraining of the study."""
    return [Point(*point) for point in product(settings.objectives, settings.steps, settings.shares, settings.corpora)]


def modality_of(settings: ScalingSettings, inputs: Inputs) -> str:
    """Name the images that are learnt from."""
    there = settings.pretraining.model.modalities_of(open_archive(inputs.archive))
    images = [name for name, one in there.items() if isinstance(one, Volume)]
    if not images or (settings.modality and settings.modality not in images):
        raise InputError(f"{inputs.archive}: no images '{settings.modality}'; it has {', '.join(images) or 'none'}")
    return settings.modality or images[0]


def open_training_side(inputs: Inputs, settings: ScalingSettings, cache: Path) -> Material:
    """Read the units that no other study tests, their labels, and who is tested by which seed."""
    if (inputs.external is None) != (settings.corpora == ("own",)):
        raise InputError("study: --further names the archive of the corpora 'both' and 'further'; give it with these")
    name = modality_of(settings, inputs)
    data = read_units(inputs, settings.pretraining.model, cache, {})
    outside = outside_of(data)
    if data.units.filter(~outside)["split"].is_null().all():
        side = ~kept_for_testing(data.units, outside=outside)(FOLDS - 1)
    else:
        side = (data.units["split"] == "train").fill_null(False).to_numpy()
    data = data.take(np.flatnonzero((side | outside) & data.observed(name)))
    units = data.units.with_columns(split=pl.lit(None, pl.String))  # of what is left every fold is tested in turn
    outside, archive = outside_of(data), open_archive(inputs.archive)
    task = task_of(archive, settings.outcome)
    labels = np.full(len(units), np.nan)
    labels[~outside] = labels_of(units.filter(~outside), archive, settings.outcome, classes=task.classes)
    kept = kept_for_testing(units, outside=outside)
    return Material(
        units=units,
        cohort=np.where(outside, "unknown", "internal"),
        labels={settings.outcome: labels},
        testing=lambda seed: kept(seed) & ~outside,
        tasks={settings.outcome: task},
        dataset=data,
        read=lambda model: data,
    )


def corpus_of(material: Material, rows: np.ndarray, seed: int, *, share: float, corpus: Corpus = "own") -> np.ndarray:
    """Take the units of a share of the patients of one archive or both; a smaller share lies inside a larger."""
    further = material.cohort[rows] == "unknown"
    rows = rows if corpus == "both" else rows[further == (corpus == "further")]
    patients = np.random.default_rng([seed, 41]).permutation(np.unique(material.subjects[rows]))
    return rows[np.isin(material.subjects[rows], patients[: max(round(share * len(patients)), 1)])]


def pretraining(settings: ScalingSettings, inputs: Inputs) -> dict[str, Pretraining]:
    """One encoder a point."""
    name = modality_of(settings, inputs)
    return {
        point.name: Encoder(
            (name,),
            point.settings(settings.pretraining),
            partial(corpus_of, share=point.share, corpus=point.corpus),
        )
        for point in points(settings)
    }


def arms(settings: ScalingSettings, inputs: Inputs) -> dict[str, Arm]:
    """The same network from every start, and principal components."""
    name = modality_of(settings, inputs)

    def network(title: str, role: str, begins: str, start: str = "", modes: tuple[str, ...] = MODES) -> Network:
        about = ArmDescription(title, role, "", begins, (name,))
        return Network(about, settings.pretraining.model, settings.finetuning, modes=modes, pretraining=start)

    pretrained = {point.name: network(point.title, "pretrained", PRETRAINED, point.name) for point in points(settings)}
    title, model = "Principal components, logistic regression", settings.pretraining.model
    simple = simple_arm(title, Columns(modality=name), model, "components")
    return {SCRATCH: network("From scratch", "scratch", SEED), **pretrained, COMPONENTS: simple}


def curves(finished: Finished) -> None:
    """Write tables/scaling.csv: the gain of every point over the same network from scratch, with what it cost."""
    run, settings = finished.work.run, finished.work.settings
    results = pl.read_csv(run / "results.csv")
    gains = results.filter(pl.col("reference").is_in(REFERENCES))
    rows = []
    for point in points(settings):
        times = [seconds_of(run / Cell(point.name, "pretrain", 1.0, seed).name) for seed in settings.seeds]
        steps = point.settings(settings.pretraining).optimiser.steps
        facts = {"objective": point.objective, "steps": point.steps, "own_steps": steps, "share": point.share}
        facts["corpus"] = point.corpus
        of_point = gains.filter(pl.col("arm") == point.name).select(
            "mode", "fraction", "reference", "metric", "value", "low", "high", "n", "n_patients", "seeds"
        )
        rows += [{**facts, "seconds": float(np.mean(times)), **row} for row in of_point.iter_rows(named=True)]
    write_csv(run / "tables" / "scaling.csv", pl.DataFrame(rows, infer_schema_length=None))


def words(finished: Finished) -> dict[str, object]:
    """What run.json is to hold in words."""
    outcome = finished.work.settings.outcome
    about = Description(
        title="Scaling of pretraining",
        question=f"how much pretraining, by what objective, improves the prediction of {outcome.replace('_', ' ')}?",
        yardsticks=(COMPONENTS,),
        cohorts={"internal": CohortDescription("Training patients, in turn", "in training patients set aside in turn")},
    )
    partition = f"Tested is another of {FOLDS} folds of the training side for each seed; nothing else was read."
    return said(finished, about, {"partition": partition})


SCALING = Study(
    name="scaling",
    settings=ScalingSettings,
    unit="unit",
    open=open_training_side,
    arms=arms,
    pretraining=pretraining,
    words=words,
    audit=audit_networks,
    judged=(EvaluationSettings(references=REFERENCES),),
    extras=(curves,),
)


def scaling_study(archive: Path, *, out: Path, settings: ScalingSettings, further: Path | None = None) -> Path:
    """Run the curves on the training side of an archive; returns the report's path.

    Args:
        further: another archive that encoders may learn from, see `corpora`; nobody of it is tested.
    """
    return run_study(SCALING, Inputs(archive, further), out=out, settings=settings)
