"""An encoder each knows nothing of the others; a fusion by hand; a modality that is not there does not exist."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from semeia.data.batch import Batch
from semeia.encoders.fusion import FusionBlock, FusionEncoder, with_fusion
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.errors import InputError
from semeia.objectives.build import ObjectiveSettings, build_objective
from small_batches import SMALL, rows, small_batch, small_encoder, with_nbi

CLOSE = {"atol": 1e-5, "rtol": 1e-4}
FUSIONS = ["cross", "symmetric"]
NAMES = ("image", "nbi")


def encoder_of(mixing: str, modalities: tuple[str, ...] = NAMES) -> PatientEncoder:
    return small_encoder(modalities=modalities, mixing=mixing)


def whole() -> Batch:
    return with_nbi(small_batch(gaps=False), gap=-1)


def test_an_encoder_each_gives_what_it_would_alone():
    encoder, batch = encoder_of("apart"), with_nbi(small_batch())
    pooled, there = encoder.pool(encoder(batch))
    for index, name in enumerate(NAMES):
        alone, _ = encoder.pool(encoder(batch.of(name, batch.has(name))))
        torch.testing.assert_close(pooled[there[:, index], index], alone[:, index], **CLOSE)
        smaller = encoder.only((name,))
        torch.testing.assert_close(
            smaller.pool(smaller(batch.of(name, batch.has(name))))[0], alone[:, [index]], **CLOSE
        )


def test_what_may_be_attended_to_is_said_within_each_modality():
    encoder, batch = encoder_of("apart"), whole()
    tokens = encoder.embed(batch)
    nobody = torch.zeros(6, 64, 64, dtype=torch.bool)
    lonely = encoder.mix(tokens, attend=nobody)
    for index, blocks in enumerate(encoder.blocks):
        one = tokens.x[:, [32 * index + 5]]
        alone = blocks(one, torch.ones(6, 1, 1, dtype=torch.bool))
        torch.testing.assert_close(lonely.x[:, [32 * index + 5]], alone, **CLOSE)
    assert not torch.allclose(lonely.x, encoder.mix(tokens).x, atol=1e-3)


def heads_of(x: Tensor) -> Tensor:
    return x.unflatten(-1, (SMALL.heads, -1)).transpose(0, 1)


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Of one unit, [query, dim] and [key, dim], head by head."""
    q, k, v = heads_of(query), heads_of(key), heads_of(value)
    return ((q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1) @ v).transpose(0, 1).flatten(1)


def by_hand(block: FusionBlock, x: Tensor, context: Tensor | None) -> Tensor:
    """One block on one unit without padding: itself, the others, each."""
    x = x + block.itself.out_proj(attention(*block.itself.qkv(block.norm_itself(x)).chunk(3, -1)))
    if context is not None:
        others = block.others
        q, k, v = (
            F.linear(source, weight, bias)
            for source, weight, bias in zip(
                (block.norm_others(x), context, context),
                others.in_proj_weight.chunk(3),
                others.in_proj_bias.chunk(3),
                strict=True,
            )
        )
        x = x + others.out_proj(attention(q, k, v))
    hidden = F.gelu(block.each.linear1(block.norm_each(x)))
    return x + block.each.linear2(hidden)


