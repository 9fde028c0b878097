"""Fit what needs no network: ridge logistic on raw features, canonical variates with products, boosted trees."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from semeia.learning.boosting import fit_boosting
from semeia.learning.probe import STRENGTHS

VARIATES = 8
RIDGE = 0.1  # of each modality's covariance, whose variances are 1

Columns = Float[np.ndarray, "n _"]


@dataclass(frozen=True)
class Canonical:
    """Directions of two modalities that correlate most, each scaled to variance 1.

    Attributes:
        image: [feature, variate].
        record: [feature, variate].
    """

    image: Float[np.ndarray, "image variate"]
    record: Float[np.ndarray, "record variate"]

    def columns(self, image: Columns, record: Columns, there: np.ndarray) -> Columns:
        """Variates of both, and products of their mean, in pairs; where there is no record, of the image's alone.

        Features are standardised, 0 where missing; `there` says which patients have a record.
        """
        one, other = image @ self.image, record @ self.record
        middle = np.where(there[:, None], (one + other) / 2, one)
        first, second = np.triu_indices(middle.shape[1])
        return np.hstack([one, other, middle[:, first] * middle[:, second]])


def canonical_variates(image: Columns, record: Columns) -> Canonical:
    """Ridge canonical correlation analysis of standardised features of patients who have both (Hotelling 1936)."""
    whiten = [_inverse_root(x.T @ x / len(x) + RIDGE * np.eye(x.shape[1])) for x in (image, record)]
    left, _, right = np.linalg.svd(whiten[0] @ (image.T @ record / len(image)) @ whiten[1])
    maps = (whiten[0] @ left[:, :VARIATES], whiten[1] @ right[:VARIATES].T)
    return Canonical(*(one / (x @ one).std(0) for one, x in zip(maps, (image, record), strict=True)))


def ridge_scores(
    train: Columns, label: Int[np.ndarray, " n"], tests: list[Float[np.ndarray, "_ _"]], *, seed: int
) -> list[Float[np.ndarray, "_"]]:
    """Logits of a ridge logistic regression whose strength is chosen by cross-validation (log loss, five folds).

    As `learning.probe.fit_linear` where every patient has one row, with the path of strengths fitted warm.
    """
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import StratifiedKFold

    mean, sd = train.mean(0), train.std(0)
    scale = np.where(sd > 1e-9, sd, np.inf)
    folds = StratifiedKFold(min(5, np.bincount(label).min()), shuffle=True, random_state=seed)
    strengths = list(STRENGTHS)
    with warnings.catch_warnings():
        # Names of attributes that are not read here change between versions of scikit-learn.
        warnings.simplefilter("ignore", FutureWarning)
        search = LogisticRegressionCV(Cs=strengths, cv=folds, scoring=_log_likelihood, max_iter=5000)  # pyright: ignore[reportArgumentType]
        fitted = search.fit((train - mean) / scale, label)
    return [fitted.decision_function((test - mean) / scale) for test in tests]


def boosted_scores(
    train: Columns, label: Int[np.ndarray, " n"], tests: list[Float[np.ndarray, "_ _"]], *, seed: int
) -> list[Float[np.ndarray, "_"]]:
    """Probabilities of boosted trees, their number chosen by cross-validation; NaN where a feature is missing."""
    fitted = fit_boosting(train, label, np.arange(len(label)), seed=seed)
    return [fitted.score(test) for test in tests]


def _log_likelihood(fitted, x: Columns, label: np.ndarray) -> float:
    """Mean log-likelihood of held-out labels; scikit-learn's own takes several times as long as the fit."""
    return -float(np.logaddexp(0, (1 - 2 * label) * fitted.decision_function(x)).mean())


def _inverse_root(covariance: Float[np.ndarray, "p p"]) -> Float[np.ndarray, "p p"]:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors / np.sqrt(values)) @ vectors.T
