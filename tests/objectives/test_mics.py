"""The sum of MICS on two picture modalities: what each term moves, what its decoder draws, what an ablation leaves."""

import pytest
import torch

from semeia.errors import InputError
from semeia.objectives import mae
from semeia.objectives.build import build_objective
from semeia.objectives.mae import draw_kept
from semeia.objectives.mics import TERMS, between_modalities, mics
from semeia.objectives.step import Step
from small_batches import rows, small_batch, small_encoder, with_nbi

STEP = Step(index=5, total=10, seed=0)


def made_of(settings):
    torch.manual_seed(0)
    return build_objective(settings, small_encoder(modalities=("image", "nbi"), mixing="apart")).train()


def moved_by(made, prefix: str) -> set[str]:
    """Parameters that one step down the terms of one objective moves."""
    made.zero_grad()
    terms = made.loss(with_nbi(small_batch()), STEP)
    torch.stack([value for name, value in terms.items() if name.startswith(prefix)]).sum().backward()
    before = {name: parameter.detach().clone() for name, parameter in made.named_parameters()}
    torch.optim.SGD([p for p in made.parameters() if p.requires_grad], lr=1.0).step()
    return {name for name, parameter in made.named_parameters() if not torch.equal(parameter.detach(), before[name])}


@pytest.mark.parametrize("alignment", ["infonce", "adversarial"])
def test_every_term_moves_both_encoders_and_its_own_heads(alignment: str):
    made = made_of(mics(alignment=alignment))
    encoder = {name for name, _ in made.encoder.named_parameters(prefix="encoder")}
    for term in made.terms:
        own = {name for name, p in made.named_parameters() if name.startswith(f"terms.{term}.") and p.requires_grad}
        assert own
        assert moved_by(made, f"{term}_") == encoder | own


def test_the_shared_decoder_draws_two_hidden_places_differently_and_without_positions_could_not(monkeypatch):
    made = made_of(mics(without=("consistency", "alignment"))).terms["mae"]
    batch = rows(with_nbi(small_batch()), [4, 5])
    everybody = torch.ones(2, dtype=torch.bool)

    def nearest(name: str) -> float:
        """The least distance between what is drawn at two hidden places of one image."""
        tokens = made.encoder.embed(batch.of(name, everybody)).packed()
        kept = draw_kept(tokens.present, share=0.25, generator=STEP.generator("masks"))
        drawn = made.decoder(made.encoder.mix(tokens.select(kept)), tokens.select(tokens.present & ~kept))
        return float((torch.cdist(drawn, drawn) + torch.eye(drawn.shape[1])).min().detach())

    assert min(nearest(name) for name in made.crops) > 1e-4
    # As published: positions of the decoder that are zero and stay so.
    monkeypatch.setattr(mae, "place_and_time", lambda where, when, dim: torch.zeros(*when.shape, dim))
    assert max(nearest(name) for name in made.crops) < 1e-5


def test_the_reconstruction_is_the_mean_over_both_modalities():
    both = made_of(mics(without=("consistency", "alignment"))).terms["mae"]
    batch = with_nbi(small_batch())
    generator, means = STEP.generator("masks"), []
    for name in ("image", "nbi"):
        part = batch.of(name, batch.has(name))
        tokens = both.encoder.embed(part).packed()
        kept = draw_kept(tokens.present, share=0.25, generator=generator)
        drawn = both.decoder(both.encoder.mix(tokens.select(kept)), tokens.select(tokens.present & ~kept))
        images = []
        for row, image in enumerate(part.modalities[name].values[:, 0, 0]):
            patches = image.reshape(2, 2, 4, 2, 4, 2).permute(0, 2, 4, 1, 3, 5).reshape(32, 8)
            patches = patches[part.modalities[name].present[row, 0]]
            hidden = ~kept[row, : len(patches)]
            images.append(((drawn[row, : int(hidden.sum())] - patches[hidden]) ** 2).mean())
        means.append(torch.stack(images).mean())
    expected = sum(means) / 2
    assert float(both.loss(batch, STEP)["reconstruction"].detach()) == pytest.approx(float(expected.detach()), rel=1e-4)


def test_ablations_leave_terms_out_and_weights_are_settings():
    assert mics(("white", "narrow")).modality == "white"
    assert mics().weights == (10.0, 1.0, 0.1)
    assert mics(weights={"alignment": 1.0}).weights == (10.0, 1.0, 1.0)
    for name, (objective, _) in TERMS.items():
        left = mics(without=(name,))
        assert objective not in left.terms
        assert len(left.terms) == len(left.weights) == 2
    assert mics(without=("reconstruction",), alignment="adversarial").terms == ("albef", "adversarial")
    with pytest.raises(InputError, match="no term 'mlm'; there are reconstruction"):
        mics(without=("mlm",))


@pytest.mark.parametrize("guarded", [False, True])
def test_latents_of_each_modality_are_predicted_from_the_other(guarded: bool):
    made = made_of(between_modalities(guarded=guarded))
    batch = rows(with_nbi(small_batch()), [1, 2, 4, 5])
    tokens = made.encoder.embed(batch).packed()
    masks = made.masks_of(tokens, STEP.generator("masks"))
    for row in range(4):
        seen, asked = (set(tokens.kind[row][mask[row]].tolist()) for mask in (masks.context, masks.target))
        assert (seen, asked) in (({0}, {1}), ({1}, {0}))
    assert ("variance" in made.loss(batch, STEP)) == guarded
