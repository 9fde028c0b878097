"""Networks trained as one stack are the networks that would be trained alone, by hand or in a smaller stack."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from semeia.errors import InputError
from semeia.worlds.draws import generator
from semeia.worlds.sweep.networks import MODALITIES, Encoders, joined
from semeia.worlds.sweep.pretraining import Objective, Pairs, SmallPretraining, pretrain, warmed_cosine

SETTINGS = SmallPretraining(hidden=6, width=4, predictor=5, steps=60, batch=16)
WIDTHS = {"image": 5, "record": 7}


def pairs(*counts: int) -> Pairs:
    """Two modalities that share a cause, of several sources."""
    rng = np.random.default_rng(4)
    size = (len(counts), max(counts))
    shared = rng.standard_normal((*size, 1))
    values = {
        name: torch.from_numpy((shared + rng.standard_normal((*size, width))).astype(np.float32))
        for name, width in WIDTHS.items()
    }
    return Pairs(values, np.array(counts))


def weights(encoders: Encoders, cell: int) -> list[torch.Tensor]:
    return [parameter[cell] for parameter in encoders.parameters()]


@pytest.mark.parametrize("objective", ["ema", "ema+vicreg", "vicreg", "clip"])
def test_a_cell_of_a_stack_is_the_same_cell_trained_alone(objective: Objective):
    settings = replace(SETTINGS, steps=15)
    data, source = pairs(50, 80, 30), torch.tensor([0, 2, 1, 0])
    stack = pretrain(data, source, objective=objective, settings=settings, seeds=[3, 3, 5, 7])
    for cell, (of, seed) in enumerate(zip(source, [3, 3, 5, 7], strict=True)):
        alone = pretrain(data, of[None], objective=objective, settings=settings, seeds=[seed])
        for stacked, single in zip(weights(stack, cell), weights(alone, 0), strict=True):
            assert torch.allclose(stacked, single, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(weights(stack, 0)[0], weights(stack, 3)[0], atol=0.01)


def test_it_is_what_plain_modules_and_their_optimiser_make_of_the_same_batches():
    data, seed = pairs(50), 3
    encoders, predictors = (
        {name: plain((width, *rest), generator(seed, kind, name)) for name, width in widths.items()}
        for kind, widths, rest in (
            ("encoder", WIDTHS, (SETTINGS.hidden, SETTINGS.width)),
            ("predictor", dict.fromkeys(MODALITIES, SETTINGS.width), (SETTINGS.predictor, SETTINGS.width)),
        )
    )
    targets = copy.deepcopy(encoders)
    trained = [p for part in (encoders, predictors) for one in part.values() for p in one.parameters()]
    optimiser = torch.optim.Adam(trained, lr=SETTINGS.lr)
    rng = generator(seed, "batches")
    drawn = np.concatenate([rng.integers(0, 50, (steps, SETTINGS.batch)) for steps in (50, 10)])
    centre = dict.fromkeys(MODALITIES, torch.zeros(SETTINGS.width))
    for step in range(SETTINGS.steps):
        x = {name: data.values[name][0][torch.from_numpy(drawn[step])] for name in MODALITIES}
        with torch.no_grad():
            h = {name: F.layer_norm(targets[name](x[name]), (SETTINGS.width,)) for name in MODALITIES}
        rate = max(0.02, 1 / (step + 1))
        centre = {name: (1 - rate) * centre[name] + rate * h[name].mean(0) for name in MODALITIES}
        loss = torch.zeros(())
        for name, other in (("image", "record"), ("record", "image")):
            loss = loss + F.smooth_l1_loss(predictors[name](encoders[name](x[name])), h[other] - centre[other]) / 2
        optimiser.param_groups[0]["lr"] = SETTINGS.lr * warmed_cosine(step, SETTINGS.steps)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        momentum = SETTINGS.ema + (1 - SETTINGS.ema) * (step + 1) / SETTINGS.steps
        for name in MODALITIES:
            for slow, fast in zip(targets[name].parameters(), encoders[name].parameters(), strict=True):
                slow.data = momentum * slow.data + (1 - momentum) * fast.data
    stack = pretrain(data, torch.tensor([0, 0]), objective="ema", settings=SETTINGS, seeds=[9, seed])
    x = {name: data.values[name] for name in MODALITIES}
    for name in MODALITIES:
        mine = stack[name](x[name].expand(2, -1, -1))[1]
        assert torch.allclose(mine, targets[name](x[name][0]), rtol=1e-3, atol=1e-4)


def plain(sizes: tuple[int, ...], rng: np.random.Generator) -> nn.Sequential:
    """Linear layers with ReLU between, started from the same numbers."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layer, bound = nn.Linear(before, after), before**-0.5
        layer.weight.data = torch.from_numpy(rng.uniform(-bound, bound, (before, after)).astype(np.float32)).T
        layer.bias.data = torch.from_numpy(rng.uniform(-bound, bound, (1, after)).astype(np.float32))[0]
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def test_what_fills_up_a_smaller_source_is_never_drawn():
    data = pairs(20, 60)
    data.values["image"][0, 20:] = torch.nan
    encoders = pretrain(data, torch.tensor([0]), objective="ema", settings=SETTINGS, seeds=[1])
    assert all(torch.isfinite(weight).all() for weight in encoders.parameters())


def test_cells_are_chosen_and_stacked_and_a_copy_leaves_them_alone():
    first = pretrain(pairs(50), torch.tensor([0, 0]), objective="ema", settings=SETTINGS, seeds=[1, 2])
    whole = joined([first, first.of_cells(torch.tensor([1]))])
    assert [len(p) for p in whole.parameters()] == [3] * 8
    assert torch.equal(weights(whole, 2)[0], weights(first, 1)[0])
    next(whole.parameters()).data.zero_()
    assert weights(first, 0)[0].abs().sum() > 0
    assert first.width == SETTINGS.width


def test_the_rate_rises_for_a_twentieth_and_falls_to_nothing():
    rates = [warmed_cosine(step, 100) for step in range(100)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert max(rates) == 1.0
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[-1] < 0.01


def test_settings_out_of_range_are_refused():
    with pytest.raises(InputError, match="steps is 0"):
        SmallPretraining(steps=0)
