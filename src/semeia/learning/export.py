"""One chosen model as one portable folder: its weights (all seeds), its manifest, and how to use it."""

import shutil
from pathlib import Path

from semeia.archive.atomic import PARTIAL, naming, write_json, write_text
from semeia.errors import InputError
from semeia.learning import linear
from semeia.learning.cells import Cell
from semeia.learning.model import FILE
from semeia.learning.stored import BLEND, Choice, about_run, choose, load_scorer, read_record
from semeia.signatures.model import ABOUT, ARRAYS, CHANNELS

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
    files = model_files(run, choice)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is not empty; choose another folder")
    record = read_record(run)
    kept = ("semeia_version", "study", "config", "versions", "archive", "seeds")
    # All under another name first: a folder that is half written is no model.
    half = out.with_name(f".{out.name}{PARTIAL}")
    shutil.rmtree(half, ignore_errors=True)
    try:
        for file in files:
            target = half / file.resolve().relative_to(run.resolve())
            with naming(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
        write_json(half / "run.json", {"kind": "export", **{key: record[key] for key in kept if key in record}})
        words = README.format(
            arm=choice.arm,
            mode=choice.mode,
            fraction=choice.fraction,
            version=record.get("semeia_version"),
            seeds=len(choice.cells(run)),
            outcome=about_run(run)["outcome"],
            reads=reads_of(run, choice),
        )
        write_text(half / "README.md", words)
        with naming(out):
            if out.exists():
                out.rmdir()
            half.rename(out)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return out


def model_files(run: Path, choice: Choice) -> list[Path]:
    """The files of the chosen models: of every seed, and of a model of records the signatures that it reads.

    Raises:
        NotStoredError: a cell holds no model.
    """
    files: list[Path] = []
    for cell in choice.cells(run):
        own = [path for path in sorted((run / cell.name).rglob("*")) if path.name in (FILE, linear.FILE, BLEND)]
        if not own:
            load_scorer(run / cell.name)  # says why
        files += own
        scorer = load_scorer(run / cell.name)
        beside = [path.resolve() for one in scorer.modalities.values() for path in one.files()]
        if any(not path.is_relative_to(run.resolve()) for path in beside):
            raise InputError(
                f"{run}: {choice} reads signatures outside of the run ({beside[0].parent}); copy both by hand"
            )
        files += beside
        if not scorer.of_units:
            signatures = run / Cell("signatures", "pretrain", 1.0, cell.seed).name
            files += [signatures / name for name in (ARRAYS, CHANNELS, ABOUT)]  # not the numbers of its patients
    return files


def reads_of(run: Path, choice: Choice) -> str:
    """What the chosen models read, in words."""
    scorer = load_scorer(run / choice.cells(run)[0].name)
    if not scorer.of_units:
        return "records: " + ", ".join(sorted({name.partition(":")[0] for name in scorer.model.columns}))  # pyright: ignore
    return " and ".join(scorer.modalities) or "covariates"
