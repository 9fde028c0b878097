"""Take one chosen model out of a run as one portable folder: its weights (all seeds), its card, and how to use it."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from semeia.archive.atomic import making_folder, naming, write_json, write_text
from semeia.archive.store import open_archive
from semeia.errors import InputError
from semeia.learning import linear
from semeia.learning.cells import Cell
from semeia.learning.linear import LinearModel, load_linear
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.neighbours import FILE as NEIGHBOURS
from semeia.learning.neighbours import neighbours_of
from semeia.learning.onnx_file import write_linear, write_network
from semeia.learning.scoring import data_for
from semeia.learning.stored import (
    BLEND,
    Blend,
    Choice,
    Scorer,
    about_run,
    choose,
    load_scorer,
    load_scorers,
    read_record,
    scores_units,
)
from semeia.progress import say, warn
from semeia.report.model_card import Exported, model_card
from semeia.settings_json import to_plain
from semeia.signatures.model import ABOUT, ARRAYS, CHANNELS
from semeia.studies.calibration import FILE as CALIBRATION
from semeia.studies.calibration import Calibration, fit_calibration

CARD = "MODEL_CARD.md"
README = """\
# {arm}, {mode}, {fraction:g} of the labels

A model exported from a Semeia run (version {version}), {seeds} seed(s). It predicts `{outcome}` and reads {reads}.

    semeia predict . --archive ARCHIVE --arm {arm} --mode {mode} --fraction {fraction:g} --out predictions.csv
    semeia serve .

The safetensors files carry the preprocessing they must be used with; data prepared otherwise, and patients the
model was fitted on, are refused. A research model: not a medical device, and not validated for clinical use.
What it was trained on and how it did is on its card, {card}.
"""


def export(
    run: Path,
    *,
    out: Path,
    arm: str | None = None,
    mode: str | None = None,
    fraction: float | None = None,
    onnx: bool = False,
    neighbours: Path | None = None,
    licence: str = "",
) -> Path:
    """Copies one arm's models into a new folder that `predict` and `serve` take like a run; returns the folder.

    Args:
        arm: which arm.
        mode: how it met the labels.
        fraction: share of the labels.
        onnx: also write each model as ONNX beside its safetensors, checked against torch.
        neighbours: archive that the model was trained on: what the first seed's network makes of its units is taken
            along, without who they are, so that `serve` can say how near a new patient is to them.
        licence: of the data that the model was trained on, for its card.
    """
    choice = choose(run, arm=arm, mode=mode, fraction=fraction)
    files = [file for cell in choice.cells(run) for file in files_of_cell(run, cell)]
    scorers = load_scorers(run, choice)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is not empty; choose another folder")
    record = read_record(run)
    kept = ("semeia_version", "study", "config", "versions", "archive", "seeds")
    with making_folder(out) as half:
        written = _copied(run, files, half, onnx=onnx)
        if neighbours is not None:
            _take_neighbours(run, choice, scorers, neighbours, half)
            written[NEIGHBOURS] = "features of the units of its archive, by which `serve` says how near a new one is"
        outcome = str(dict(choice.axes).get("outcome") or about_run(run)["outcome"])
        calibration = fit_calibration(run, choice, outcome)
        if isinstance(calibration, Calibration):
            write_json(half / CALIBRATION, to_plain(calibration))
            written[CALIBRATION] = f"what `serve` calibrates by: {calibration.describe()}"
        else:
            warn(f"no calibration is stored: {calibration}")
        write_json(half / "run.json", {"kind": "export", **{key: record[key] for key in kept if key in record}})
        words = README.format(
            arm=choice.arm,
            mode=choice.mode,
            fraction=choice.fraction,
            version=record.get("semeia_version"),
            seeds=len(scorers),
            outcome=outcome,
            reads=reads_of(scorers[min(scorers)]),
            card=CARD,
        )
        write_text(half / "README.md", words)
        write_text(half / CARD, model_card(run, _exported(choice, scorers, outcome, written, licence)))
    return out


def _copied(run: Path, files: list[Path], half: Path, *, onnx: bool) -> dict[str, str]:
    """Copy the files of a run, and say what was written as ONNX beside them, by file."""
    written: dict[str, str] = {}
    for file in files:
        target = half / file.resolve().relative_to(run.resolve())
        copy_file(file, target)
        if onnx and file.name in (FILE, linear.FILE):
            onnx_file = target.with_suffix(".onnx")
            if file.name == FILE:
                checked = write_network(load_model(file), onnx_file)
            else:
                checked = write_linear(load_linear(file), onnx_file)
            name = str(onnx_file.relative_to(half))
            written[name] = (
                f"the same as ONNX; over {checked.cases} batches onnxruntime differs from torch by at most "
                f"{checked.difference:.1e}"
            )
            say(f"{name}: {written[name]}")
    return written


def copy_file(file: Path, target: Path) -> None:
    """Copy a file of a run, and make the folder it goes to."""
    with naming(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def _take_neighbours(run: Path, choice: Choice, scorers: Mapping[int, Scorer], archive: Path, out: Path) -> None:
    """Write the neighbours that the first seed's network is compared with, beside it."""
    cell = min(choice.cells(run))
    model = scorers[cell.seed]
    if not isinstance(model, Model):
        raise InputError(
            f"{run}: {choice} is no network, and has no features to compare patients by; leave --neighbours out"
        )
    data = data_for(open_archive(archive), model.preprocessing.modalities, None)
    neighbours_of(model, data).save(out / cell.name)


