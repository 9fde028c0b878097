"""An encoder with its head, as scikit-learn's tools use classifiers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import semeia
from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError
from semeia.learning.classifier import EncoderClassifier

SMALL = EncoderSettings(dim=16, depth=1, heads=2)
QUICK = EncoderClassifier(steps=2, pretrain_steps=2, mode="frozen", encoder=SMALL)
# In single precision a sum depends a little on how many rows go through the network at once; on some processors not.
EXPECTED = {
    "check_methods_subset_invariance": "rows through a float32 network one by one differ from rows together by 1e-6",
    "check_do_not_raise_errors_in_init_or_set_params": "the tests check types at run time, in a constructor, too",
}


@pytest.mark.slow
@parametrize_with_checks([QUICK], expected_failed_checks=lambda estimator: EXPECTED, xfail_strict=False)
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


def pictures(count: int, *, size: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    ill = np.arange(count) % 2
    return (0.5 * rng.random((count, size, size)) + 0.4 * ill[:, None, None]).astype(np.float32), ill


def test_rows_alone_differ_from_rows_together_by_rounding():
    rng = np.random.default_rng(0)
    values, names = rng.normal(size=(40, 5)), np.array(["well", "ill"])[np.arange(40) % 2]
    model = semeia.EncoderClassifier(steps=2, pretrain_steps=2, mode="frozen", encoder=SMALL).fit(values, names)
    alone = np.concatenate([model.predict_proba(values[row : row + 1]) for row in range(40)])
    np.testing.assert_allclose(alone, model.predict_proba(values), atol=1e-5)
    assert model.classes_.tolist() == ["ill", "well"]


def test_pictures_and_tables_with_gaps_and_names_are_learnt_from():
    images, ill = pictures(60, size=64)
    labs = pd.DataFrame({"crp": np.where(ill, 9.0, 1.0), "age": np.linspace(40, 80, 60)}).astype(object)
    labs.loc[::7, "age"] = np.nan
    more, _ = pictures(20, size=64, seed=1)
    both = {"film": semeia.Picture(), "labs": semeia.Table()}
    model = EncoderClassifier(steps=5, pretrain_steps=3, encoder=SMALL, modalities=both)
    few = {"film": images[:40], "labs": labs.iloc[:40]}
    model.fit(few, ill[:40], groups=np.arange(40) // 2, unlabelled={"film": more, "labs": labs.iloc[:20]})
    assert (model.predict({"film": images[40:], "labs": labs.iloc[40:]}) == ill[40:]).mean() > 0.9
    embedded = model.transform({"film": images[40:], "labs": labs.iloc[40:]})
    assert embedded.shape == (20, len(model.get_feature_names_out()))


def test_it_stands_in_a_pipeline_and_in_a_cross_validation_by_patient():
    images, ill = pictures(40)
    start = EncoderClassifier(steps=2, pretrain_steps=0, mode="frozen", encoder=SMALL)
    patients = np.arange(40) // 2
    scores = cross_val_predict(start, images, ill, groups=patients, cv=GroupKFold(2), method="predict_proba")
    assert np.mean((scores[:, 1] > 0.5) == ill) > 0.9
    line = make_pipeline(EncoderClassifier(pretrain_steps=2, steps=2, encoder=SMALL), LogisticRegression())
    assert line.fit(images, ill).score(images, ill) > 0.9


def test_what_a_dict_holds_must_be_said():
    images, ill = pictures(10)
    with pytest.raises(InputError, match="does not say what film is"):
        EncoderClassifier(encoder=SMALL).fit({"film": images}, ill)
    with pytest.raises(InputError, match="all of one class"):
        EncoderClassifier(encoder=SMALL).fit(images, np.ones(10))
