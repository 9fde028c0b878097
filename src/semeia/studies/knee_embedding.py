"""Where tested knees lie in the embedding of each start, before any label: principal components in; a map out.

The components are fitted on training knees without their labels; the tested ones are only placed.
"""

from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.learning.model import Model
from semeia.readers.knees import OUTCOME
from semeia.report.sections.embedding import EmbeddingMap, Place, write_embedding
from semeia.studies.knee_arms import STARTS, Training, parts_of, start_of
from semeia.studies.knee_data import Knees, Sources, fold_of, load_knees

FITTED = 2000  # more training knees do not move two components
SHOWN = 250  # tested knees of a cohort; more would hide each other


def map_embeddings(run: Path, sources: Sources, knees: Knees, predictions: pl.DataFrame, training: Training) -> None:
    """Writes the two first components of each start's embedding into the run (report/embedding_section.py).

    Args:
        run: its folder.
        sources: where the knees are, for networks that see them on another grid.
        knees: all knees, on the grid of the study.
        predictions: of the run: they say which starts and seeds there are.
        training: how its networks were trained.
    """
    seed = int(predictions["seed"].min())  # pyright: ignore[reportArgumentType]
    arms = [parts_of(arm)[0] for arm in predictions["arm"].unique(maintain_order=True)]
    starts = [start for start in STARTS if start in arms]
    fold = fold_of(knees, OUTCOME, seed=seed, fraction=1.0)
    generator = np.random.default_rng([seed, 37])
    fitted = some(fold.pretraining, FITTED, generator)
    outside = knees.outside[fold.test]
    shown = np.concatenate([some(fold.test[outside == place], SHOWN, generator) for place in (False, True)])
    places = []
    for start in starts:
        crop = training.model_of(start).crop
        own = knees if knees.data.crop == crop else load_knees(sources, crop=crop, cache=run / "cache")
        model = start_of(start, run, own, fold, training=training, weights=sources.imagenet, seed=seed)
        points, shares = components(embedded(model, own, fitted), embedded(model, own, shown))
        places.append(Place(start, (float(shares[0]), float(shares[1])), points))
    grades = knees.labels[OUTCOME][shown].astype(int)
    cohorts = np.where(knees.outside[shown], "external", "internal")
    write_embedding(run, EmbeddingMap(seed, len(fitted), grades.tolist(), cohorts.tolist(), places))


def some(rows: np.ndarray, most: int, generator: np.random.Generator) -> np.ndarray:
    """At most so many of the rows, drawn, in their order."""
    return rows if len(rows) <= most else np.sort(generator.choice(rows, most, replace=False))


def embedded(model: Model, knees: Knees, rows: np.ndarray) -> Float[np.ndarray, "n dim"]:
    """What the encoder pools of each image: what a probe reads."""
    pooled, _ = model.pooled(knees.data, rows)
    return pooled[:, 0].double().numpy()


def components(
    fitted: Float[np.ndarray, "m dim"], shown: Float[np.ndarray, "n dim"]
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "2"]]:
    """Places on the first two principal components of standardised features, and their shares of the variance.

    Both the scale and the components are those of the fitted rows; a feature that does not vary is left out. The sign
    of a component, which is arbitrary, is that of its largest weight.
    """
    mean, sd = fitted.mean(0), fitted.std(0)
    varies = sd > 1e-6
    if not varies.any():
        return np.zeros((len(shown), 2)), np.zeros(2)
    centred = (fitted[:, varies] - mean[varies]) / sd[varies]
    _, strength, axes = np.linalg.svd(centred, full_matrices=False)
    found = np.zeros((2, int(varies.sum())))
    found[: min(2, len(axes))] = axes[:2]
    largest = np.abs(found).argmax(1)
    signs = np.array([np.sign(axis[place]) or 1.0 for axis, place in zip(found, largest, strict=True)])
    shares = np.zeros(2)
    variance = np.square(strength)
    shares[: min(2, len(variance))] = (variance / max(variance.sum(), 1e-12))[:2]
    return (shown[:, varies] - mean[varies]) / sd[varies] @ (found * signs[:, None]).T, shares
