"""Time-distance attention against the formula written out, and that what is masked stays masked."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from semeia.encoders.blocks import TransformerBlocks
from semeia.encoders.build import build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.encoders.time_distance import LegacyAttention, TimeGate, apart, from_newest
from semeia.errors import InputError
from small_batches import SMALL, small_batch, small_preprocessing, with_visits

DIM, HEADS, LENGTH = 16, 2, 5
WHEN = torch.tensor([[0.0, 3.0, 3.0, 14.0, 40.0], [2.0, 2.0, 7.0, 0.0, 0.0]])
ATTEND = torch.ones(2, LENGTH, LENGTH, dtype=torch.bool)
ATTEND[1, :, 3:] = False


def made(attention: str, seed: int = 0) -> TransformerBlocks:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return TransformerBlocks(DIM, depth=2, heads=HEADS, mlp_ratio=2.0, attention=attention).eval()  # pyright: ignore


def tokens(seed: int = 1) -> torch.Tensor:
    return torch.randn(2, LENGTH, DIM, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_the_gate_by_hand():
    gate = TimeGate(HEADS)
    gate.slope.copy_(torch.tensor([0.5, -0.1]))
    gate.reach.copy_(torch.tensor([-6.0, 1.0]))
    found = gate(apart(WHEN))
    assert found.shape == (2, HEADS, LENGTH, LENGTH)
    for row, query, key in ((0, 0, 4), (0, 3, 1), (1, 2, 0)):
        months = abs(float(WHEN[row, query] - WHEN[row, key]))
        for head, (slope, reach) in enumerate(((0.5, 6.0), (0.1, 1.0))):
            expected = 1 / (1 + torch.exp(torch.tensor(slope * months - reach)))
            torch.testing.assert_close(found[row, head, query, key].exp(), expected)


@torch.no_grad()
def test_attention_is_a_softmax_of_logits_plus_the_log_gate():
    blocks, x = made("time"), tokens()
    block: Any = blocks.blocks[0]
    gate: Any = blocks.gates[0]
    query, key, value = block.attn.input_rearrange(block.attn.qkv(block.norm1(x)))
    logits = query @ key.transpose(2, 3) / (DIM / HEADS) ** 0.5 + gate(apart(WHEN))
    allowed = (ATTEND | torch.eye(LENGTH, dtype=torch.bool))[:, None]
    weight = logits.masked_fill(~allowed, -torch.inf).softmax(-1)
    expected = x + block.attn.out_proj((weight @ value).transpose(1, 2).flatten(2))
    expected = expected + block.mlp(block.norm2(expected))
    mask = gate(apart(WHEN)).masked_fill(~allowed, -torch.inf)
    torch.testing.assert_close(block(x, attn_mask=mask), expected)
    # Without any distance the gate is the same for all keys, and falls out.
    plain, timeless = made("plain"), made("time")
    timeless.load_state_dict(plain.state_dict(), strict=False)
    torch.testing.assert_close(timeless(x, ATTEND, torch.zeros_like(WHEN)), plain(x, ATTEND))
    assert not torch.allclose(timeless(x, ATTEND, 10 * WHEN), plain(x, ATTEND), atol=1e-4)


@torch.no_grad()
def test_the_legacy_form_by_hand():
    attention, x = LegacyAttention(DIM, HEADS), tokens()
    gate = torch.rand(2, HEADS, LENGTH, 1).expand(-1, -1, -1, LENGTH)
    query, key, value = attention.qkv(x).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
    for head in range(HEADS):
        score = (query[1, head] @ key[1, head].T).clamp(min=0) * gate[1, head] / (DIM / HEADS) ** 0.5
        weight = score.masked_fill(~ATTEND[1], -torch.inf).softmax(-1)
        own = weight @ value[1, head]
        one = torch.zeros(LENGTH, HEADS, DIM // HEADS)
        one[:, head] = own
        part = one.flatten(1) @ attention.out_proj.weight.T
        expected = part if head == 0 else expected + part
    found = attention(x, (ATTEND[:, None], gate))[1]
    torch.testing.assert_close(found, expected + attention.out_proj.bias)
    # All keys share the distance of the query to the newest token that it sees.
    assert from_newest(WHEN, ATTEND)[0, :, 0].tolist() == [0.0, 3.0, 3.0, 14.0, 40.0]
    assert from_newest(WHEN, ATTEND)[1, 2].tolist() == [5.0] * LENGTH


@pytest.mark.parametrize("attention", ["time", "time_legacy"])
def test_padding_changes_nothing_and_gradients_reach_the_gates(attention: str):
    blocks, x = made(attention), tokens()
    before = blocks(x, ATTEND, WHEN)
    moved, when = x.clone(), WHEN.clone()
    moved[1, 3:], when[1, 3:] = 7.0, 100.0
    after = blocks(moved, ATTEND, when)
    torch.testing.assert_close(after[1, :3], before[1, :3])
    before[:, :3].square().sum().backward()
    gates: list[Any] = list(blocks.gates)
    assert all(gate.slope.grad.abs().sum() > 0 and gate.reach.grad.abs().sum() > 0 for gate in gates)
    assert all(parameter.grad is not None for parameter in blocks.parameters())


@pytest.mark.parametrize("attention", ["time", "time_legacy"])
@torch.no_grad()
def test_an_encoder_that_reads_times(attention: str):
    settings = replace(SMALL, attention=attention)
    encoder = build_encoder(settings, small_preprocessing(), seed=0).eval()
    batch = with_visits(small_batch(), months=(0.0, 30.0))
    pooled, there = encoder.pool(encoder(batch))
    assert pooled[there].isfinite().all()
    masked = encoder.pool(encoder(batch.without("reading", torch.arange(6) == 4)))[0]
    without = {name: one.rows(torch.tensor([4])) for name, one in batch.modalities.items() if name != "reading"}
    alone = encoder.pool(encoder(replace(batch, modalities=without, labels=None)))[0]
    torch.testing.assert_close(masked[4, 0], alone[0, 0])
    with pytest.raises(InputError, match="is of one transformer"):
        EncoderSettings(attention="time", mixing="apart")
