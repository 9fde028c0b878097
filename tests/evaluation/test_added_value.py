"""The combiner against scikit-learn, its direction, and rows without the covariate."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from semeia.evaluation.cells import Fold
from semeia.evaluation.cross_fit import combined_score, covariate_score
from semeia.evaluation.statistics.calibration import clipped_logit


def fold(n: int, *, slope: float = 1.0, generator_seed: int = 0) -> Fold:
    rng = np.random.default_rng(generator_seed)
    label = (rng.random(n) < 0.4).astype(np.int8)
    empty = np.full(n, np.nan)
    return Fold(
        label=label,
        score=1 / (1 + np.exp(-rng.normal(label))),
        classes=np.zeros((n, 0)),
        covariate=2 + slope * label + rng.normal(size=n),
        time=empty,
        event=empty,
        patient=np.arange(n),
        unit=np.arange(n),
        row=np.arange(n),
        called=empty,
        combined=empty,
        alone=empty,
        part=np.zeros(n, dtype=np.int64),
    )


def test_the_combiner_equals_sklearn():
    fit, use = fold(80), fold(30, generator_seed=1)
    train, test = (np.column_stack([part.covariate, clipped_logit(part.score)]) for part in (fit, use))
    scaler = StandardScaler().fit(train)
    model = LogisticRegression(tol=1e-10).fit(scaler.transform(train), fit.label)
    np.testing.assert_allclose(combined_score(fit, use), model.decision_function(scaler.transform(test)), atol=1e-4)


def test_the_covariate_is_turned_by_the_rows_it_is_fitted_on():
    use = fold(30)
    np.testing.assert_array_equal(covariate_score(fold(80, slope=-2.0), use), -use.covariate)
    np.testing.assert_array_equal(covariate_score(fold(80, slope=2.0), use), use.covariate)


def test_missing_covariates_neither_enter_the_fit_nor_get_a_score():
    fit, use = fold(80), fold(30)
    known = np.arange(80) % 3 > 0
    fit.covariate[~known] = np.nan
    use.covariate[4] = np.nan
    values = combined_score(fit, use)
    assert np.flatnonzero(np.isnan(values)).tolist() == [4]
    np.testing.assert_array_equal(values, combined_score(fit.take(known), use))
    fit.covariate[:] = np.nan
    assert np.isnan(combined_score(fit, use)).all()
    assert np.isnan(covariate_score(fit, use)).all()
