"""Signatures as a transformer of scikit-learn: of a matrix with gaps, or of an archive's records at dates."""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from jaxtyping import Float
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from semeia.archive.store import Archive
from semeia.errors import InputError
from semeia.signatures.express import express
from semeia.signatures.fit import fit_signatures
from semeia.signatures.ica.blocks import ArraySamples
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.ica.solvers import separate
from semeia.signatures.settings import SignatureSettings


class SignatureTransformer(TransformerMixin, BaseEstimator):
    """Fit independent components, and express them.

    X is a matrix or a frame [patients, channels], NaN where nothing is known; columns are standardised, and a gap takes
    its column's mean. With an archive, X is a frame (pandas or polars) of its `subject_id` and, to transform, `time`:
    signatures are fitted on the records of these patients, and expressed at these dates, from nothing later.

    Args:
        n_components: how many; by default as many as X has directions, of records as many as converge.
        archive: whose records are read; None: X holds the values.
        settings: of the fit on an archive; the number and the seed are those given here.
        max_iter: most iterations of a stage.
        tol: converged when no component turns by more, as 1 - |cosine|.
        random_state: seed of the start.

    Attributes:
        components_: what takes standardised values to expressions, [component, channel].
        mixing_: what an expression raises, [channel, component].
        mean_, scale_: of each channel (of a matrix).
        n_iter_: iterations of the fit (of a matrix).
        model_: the fitted signatures (of an archive), with `save`.
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        archive: Archive | None = None,
        settings: SignatureSettings | None = None,
        max_iter: int = 1000,
        tol: float = 1e-4,
        random_state: int = 0,
    ) -> None:
        self.n_components = n_components
        self.archive = archive
        self.settings = settings
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: object, y: object = None) -> "SignatureTransformer":  # noqa: N803
        """Fit on the training patients; y is not looked at.

        Raises:
            InputError: nothing varies, or fewer directions than components were asked for.
        """
        ica = IcaSettings(seed=self.random_state, most_iterations=self.max_iter, tolerance=self.tol)
        if self.archive is not None:
            settings = self.settings or SignatureSettings(ica=ica)
            settings = replace(settings, seed=self.random_state, components=self.n_components or settings.components)
            self.model_ = fit_signatures(self.archive, _dates(X)["subject_id"].unique().to_list(), settings=settings)
            components = self.model_.components
        else:
            values = self._values(X, reset=True)
            known = ~np.isnan(values)
            count = np.maximum(known.sum(0), 1)
            self.mean_ = np.where(known, values, 0).sum(0) / count
            sd = np.sqrt(np.where(known, np.square(values - self.mean_), 0).sum(0) / count)
            self.scale_ = np.where(sd > 0, sd, 1.0)
            found = separate(ArraySamples(self._standardised(values)), ica, components=self.n_components)
            if not found.unmixing.converged:
                warnings.warn(f"not converged in {self.max_iter} iterations", ConvergenceWarning, stacklevel=2)
            components, self.n_iter_ = found.components, max(found.unmixing.iterations, 1)
            self._centre = components.mean
        self.components_, self.mixing_ = components.unmixing, components.mixing
        return self

    def transform(self, X: object) -> Float[np.ndarray, "n k"]:  # noqa: N803
        """Express the components: [n, component], an SD of 0.5 on the rows they were fitted on."""
        check_is_fitted(self, "components_")
        if self.archive is not None:
            expressed = express(self.model_, self.archive, _dates(X, "time")).table
            return expressed.select(self.model_.names).to_numpy()
        return (self._standardised(self._values(X, reset=False)) - self._centre) @ self.components_.T

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Name the components: s001, s002, ..."""
        check_is_fitted(self, "components_")
        return np.array([f"s{number + 1:03}" for number in range(len(self.components_))], dtype=object)

    def _values(self, X: object, *, reset: bool) -> np.ndarray:  # noqa: N803
        checked = validate_data(
            self,
            X,  # pyright: ignore[reportArgumentType]
            reset=reset,
            dtype=np.float64,
            ensure_all_finite="allow-nan",
            ensure_min_samples=2 if reset else 1,
        )
        return np.asarray(checked)

    def _standardised(self, values: np.ndarray) -> np.ndarray:
        scaled = (values - self.mean_) / self.scale_
        return np.where(np.isnan(scaled), 0.0, scaled)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _dates(rows: object, *needed: str) -> pl.DataFrame:
    """Take a frame of patients and dates, of pandas or polars."""
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)  # pyright: ignore[reportArgumentType]
    lacking = [name for name in ("subject_id", *needed) if name not in frame.columns]
    if lacking:
        raise InputError(f"X has no column {', '.join(lacking)}; of an archive it holds subject_id and time")
    return frame
