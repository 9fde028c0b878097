"""The loss against a straightforward loop over patients, the moving averages to the bit, and what must not leak."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from semeia.data.batch import Batch
from semeia.data.masks import Masks, MaskSettings, draw_masks
from semeia.encoders.position import place_and_time
from semeia.errors import InputError
from semeia.objectives.guards import covariance_penalty, sigreg, variance_hinge
from semeia.objectives.latent_prediction import LatentPrediction, LatentPredictionSettings
from semeia.objectives.step import Step
from small_batches import rows, small_batch, small_encoder

STEP = Step(index=2, total=10, seed=0)
ALL_MASKS = MaskSettings(modality=0.4, visit=0.1, block=0.3, token=0.2, scale=(0.3, 0.4))
GUARDS = ["ema", "ema+vicreg", "vicreg", "sigreg"]
VIEWS = ["full", "own_modality", "token"]


def objective(image: str = "patches", *, seed: int = 0, **options: object) -> LatentPrediction:
    settings = replace(LatentPredictionSettings(predictor_dim=16, predictor_heads=2, masks=ALL_MASKS), **options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = LatentPrediction(small_encoder(image, seed=seed), settings=settings)
        for parameter in made.parameters():  # away from initial values, so that the two encoders differ
            parameter.data.add_(0.05 * torch.randn(parameter.shape))
        made.centre.copy_(torch.randn(made.centre.shape))
        return made.eval()


def alone(blocks: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Transformer blocks on one sequence without any mask, [length, dim]."""
    length = len(x)
    return blocks(x[None], torch.ones(1, length, length, dtype=torch.bool))[0]


def masks_of(made: LatentPrediction, batch: Batch, step: Step = STEP) -> tuple[Masks, torch.Tensor]:
    tokens = made.encoder.embed(batch).packed()
    masks = draw_masks(
        tokens.present,
        tokens.kind,
        tokens.where,
        tokens.when,
        settings=made.settings.masks,
        generator=step.generator("masks"),
    )
    return masks, tokens.present


def by_hand(made: LatentPrediction, batch: Batch, step: Step) -> tuple[float, torch.Tensor]:
    """The prediction loss and the mean context tokens, patient by patient, token by token, with numpy at the end."""
    settings, predictor = made.settings, made.predictor
    teacher = made.target_encoder or made.encoder
    masks, present = masks_of(made, batch, step)
    losses, means = [], []
    for row in range(len(batch)):
        there = present[row]
        context, target = masks.context[row][there], masks.target[row][there]
        own = made.encoder.embed(rows(batch, [row])).packed()
        theirs = teacher.embed(rows(batch, [row])).packed().x[0]
        kind, where, when = own.kind[0], own.where[0], own.when[0]
        seen = alone(made.encoder.blocks, own.x[0][context])
        means.append(seen.mean(0))
        if not target.any():
            continue
        mixed = torch.zeros_like(theirs)
        for group in groups(kind, settings.target_view):
            mixed[group] = alone(teacher.blocks, theirs[group])
        latent = mixed[target].double().numpy()
        latent = (latent - latent.mean(1, keepdims=True)) / np.sqrt(latent.var(1, keepdims=True) + 1e-5)
        if settings.centre:
            latent = latent - made.centre[kind[target]].numpy()
        place = place_and_time(where[None], when[None], settings.predictor_dim)[0]
        known = predictor.enter(seen) + predictor.kind[kind[context]] + place[context]
        asked = predictor.mask_token + predictor.kind[kind[target]] + place[target]
        answer = alone(predictor.blocks, torch.cat([known, asked]))[len(known) :]
        gap = np.abs(predictor.leave(answer).double().numpy() - latent)
        losses.append(np.where(gap < 1, gap**2 / 2, gap - 0.5).mean())
    return float(np.mean(losses)), torch.stack(means)


def groups(kind: torch.Tensor, view: str) -> list[torch.Tensor]:
    """Who sees whom in the target encoder."""
    if view == "full":
        return [torch.arange(len(kind))]
    if view == "token":
        return list(torch.arange(len(kind))[:, None])
    return [(kind == value).nonzero().flatten() for value in kind.unique()]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("guard", GUARDS)
