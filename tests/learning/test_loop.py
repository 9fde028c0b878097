"""The loop goes on after a kill to the same bits, saves when asked to stop, and never saves what is not a number."""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from semeia.data.augment import AugmentSettings
from semeia.data.batch import Batch
from semeia.data.dataset import Dataset
from semeia.data.preprocessing import fit_preprocessing, make_batch
from semeia.encoders.build import build_encoder
from semeia.errors import InputError
from semeia.learning import checkpoint
from semeia.learning.cells import STATE
from semeia.learning.interrupt import Interrupted
from semeia.learning.loop import LoopSettings, train
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.latent_prediction import LatentPrediction
from semeia.objectives.objective import Objective
from semeia.objectives.step import Step
from small_batches import Fragile, small_batch
from small_training import MODEL, PRETRAIN, killed_by, read_metrics

STEPS = 12
OPTIMISER = OptimiserSettings(steps=STEPS, batch=4)
KILLS = [(random.Random(seed).randrange(1, STEPS), 1 + seed % 3) for seed in range(10)]

Run = Callable[..., Objective]


@pytest.fixture(scope="module")
def run(data: Dataset) -> Run:
    """Trains the real objective, with augmentation and masks, in a folder."""
    rows = np.flatnonzero((data.units["subject_id"] <= 12).to_numpy())
    preprocessing = fit_preprocessing(data, rows, modalities=("image", "reading"))

    def go(
        folder: Path,
        *,
        save_every: int = 2,
        report: Callable[[int, dict[str, float]], None] = lambda done, terms: None,
        optimiser: OptimiserSettings = OPTIMISER,
        seed: int = 3,
        precision: str = "fp32",
        log_every: int = 1,
    ) -> Objective:
        torch.manual_seed(1)
        encoder = build_encoder(MODEL.encoder, preprocessing, seed=1)
        objective = LatentPrediction(encoder, settings=PRETRAIN.objective.jepa)

        def batch_of(chosen: np.ndarray, step: Step, device: torch.device) -> Batch:
            moved = {"augmentation": AugmentSettings(), "generator": step.generator("augment")}
            return make_batch(data, rows[chosen], preprocessing=preprocessing, device=device, **moved)  # pyright: ignore[reportArgumentType]

        settings = LoopSettings(device="cpu", precision=precision, save_every=save_every, log_every=log_every)  # pyright: ignore[reportArgumentType]
        return train(
            objective,
            batch_of,
            units=len(rows),
            optimiser=optimiser,
            seed=seed,
            folder=folder,
            cell="cell",
            phase="pretrain",
            settings=settings,
            report=report,
        )

    return go


def left_behind(folder: Path) -> dict[str, object]:
    """Weights, moving averages, centre and optimiser's state, bit by bit; the description; the metrics."""
    tensors, about = checkpoint.load_tensors(folder / STATE)
    bits = {name: (value.dtype, value.shape, value.numpy().tobytes()) for name, value in tensors.items()}
    return {**bits, "about": about, "metrics": (folder / "metrics.jsonl").read_bytes()}


def dies_at(step: int) -> Callable[[int, dict[str, float]], None]:
    def report(done: int, terms: dict[str, float]) -> None:
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return report


@pytest.fixture(scope="module")
def unbroken(run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("unbroken")
    run(folder)
    return left_behind(folder)


def test_resumes_to_the_bit_after_kill_9_at_ten_random_points(run: Run, unbroken: dict[str, object], tmp_path: Path):
    for number, (step, save_every) in enumerate(KILLS):
        folder = tmp_path / str(number)
        killed = killed_by(lambda f=folder, s=step, e=save_every: run(f, save_every=e, report=dies_at(s)))
        assert killed == signal.SIGKILL
        assert (folder / STATE).exists() == (step - 1 >= save_every)
        assert len(read_metrics(folder / "metrics.jsonl")) == step

        run(folder, save_every=save_every)
        assert left_behind(folder) == unbroken, f"killed in step {step}, saving every {save_every}"


def test_killed_twice(run: Run, unbroken: dict[str, object], tmp_path: Path):
    for step in (5, 9):
        assert killed_by(lambda s=step: run(tmp_path / "a", report=dies_at(s))) == signal.SIGKILL
    run(tmp_path / "a")
    assert left_behind(tmp_path / "a") == unbroken


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_a_checkpoint_is_renamed(
    run: Run, unbroken: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
):
    folder, rename, renames = tmp_path / "a", os.replace, [0]

    def dying(source: Path, target: Path) -> None:
        renames[0] += str(target).endswith(STATE)
        if moment == "after" and renames[0] == 3:
            rename(source, target)
        if renames[0] == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target)

    monkeypatch.setattr("os.replace", dying)
    assert killed_by(lambda: run(folder)) == signal.SIGKILL
    monkeypatch.undo()
    assert checkpoint.load_tensors(folder / STATE)[1]["step"] == (4 if moment == "before" else 6)

    run(folder)
    assert left_behind(folder) == unbroken


