"""Find ways to guess a label without looking at the disease.

A model takes whatever ranks the label: the size of a crop, the hospital, the scanner, how many pixels or bits an image
has, whether a file exists at all. Each is tried alone.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from semeia.archive.audit.findings import Finding
from semeia.archive.store import Archive

SIZES = ("diameter_mm", "volume_mm3", "z_extent_mm", "slice_spacing")
_SHORTCUT = 0.6
_DRAWS, _CHANCE, _SEED = 1000, 0.99, 0
_MOST_GROUPS, _PARTS = 50, 10
_OF_IMAGES = {
    "the shape of the image": pl.col("shape").list.eval(pl.element().cast(pl.String)).list.join(" x "),
    "the pixel type of the image": pl.col("dtype"),
    "the bit depth of the image": pl.col("bits").cast(pl.String),
    "the file format of the image": pl.col("format"),
    "the voxel size of the image": pl.col("spacing").list.eval(pl.element().round(2).cast(pl.String)).list.join(" x "),
}


def shortcuts(archive: Archive) -> list[Finding]:
    """Outcomes of one class; what ranks an outcome without the disease: sizes, site, scanner, form of the images."""
    units, images = archive.table("units"), archive.table("images")
    found: list[Finding] = []
    for name in archive.outcomes():
        labels = archive.outcome(name)
        of_patients = labels.join(units.filter(pl.col("kind") == "patient"), on="unit_id", how="semi").height > 0
        by = "subject_id" if of_patients else "unit_id"  # of a patient's units the largest counts
        positive = _positive(labels["value"])
        if positive is None:
            found.append(Finding("warning", f"outcome {name}: all labels are the same", labels.height))
            continue
        above = "" if labels["value"].n_unique() == 2 else f" (above {labels['value'].filter(~positive).max():g})"
        labels = labels.select("subject_id", "unit_id", positive=positive)
        for what, signal in _sizes(labels, units, images, by):
            auroc = rank_auroc(labels["positive"].cast(pl.Float64), signal)
            if auroc is not None and max(auroc, 1 - auroc) >= _SHORTCUT:
                found.append(_finding(what, name + above, auroc, signal))
        for what, groups in _groups(archive, labels, units, images, by):
            auroc = group_auroc(labels["positive"], groups)
            if auroc is not None:
                found.append(_finding(what, name + above, auroc, groups))
    return found


def _positive(values: pl.Series) -> pl.Series | None:
    """The larger class; of grades those above the middle one. None where all are the same."""
    if values.n_unique() < 2:
        return None
    middle = values.quantile(0.5, "lower")
    return values > middle if (values > middle).any() else values == values.max()


def _sizes(labels: pl.DataFrame, units: pl.DataFrame, images: pl.DataFrame, by: str) -> Iterator[tuple[str, pl.Series]]:
    """Numbers beside the labels: whether there is an image of a kind, and what is measured of a unit."""
    for kind in sorted(set(images["kind"])):
        having = images.filter(pl.col("kind") == kind)[by].unique().to_list()
        yield f"whether there is an image of kind {kind}", labels[by].is_in(having).cast(pl.Float64)
    for size in (size for size in SIZES if size in units.columns):
        largest = units.group_by(by).agg(pl.col(size).max().cast(pl.Float64))
        yield size, labels.join(largest, on=by, how="left", maintain_order="left")[size]


def _groups(
    archive: Archive, labels: pl.DataFrame, units: pl.DataFrame, images: pl.DataFrame, by: str
) -> Iterator[tuple[str, pl.Series]]:
    """Words beside the labels: site, the form of the images, and what is known of a unit in words, such as scanner."""
    subjects = archive.table("subjects").select("subject_id", word=pl.col("site"))
    yield "the site", labels.join(subjects, on="subject_id", how="left", maintain_order="left")["word"]
    in_words = (name for name, holds in units.schema.items() if holds in (pl.String(), pl.Boolean()))
    named = {name: pl.col(name) for name in in_words if name not in ("unit_id", "kind")}
    axes = pl.when(pl.col("spacing").is_null()).then(pl.col("shape").list.head(2)).otherwise(pl.col("shape"))
    pixels = axes.list.eval(pl.element().cast(pl.Float64).log()).list.sum().round(6)
    tenth = ((pixels.rank("min") - 1) * _PARTS / pl.len()).floor()
    shown = images.filter(pl.col("kind") != "mask").with_columns(pixels=tenth)
    tables = ((shown, {**_OF_IMAGES, "the number of pixels of the image": pl.col("pixels")}), (units, named))
    for table, words in tables:
        for what, word in words.items():
            found = table.group_by(by).agg(word=word.cast(pl.String).drop_nulls().unique().sort().str.join(" and "))
            found = found.with_columns(pl.col("word").replace("", None))
            yield what, labels.join(found, on=by, how="left", maintain_order="left")["word"]


def _finding(what: str, outcome: str, auroc: float, signal: pl.Series) -> Finding:
    words = f"labelled units: {what} alone ranks the outcome {outcome} with AUROC {auroc:.2f}"
    return Finding("warning", words, int(signal.is_not_null().sum()))


def rank_auroc(value: pl.Series, signal: pl.Series) -> float | None:
    """AUROC (Mann-Whitney) of `signal` for the larger value, empty ones apart; None with one class."""
    frame = pl.DataFrame({"value": value, "signal": signal}).drop_nulls()
    positive = frame["value"] == value.max()
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        return None
    ranks = float(frame["signal"].rank("average").filter(positive).sum())
    return float((ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def group_auroc(positive: pl.Series, groups: pl.Series) -> float | None:
    """AUROC of ranking units by the share of positives in their group, where it exceeds chance; else None.

    Such a ranking is fitted to the labels, so that small groups rank well by chance: it must be at least 0.6, and
    beyond the 99th percentile of 1,000 draws in which the positives are dealt at random. Units without a group are one
    more group: being unknown can tell, too.
    """
    counts = (
        pl.DataFrame({"positive": positive, "group": groups})
        .group_by("group")
        .agg(pl.len(), pl.col("positive").sum())
        .sort("group")
    )
    size, hits = counts["len"].to_numpy().astype(np.int64), counts["positive"].to_numpy().astype(np.int64)
    total = int(hits.sum())
    if not 2 <= len(size) <= _MOST_GROUPS or not 0 < total < size.sum():
        return None
    auroc = float(_grouped(hits[None], size)[0])
    if auroc < _SHORTCUT:
        return None
    draws = np.random.default_rng(_SEED).multivariate_hypergeometric(size, total, size=_DRAWS)
    return auroc if auroc > np.quantile(_grouped(draws, size), _CHANCE) else None


def _grouped(hits: np.ndarray, size: np.ndarray) -> np.ndarray:
    """AUROC of each row of positives [draw, group] when groups are ranked by their share of positives."""
    order = np.argsort(hits / size, axis=1)
    positive = np.take_along_axis(hits, order, 1)
    negative = np.take_along_axis(np.broadcast_to(size, hits.shape) - hits, order, 1)
    below = np.cumsum(negative, axis=1) - negative / 2  # a tie counts half
    return (positive * below).sum(1) / (positive.sum(1) * negative.sum(1))
