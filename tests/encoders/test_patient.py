"""One sequence: padding, order, missing modalities, and who may attend to whom."""

from dataclasses import replace

import pytest
import torch

from semeia.data.batch import Batch, Seen
from semeia.encoders.blocks import TransformerBlocks
from semeia.encoders.patient import EncoderSettings
from semeia.encoders.tokens import join
from semeia.errors import InputError
from small_batches import rows, small_batch, small_encoder, with_reports, with_visits

IMAGES = ["patches", "rings", "conv"]
CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@pytest.mark.parametrize("image", IMAGES)
def test_absent_tokens_change_nothing(image: str):
    encoder = small_encoder(image)
    tokens = encoder.embed(small_batch(image=image))
    padding = replace(tokens, x=torch.randn_like(tokens.x) * 100, present=torch.zeros_like(tokens.present))
    short, long = encoder.mix(tokens.packed()), encoder.mix(join([padding, tokens, padding]))
    torch.testing.assert_close(short.x[short.present], long.x[long.present], **CLOSE)
    for one, other in zip(encoder.pool(short), encoder.pool(long), strict=True):
        torch.testing.assert_close(one, other, **CLOSE)


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("name", ["image", "reading"])
def test_masking_a_modality_is_deleting_it(image: str, name: str):
    encoder = small_encoder(image)
    batch = small_batch(image=image, gaps=False)
    masked = batch.without(name)
    deleted = Batch({other: seen for other, seen in batch.modalities.items() if other != name})
    (pooled, there), (pooled_too, there_too) = (encoder.pool(encoder(each)) for each in (masked, deleted))
    assert torch.equal(there, there_too)
    torch.testing.assert_close(pooled, pooled_too, **CLOSE)
    assert there.all(0).tolist() == [name != "image", name != "reading"]


@pytest.mark.parametrize("image", IMAGES)
def test_patients_are_permuted_and_alone(image: str):
    encoder = small_encoder(image)
    batch = small_batch(image=image)
    pooled, there = encoder.pool(encoder(batch))
    order = [4, 0, 2, 5, 1, 3]
    turned, there_too = encoder.pool(encoder(rows(batch, order)))
    torch.testing.assert_close(turned, pooled[order], **CLOSE)
    assert torch.equal(there_too, there[order])
    for row in range(6):
        alone, _ = encoder.pool(encoder(rows(batch, [row])))
        torch.testing.assert_close(alone[0], pooled[row], **CLOSE)


def test_tokens_know_kind_place_and_time():
    encoder = small_encoder()
    batch = small_batch()
    tokens = encoder.embed(batch)
    assert tokens.kind[0].tolist() == [0] * 32 + [1] * 3
    assert not tokens.when.any()
    reading = batch.modalities["reading"]
    later = replace(batch, modalities=batch.modalities | {"reading": replace(reading, when=torch.full((6, 1), 6.0))})
    assert encoder.embed(later).when[0].tolist() == [0.0] * 32 + [6.0] * 3
    changed = (encoder.embed(later).x - tokens.x).abs().amax((0, 2)) > 1e-4
    assert changed.tolist() == [False] * 32 + [True] * 3


def test_tokens_of_visits_lie_one_after_another_and_know_their_months():
    encoder, batch = small_encoder(), with_visits(small_batch(), months=(0.0, 6.5, 30.0))
    tokens = encoder.embed(batch)
    assert tokens.kind[4].tolist() == [0] * 96 + [1] * 9
    assert tokens.when[4].tolist() == [0.0] * 32 + [6.5] * 32 + [30.0] * 32 + [0.0] * 3 + [6.5] * 3 + [30.0] * 3
    for visit in range(3):
        alone = {
            name: Seen(*(value[:, visit : visit + 1] for value in (one.values, one.present, one.where, one.when)))
            for name, one in batch.modalities.items()
        }
        own = encoder.embed(rows(Batch(alone), [1, 3, 4]))
        here = torch.cat([torch.arange(32) + 32 * visit, 96 + torch.arange(3) + 3 * visit])
        part = tokens.x[[1, 3, 4]][:, here]
        torch.testing.assert_close(part[own.present], own.x[own.present], **CLOSE)


