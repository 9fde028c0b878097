"""run.json: what was run, on which data, with what, at what cost; and the guard against mixing two runs."""

import json
import platform
import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import numpy as np

from semeia import __version__
from semeia.archive.atomic import write_json, write_text
from semeia.archive.audit.copies import refuse_copies
from semeia.archive.store import open_archive
from semeia.data.dataset import Dataset
from semeia.errors import InputError
from semeia.learning.cells import Cell, cells_of, seconds_of
from semeia.learning.checkpoint import require_same_settings
from semeia.learning.model import FILE
from semeia.learning.resources import Used
from semeia.learning.stored import read_record
from semeia.progress import say, warn
from semeia.report.flow import Box, counted, flow_record
from semeia.report.page import write_report
from semeia.report.result_tables import marks_of
from semeia.settings_json import to_plain
from semeia.studies.run.holding import has_learnt
from semeia.studies.run.study import Finished, Material

LABELS = {
    "archive": "In the archive",
    "excluded": "External without a label",
    "pretraining": "May be learnt from without labels",
    "unlabelled": "of these, never trained on with a label",
    "internal": "Internal, labelled",
    "tested": "of these, tested by the first seed",
    "external": "External, labelled",
}
RECORD = "run.json"
LIBRARIES = ("torch", "monai", "numpy", "polars", "scikit-learn", "scipy")
# What may change between two sittings of the same run: where it is run, and what only adds cells or leaves some out.
MAY_CHANGE = ("workers", "backend", "starts", "modes", "heads")
# The same of the loop, wherever its settings stand: how often it saves and writes, where that is shown, the device.
HOW_IT_IS_RUN = ("loop.save_every", "loop.log_every", "loop.device", "loop.tracker")


def flow_of(material: Material, seeds: tuple[int, ...], words: Mapping[str, str] | None = None) -> list[Box]:
    """Count patients and units of each part, for the main outcome; `words` go before the `LABELS` of boxes."""
    labels = LABELS | dict(words or {})
    values, subject = material.labels[material.outcomes[0]], material.subjects
    known, outside, elsewhere = ~np.isnan(values), material.cohort == "external", material.cohort == "unknown"
    testing = material.testing(min(seeds))
    # Each seed leaves out what it tests; where all test the same, nobody of these is ever learnt from.
    always = np.logical_and.reduce([material.testing(seed) for seed in seeds])
    learnt = ~outside & ~always

    def box(name: str, group: str, mask: np.ndarray, note: str = "") -> Box:
        return counted(labels[name], group, mask, patients=subject, note=note)

    def positive(mask: np.ndarray) -> str:
        two = len(np.unique(values[known])) == 2
        return f"{int((mask & (values == 1)).sum())} with the outcome" if two else ""

    inside = material.training & known
    boxes = [
        box("archive", "archive", np.ones(len(subject), bool)),
        box("excluded", "excluded", outside & ~known, "not used"),
        box("pretraining", "pretraining", learnt, "each seed leaves out what it tests"),
        box("unlabelled", "pretraining", elsewhere),
        box("internal", "internal", inside, positive(inside)),
        box("tested", "internal", inside & testing),
        box("external", "external", outside & known, positive(outside)),
    ]
    return [one for one in boxes if one.patients or one.group == "archive"]


