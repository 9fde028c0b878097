"""One chosen model as one portable folder: its weights (all seeds), its manifest, and how to use it."""

import shutil
from dataclasses import asdict
from pathlib import Path

from semeia.archive.atomic import write_json, write_text
from semeia.archive.small_file import read_object
from semeia.errors import InputError
from semeia.learning import baselines
from semeia.learning.model import FILE
from semeia.learning.scoring import about_run, choose, load_scorers

README = """\
# {arm}, {mode}, {fraction:g} of the labels

A model exported from a Semeia run (version {version}), {seeds} seed(s). It predicts `{outcome}` and reads {reads}.

    semeia predict . --archive ARCHIVE --arm {arm} --mode {mode} --fraction {fraction:g} --out predictions.csv

The safetensors files carry the preprocessing they must be used with; data prepared otherwise, and patients the
model was fitted on, are refused. A research model: not a medical device, and not validated for clinical use.
"""


def export(
    run: Path, *, out: Path, arm: str | None = None, mode: str | None = None, fraction: float | None = None
) -> Path:
    """Copies one arm's models into a new folder that `predict` takes like a run; returns the folder."""
    choice = choose(run, arm=arm, mode=mode, fraction=fraction)
    scorers = load_scorers(run, choice)
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty; choose another folder")
    record = read_object(run / "run.json")
    source = run / "cells" / choice.arm / choice.mode / f"{choice.fraction:g}"
    for seed in sorted(source.glob("seed-*")):
        target = out / seed.relative_to(run)
        target.mkdir(parents=True)
        for name in (FILE, baselines.FILE):
            if (seed / name).exists():
                shutil.copyfile(seed / name, target / name)
    kept = ("semeia_version", "study", "config", "versions", "archive", "seeds")
    write_json(out / "run.json", {"kind": "export", **{key: record[key] for key in kept if key in record}})
    words = README.format(
        **asdict(choice),
        version=record.get("semeia_version", "unknown"),
        seeds=len(scorers),
        outcome=about_run(run).get("outcome"),
        reads=" and ".join(scorers[0].reads) or "covariates",
    )
    write_text(out / "README.md", words)
    return out