def test_a_line_of_metrics_cut_short_by_a_kill_is_written_again(run: Run, unbroken: dict[str, object], tmp_path: Path):
    killed_by(lambda: run(tmp_path / "a", report=dies_at(7)))
    log = tmp_path / "a" / "metrics.jsonl"
    log.write_bytes(log.read_bytes()[:-9])
    run(tmp_path / "a")
    assert left_behind(tmp_path / "a") == unbroken


def test_the_same_seed_gives_the_same_bits_and_saving_changes_nothing(
    run: Run, unbroken: dict[str, object], tmp_path: Path
):
    torch.rand(7)
    run(tmp_path / "a", save_every=0)
    assert left_behind(tmp_path / "a") == unbroken
    run(tmp_path / "b", seed=4)
    assert left_behind(tmp_path / "b")["metrics"] != unbroken["metrics"]


def test_a_finished_run_is_not_trained_again(run: Run, tmp_path: Path):
    first = run(tmp_path / "a").state_dict()
    again = run(tmp_path / "a", report=dies_at(1)).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("step", [5, STEPS])
def test_a_signal_saves_and_says_so(
    run: Run, unbroken: dict[str, object], tmp_path: Path, number: signal.Signals, step: int
):
    def report(done: int, terms: dict[str, float]) -> None:
        if done == step - (step < STEPS):
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=rf"stopped after step {step} of {STEPS}; saved in ") as stopped:
        run(tmp_path / "a", save_every=0, report=report)
    assert stopped.value.signal == number
    assert signal.getsignal(number) is before

    run(tmp_path / "a", save_every=0)
    assert left_behind(tmp_path / "a") == unbroken


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seed": 4}, "seed: 3 then, 4 now"),
        ({"optimiser": OptimiserSettings(steps=STEPS, batch=4, lr=0.5)}, "optimiser.lr: 0.001 then, 0.5 now"),
        ({"optimiser": OptimiserSettings(steps=STEPS, batch=2)}, "optimiser.batch: 4 then, 2 now"),
        ({"precision": "bf16"}, "precision: fp32 then, bf16 now"),
    ],
)
def test_going_on_with_other_settings_is_refused(run: Run, tmp_path: Path, changed: dict[str, object], named: str):
    run(tmp_path)
    saved = left_behind(tmp_path)
    with pytest.raises(InputError, match=named) as refused:
        run(tmp_path, **changed)
    assert str(refused.value).count(" then, ") == 1
    assert left_behind(tmp_path) == saved


@pytest.mark.parametrize("damage", ["cut", "empty", "text"])
def test_a_damaged_checkpoint_is_refused_and_kept(run: Run, tmp_path: Path, damage: str):
    run(tmp_path)
    path = tmp_path / STATE
    whole = path.read_bytes()
    broken = {"cut": whole[: len(whole) // 2], "empty": b"", "text": b"not a checkpoint at all"}[damage]
    path.write_bytes(broken)
    with pytest.raises(InputError, match=STATE):
        run(tmp_path)
    assert path.read_bytes() == broken


@pytest.mark.parametrize(("breaks", "named"), [("loss", "square"), ("gradient", "gradient")])
def test_what_is_not_a_number_stops_and_keeps_the_last_checkpoint(tmp_path: Path, breaks: str, named: str):
    with pytest.raises(InputError, match=rf"not finite at step 5 \(.*{named}.*The last checkpoint is kept"):
        train(
            Fragile(breaks),
            lambda chosen, step, device: small_batch(),
            units=8,
            optimiser=OPTIMISER,
            seed=0,
            folder=tmp_path,
            cell="cell",
            phase="pretrain",
            settings=LoopSettings(device="cpu", precision="fp32", save_every=2),
        )
    tensors, about = checkpoint.load_tensors(tmp_path / STATE)
    assert about["step"] == 4
    assert all(value.isfinite().all() for value in tensors.values())


def test_the_log_has_a_line_every_so_many_steps_and_one_at_the_end(run: Run, tmp_path: Path):
    run(tmp_path, log_every=5)
    lines = read_metrics(tmp_path / "metrics.jsonl")
    assert [line["step"] for line in lines] == [0, 5, 10, 11]
    assert {"cell", "phase", "step", "epoch", "prediction", "variance", "covariance"} == set(lines[0])


def test_bf16_trains_and_keeps_its_weights_in_full(run: Run, tmp_path: Path):
    objective = run(tmp_path, precision="bf16", optimiser=OptimiserSettings(steps=3, batch=4))
    assert {value.dtype for value in objective.parameters()} == {torch.float32}
    assert all(value.isfinite().all() for value in objective.parameters())