def begin_run(
    run: Path,
    archive: Path,
    *,
    study: str,
    settings: object,
    inputs: Mapping[str, str] = MappingProxyType({}),
    further: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Writes run.json for a new run; for one in which something was learnt, refuses other data and other settings.

    Args:
        inputs: what else it reads, by name: hashes of the files.
        further: what else decides what is learnt, beside the settings; kept with them.
    """
    opened = open_archive(archive)
    refuse_copies(opened)
    versions = {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    record = {
        "semeia_version": __version__,
        "kind": study if study in ("pretrain", "own") else "study",
        "study": study,
        "config": json.loads(json.dumps(to_plain(settings) | dict(further))),
        "versions": versions,
        "sittings": [{"semeia": __version__, **versions}],
        "archive": {"fingerprint": opened.fingerprint(), "simulated": opened.simulated},
        "inputs": dict(inputs),
        "state": "running",
    }
    path = run / RECORD
    there = {entry.name for entry in run.iterdir()} if run.exists() else set()
    if has_learnt(run) and path.exists():
        _go_on(run, read_record(run), record)
        return
    if there - {RECORD, "cache", "pretrained", "cells"} or (there and RECORD not in there):
        raise InputError(f"{run}: is not empty and holds no run; choose another folder")
    for folder in ("pretrained", "cells"):  # of a try in which nothing was learnt
        shutil.rmtree(run / folder, ignore_errors=True)
    run.mkdir(parents=True, exist_ok=True)
    write_json(path, record)


def _go_on(run: Path, before: dict, now: dict) -> None:
    """Takes over what may change into run.json; refuses the rest. A file that was not read before may come along."""
    if (before.get("kind"), before.get("study")) != (now["kind"], now["study"]):
        raise InputError(f"{run}: holds a run of another kind ({before.get('study')}); choose another folder")
    if not all(isinstance(before.get(name), dict) for name in ("config", "archive")):
        raise InputError(f"{run / RECORD}: does not describe a run; restore it, or choose another folder")
    known = before.get("inputs", {}).keys() & now["inputs"].keys()
    plain = [
        {
            **{name: value for name, value in record.get("config", {}).items() if name not in MAY_CHANGE},
            "archive": record.get("archive", {}).get("fingerprint"),
            "inputs": {name: record["inputs"][name] for name in known},
        }
        for record in (before, now)
    ]
    require_same_settings(*plain, path=run, but=HOW_IT_IS_RUN)
    sittings = [*_sittings(before), *now["sittings"]]
    kept = {**before, **{name: now[name] for name in ("config", "semeia_version", "versions")}, "sittings": sittings}
    write_json(run / RECORD, {**kept, "inputs": before.get("inputs", {}) | now["inputs"]})
    for words in versions_that_changed(kept):
        warn(f"{run}: {words}")


def _sittings(record: dict) -> list[dict]:
    """The versions of each sitting; a run begun before they were kept apart had one, which the record itself names."""
    listed, last = record.get("sittings") or [], {"semeia": record.get("semeia_version"), **record.get("versions", {})}
    return listed if listed[-1:] == [last] else [*listed, last]


def versions_that_changed(record: dict) -> list[str]:
    """What was not of one version in all sittings of a run, in words; none when all were alike."""
    used: dict[str, list[str]] = {}
    for sitting in _sittings(record):
        for name, number in sitting.items():
            used.setdefault(name, []).append(str(number))
    several = [f"{name} {', then '.join(dict.fromkeys(v))}" for name, v in used.items() if len(set(v)) > 1]
    if not several:
        return []
    return [f"its sittings ran under different versions ({'; '.join(several)}): results may differ in the last digits"]


def note_left_out(run: Path, data: Dataset) -> None:
    """Say how much of the archive is not read, and keep the counts in run.json."""
    for words, count in data.left_out.items():
        warn(f"not read: {count} {words}")
    counts = {name: int(data.observed(name).sum()) for name in data.modalities}
    several = {name: int((data.observations[name].slot >= 0).sum()) for name in counts}
    words = ", ".join(
        f"{name} of {count}" + (f" (several {name}s a unit: {several[name]})" if several[name] > count else "")
        for name, count in counts.items()
    )
    say(f"read of {len(data)} units: {words}")
    write_json(run / RECORD, {**read_record(run), "read": counts, "left_out": data.left_out})


def finish_run(finished: Finished, *, used: Used, unit: str, notes: list[str], facts: Mapping[str, object]) -> Path:
    """Complete run.json, gather metrics.jsonl and write the report; returns its path.

    Wall time and memory are added up over sittings (time) or their largest taken (memory).

    Args:
        used: what this sitting took.
        facts: what the study has to say: words, descriptions, and the words of the flow under "flow".
    """
    run, seeds = finished.work.run, tuple(finished.work.settings.seeds)
    record = read_record(run)
    words = facts.get("flow")
    boxes = flow_of(finished.work.material, seeds, words if isinstance(words, Mapping) else None)
    common: dict[str, object] = {
        "seeds": list(seeds),
        "wall_seconds": round(record.get("wall_seconds", 0.0) + used.wall_seconds, 1),
        "peak_rss_mb": max(record.get("peak_rss_mb", 0.0), used.peak_rss_mb),
        "pretraining": [_pretraining(run, cell) for cell in finished.first if (run / cell.name / FILE).exists()],
        "notes": notes,
    }
    close_run(run, {**common, **facts, "flow": flow_record(boxes, unit=unit)}, report=write_report)
    return run / "report.html"


def close_run(
    run: Path, facts: Mapping[str, object], *, report: Callable[[Path], Path | None] = lambda run: None
) -> None:
    """Adds facts to run.json, gathers the metrics of all cells in one file, writes the report, and only then marks the
    run finished."""
    logs = [run / cell.name / "metrics.jsonl" for cell in cells_of(run)]
    write_text(run / "metrics.jsonl", "".join(path.read_text() for path in logs if path.exists()))
    record = {**read_record(run), **facts, "tables": marks_of(run)}
    changed = versions_that_changed(record)
    if changed:
        record["notes"] = [*record.get("notes", []), *changed]
    write_json(run / RECORD, record)
    report(run)
    write_json(run / RECORD, {**record, "state": "finished"})


def _pretraining(run: Path, cell: Cell) -> dict[str, object]:
    from semeia.learning.model import load_model

    folder = run / cell.name
    preprocessing = load_model(folder / FILE).preprocessing
    found = json.loads((folder / "diagnostics.json").read_text())
    return {
        "arm": cell.arm,
        "seed": cell.seed,
        "patients": len(preprocessing.fitted_on.patients),
        "modalities": list(preprocessing.names),
        "seconds": seconds_of(folder),
        **found,
    }


def note_run(run: Path, folder: Path) -> str:
    """Adds a pretrained model's diagnostics to run.json; returns its verdict."""
    found = json.loads((folder / "diagnostics.json").read_text())
    close_run(run, {"pretraining": [{"arm": folder.parent.name, **found}]})
    return found["verdict"]
