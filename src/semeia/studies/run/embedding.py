"""Map where tested units lie in the embedding of each start, before any label: two principal components.

The components are fitted on training units without their labels; the tested ones are only placed.
"""

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.data.dataset import Dataset
from semeia.errors import InputError
from semeia.learning.model import Model
from semeia.objectives.heads.fused import FusedHead
from semeia.report.sections.embedding import EmbeddingMap, Place, write_embedding
from semeia.studies.run.arms import Network
from semeia.studies.run.study import Finished, fold_of

FITTED = 2000  # more training units do not move two components
SHOWN = 250  # tested units of a cohort; more would hide each other
BEFORE = "fused"


def map_embeddings(finished: Finished) -> None:
    """Write the two first components of each network's embedding into the run (report/sections/embedding.py)."""
    work, material = finished.work, finished.work.material
    outcome = material.outcomes[0]
    seed = min(cell.seed for cell in finished.then)
    fold = fold_of(material, outcome, seed=seed, fraction=1.0)
    generator = np.random.default_rng([seed, 37])
    fitted = some(fold.pretraining, FITTED, generator)
    outside = material.cohort[fold.test] == "external"
    shown = np.concatenate([some(fold.test[outside == place], SHOWN, generator) for place in (False, True)])
    places = []
    for name, arm in finished.arms.items():
        # One start, one embedding: heads and outcomes do not move it.
        if not isinstance(arm, Network) or arm.ordinal or arm.outcomes not in ((), (outcome,)):
            continue
        model = arm.start(work.run, material, fold.pretraining, seed)
        data = material.data(arm.model)
        fitting, placed = (model.pooled(data, rows)[0].flatten(1).double().numpy() for rows in (fitted, shown))
        points, shares = components(fitting, placed)
        places.append(Place(name, (float(shares[0]), float(shares[1])), points))
    labels = material.labels[outcome][shown].astype(int).tolist()
    write_embedding(work.run, EmbeddingMap(seed, len(fitted), labels, material.cohort[shown].tolist(), places))


def some(rows: np.ndarray, most: int, generator: np.random.Generator) -> np.ndarray:
    """At most so many of the rows, drawn, in their order."""
    return rows if len(rows) <= most else np.sort(generator.choice(rows, most, replace=False))


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
    directions = np.zeros((2, int(varies.sum())))
    directions[: min(2, len(axes))] = axes[:2]
    largest = np.abs(directions).argmax(1)
    signs = np.array([np.sign(axis[place]) or 1.0 for axis, place in zip(directions, largest, strict=True)])
    shares = np.zeros(2)
    variance = np.square(strength)
    shares[: min(2, len(variance))] = (variance / max(variance.sum(), 1e-12))[:2]
    return (shown[:, varies] - mean[varies]) / sd[varies] @ (directions * signs[:, None]).T, shares


def shift_map(model: Model, data: Dataset, *, fitted: np.ndarray, shown: np.ndarray) -> pl.DataFrame:
    """Take the fused feature of units, and the same shifted by each modality, to one plane.

    Args:
        model: fine-tuned with a fusion.
        fitted: training units, by whose fused features the components are fitted.

    Returns:
        unit_id, feature ("fused", or the modality that shifts it), x, y; a modality that a unit lacks has no row.
    """
    head = model.head
    if not isinstance(head, FusedHead):
        raise InputError("a shift is of a model that was fine-tuned with supervised.fusion; this one has none")
    (before, _), (after, there) = (_shifted(model, head, data, rows) for rows in (fitted, shown))
    places, _ = components(before[:, 0], after.reshape(-1, after.shape[2]))
    units = data.units["unit_id"].gather(shown).to_list()
    names = (BEFORE, *model.encoder.kinds)
    table = pl.DataFrame(
        {
            "unit_id": np.repeat(units, len(names)),
            "feature": list(names) * len(units),
            "x": places[:, 0],
            "y": places[:, 1],
            "there": there.ravel(),
        }
    )
    return table.filter("there").drop("there")


def _shifted(model: Model, head: FusedHead, data: Dataset, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features [unit, 1 + modality, dim], and which of them there are."""
    pooled, there = model.pooled(data, rows, cells=head.cells)
    return head.shifted(pooled, there).double().numpy(), there.roll(1, 1).numpy()
