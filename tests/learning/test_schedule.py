"""Order, rate and decay are pure functions of the step, and what they promise holds for any sizes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from semeia.errors import InputError
from semeia.learning.schedule import OptimiserSettings, batch_rows, lr_at, make_optimiser, tune
from semeia.objectives.step import Step

SIZES = {"units": st.integers(1, 300), "batch": st.integers(1, 64), "seed": st.integers(0, 2**31)}


@given(**SIZES, epoch=st.integers(0, 5))
def test_an_epoch_sees_each_unit_at_most_once_and_leaves_out_less_than_a_batch(
    units: int, batch: int, seed: int, epoch: int
):
    settings = OptimiserSettings(batch=batch)
    steps = settings.per_epoch(units)
    seen = [
        batch_rows(Step(index=epoch * steps + place, total=1, seed=seed), units, settings) for place in range(steps)
    ]
    every = np.concatenate(seen)
    assert len(np.unique(every)) == len(every)
    assert 0 <= every.min() <= every.max() < units
    assert {len(rows) for rows in seen} == {min(batch, units)}
    assert units - len(every) < batch


@given(**SIZES, index=st.integers(0, 1000))
def test_a_batch_is_a_function_of_the_step(units: int, batch: int, seed: int, index: int):
    settings = OptimiserSettings(batch=batch)
    draws = [batch_rows(Step(index=index, total=total, seed=seed), units, settings).tolist() for total in (1, 2000)]
    assert draws[0] == draws[1]


def test_epochs_and_seeds_have_orders_of_their_own():
    settings = OptimiserSettings(batch=10)
    orders = [
        batch_rows(Step(index=index, total=9, seed=seed), 10, settings).tolist() for seed in (0, 1) for index in (0, 1)
    ]
    assert len({tuple(order) for order in orders}) == 4


@given(total=st.integers(1, 500), warmup=st.floats(0, 0.5))
def test_the_rate_rises_to_its_peak_and_falls_to_almost_nothing(total: int, warmup: float):
    settings = OptimiserSettings(warmup=warmup)
    rates = [lr_at(Step(index=index, total=total, seed=0), settings) for index in range(total)]
    warm = max(round(warmup * total), 1)
    assert all(0.001 <= rate <= 1 for rate in rates)
    assert rates[:warm] == sorted(rates[:warm])
    assert rates[warm:] == sorted(rates[warm:], reverse=True)
    assert max(rates) == rates[min(warm, total) - 1] == 1.0


def test_steps_and_epochs():
    assert OptimiserSettings(epochs=3, batch=8).total(20) == 6
    assert OptimiserSettings(epochs=3, batch=64).total(20) == 3
    assert OptimiserSettings(epochs=3, steps=7, batch=64).total(20) == 7
    for wrong in ({"batch": 0}, {"epochs": 0}, {"steps": 0}):
        with pytest.raises(InputError, match="must be 1 or more"):
            OptimiserSettings(**wrong)  # pyright: ignore[reportArgumentType]


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(3, 2)
        self.head = nn.Linear(2, 1)
        self.frozen = nn.Linear(2, 1).requires_grad_(False)


def test_the_encoder_has_its_rate_vectors_no_decay_and_frozen_parts_are_left_out():
    module = Two()
    settings = OptimiserSettings(lr=0.1, encoder_lr=0.01, warmup=0.5, weight_decay=(0.04, 0.4))
    optimiser = make_optimiser(module, settings)
    tune(optimiser, Step(index=0, total=4, seed=0), settings)
    found = {
        id(parameter): (group["lr"], round(group["weight_decay"], 6))
        for group in optimiser.param_groups
        for parameter in group["params"]
    }
    names = {name: found.get(id(parameter)) for name, parameter in module.named_parameters()}
    assert names == {
        "encoder.weight": (0.005, 0.04),
        "encoder.bias": (0.005, 0.0),
        "head.weight": (0.05, 0.04),
        "head.bias": (0.05, 0.0),
        "frozen.weight": None,
        "frozen.bias": None,
    }
    tune(optimiser, Step(index=3, total=4, seed=0), settings)
    assert {round(group["weight_decay"], 6) for group in optimiser.param_groups} == {0.0, 0.4}
    assert isinstance(optimiser, torch.optim.AdamW)
