"""Rows spread over processes, or over time, give the losses, gradients and states of one process with all of them."""

import copy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from contracts.objective_contract import batch_for, terms_of, total
from contracts.test_objectives import OBJECTIVES
from semeia.encoders.blocks import blocks_of
from semeia.group import process_group, process_of, with_others
from semeia.objectives.objective import Objective
from semeia.objectives.step import Step
from semeia.sharding import is_sharded, shard, whole
from semeia.spread import average_gradients, begin_alike, by_rows, read_by_rows, spreading

STEPS = 2


def trained(names: list[str], folder: Path, *, sharded: bool = False) -> None:
    """Train some objectives for a few steps in whatever processes there are; each writes what it ended with."""
    torch.set_num_threads(1)
    with process_group():
        rank, processes = process_of()
        for name in names:
            make = OBJECTIVES[name]
            objective, losses = make(0), []
            assert isinstance(objective, Objective)
            if sharded and processes > 1:
                shard(objective, blocks_of(objective), method="loss")
                assert all(is_sharded(weights) for weights in objective.parameters())
            optimiser = torch.optim.SGD((one for one in objective.parameters() if one.requires_grad), lr=1e-4)
            for index in range(STEPS):
                with spreading():
                    step = Step(index=index, total=STEPS, seed=0)
                    terms = terms_of(objective, batch_for(make), step)
                    optimiser.zero_grad()
                    total(terms).backward()
                    average_gradients(objective.parameters())
                    optimiser.step()
                    objective.after_step(step)
                    losses.append([value.item() for value in terms.values()])
            state: dict[str, Any] = {
                f"state.{key}": whole(value).numpy() for key, value in objective.state_dict().items()
            }
            np.savez(folder / f"{name}-{rank}-of-{processes}.npz", losses=np.array(losses), **state)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process ends with."""
    folder = tmp_path_factory.mktemp("alone")
    trained(list(OBJECTIVES), folder)
    return folder


@pytest.mark.parametrize("sharded", [False, True])
def test_several_processes_learn_what_one_learns(alone: Path, tmp_path: Path, sharded: bool):
    """Momentum encoders, queues, batch statistics and random slices included; with all weights each, or in parts."""
    names = list(OBJECTIVES)
    with with_others(2, partial(trained, names, tmp_path, sharded=sharded)):
        trained(names, tmp_path, sharded=sharded)

    for name in names:
        one, first, second = (
            np.load(folder / f"{name}-{which}.npz", allow_pickle=False)
            for folder, which in ((alone, "0-of-1"), (tmp_path, "0-of-2"), (tmp_path, "1-of-2"))
        )
        assert set(one) == set(first) == set(second)
        for key in one:
            np.testing.assert_allclose(first[key], one[key], rtol=1e-5, atol=1e-5, err_msg=f"{name}: {key}")
            np.testing.assert_array_equal(second[key], first[key], err_msg=f"{name}: {key}")


def test_a_network_within_a_network_is_not_spread_again():
    seen: list[int] = []

    def inner(x: torch.Tensor) -> torch.Tensor:
        seen.append(len(x))
        return x

    with spreading(at_once=2):
        made = by_rows(lambda x: by_rows(inner, x) * 2, torch.arange(5.0)[:, None])

    assert seen == [2, 2, 1]
    torch.testing.assert_close(made[:, 0], torch.arange(5.0) * 2)


def test_what_normalises_over_the_batch_sees_all_of_it():
    """In training only: the running statistics of evaluation are of rows alone."""
    network, rows = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), torch.randn(5, 3)
    again = copy.deepcopy(network)
    with spreading(at_once=2):
        spread = by_rows(again, rows)
    torch.testing.assert_close(spread, network(rows))
    torch.testing.assert_close(again.state_dict(), network.state_dict())

    sizes: list[int] = []
    again.eval().register_forward_hook(lambda layer, given, made: sizes.append(len(made)))
    with spreading(at_once=2):
        by_rows(again, rows)
    assert sizes == [2, 2, 1]


def test_a_few_rows_at_once_keep_only_theirs_in_memory():
    """What the network keeps for its gradient: of all rows, or of those at once."""
    network, rows = nn.Sequential(nn.Linear(8, 64), nn.GELU(), nn.Linear(64, 8)), torch.randn(32, 8)
    kept: dict[int, int] = {}
    for at_once in (0, 4):
        sizes: list[int] = []

        def keep(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with spreading(at_once=at_once), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            by_rows(network, rows).sum()
        kept[at_once] = sum(sizes)
    assert kept[0] > 32 * 64
    assert kept[4] < 32 * 64


def read(rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """A value of each row, and whether it is odd; refuses to read more than two."""
    if len(rows) > 2:
        raise ValueError("too many rows for one process")
    return torch.from_numpy(rows * 10), torch.from_numpy(rows % 2 == 1)


def reading(folder: Path) -> None:
    with process_group(), spreading():
        values, odd = read_by_rows(read, np.array([3, 1, 4, 1, 5]), device=torch.device("cpu"))
        np.savez(folder / f"{process_of()[0]}.npz", values=values.numpy(), odd=odd.numpy())


def test_each_process_reads_its_share_and_all_have_all(tmp_path: Path):
    with with_others(3, partial(reading, tmp_path)):
        reading(tmp_path)
    for rank in range(3):
        found = np.load(tmp_path / f"{rank}.npz", allow_pickle=False)
        assert found["values"].tolist() == [30, 10, 40, 10, 50]
        assert found["odd"].tolist() == [True, True, False, True, True]


def drawn(folder: Path) -> None:
    with process_group():
        rank = process_of()[0]
        torch.manual_seed(rank)
        network = nn.Linear(3, 3)
        begin_alike(network)
        np.save(folder / f"{rank}.npy", network.weight.detach().numpy())


def test_all_begin_with_the_weights_of_the_first(tmp_path: Path):
    with with_others(2, partial(drawn, tmp_path)):
        drawn(tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "0.npy"), np.load(tmp_path / "1.npy"))


def failing() -> None:
    with process_group():
        if process_of()[0]:
            raise ValueError("the second process has no such file")
        torch.distributed.barrier()


def test_what_goes_wrong_in_another_process_is_said_here():
    with pytest.raises(ValueError, match="no such file"), with_others(2, failing):
        failing()