@torch.no_grad()
def test_the_loss_is_that_of_a_loop_over_patients(guard: str, view: str):
    made = objective("rings" if view == "full" else "patches", guard=guard, target_view=view)
    batch = small_batch(8, image="rings" if view == "full" else "patches")
    for step in (STEP, replace(STEP, index=7)):
        terms = made.loss(batch, step)
        expected, z = by_hand(made, batch, step)
        assert float(terms.pop("prediction")) == pytest.approx(expected, rel=1e-4)
        guards = {
            "variance": variance_hinge(z),
            "covariance": 10 * covariance_penalty(z),
            "gaussian": 10 * sigreg(z, generator=step.generator("slices")),
        }
        names = {"ema": [], "sigreg": ["gaussian"]}.get(guard, ["variance", "covariance"])
        assert list(terms) == names
        for name, value in terms.items():
            torch.testing.assert_close(value, guards[name], rtol=1e-3, atol=1e-5)


@torch.no_grad()
def test_without_centring_the_centre_is_not_used():
    made = objective(centre=False)
    assert float(made.loss(small_batch(), STEP)["prediction"]) == pytest.approx(
        by_hand(made, small_batch(), STEP)[0], rel=1e-4
    )
    made.train().loss(small_batch(), STEP)
    assert torch.equal(made.centre, objective().centre)


@torch.no_grad()
def test_predict_is_the_same_in_the_layout_of_the_embedding():
    made, batch = objective(), small_batch(gaps=False)
    masks, _ = masks_of(made, batch)  # without gaps, packed and unpacked layouts are one
    prediction, target = made.predict(batch, masks)
    error = torch.nn.functional.smooth_l1_loss(prediction, target, reduction="none").mean(-1)
    means = [error[row][masks.target[row]].mean() for row in range(6) if masks.target[row].any()]
    assert float(torch.stack(means).mean()) == pytest.approx(float(made.loss(batch, STEP)["prediction"]), rel=1e-4)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("guard", ["ema+vicreg", "sigreg"])
@torch.no_grad()
def test_the_input_of_a_target_never_reaches_its_prediction(guard: str, view: str):
    made, batch = objective(guard=guard, target_view=view), small_batch(gaps=False)
    masks, _ = masks_of(made, batch)
    assert masks.target.any(1).all()
    before, target = made.predict(batch, masks)
    image, reading = batch.modalities["image"], batch.modalities["reading"]
    hidden = masks.target[:, :32].unflatten(1, (2, 4, 4))
    for axis in (1, 2, 3):
        hidden = hidden.repeat_interleave(2, axis)
    hidden, items = hidden[:, None, None], masks.target[:, None, 32:]
    noisy = Batch(
        {
            "image": replace(image, values=torch.where(hidden, torch.rand_like(image.values), image.values)),
            "reading": replace(reading, values=torch.where(items, reading.values + 3, reading.values)),
        }
    )
    after, moved = made.predict(noisy, masks)
    torch.testing.assert_close(after[masks.target], before[masks.target], atol=1e-6, rtol=1e-6)
    assert ((moved - target).abs().amax(-1) > 1e-4)[masks.target].all()
    # Nor do inputs of the context reach the targets, unless the target encoder is to see them.
    context = made.encoder.embed(noisy).holding(made.encoder.embed(noisy).x, present=masks.context)
    plain = made.encoder.embed(batch).holding(made.encoder.embed(batch).x, present=masks.context)
    torch.testing.assert_close(made.encoder.mix(context).x[masks.context], made.encoder.mix(plain).x[masks.context])


@torch.no_grad()
def test_targets_see_what_the_setting_says():
    batch = small_batch(gaps=False)
    reading = batch.modalities["reading"]
    other = replace(batch, modalities=batch.modalities | {"reading": replace(reading, values=reading.values + 1)})
    for view in VIEWS:
        made = objective(target_view=view)
        same = (made.targets(other).x - made.targets(batch).x).abs().amax((0, 2)) < 1e-6
        assert bool(same[:32].all()) == (view != "full")
        assert not same[32:].any()


def test_no_gradient_through_the_targets_of_a_moving_average():
    for guard in GUARDS:
        made = objective(guard=guard)
        assert made.targets(small_batch()).x.requires_grad == (not guard.startswith("ema"))
    made = objective()
    assert made.target_encoder is not None
    sum(made.loss(small_batch(), STEP).values()).backward()
    assert all(parameter.grad is None for parameter in made.target_encoder.parameters())