def _exported(
    choice: Choice, scorers: Mapping[int, Scorer], outcome: str, written: Mapping[str, str], licence: str
) -> Exported:
    """What the card says of the model itself."""
    first = scorers[min(scorers)]
    networks = [scorer for scorer in scorers.values() if isinstance(scorer, Model)]
    patients = {name for scorer in scorers.values() for name in scorer.fitted_on.patients}
    files = {
        "*.safetensors": "weights, preprocessing and marks of the patients that were learnt from; no pickle",
        **written,
        "run.json": "settings, versions and the fingerprint of the archive",
    }
    return Exported(
        arm=choice.shown,
        mode=choice.mode,
        fraction=choice.fraction,
        outcome=outcome,
        reads=reads_of(first),
        prepared={name: modality.prepared() for name, modality in first.modalities.items()},
        seeds=len(scorers),
        patients=len(patients),
        files=tuple(files.items()),
        licence=licence,
        verdicts=tuple(dict.fromkeys(one.verdict for one in networks if one.verdict)),
    )


def files_of_cell(run: Path, cell: Cell) -> list[Path]:
    """The files of one model, and of a model of records the signatures that it reads.

    Raises:
        NotStoredError: the cell holds no model.
    """
    own = [path for path in sorted((run / cell.name).rglob("*")) if path.name in (FILE, linear.FILE, BLEND)]
    scorer = load_scorer(run / cell.name)
    beside = [path.resolve() for one in scorer.modalities.values() for path in one.files()]
    if any(not path.is_relative_to(run.resolve()) for path in beside):
        raise InputError(
            f"{run}: {Choice.of(cell)} reads signatures outside of the run ({beside[0].parent}); copy both by hand"
        )
    if not scores_units(scorer):
        signatures = run / Cell("signatures", "pretrain", 1.0, cell.seed).name
        beside += [signatures / name for name in (ARRAYS, CHANNELS, ABOUT)]  # not the numbers of its patients
    return own + beside


def reads_of(scorer: Scorer) -> str:
    """What a model reads, in words."""
    scorer = scorer.joint if isinstance(scorer, Blend) else scorer
    if isinstance(scorer, LinearModel) and not scores_units(scorer):
        return "records: " + ", ".join(sorted({name.partition(":")[0] for name in scorer.columns}))
    return " and ".join(scorer.modalities) or "covariates"
