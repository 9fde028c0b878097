"""One sequence: padding, order, missing modalities, and who may attend to whom."""

from dataclasses import replace

import pytest
import torch

from semeia.encoders.patient import EncoderSettings, TransformerBlocks
from semeia.encoders.tokens import join
from semeia.errors import InputError
from semeia.views.patient import Views
from small_views import rows, small_encoder, small_views

IMAGES = ["patches", "rings", "conv"]
CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@pytest.mark.parametrize("image", IMAGES)
def test_absent_tokens_change_nothing(image: str):
    encoder = small_encoder(image)
    tokens = encoder.embed(small_views(image=image))
    padding = replace(tokens, x=torch.randn_like(tokens.x) * 100, present=torch.zeros_like(tokens.present))
    short, long = encoder.mix(tokens.packed()), encoder.mix(join([padding, tokens, padding]))
    torch.testing.assert_close(short.x[short.present], long.x[long.present], **CLOSE)
    for one, other in zip(encoder.pool(short), encoder.pool(long), strict=True):
        torch.testing.assert_close(one, other, **CLOSE)


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("name", ["image", "reading"])
def test_masking_a_modality_is_deleting_it(image: str, name: str):
    encoder = small_encoder(image)
    views = small_views(image=image, gaps=False)
    masked = views.without(name)
    deleted = Views({other: view for other, view in views.modalities.items() if other != name})
    (pooled, there), (pooled_too, there_too) = (encoder.pool(encoder(each)) for each in (masked, deleted))
    assert torch.equal(there, there_too)
    torch.testing.assert_close(pooled, pooled_too, **CLOSE)
    assert there.all(0).tolist() == [name != "image", name != "reading"]


@pytest.mark.parametrize("image", IMAGES)
def test_patients_are_permuted_and_alone(image: str):
    encoder = small_encoder(image)
    views = small_views(image=image)
    pooled, there = encoder.pool(encoder(views))
    order = [4, 0, 2, 5, 1, 3]
    turned, there_too = encoder.pool(encoder(rows(views, order)))
    torch.testing.assert_close(turned, pooled[order], **CLOSE)
    assert torch.equal(there_too, there[order])
    for row in range(6):
        alone, _ = encoder.pool(encoder(rows(views, [row])))
        torch.testing.assert_close(alone[0], pooled[row], **CLOSE)


def test_tokens_know_kind_place_and_time():
    encoder = small_encoder()
    views = small_views()
    tokens = encoder.embed(views)
    assert tokens.kind[0].tolist() == [0] * 32 + [1] * 3
    assert not tokens.when.any()
    view = views.modalities["reading"]
    later = replace(views, modalities=views.modalities | {"reading": replace(view, when=torch.full((6, 3), 6.0))})
    assert encoder.embed(later).when[0].tolist() == [0.0] * 32 + [6.0] * 3
    changed = (encoder.embed(later).x - tokens.x).abs().amax((0, 2)) > 1e-4
    assert changed.tolist() == [False] * 32 + [True] * 3


def test_attention_only_where_it_is_allowed():
    encoder = small_encoder()
    tokens = encoder.embed(small_views(gaps=False))
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
    tokens = encoder.mix(encoder.embed(small_views()))
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
    pooled, _ = encoder.pool(encoder(small_views()))
    (pooled * torch.randn(pooled.shape)).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_nothing_to_read_is_one_clear_line():
    encoder = small_encoder()
    views = small_views()
    with pytest.raises(InputError, match="none of the modalities image, reading is given"):
        encoder(Views({"text": views.modalities["reading"]}))
    # What the encoder does not read does not count as something observed.
    stranger = Views({"image": views.modalities["image"], "text": views.modalities["reading"]})
    with pytest.raises(InputError, match="1 of 6 units have none of image"):
        encoder(stranger)


@pytest.mark.parametrize("wrong", [{"dim": 20, "heads": 4}, {"dim": 16, "heads": 3}])
def test_widths_that_cannot_be_are_refused(wrong: dict[str, int]):
    with pytest.raises(InputError, match="must be a multiple of 8 and of heads"):
        EncoderSettings(**wrong)


def test_blocks_hold_no_parameter_for_cross_attention():
    names = [name for name, _ in TransformerBlocks(16, depth=1, heads=2, mlp_ratio=2.0).named_parameters()]
    assert not [name for name in names if "cross" in name]
