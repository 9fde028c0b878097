"""Signatures as scikit-learn's tools use transformers: of matrices with gaps, of an archive's records."""

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

import semeia
from record_archive import random_rows, record_archive
from semeia.errors import InputError
from semeia.signatures.express import express
from semeia.signatures.settings import SignatureSettings
from semeia.signatures.transformer import SignatureTransformer

EXPECTED = {
    "check_do_not_raise_errors_in_init_or_set_params": "the tests check types at run time, in a constructor, too"
}


@parametrize_with_checks([SignatureTransformer()], expected_failed_checks=lambda estimator: EXPECTED)
def test_scikit_learn_accepts_it(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of random rows
        check(estimator)


def test_sources_are_found_again_through_gaps():
    rng = np.random.default_rng(0)
    sources = rng.laplace(size=(2000, 3))
    values = sources @ rng.normal(size=(3, 12)) + 0.01 * rng.normal(size=(2000, 12))
    values[rng.random(values.shape) < 0.01] = np.nan
    frame = pd.DataFrame(values, columns=[f"lab{k}" for k in range(12)])
    model = semeia.SignatureTransformer(3).fit(frame)
    found = np.abs(np.corrcoef(model.transform(frame).T, sources.T)[:3, 3:])
    assert (found.max(axis=0) > 0.97).all()
    assert model.get_feature_names_out().tolist() == ["s001", "s002", "s003"]
    assert model.mixing_.shape == (12, 3)
    with pytest.warns(ConvergenceWarning, match="not converged in 1"):
        SignatureTransformer(3, max_iter=1).fit(frame)


def test_of_an_archive_they_are_those_that_express_gives(tmp_path):
    archive = record_archive(tmp_path / "archive", random_rows(30, 40), patients=30)
    patients = archive.table("subjects")["subject_id"].to_list()
    settings = SignatureSettings(least_patients=2, at_least=200, draws=0, starts=0, accept_unconverged=True)
    dates = pl.DataFrame({"subject_id": patients[20:], "time": [dt.datetime(2015, 1, 1)] * 10})
    model = SignatureTransformer(3, archive=archive, settings=settings).fit(pd.DataFrame({"subject_id": patients[:20]}))
    values = model.transform(dates)
    own = express(model.model_, archive, dates, unseen=True).table
    np.testing.assert_array_equal(values, own.select(model.get_feature_names_out().tolist()).to_numpy())
    assert np.ptp(values, axis=0).min() > 0
    with pytest.raises(InputError, match="X has no column time"):
        model.transform(dates.select("subject_id"))
