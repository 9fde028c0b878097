"""Prints the tables of docs/studies/worlds.md on patients who come again, from a run of `world sweep`.

python tools/visits_table.py RUN   # of --sweeps [drift_newest,drift_all,drift_across]
"""

import argparse
import json
from pathlib import Path

from study_tables import table

from semeia.settings_json import from_plain
from semeia.studies.worlds.sweep import SweepSettings
from semeia.worlds.sweep.estimates import Areas, areas_of
from semeia.worlds.sweep.run import read_places
from semeia.worlds.sweep.sweeps import places_of

READINGS = ("newest", "all", "across")
LEVELS = ("scratch", "ema_finetune", "ema_frozen", "random_frozen", "ridge", "canonical", "bayes")
JEPA = ("ema_finetune", "ema_frozen")


def difference(one: Areas, other: Areas) -> str:
    """A paired difference and its interval."""
    mean, low, high = one.minus(other).estimate
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def main() -> None:
    """Print the levels of every reading, and what JEPA across time gains over the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    settings = from_plain(SweepSettings, json.loads((run / "run.json").read_text(encoding="utf-8"))["config"])
    places = [p for name in settings.sweeps for p in places_of(name, settings.condition, labels=settings.labels)]
    found = areas_of(read_places(places, seeds=settings.seeds, out=run)[0])
    values, levels, gains = dict.fromkeys(place.value for place in places), [], []
    for value in values:
        for n in settings.labels:
            arms = {reading: found[f"drift_{reading}", value, n, "internal"] for reading in READINGS}
            levels += [
                [value, str(n), reading, *(f"{of[arm].estimate[0]:.3f}" for arm in LEVELS)]
                for reading, of in arms.items()
            ]
            simple = max((of["best_simple"] for of in arms.values()), key=lambda areas: areas.estimate[0])
            for jepa in JEPA:
                own = arms["across"][jepa]
                others = (arms["across"]["scratch"], arms["all"]["scratch"], arms["newest"][jepa], arms["all"][jepa])
                gains.append([value, str(n), jepa, *(difference(own, other) for other in (*others, simple))])
    table(["drift", "labels", "reads", *LEVELS], levels)
    over = ("scratch, the same", "scratch, all", "JEPA of modalities, newest", "JEPA of modalities, all", "best simple")
    table(["drift", "labels", "JEPA across time", *(f"less {name}" for name in over)], gains)


if __name__ == "__main__":
    main()
