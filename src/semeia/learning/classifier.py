"""An encoder with its head as a classifier of scikit-learn: pretrained on all rows, fine-tuned on the labelled ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils import Tags, assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from semeia.data.dataset import Dataset, array_dataset, joined
from semeia.data.modalities import Picture, Table
from semeia.data.modality import Modality
from semeia.encoders.patient import EncoderSettings
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.learning.finetune import FinetuneSettings, Mode, finetune, fresh_model
from semeia.learning.model import Model
from semeia.learning.pretrain import PretrainSettings, pretrain
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.task import BINARY, Task


class EncoderClassifier(TransformerMixin, ClassifierMixin, BaseEstimator):
    """Pretrain an encoder by joint-embedding prediction, fine-tune it on labels, score and embed.

    X is a matrix or a frame [n, item], NaN where nothing is known; grey pictures [n, height, width]; or a dict of
    several modalities by name, of which `modalities` says what each is (`semeia.Table()`, `semeia.Volume()`, ...).

    Args:
        steps: of fine-tuning.
        pretrain_steps: of pretraining; 0 begins with random weights.
        batch_size: rows a step.
        mode: "probe_finetune", "finetune", or "frozen", which fits the head alone.
        modalities: settings of each modality of a dict X.
        encoder: size of the transformer.
        random_state: seed of everything.

    Attributes:
        classes_: labels, in the order of `predict_proba`.
        model_: the fitted model, with `save`.
    """

    def __init__(
        self,
        *,
        steps: int = 160,
        pretrain_steps: int = 400,
        batch_size: int = 32,
        mode: Mode = "probe_finetune",
        modalities: Mapping[str, Modality] | None = None,
        encoder: EncoderSettings | None = None,
        random_state: int = 0,
    ) -> None:
        self.steps = steps
        self.pretrain_steps = pretrain_steps
        self.batch_size = batch_size
        self.mode = mode
        self.modalities = modalities
        self.encoder = encoder
        self.random_state = random_state

    def fit(self, X: object, y: object, groups: object = None, *, unlabelled: object = None) -> "EncoderClassifier":  # noqa: N803
        """Pretrain on X and the unlabelled rows, fine-tune on X.

        Args:
            X: see the class.
            y: a class for each row.
            groups: whose each row is: a patient's rows stay together where some are held out to choose or to watch.
            unlabelled: more rows, as X, which only pretraining sees.

        Raises:
            InputError: one class, or nothing to learn from.
        """
        arrays = self._arrays(X, reset=True)
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        check_consistent_length(*arrays.values(), labels, *([] if groups is None else [groups]))
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError("the labels are all of one class: a classifier needs at least two")
        data = self._dataset(arrays, groups)
        rows = np.arange(len(data))
        if unlabelled is not None:
            data = joined(data, self._dataset(self._arrays(unlabelled, reset=False)))
        steps = OptimiserSettings(steps=self.steps, batch=self.batch_size)
        tuning = FinetuneSettings(scratch=steps, pretrained=replace(steps, encoder_lr=3e-4))
        with TemporaryDirectory() as folder:
            self.model_ = finetune(
                data,
                rows,
                codes.astype(np.float64),
                start=self._start(data, Path(folder) / "pretrained"),
                mode=self.mode,  # pyright: ignore[reportArgumentType]
                pretrained=self.pretrain_steps > 0,
                settings=tuning,
                seed=self.random_state,
                folder=Path(folder) / "model",
                task=BINARY if len(self.classes_) == 2 else Task("nominal", len(self.classes_)),
            )
        return self

    def _start(self, data: Dataset, folder: Path) -> Model:
        encoder, names = self.encoder or EncoderSettings(), tuple(data.modalities)
        if self.pretrain_steps == 0:
            return fresh_model(data, np.arange(len(data)), modalities=names, settings=encoder, seed=self.random_state)
        optimiser = OptimiserSettings(steps=self.pretrain_steps, batch=self.batch_size)
        settings = PretrainSettings(model=ModelSettings(encoder=encoder), optimiser=optimiser)
        return pretrain(data, settings=settings, seed=self.random_state, folder=folder)

    def predict_proba(self, X: object) -> Float[np.ndarray, "n classes"]:  # noqa: N803
        """Give the probability of each class, in the order of `classes_`."""
        check_is_fitted(self, "model_")
        scores = self.model_.score(self._dataset(self._arrays(X, reset=False)))
        return np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores

    def predict(self, X: object) -> np.ndarray:  # noqa: N803
        """Give the most probable class."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def transform(self, X: object) -> Float[np.ndarray, "n features"]:  # noqa: N803
        """Embed: what the encoder makes of each row, standardised as the head reads it; 0 for a modality not there."""
        check_is_fitted(self, "model_")
        data = self._dataset(self._arrays(X, reset=False))
        pooled, there = self.model_.pooled(data, np.arange(len(data)))
        head = self.model_.head
        assert head is not None  # it was fine-tuned
        with torch.no_grad():
            return head.features(pooled, there).double().numpy()

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Name the features of an embedding: e0, e1, ..."""
        check_is_fitted(self, "model_")
        head = self.model_.head
        return np.array([f"e{place}" for place in range(head.mean.numel() if head else 0)], dtype=object)

    def _arrays(self, X: object, *, reset: bool) -> dict[str, object]:  # noqa: N803
        """Take X apart by modality, checked as scikit-learn does where it is one array."""
        if isinstance(X, Mapping) and not issparse(X):  # some sparse matrices are mappings
            return dict(X)
        checked = validate_data(
            self,
            X,  # pyright: ignore[reportArgumentType]
            reset=reset,
            dtype=np.float32,
            allow_nd=True,
            ensure_all_finite="allow-nan",
            ensure_min_samples=2 if reset else 1,
            ensure_min_features=2 if reset else 1,
        )
        values = np.asarray(checked)
        return {Picture.called if values.ndim > 2 else "table": values}

    def _dataset(self, arrays: Mapping[str, object], groups: object = None) -> Dataset:
        known: dict[str, Modality] = {"table": Table(), **(self.modalities or {})}
        if (name := Picture.called) in arrays and name not in known:
            crop = replace(Picture().crop, voxels=(1, *np.asarray(arrays[name]).shape[1:3]))
            known[name] = Picture(crop=crop)
        if unknown := [name for name in arrays if name not in known]:
            raise InputError(f"modalities does not say what {', '.join(unknown)} is: semeia.Table(), Picture(), ...")
        units = None
        if groups is not None:
            names = [str(group) for group in column_or_1d(groups)]
            units = pl.DataFrame({"unit_id": [f"unit-{row}" for row in range(len(names))], "subject_id": names})
        return array_dataset({name: (known[name], values) for name, values in arrays.items()}, units=units)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.three_d_array = True
        return tags
