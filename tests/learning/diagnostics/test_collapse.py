"""Measures of a pretrained encoder equal independent ones, and tell a collapsed from a healthy one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from semeia.data.batch import Batch
from semeia.data.dataset import Dataset
from semeia.data.masks import Masks, MaskSettings
from semeia.data.preprocessing import fit_preprocessing
from semeia.encoders.build import build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.learning.diagnostics.collapse import (
    ENOUGH,
    at_date,
    by_pair_and_lag,
    cross_modal,
    derangement,
    diagnose,
    newest,
    paired_and_shuffled,
    ridge_r2,
    rollout_drift,
    spread,
)
from semeia.learning.diagnostics.verdict import verdict
from semeia.objectives.latent_prediction import LatentPrediction, LatentPredictionSettings
from small_batches import small_batch, small_preprocessing, with_visits
from small_training import MODEL, PRETRAIN, values_of, with_arrays


@given(n=st.integers(2, 200), seed=st.integers(0, 2**31))
def test_nobody_stays_in_place(n: int, seed: int):
    order = derangement(n, np.random.default_rng(seed))
    assert sorted(order) == list(range(n))
    assert not (order == np.arange(n)).any()


def embedding(kind: str, n: int = 200, dim: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    full = torch.randn(n, dim, generator=generator)
    return {
        "healthy": full,
        "constant": torch.ones(n, dim) + 1e-3 * full,
        "one direction": full[:, :1] * torch.ones(dim) + 1e-3 * full,
        "some dimensions": torch.cat([full[:, : dim - 8], torch.zeros(n, 8)], 1),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "collapsed"),
    [("healthy", False), ("constant", True), ("one direction", True), ("some dimensions", False)],
)
def test_spread_tells_a_collapsed_embedding(kind: str, collapsed: bool):
    found = spread(embedding(kind))
    named = {f"image_{name}": value for name, value in found.items()}
    assert verdict({"paired_to_shuffled": 0.5} | named).startswith("Collapsed") == collapsed
    assert (found["mean_energy"] > 0.9) == (kind == "constant")
    assert (found["std_min"] < 0.01) == (kind in ("constant", "some dimensions"))


def test_the_rank_counts_directions():
    assert spread(embedding("one direction"))["effective_rank"] < 1.5
    assert 20 < spread(embedding("some dimensions"))["effective_rank"] < 24.5
    assert 28 < spread(embedding("healthy"))["effective_rank"] < 32.5
    assert spread(torch.ones(1, 8)) == {}


def test_ridge_equals_sklearn_and_finds_signal_only_where_there_is_some():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(150, 8)), rng.normal(size=(150, 3))
    y = x @ rng.normal(size=(8, 3)) + 0.5 * noise
    found = ridge_r2(x[:100], y[:100], x[100:], y[100:])
    mean, sd = x[:100].mean(0), x[:100].std(0)
    model = Ridge(alpha=10.0).fit((x[:100] - mean) / sd, y[:100])
    left = y[100:] - model.predict((x[100:] - mean) / sd)
    expected = 1 - (left**2).sum() / ((y[100:] - y[:100].mean(0)) ** 2).sum()
    assert found == pytest.approx(expected, abs=1e-4)
    assert found == pytest.approx(r2_score(y[100:], y[100:] - left, multioutput="variance_weighted"), abs=0.05)
    assert found > 0.8
    assert ridge_r2(x[:100], noise[:100], x[100:], noise[100:]) < 0.05


def untrained(data: Dataset, modalities: tuple[str, ...] = ("image", "reading")) -> LatentPrediction:
    preprocessing = fit_preprocessing(data, np.arange(20), modalities=modalities)
    torch.manual_seed(0)
    return LatentPrediction(build_encoder(MODEL.encoder, preprocessing, seed=0), settings=PRETRAIN.objective.jepa)


def test_an_untrained_objective_has_no_signal_and_the_same_diagnostics_twice(data: Dataset):
    objective = untrained(data)
    preprocessing = fit_preprocessing(data, np.arange(20), modalities=("image", "reading"))
    measured = [
        diagnose(objective, data, np.arange(20), np.arange(20, 40), preprocessing=preprocessing, seed=0)
        for _ in range(2)
    ]
    assert measured[0] == measured[1]
    assert {"paired_to_shuffled", "paired_to_shuffled_high", "image_std_median", "reading_effective_rank"} <= set(
        measured[0]
    )
    assert {"r2_image_to_reading", "r2_image_to_reading_shuffled"} <= set(measured[0])
    assert not verdict(measured[0]).startswith("Healthy")


def test_an_encoder_that_gives_everybody_the_same_is_called_collapsed(data: Dataset):
    objective = untrained(data)
    for name, parameter in objective.encoder.named_parameters():
        if name.startswith("embeddings"):
            parameter.data.zero_()
    objective.target_encoder = None
    preprocessing = fit_preprocessing(data, np.arange(20), modalities=("image", "reading"))
    found = diagnose(objective, data, np.arange(20), np.arange(20, 40), preprocessing=preprocessing, seed=0)
    assert verdict(found).startswith(
        "Collapsed: the embedding hardly differs between patients: image (median deviation 0.0"
    )


def test_too_few_held_out_units_and_units_without_a_pair(data: Dataset):
    objective = untrained(data)
    preprocessing = fit_preprocessing(data, np.arange(20), modalities=("image", "reading"))
    few = np.arange(20, 20 + ENOUGH - 1)
    found = diagnose(objective, data, np.arange(20), few, preprocessing=preprocessing, seed=0)
    assert found == {"watched_units": ENOUGH - 1}

    readings = values_of(data, "reading")
    slot = data.observations["reading"].slot[:, 0]
    gone = np.empty_like(readings)
    gone[slot] = np.where(np.arange(len(data))[:, None] < 20, readings, np.nan)
    unread = with_arrays(data, reading=gone)
    found = diagnose(objective, unread, np.arange(20), np.arange(20, 40), preprocessing=preprocessing, seed=0)
    assert all(np.isfinite(value) for value in found.values())
    assert not any(name.startswith(("r2", "reading")) for name in found)


# ---- by pair of modalities, by time, and rolling out: known answers of objectives that are put in place

MONTHS = (0.0, 6.5, 20.0)
ACROSS = LatentPredictionSettings(predictor_dim=16, predictor_depth=1, predictor_heads=2, masks=MaskSettings(block=0.0))


def batch_of(months: tuple[float, ...] = MONTHS) -> Batch:
    batch = with_visits(small_batch(12, gaps=False), months=months)
    whole = {
        name: replace(one, present=one.present[:, :1].expand(-1, len(months), -1))
        for name, one in batch.modalities.items()
    }
    return replace(batch, modalities=whole)


def objective(depth: int = 1) -> LatentPrediction:
    size = EncoderSettings(dim=16, depth=depth, heads=2)
    return LatentPrediction(build_encoder(size, small_preprocessing(), seed=0), settings=ACROSS).eval()


@torch.no_grad()
def test_dates_are_counted_from_the_newest():
    tokens = objective().encoder.embed(batch_of())
    for number, months in enumerate(MONTHS):
        mask = at_date(tokens, 1, number)
        assert mask.sum(1).tolist() == [3] * 12
        assert set(tokens.when[mask].tolist()) == {months}
        assert (tokens.kind[mask] == 1).all()
    assert not at_date(tokens, 1, 3).any()


@pytest.mark.parametrize(("right", "ratio"), [(True, 0.0), (False, 1.0)])
@torch.no_grad()
def test_a_perfect_prediction_and_one_of_nobody(right: bool, ratio: float, monkeypatch: pytest.MonkeyPatch):
    made, plain = objective(), LatentPrediction.predict
    asked: list[tuple[Masks, torch.Tensor]] = []

    def predict(batch: Batch, masks: Masks) -> tuple[torch.Tensor, torch.Tensor]:
        _, target = plain(made, batch, masks)
        asked.append((masks, made.encoder.embed(batch).when))
        return (target if right else target.mean(0).expand_as(target)), target

    monkeypatch.setattr(made, "predict", predict)
    found = by_pair_and_lag(made, batch_of(), seed=0)
    pairs = [f"{a}_to_{b}" for a in ("image", "reading") for b in ("image", "reading")]
    across = {f"ratio_{pair}_{lag}" for pair in pairs for lag in ("within_a_year", "over_a_year")}
    assert set(found) == across | {"ratio_image_to_reading_same_date", "ratio_reading_to_image_same_date"}
    np.testing.assert_allclose(list(found.values()), ratio, atol=0.2)
    for masks, when in asked:
        assert not (masks.context & masks.target).any()
        assert (when[masks.target] == 0).all()
    assert by_pair_and_lag(made, batch_of((0.0,)), seed=0) == {}


@torch.no_grad()
def test_drift_is_one_where_the_predicted_latent_is_the_observed(monkeypatch: pytest.MonkeyPatch):
    made, batch = objective(depth=0), batch_of()
    honest = rollout_drift(made, batch)
    assert set(honest) == {"drift_image", "drift_reading"}
    assert all(abs(value - 1) > 1e-4 for value in honest.values())
    # Without blocks a token's latent is its own: what the context would hold had the date been observed.
    observed = made.encoder.mix(made.encoder.embed(batch)).x
    monkeypatch.setattr(made, "uncentred", lambda prediction, kind: observed)
    assert rollout_drift(made, batch) == pytest.approx({"drift_image": 1.0, "drift_reading": 1.0}, abs=1e-5)
    assert rollout_drift(made, batch_of((0.0, 5.0))) == {}


@torch.no_grad()
def test_dates_that_modalities_share_are_no_cross_modal_signal():
    made, batch = objective(), batch_of()
    # Values that have nothing to do with each other, and dates that differ between patients but not between modalities.
    months = torch.cat([torch.zeros(12, 1), 40 * torch.rand(12, 2, generator=torch.Generator().manual_seed(0))], 1)
    dated = replace(batch, modalities={name: replace(one, when=months) for name, one in batch.modalities.items()})
    alone, of_dates = newest(dated), cross_modal(made, dated, dated, seed=0)
    assert cross_modal(made, alone, alone, seed=0) == cross_modal(made, newest(batch), newest(batch), seed=0)
    assert of_dates != cross_modal(made, batch, batch, seed=0)
    for name, seen in alone.modalities.items():
        assert seen.when.shape == (12, 1)
        assert torch.equal(seen.values[:, 0], batch.modalities[name].values[:, 0])


@torch.no_grad()
def test_the_upper_limit_of_the_ratio_is_that_of_a_jackknife_by_hand():
    generator = torch.Generator().manual_seed(0)
    prediction, target = torch.randn(9, 4, 3, generator=generator), torch.randn(9, 4, 3, generator=generator)
    asked = torch.rand(9, 4, generator=generator) > 0.3
    found = paired_and_shuffled(prediction, target, asked, torch.ones(9, 4, dtype=torch.bool), seed=0)
    error = torch.nn.functional.smooth_l1_loss(prediction, target, reduction="none").mean(-1)
    assert found.paired == pytest.approx(float(error[asked].mean()), abs=1e-6)
    random, others = np.random.default_rng([0, 5]), []
    for _ in range(8):
        order = torch.from_numpy(derangement(9, random))
        others.append(torch.nn.functional.smooth_l1_loss(prediction, target[order], reduction="none").mean(-1))
    left = []
    for unit in range(9):
        kept = asked & (torch.arange(9) != unit)[:, None]
        left.append(float(error[kept].mean() / torch.cat([other[kept] for other in others]).mean()))
    assert found.error == pytest.approx(np.sqrt(8 / 9 * np.square(np.array(left) - np.mean(left)).sum()), rel=1e-5)
