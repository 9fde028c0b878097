"""Sweep made-up worlds: every arm at every value, as tables and as one page of maps."""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from semeia import __version__
from semeia.archive.atomic import write_csv, write_json, write_text
from semeia.errors import InputError
from semeia.learning.resources import measuring
from semeia.processes import Backend
from semeia.ranges import FROM_1, SEED, require_ranges
from semeia.report.html import to_html
from semeia.settings_json import to_plain
from semeia.studies.worlds.page import map_page
from semeia.worlds.sweep.condition import Condition
from semeia.worlds.sweep.estimates import BEST_SIMPLE, Map, areas_of, label_equivalence, results
from semeia.worlds.sweep.run import Place, read_places, run_places
from semeia.worlds.sweep.sweeps import Name, places_of

REFERENCES = ("scratch", BEST_SIMPLE, "incomplete_finetune", "image_only", "random_frozen")


@dataclass(frozen=True)
class MapSettings:
    """What every map of worlds needs.

    Attributes:
        seeds: of worlds, patients and networks; the same for every arm and condition.
        labels: numbers of labelled patients, fewest first.
        condition: what everything else is.
        workers: processes, one thread each.
        backend: where they run: "local", or "ray" for the Ray cluster that RAY_ADDRESS names.
        together: cells that are trained as one at most.
    """

    seeds: tuple[int, ...] = tuple(range(10))
    labels: tuple[int, ...] = (60, 200, 1000)
    condition: Condition = field(default_factory=Condition)
    workers: int = 2
    backend: Backend = "local"
    together: int = 50

    def __post_init__(self) -> None:
        require_ranges("worlds", self, {"seeds": SEED, "workers": FROM_1, "together": FROM_1})
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise InputError("worlds: name seeds, each once")
        if not self.labels or list(self.labels) != sorted(set(self.labels)):
            raise InputError("worlds: name numbers of labels, each once, fewest first")


@dataclass(frozen=True)
class SweepSettings(MapSettings):
    """A sweep.

    Attributes:
        sweeps: what is swept, each by itself around the condition.
    """

    sweeps: tuple[Name, ...] = ("lam",)


def sweep_worlds(*, out: Path, settings: SweepSettings | None = None) -> Path:
    """Sweep worlds one thing at a time, crossed with numbers of labels; stopped, the same command goes on.

    Returns:
        The page.
    """
    settings = settings or SweepSettings()
    places = [p for sweep in settings.sweeps for p in places_of(sweep, settings.condition, labels=settings.labels)]
    found, diagnostics = run_map(places, out=out, settings=settings, study="world sweep")
    page = map_page("Worlds: what changes the gain from pretraining", found, diagnostics, settings.condition)
    write_text(out / "report.html", to_html(page))
    return out / "report.html"


def run_map(places: list[Place], *, out: Path, settings: MapSettings, study: str) -> tuple[Map, pl.DataFrame]:
    """Run what is not finished of a map, and write its tables; gives areas, and what was measured without labels."""
    with measuring() as used:
        run_places(
            places,
            seeds=settings.seeds,
            out=out,
            workers=settings.workers,
            where=settings.backend,
            together=settings.together,
        )
    areas, diagnostics = read_places(places, seeds=settings.seeds, out=out)
    found, jepa = areas_of(areas), settings.condition.objectives[0]
    write_csv(out / "map.csv", results(found, references=REFERENCES))
    write_csv(out / "label_equivalence.csv", label_equivalence(found, arm=f"{jepa}_finetune", reference="scratch"))
    write_csv(out / "diagnostics.csv", diagnostics)
    cost = {"wall_seconds": used.wall_seconds, "peak_rss_mb": used.peak_rss_mb}
    write_json(out / "run.json", {"semeia_version": __version__, "study": study, "config": to_plain(settings), **cost})
    return found, diagnostics
