"""What every objective must do: a battery of checks, each a function of `make`.

`make(seed)` gives a fresh objective on `small_encoder`, in training mode, whose weights are away from values at
which a gradient vanishes (a head of zeros hides the encoder). `loss(batch, step)` gives named, weighted terms.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from semeia.data.batch import Batch, Seen
from semeia.objectives.step import Step
from semeia.spread import spreading
from small_batches import rows, small_batch, with_nbi, with_reports, with_second_view, with_visits

Make = Callable[[int], nn.Module]
STEP = Step(index=3, total=20, seed=0)


@dataclass(frozen=True)
class Asked(Step):
    """A step that notes what it was asked randomness for."""

    purposes: list[str] = field(default_factory=list)

    def generator(self, purpose: str) -> torch.Generator:
        self.purposes.append(purpose)
        return super().generator(purpose)


def terms_of(objective: nn.Module, batch: Batch, step: Step = STEP) -> dict[str, Tensor]:
    """The terms, with dropout's global generator set as the loop sets it."""
    torch.manual_seed(step.generator("dropout").initial_seed())
    return objective.loss(batch, step)


def total(terms: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def state(objective: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in objective.state_dict().items()}


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    assert list(before) == list(after)
    return {name for name in before if not torch.equal(before[name], after[name])}


def terms_are_named_finite_scalars(make: Make) -> None:
    terms = terms_of(make(0), batch_for(make))
    assert terms
    assert all(isinstance(name, str) and name.isidentifier() for name in terms)
    for name, value in terms.items():
        assert value.shape == (), name
        assert value.isfinite(), name
        assert value.is_floating_point(), name


def one_patient_is_a_batch(make: Make) -> None:
    """Complete, with one modality, and with a single token: the loss and its gradients stay finite."""
    batch = batch_for(make)
    reading = batch.modalities["reading"]
    single = replace(reading, present=reading.present & (torch.arange(3) == 0))
    lonely = replace(batch, modalities=batch.modalities | {"reading": single}).without("image")
    for alone in (rows(batch, [4]), rows(batch, [0]), rows(batch, [2]), rows(lonely, [5])):
        objective = make(0)
        loss = total(terms_of(objective, alone))
        assert loss.isfinite()
        loss.backward()
        for name, parameter in objective.named_parameters():
            assert parameter.grad is None or parameter.grad.isfinite().all(), name


def seed_and_step_decide(make: Make) -> None:
    """The same bits for the same (seed, step), whatever was drawn before; other steps and seeds differ if and only if
    the objective draws anything."""
    batch = batch_for(make)
    first = terms_of(make(0), batch)
    torch.rand(7)
    again = terms_of(make(0), batch)
    assert all(torch.equal(first[name], again[name]) for name in first)
    others = {float(total(terms_of(make(0), batch, replace(STEP, index=index))).detach()) for index in range(3)}
    others |= {float(total(terms_of(make(0), batch, replace(STEP, seed=seed))).detach()) for seed in range(3)}
    asked = Asked(index=3, total=20, seed=0)
    objective = make(0)
    objective.loss(batch, asked)
    dropout = any(isinstance(module, nn.Dropout) and module.p > 0 for module in objective.modules())
    assert (len(others) > 1) == (dropout or bool(asked.purposes))


def gradient_reaches_what_is_trained_and_nothing_else(make: Make) -> None:
    objective, batch = make(0), batch_for(make)
    for index in range(8):  # one mask need not ask for everything
        total(terms_of(objective, batch, replace(STEP, index=index))).backward()
    for name, parameter in objective.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.any(), name
            assert parameter.grad.isfinite().all(), name
        else:
            assert parameter.grad is None, name


def a_saved_state_gives_the_same_loss(make: Make) -> None:
    batch = batch_for(make)
    old, new = make(0), make(1)
    terms_of(old, batch)
    old.after_step(STEP)
    new.load_state_dict(old.state_dict(), strict=True)
    first, second = terms_of(old, batch), terms_of(new, batch)
    assert all(torch.equal(first[name], second[name]) for name in first)


def a_missing_modality_is_a_mask(make: Make) -> None:
    """Values that are not there are not read, and a modality masked for all is a modality deleted."""
    batch = batch_for(make)
    first, second = terms_of(make(0), batch), terms_of(make(0), filled(batch))
    for name in first:
        torch.testing.assert_close(first[name], second[name])
    whole = rows(batch, [1, 3, 4, 5])
    deleted = replace(whole, modalities={name: one for name, one in whole.modalities.items() if name != "reading"})
    first, second = (terms_of(make(0).eval(), one) for one in (whole.without("reading"), deleted))
    for name in first:
        torch.testing.assert_close(first[name], second[name], rtol=1e-4, atol=1e-6)


def filled(batch: Batch) -> Batch:
    """Other values wherever nothing is present."""

    def of(one: dict[str, Seen]) -> dict[str, Seen]:
        return {
            name: replace(seen, values=seen.values.nan_to_num(9.0) if seen.values.is_floating_point() else seen.values)
            for name, seen in one.items()
        }

    return replace(batch, modalities=of(batch.modalities), second=of(batch.second))


def visits_train(make: Make) -> None:
    """Several visits of every modality give finite terms and gradients; an empty one more changes no bit of them."""
    batch = with_visits(batch_for(make))
    objective, other = make(0), make(0)
    terms = terms_of(objective, batch)
    total(terms).backward()
    for name, parameter in objective.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name
    padded = terms_of(other, padded_by_a_visit(batch))
    assert all(torch.equal(terms[name], padded[name]) for name in terms)


def padded_by_a_visit(batch: Batch) -> Batch:
    """One visit more, in which nobody has anything; its values are NaN."""

    def of(seen: Seen) -> Seen:
        empty = seen.values[:, :1]
        empty = torch.full_like(empty, torch.nan) if empty.is_floating_point() else empty + 1
        return Seen(
            values=torch.cat([seen.values, empty], 1),
            present=torch.cat([seen.present, torch.zeros_like(seen.present[:, :1])], 1),
            where=torch.cat([seen.where, seen.where[:, :1]], 1),
            when=torch.cat([seen.when, seen.when[:, :1] + 99], 1),
        )

    return replace(
        batch,
        modalities={name: of(seen) for name, seen in batch.modalities.items()},
        second={name: of(seen) for name, seen in batch.second.items()},
    )


def averages_move_only_in_training(make: Make) -> None:
    """Evaluation moves nothing; the loss buffers but no weight; `after_step` none trained, in its bounds."""
    batch = batch_for(make)
    objective = make(0).eval()
    before = state(objective)
    with torch.no_grad():
        terms_of(objective, batch)
    assert not changed(before, state(objective))
    objective.train()
    weights = dict(objective.named_parameters())
    terms_of(objective, batch)
    after_loss = state(objective)
    assert not changed(before, after_loss) & set(weights)
    objective.after_step(STEP)
    moved = changed(after_loss, state(objective))
    assert all(not weights[name].requires_grad for name in moved if name in weights)


def rows_taken_a_few_at_a_time_change_nothing(make: Make) -> None:
    """The loss and every gradient of the whole batch, from networks that take two rows at once."""
    found = []
    for at_once in (0, 2):
        objective = make(0)
        with spreading(at_once=at_once):
            loss = total(terms_of(objective, batch_for(make)))
            loss.backward()
        found.append((loss, {name: one.grad for name, one in objective.named_parameters()}))
    (whole, gradients), (parts, again) = found
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)
    for name, gradient in gradients.items():
        assert (again[name] is None) == (gradient is None), name
        if gradient is not None:
            torch.testing.assert_close(again[name], gradient, atol=1e-5, rtol=1e-4, msg=name)


