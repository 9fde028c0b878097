"""Diagnostics by pair of modalities, by time, and of rolling out: known answers of objectives that are put in place."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from semeia.data.batch import Batch
from semeia.data.masks import Masks, MaskSettings
from semeia.encoders.build import build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.learning.collapse import at_date, by_pair_and_lag, rollout_drift, verdict
from semeia.objectives.latent_prediction import LatentPrediction, LatentPredictionSettings
from small_batches import small_batch, small_preprocessing, with_visits

MONTHS = (0.0, 6.5, 20.0)
SETTINGS = LatentPredictionSettings(
    predictor_dim=16, predictor_depth=1, predictor_heads=2, masks=MaskSettings(block=0.0)
)


def batch_of(months: tuple[float, ...] = MONTHS) -> Batch:
    batch = with_visits(small_batch(12, gaps=False), months=months)
    whole = {
        name: replace(one, present=one.present[:, :1].expand(-1, len(months), -1))
        for name, one in batch.modalities.items()
    }
    return replace(batch, modalities=whole)


def objective(depth: int = 1) -> LatentPrediction:
    size = EncoderSettings(dim=16, depth=depth, heads=2)
    return LatentPrediction(build_encoder(size, small_preprocessing(), seed=0), settings=SETTINGS).eval()


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
