"""Stacked classifiers: alone or together the same, a missing modality at its mean, the best step kept."""

import torch

from semeia.worlds.observe import draw_patients
from semeia.worlds.sweep.archives import Cohort, stacked_labels
from semeia.worlds.sweep.finetuning import Classifiers, Labelled, SmallFinetuning, finetune
from semeia.worlds.sweep.pretraining import SmallPretraining, fresh_encoders
from semeia.worlds.world import WorldSettings

NETWORKS = SmallPretraining(hidden=6, width=4)
SETTINGS = SmallFinetuning(steps=40, batch=16, every=10)
WORLD = WorldSettings(image=5, record=7)
BOTH, IMAGE = [True, True], [True, False]


def labelled(*counts: int) -> Labelled:
    cohorts = []
    for seed, count in enumerate(counts):
        patients = draw_patients(WORLD, count, seed=seed, part="train")
        cohorts.append(Cohort(patients, {"image": patients.image, "record": patients.record}))
    return stacked_labels(cohorts, seeds=[*range(len(counts))])


def fitted(data: Labelled, source: list[int], seeds: list[int], allowed: list[list[bool]]) -> Classifiers:
    return finetune(
        data,
        torch.tensor(source),
        fresh_encoders({"image": 5, "record": 7}, settings=NETWORKS, seeds=seeds),
        allowed=torch.tensor(allowed),
        lr_encoder=0.01,
        settings=SETTINGS,
        seeds=seeds,
    )


def test_a_cell_of_a_stack_is_the_same_cell_trained_alone():
    data = labelled(40, 90)
    source, seeds, allowed = [1, 0, 0], [5, 5, 6], [BOTH, BOTH, IMAGE]
    stack = fitted(data, source, seeds, allowed)
    for cell in range(3):
        alone = fitted(data, source[cell : cell + 1], seeds[cell : cell + 1], allowed[cell : cell + 1])
        for stacked, single in zip(stack.of_cells(torch.tensor([cell])).parameters(), alone.parameters(), strict=True):
            assert torch.allclose(stacked, single, rtol=1e-3, atol=1e-5)
        assert torch.allclose(stack.mean[cell], alone.mean[0], atol=1e-5)


def test_a_fifth_of_each_class_is_held_out_and_comes_after_the_training_rows():
    data = labelled(40, 90)
    for source in range(2):
        labels = data.label[source, : data.count[source]]
        held_out = labels[data.training[source] :]
        for value in (0, 1):
            assert int((held_out == value).sum()) == max(1, int((labels == value).sum()) // 5)
    assert not data.present[0, 40:].any()


def test_a_modality_that_is_missing_or_not_allowed_changes_nothing():
    data = labelled(40)
    model = fitted(data, [0], [1], [BOTH])
    values, there = {name: data.values[name].clone() for name in data.values}, data.present.clone()
    there[0, :10, 1] = False
    before = model(values, there)
    values["record"][0, :10] = 100.0
    assert torch.equal(model(values, there), before)
    assert not torch.equal(model(values, data.present), before)
    image = fitted(data, [0], [1], [IMAGE])
    assert torch.equal(image(values, data.present), image(data.values, data.present))


def test_it_learns_what_a_constant_does_not_know():
    data = labelled(400)
    model = fitted(data, [0], [1], [BOTH])
    logits = model(data.values, data.present)[0]
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    held_out = slice(int(data.training[0]), 400)
    rate = data.label[0].mean()
    constant = torch.logit(rate).expand(400)
    assert loss(logits[held_out], data.label[0, held_out]) < loss(constant[held_out], data.label[0, held_out]) - 0.02


def test_of_many_steps_the_one_that_is_best_on_the_held_out_fifth_is_kept():
    few, losses = labelled(40), []
    rest = slice(int(few.training[0]), 40)
    for every in (10, 150):  # a choice of fifteen steps, or the last
        model = finetune(
            few,
            torch.tensor([0]),
            fresh_encoders({"image": 5, "record": 7}, settings=NETWORKS, seeds=[1]),
            allowed=torch.tensor([BOTH]),
            lr_encoder=0.05,
            settings=SmallFinetuning(steps=150, batch=16, every=every, lr=0.05),
            seeds=[1],
        )
        logits = model(few.values, few.present)[0, rest]
        losses.append(float(torch.nn.functional.binary_cross_entropy_with_logits(logits, few.label[0, rest])))
    assert losses[0] < losses[1]
