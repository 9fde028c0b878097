"""A sum is its parts, holds the encoder once, and comes back from a file."""

from pathlib import Path

import torch

from semeia.encoders.patient import PatientEncoder
from semeia.learning.checkpoint import load_into, load_tensors, save_tensors
from semeia.objectives.build import ObjectiveSettings, build_objective
from semeia.objectives.byol import ByolSettings
from semeia.objectives.latent_prediction import LatentPredictionSettings
from semeia.objectives.objective import Objective
from semeia.objectives.pairs import PairSettings
from semeia.objectives.simclr import SimClrSettings
from semeia.objectives.step import Step
from small_batches import small_batch, small_encoder, with_reports, with_second_view

STEP = Step(index=1, total=10, seed=0)


def objective(
    *terms: str, seed: int = 0, encoder: PatientEncoder | None = None, weights: tuple[float, ...] = ()
) -> Objective:
    torch.manual_seed(seed)
    settings = ObjectiveSettings(
        terms=terms,
        weights=weights,
        jepa=LatentPredictionSettings(predictor_dim=16, predictor_heads=2),
        byol=ByolSettings(hidden=16, dim=8),
        simclr=SimClrSettings(hidden=16, dim=8),
        clip=PairSettings(dim=8),
    )
    read = ("image", "report") if "clip" in terms else ("image", "reading")
    encoder = small_encoder(seed=seed, modalities=read) if encoder is None else encoder
    return build_objective(settings, encoder)


def batch():
    return with_reports(with_second_view(small_batch()))


def test_every_term_is_that_of_its_own_objective_under_its_name():
    slip = objective("simclr", "clip").eval()
    terms = slip.loss(batch(), STEP)
    assert list(terms) == ["simclr_contrast", "clip_image_to_report", "clip_report_to_image"]
    # Alone, with the same draws of weights: SimCLR's head is drawn first, then CLIP's.
    alone = objective("simclr", encoder=small_encoder(modalities=("image", "report"))).eval()
    alone.load_state_dict({n.removeprefix("terms.simclr."): v for n, v in slip.state_dict().items() if "clip" not in n})
    assert torch.equal(terms["simclr_contrast"], alone.loss(batch(), STEP)["contrast"])


def test_weights_multiply_the_terms_of_their_objective():
    plain, weighted = (objective("simclr", "clip", weights=weights).eval() for weights in ((), (1.0, 0.25)))
    one, other = plain.loss(batch(), STEP), weighted.loss(batch(), STEP)
    assert torch.equal(other["simclr_contrast"], one["simclr_contrast"])
    for name in ("clip_image_to_report", "clip_report_to_image"):
        torch.testing.assert_close(other[name], one[name] / 4)


def test_it_asks_for_what_any_of_its_parts_asks_for():
    slip = objective("simclr", "clip")
    assert slip.views == 2
    assert objective("jepa", "byol").views == 2
    assert objective("clip", weights=(1.0,)).views == 1


def test_the_encoder_is_held_once():
    slip = objective("simclr", "clip")
    names = [name for name in slip.state_dict() if "encoder." in name]
    assert all(name.startswith("encoder.") for name in names)
    assert len(names) == len(slip.encoder.state_dict())
    assert all(name.startswith("encoder.") for name, _ in slip.named_parameters() if "encoder." in name)


def test_a_saved_and_loaded_sum_gives_the_same_loss(tmp_path: Path):
    old, new = objective("simclr", "clip"), objective("simclr", "clip", seed=1)
    old.loss(batch(), STEP)
    path = tmp_path / "sum.safetensors"
    save_tensors(path, old.state_dict(), {})
    tensors, _ = load_tensors(path)
    before = new.eval().loss(batch(), STEP)
    load_into(new, tensors, path=path)
    expected, found = old.eval().loss(batch(), STEP), new.loss(batch(), STEP)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert not any(torch.equal(before[name], found[name]) for name in expected)


def test_the_parts_train_the_sums_encoder_and_all_get_their_after_step():
    made = objective("jepa", "byol")
    assert all(term.encoder is made.encoder for term in made.terms.values())
    with torch.no_grad():
        for parameter in made.encoder.parameters():
            parameter.add_(1.0)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    made.after_step(STEP)
    moved = {name for name, value in made.state_dict().items() if not torch.equal(before[name], value)}
    assert any(name.startswith("terms.jepa.target_encoder.") for name in moved)
    assert any(name.startswith("terms.byol.momentum_encoder.") for name in moved)


def test_a_kept_moving_average_is_what_is_kept():
    made = objective("byol", "jepa")
    with torch.no_grad():
        made.encoder.kind.add_(1.0)
    kept = made.pretrained()
    assert kept is not made.encoder
    assert torch.equal(kept.kind, made.terms["jepa"].target_encoder.kind)
    slip = objective("simclr", "clip")
    assert slip.pretrained() is slip.encoder