@pytest.mark.parametrize("mixing", FUSIONS)
@torch.no_grad()
def test_the_fused_part_by_hand(mixing: str):
    encoder, batch = encoder_of(mixing), with_nbi(small_batch())
    assert isinstance(encoder, FusionEncoder)
    pooled, there = encoder.pool(encoder(batch))
    assert there[:, 2].all()
    for row in range(6):
        one = rows(batch, [row])
        own = encoder.mix(encoder.embed(one).packed())
        tokens = {name: own.x[0][own.kind[0] == i] for i, name in enumerate(NAMES) if one.has(name).all()}
        fused = []
        for lead in tokens if mixing == "symmetric" else [next(iter(tokens))]:
            x = tokens[lead]
            others = [value for name, value in tokens.items() if name != lead]
            for block in encoder.fusion.blocks:
                x = by_hand(block, x, torch.cat(others) if others else None)
            fused.append(encoder.fusion.norm(x))
        x = torch.cat(fused)
        expected = torch.cat([x.mean(0), (x.var(0, correction=0) + 1e-5).sqrt()])
        torch.testing.assert_close(pooled[row, 2], expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("mixing", FUSIONS)
@pytest.mark.parametrize("name", NAMES)
def test_masking_a_modality_is_deleting_it(mixing: str, name: str):
    encoder, batch = encoder_of(mixing), whole()
    deleted = Batch({other: seen for other, seen in batch.modalities.items() if other != name})
    (pooled, there), (pooled_too, there_too) = (encoder.pool(encoder(each)) for each in (batch.without(name), deleted))
    assert torch.equal(there, there_too)
    assert there.all(0).tolist() == [name != "image", name != "nbi", True]
    torch.testing.assert_close(pooled, pooled_too, **CLOSE)


@pytest.mark.parametrize("mixing", FUSIONS)
def test_every_parameter_learns_also_beside_units_of_one_modality(mixing: str):
    encoder = encoder_of(mixing)
    pooled, there = encoder.pool(encoder(with_nbi(small_batch())))
    (pooled * torch.randn(pooled.shape, generator=torch.Generator().manual_seed(0)))[there].sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("mixing", FUSIONS)
def test_the_attention_of_each_modality_is_shared_out_over_what_is_there(mixing: str):
    encoder, batch = encoder_of(mixing), with_nbi(small_batch())
    assert isinstance(encoder, FusionEncoder)
    maps = encoder.attention(batch)
    for name, shares in maps.items():
        present = batch.modalities[name].present.flatten(1)
        assert not shares[~present].any()
        # Row 0 has no image and row 3 no nbi: nobody asks.
        expected = torch.tensor([0.0, 1, 1, 0, 1, 1]) if name == "nbi" or mixing == "symmetric" else torch.zeros(6)
        torch.testing.assert_close(shares.sum(1), expected)
    # What the last block looks at, for one unit, by hand.
    one = rows(batch, [4])
    (asking, asked), *_ = encoder.directions(encoder.mix(encoder.embed(one).packed()))
    x, context = asking.x[0], asked.x[0]
    first, last = encoder.fusion.blocks
    x = by_hand(first, x, context)
    x = x + last.itself.out_proj(attention(*last.itself.qkv(last.norm_itself(x)).chunk(3, -1)))
    weight, bias = last.others.in_proj_weight.chunk(3), last.others.in_proj_bias.chunk(3)
    q, k = F.linear(last.norm_others(x), weight[0], bias[0]), F.linear(context, weight[1], bias[1])
    looks = (heads_of(q) @ heads_of(k).transpose(1, 2) / (16 / SMALL.heads) ** 0.5).softmax(-1).mean((0, 1))
    torch.testing.assert_close(maps["nbi"][4], looks.detach(), **CLOSE)


@pytest.mark.parametrize("symmetric", [False, True])
def test_a_fusion_is_put_on_what_was_pretrained(symmetric: bool):
    start = encoder_of("apart")
    made = with_fusion(start, symmetric=symmetric, depth=3, seed=1)
    assert made.settings.fusion_depth == len(made.fusion.blocks) == 3
    batch = whole()
    torch.testing.assert_close(made.pool(made(batch))[0][:, :2], start.pool(start(batch))[0], **CLOSE)
    again, other = (with_fusion(start, symmetric=symmetric, depth=3, seed=seed) for seed in (1, 2))
    assert torch.equal(made(batch).x, again(batch).x)
    assert not torch.equal(made(batch).x, other(batch).x)
    with pytest.raises(InputError, match="a fusion joins an encoder each"):
        with_fusion(encoder_of("together"), symmetric=symmetric, depth=3, seed=1)


def test_pretraining_takes_no_fusion_and_a_fusion_has_blocks():
    with pytest.raises(InputError, match='mixing "cross" is for fine-tuning'):
        build_objective(ObjectiveSettings(), encoder_of("cross"))
    with pytest.raises(InputError, match="fusion_depth"):
        EncoderSettings(mixing="cross", fusion_depth=0)
