"""The verdict knows a collapsed, a healthy and a signal-free embedding; measures equal independent ones."""

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
from semeia.learning.collapse import (
    ENOUGH,
    at_date,
    by_pair_and_lag,
    cross_modal,
    derangement,
    diagnose,
    newest,
    ridge_r2,
    rollout_drift,
    spread,
    verdict,
)
from semeia.objectives.latent_prediction import LatentPrediction, LatentPredictionSettings
from small_batches import small_batch, small_preprocessing, with_visits
from small_training import MODEL, PRETRAIN, values_of, with_arrays

FINE = {
    "paired_loss": 0.2,
    "shuffled_loss": 0.4,
    "paired_to_shuffled": 0.5,
    "image_std_median": 0.5,
    "image_effective_rank": 30.0,
    "reading_std_median": 0.4,
    "reading_effective_rank": 9.0,
    "r2_image_to_reading": 0.3,
    "r2_image_to_reading_shuffled": -0.05,
    "r2_reading_to_image": 0.01,
    "r2_reading_to_image_shuffled": -0.02,
}


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
    assert verdict(FINE | named).startswith("Collapsed") == collapsed
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


def test_verdicts():
    assert verdict(FINE) == (
        "Healthy: hidden parts are predicted better for the right patient (ratio 0.50). Pretraining carries "
        "cross-modal signal (image to reading R2 0.30, reading to image R2 0.01)."
    )
    assert verdict(FINE | {"image_std_median": 0.01, "reading_effective_rank": 1.2}) == (
        "Collapsed: the embedding hardly differs between patients: image (median deviation 0.010, below 0.05); "
        "reading (effective rank 1.2, below 2). Do not use this encoder."
    )
    # The rank alone misleads: it is a collapse only where nothing is predicted for the right patient either.
    narrow = verdict(FINE | {"reading_effective_rank": 3.2})
    assert narrow.startswith("Healthy")
    assert "uses few directions (reading: effective rank 3.2, below 4)" in narrow
    assert verdict(FINE | {"reading_effective_rank": 3.2, "paired_to_shuffled": 0.99}).startswith("Collapsed")
    assert verdict(FINE | {"reading_effective_rank": 1.2}).startswith("Collapsed")
    assert verdict(FINE | {"paired_to_shuffled": 1.0}).startswith("No signal")
    assert "does not carry cross-modal signal" in verdict(FINE | {"r2_image_to_reading": -0.04})
    alone = {name: value for name, value in FINE.items() if not name.startswith("r2_")}
    assert "One modality only" in verdict(alone)
    assert verdict({"watched_units": 3.0}).startswith("Not measured")


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
    assert set(FINE) <= set(measured[0])
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


def test_the_verdict_names_the_clearest_pair_across_dates():
    measures = {"paired_loss": 0.2, "shuffled_loss": 0.4, "paired_to_shuffled": 0.5, "image_std_median": 0.5}
    lags = {"ratio_image_to_image_same_date": 0.1, "ratio_image_to_reading_over_a_year": 0.7}
    assert "Across dates the clearest is image to reading over a year (ratio 0.70)" in verdict(measures | lags)
    flat = lags | {"ratio_image_to_reading_over_a_year": 1.0}
    assert "Across dates nothing is predicted." in verdict(measures | flat)
    assert "Across dates" not in verdict(measures)


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