@pytest.mark.parametrize(("ema", "index", "momentum"), [(1.0, 0, 1.0), (0.0, 0, 0.0), (0.9, 5, 0.95), (0.9, 10, 1.0)])
def test_the_moving_average_is_exact(ema: float, index: int, momentum: float):
    made = objective(ema=ema)
    assert made.target_encoder is not None
    slow = [parameter.clone() for parameter in made.target_encoder.parameters()]
    fast = [parameter.detach().clone() for parameter in made.encoder.parameters()]
    made.after_step(Step(index=index, total=11, seed=0))
    for before, theirs, after in zip(slow, fast, made.target_encoder.parameters(), strict=True):
        if momentum in (0.0, 1.0):
            assert torch.equal(after, theirs if momentum == 0 else before)
        torch.testing.assert_close(after.detach(), momentum * before + (1 - momentum) * theirs)
    assert all(torch.equal(a, b) for a, b in zip(fast, made.encoder.parameters(), strict=True))


@pytest.mark.parametrize(("index", "rate"), [(0, 1.0), (4, 0.2), (500, 0.02)])
def test_the_centre_moves_to_the_mean_over_patients_of_each_modality(index: int, rate: float):
    made, batch = objective().train(), small_batch().without("reading")
    batch = rows(batch, [1, 2, 3, 4, 5])
    before = made.centre.clone()
    targets = made.targets(batch)
    mean = torch.stack([targets.x[row][targets.present[row]].mean(0) for row in range(5)]).mean(0)
    made.loss(batch, Step(index=index, total=1000, seed=0))
    torch.testing.assert_close(made.centre[0], (1 - rate) * before[0] + rate * mean, atol=1e-5, rtol=1e-4)
    assert torch.equal(made.centre[1], before[1])  # nobody has a reading: its centre stays


def test_what_is_kept_can_be_trained_again():
    for guard in GUARDS:
        made = objective(guard=guard)
        kept = made.pretrained()
        assert all(parameter.requires_grad for parameter in kept.parameters())
        assert (kept is made.encoder) == (made.target_encoder is None)
        if made.target_encoder is not None:
            pairs = zip(kept.parameters(), made.target_encoder.parameters(), strict=True)
            assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("masks", [MaskSettings(block=1.0), MaskSettings(block=0.0, token=0.1)])
def test_masks_within_an_image_need_tokens_that_see_only_themselves(masks: MaskSettings):
    with pytest.raises(InputError, match="tokens of image see across their borders"):
        objective("conv", masks=masks)
    objective("conv", masks=MaskSettings(block=0.0))


def test_what_is_given_is_always_seen_and_never_predicted():
    made = objective(given=("reading",), masks=MaskSettings(modality=0.6, visit=0.4, block=0.0))
    tokens = made.encoder.embed(small_batch(image="patches")).packed()
    of_reading = tokens.kind == made.encoder.kinds.index("reading")
    hidden = torch.zeros_like(tokens.present)
    for seed in range(20):
        masks = made.masks_of(tokens, torch.Generator().manual_seed(seed))
        assert not (masks.target & of_reading).any()
        assert torch.equal(masks.context & of_reading, tokens.present & of_reading)
        hidden |= masks.target
    # Beside a reading an image is hidden whole; alone it would not be.
    both = (of_reading & tokens.present).any(1) & (~of_reading & tokens.present).any(1)
    assert torch.equal(hidden.any(1), both)


def test_what_is_given_must_leave_something():
    with pytest.raises(InputError, match="jepa: given is image, reading; nothing is left to predict"):
        objective(given=("image", "reading"))


def test_a_patient_that_cannot_be_divided_is_left_out_of_the_prediction_only():
    made = objective(masks=MaskSettings(modality=1.0, visit=0.0, block=0.0), guard="ema+vicreg")
    batch = small_batch()  # rows 0 and 2 have one modality each
    terms = made.loss(batch, STEP)
    assert float(terms["prediction"].detach()) == pytest.approx(by_hand_rows(made, batch), rel=1e-4)
    none = made.loss(rows(batch, [0, 2]), STEP)
    assert float(none["prediction"].detach()) == 0.0
    sum(none.values()).backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in made.parameters())


@torch.no_grad()
def by_hand_rows(made: LatentPrediction, batch: Batch) -> float:
    masks, _ = masks_of(made, batch)
    assert masks.target.any(1).tolist() == [False, True, False, True, True, True]
    return by_hand(made, batch, STEP)[0]
