"""Vectors larger than memory: what is fitted and looked at a chunk at a time is what all at once would give."""

import numpy as np
import pytest

from semeia.data.modalities import Vector, vector


def test_chunks_fit_the_scale_of_all_observed_regions(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vector, "CHUNK", 7)
    rng = np.random.default_rng(0)
    values = rng.normal(3, 2, (50, 4, 5))
    values[rng.random((50, 4)) < 0.2] = np.nan
    values[..., 4] = np.where(np.isnan(values[..., 4]), np.nan, 1.0)
    chosen = np.sort(rng.choice(50, 30, replace=False))
    arrays = Vector().arrays(values)
    assert np.array_equal(arrays.mask, ~np.isnan(values).any(-1))
    fitted = Vector().fit(arrays, chosen).fitted
    assert fitted is not None
    np.testing.assert_allclose(fitted.mean, np.nanmean(values[chosen], (0, 1)), rtol=1e-12)
    np.testing.assert_allclose(fitted.sd[:4], np.nanstd(values[chosen], (0, 1))[:4], rtol=1e-12)
    assert fitted.sd[4] == 1.0