def batch_for(make: Make) -> Batch:
    """A small batch with all the objective reads: a second view, or reports, if it asks for them."""
    objective = make(0)
    batch = small_batch(image=make_image(objective))
    if "nbi" in objective.encoder.kinds:
        batch = with_nbi(batch)
    if getattr(objective, "views", 1) == 2:
        batch = with_second_view(batch)
    return with_reports(batch) if "report" in objective.encoder.kinds else batch


def make_image(objective: nn.Module) -> str:
    """Which embedding the objective's encoder reads images with, so that the batch is cut for it."""
    names = {"PatchEmbedding": "patches", "RingEmbedding": "rings", "ConvEmbedding": "conv"}
    return names[type(objective.encoder.embeddings["image"]).__name__]


CHECKS: tuple[Callable[[Make], None], ...] = (
    terms_are_named_finite_scalars,
    one_patient_is_a_batch,
    seed_and_step_decide,
    gradient_reaches_what_is_trained_and_nothing_else,
    a_saved_state_gives_the_same_loss,
    a_missing_modality_is_a_mask,
    visits_train,
    averages_move_only_in_training,
    rows_taken_a_few_at_a_time_change_nothing,
)


def check_objective(make: Make) -> None:
    """All of it."""
    for check in CHECKS:
        check(make)
