"""run.json: what was run, on which data, with what, at what cost; and the guard against mixing two runs."""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from semeia import __version__
from semeia.archive.atomic import write_json, write_text
from semeia.archive.copies import refuse_copies
from semeia.archive.small_file import read_object
from semeia.archive.store import open_archive
from semeia.errors import InputError
from semeia.learning.checkpoint import require_same_settings
from semeia.learning.resources import Used
from semeia.report.flow import Box, flow_record
from semeia.report.page import write_report
from semeia.settings_json import to_plain
from semeia.studies.grid import DONE, Cell

RECORD = "run.json"
LIBRARIES = ("torch", "monai", "numpy", "polars", "scikit-learn", "scipy")
# What may change between two sittings of the same run: where it is run, and what only adds cells or leaves some out.
# What run.json must hold of the right type, where it holds it.
FIELDS = {"study": str, "kind": str, "config": dict, "archive": dict, "inputs": dict, "versions": dict, "state": str}
MAY_CHANGE = ("workers", "starts", "modes", "heads")


def begin_run(
    run: Path, archive: Path, *, study: str, settings: object, inputs: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Writes run.json for a new run; for one in which a model was begun, refuses other data and other settings.

    Args:
        run: its folder.
        archive: what it is run on.
        study: its name.
        settings: see the study.
        inputs: what else it reads, by name: hashes of the files.
    """
    opened = open_archive(archive)
    refuse_copies(opened)
    record = {
        "semeia_version": __version__,
        "kind": study if study in ("pretrain", "own") else "study",
        "study": study,
        "config": json.loads(json.dumps(to_plain(settings))),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "archive": {"fingerprint": opened.fingerprint()},
        "inputs": dict(inputs),
        "state": "running",
    }
    path = run / RECORD
    if path.exists() and any((run / name).exists() for name in ("pretrained", "cells")):
        _go_on(run, read_record(run), record)
        return
    if not path.exists() and run.exists() and any(run.iterdir()):
        raise InputError(f"{run}: is not empty and holds no run; choose another folder")
    run.mkdir(parents=True, exist_ok=True)
    write_json(path, record)


def _go_on(run: Path, before: dict, now: dict) -> None:
    """Takes over what may change into run.json; refuses the rest. A file that was not read before may come along."""
    known = before.get("inputs", {}).keys() & now["inputs"].keys()
    plain = [
        {
            **{name: value for name, value in record.get("config", {}).items() if name not in MAY_CHANGE},
            "archive": record.get("archive", {}).get("fingerprint"),
            "inputs": {name: record["inputs"][name] for name in known},
        }
        for record in (before, now)
    ]
    require_same_settings(*plain, path=run)
    write_json(run / RECORD, {**before, "config": now["config"], "inputs": before.get("inputs", {}) | now["inputs"]})


def read_record(run: Path) -> dict:
    """run.json of a run folder."""
    path = run / RECORD
    if not path.exists():
        raise InputError(f"{run}: no run.json in it; is it a run folder?")
    record = read_object(path)
    for name, kind in FIELDS.items():
        if not isinstance(record.get(name, kind()), kind):
            raise InputError(f"{path}: its '{name}' is of another type than Semeia writes; restore the file")
    return record


def finish_run(
    run: Path,
    *,
    used: Used,
    flow: list[Box],
    notes: list[str],
    facts: Mapping[str, object],
    unit: str = "nodule",
) -> Path:
    """Completes run.json, gathers metrics.jsonl and writes the report; returns its path.

    Wall time and memory are added up over sittings (time) or their largest taken (memory).

    Args:
        run: the run folder.
        used: what this sitting took.
        flow: the cohort flow.
        notes: what was left out of the evaluation.
        facts: what else run.json is to hold.
        unit: the word for one unit.
    """
    record = read_record(run)
    common: dict[str, object] = {
        "seeds": record["config"]["seeds"],
        "wall_seconds": round(record.get("wall_seconds", 0.0) + used.wall_seconds, 1),
        "peak_rss_mb": max(record.get("peak_rss_mb", 0.0), used.peak_rss_mb),
        "flow": flow_record(flow, unit=unit),
        "notes": notes,
    }
    close_run(run, {**common, **facts})
    return write_report(run)


def close_run(run: Path, facts: dict[str, object]) -> None:
    """Adds facts to run.json, marks the run finished, and gathers the metrics of all cells in one file."""
    logs = sorted(run.glob("pretrained/**/metrics.jsonl")) + sorted(run.glob("cells/**/metrics.jsonl"))
    write_text(run / "metrics.jsonl", "".join(path.read_text() for path in logs))
    write_json(run / RECORD, {**read_record(run), **facts, "state": "finished"})


def pretraining_of(run: Path, cells: list[Cell]) -> list[dict[str, object]]:
    """What each pretrained encoder was trained on, and the verdict on it."""
    return [_pretraining(run, cell) for cell in cells]


def _pretraining(run: Path, cell: Cell) -> dict[str, object]:
    from semeia.learning.model import FILE, load_model

    folder = run / cell.name
    preprocessing = load_model(folder / FILE).preprocessing
    found = json.loads((folder / "diagnostics.json").read_text())
    return {
        "arm": cell.arm,
        "seed": cell.seed,
        "patients": len(preprocessing.fitted_on.patients),
        "modalities": list(preprocessing.modalities),
        "seconds": json.loads((folder / DONE).read_text())["seconds"],
        **found,
    }


def note_run(run: Path, folder: Path) -> str:
    """Adds a pretrained model's diagnostics to run.json; returns its verdict."""
    found = json.loads((folder / "diagnostics.json").read_text())
    close_run(run, {"pretraining": [{"arm": folder.parent.name, **found}]})
    return found["verdict"]