@pytest.mark.parametrize("image", IMAGES)
def test_an_empty_visit_changes_no_bit(image: str):
    encoder = small_encoder(image, modalities=("image", "reading", "report"))
    batch = with_reports(small_batch(image=image))
    padded = {}
    for name, one in batch.modalities.items():
        empty = torch.full_like(one.values, torch.nan) if one.values.is_floating_point() else one.values + 1
        padded[name] = Seen(
            values=torch.cat([one.values, empty], 1),
            present=torch.cat([one.present, torch.zeros_like(one.present)], 1),
            where=torch.cat([one.where, one.where], 1),
            when=torch.cat([one.when, one.when + 12.0], 1),
        )
    (pooled, there), (pooled_too, there_too) = (encoder.pool(encoder(each)) for each in (batch, Batch(padded)))
    assert torch.equal(pooled, pooled_too)
    assert torch.equal(there, there_too)


def test_an_older_visit_and_its_date_count():
    encoder, batch = small_encoder(), with_visits(small_batch())
    plain, _ = encoder.pool(encoder(batch))
    newest, _ = encoder.pool(encoder(small_batch()))
    later, _ = encoder.pool(encoder(with_visits(small_batch(), months=(0.0, 20.0))))
    for other in (newest, later):
        assert (plain[4] - other[4]).abs().max() > 1e-3
        # Row 5 has the newest visit only, and that is the same in all three.
    torch.testing.assert_close(plain[5], later[5], **CLOSE)


def test_attention_only_where_it_is_allowed():
    encoder = small_encoder()
    tokens = encoder.embed(small_batch(gaps=False))
    attend = torch.zeros(6, 35, 35, dtype=torch.bool)
    attend[:, 0, 1] = True
    before = encoder.mix(tokens, attend=attend).x
    noise = torch.zeros_like(tokens.x)
    noise[:, 1] = torch.randn(16)
    after = encoder.mix(replace(tokens, x=tokens.x + noise), attend=attend).x
    changed = (after - before).abs().amax((0, 2)) > 1e-6
    assert changed.nonzero().flatten().tolist() == [0, 1]


def test_pooling_is_the_mean_and_the_spread_of_what_is_there():
    encoder = small_encoder()
    tokens = encoder.mix(encoder.embed(small_batch()))
    pooled, there = encoder.pool(tokens)
    assert pooled.shape == (6, 2, encoder.pooled_width())
    for row in range(6):
        for kind in range(2):
            mine = tokens.x[row][tokens.present[row] & (tokens.kind[row] == kind)]
            assert bool(there[row, kind]) == (len(mine) > 0)
            if len(mine):
                spread = (mine.var(0, correction=0) + 1e-5).sqrt()
                torch.testing.assert_close(pooled[row, kind], torch.cat([mine.mean(0), spread]), **CLOSE)
    pooled.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())


def test_every_parameter_of_the_encoder_learns():
    encoder = small_encoder()
    pooled, _ = encoder.pool(encoder(small_batch()))
    (pooled * torch.randn(pooled.shape)).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_nothing_to_read_is_one_clear_line():
    encoder = small_encoder()
    batch = small_batch()
    with pytest.raises(InputError, match="none of the modalities image, reading is given"):
        encoder(Batch({"text": batch.modalities["reading"]}))
    # What the encoder does not read does not count as something observed.
    stranger = Batch({"image": batch.modalities["image"], "text": batch.modalities["reading"]})
    with pytest.raises(InputError, match="1 of 6 units have none of image"):
        encoder(stranger)


@pytest.mark.parametrize("wrong", [{"dim": 20, "heads": 4}, {"dim": 16, "heads": 3}])
def test_widths_that_cannot_be_are_refused(wrong: dict[str, int]):
    with pytest.raises(InputError, match="must be a multiple of 8 and of heads"):
        EncoderSettings(**wrong)


def test_blocks_hold_no_parameter_for_cross_attention():
    names = [name for name, _ in TransformerBlocks(16, depth=1, heads=2, mlp_ratio=2.0).named_parameters()]
    assert not [name for name in names if "cross" in name]
