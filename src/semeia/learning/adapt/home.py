"""Measure the link at home, on patients whose labels the experts who score them had not seen."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl

from semeia.errors import InputError
from semeia.learning.adapt.blend import HomeLink, fit_home
from semeia.learning.adapt.experts import Scored

COMPONENTS = 24  # of the anchor's embedding
FEWEST = 10  # held-out labelled home patients of either class
LEAST_OF_A_SEED = 50  # home patients who say on which scale its scores are
Rows = np.ndarray


@runtime_checkable
class Place(Protocol):
    """The units of an archive, and what each seed's experts say of them."""

    @property
    def units(self) -> pl.DataFrame:
        """A row each: unit_id, subject_id, site."""
        ...

    def complete(self) -> np.ndarray:
        """Say which have everything that both experts read, bool [unit]."""
        ...

    def seen(self, seed: int) -> np.ndarray:
        """Say which are of patients that either expert was fitted on, bool [unit]."""
        ...

    def scored(self, seed: int, rows: Rows) -> Scored:
        """Give the log-odds of both, and what the anchor makes of its input."""
        ...


@dataclass(frozen=True)
class LeftOut:
    """Home patients whose labels the experts who score them had not seen.

    Attributes:
        seeds: whose link these tell.
        parts: seed whose experts score them, rows of units, and their labels (NaN: none).
    """

    seeds: list[int]
    parts: list[tuple[int, Rows, np.ndarray]]

    def fewest(self, subjects: np.ndarray) -> int:
        """Count patients of the rarer class."""
        known = [(subjects[rows], labels) for _, rows, labels in self.parts]
        return min(len({*np.concatenate([who[label == value] for who, label in known])}) for value in (0, 1))


def left_out(home: Place, labels: np.ndarray, rows: Rows, *, seeds: Iterable[int], alike: bool) -> list[LeftOut]:
    """Deal home patients to the seeds that left them out.

    Where these are too few, as when each seed tests another small fold, those of all seeds tell one link, each unit
    once, if every seed has some. A seed is then held against the mean of all, and its models differ from those of
    others in more than their scale: it counts as moved more often than one time in twenty.

    Args:
        labels: of all units, NaN where there is none.
        rows: which may be used.
        seeds: of the experts.
        alike: whether what the anchors of all seeds make of their input can be put together: not of networks.

    Raises:
        InputError: too few are left.
    """
    subjects = home.units["subject_id"].to_numpy()
    fresh = {seed: rows[(~home.seen(seed) | np.isnan(labels))[rows]] for seed in seeds}
    groups = [LeftOut([seed], [(seed, own, labels[own])]) for seed, own in fresh.items()]
    if min(group.fewest(subjects) for group in groups) >= FEWEST:
        return groups
    if alike:
        left = np.stack([np.isin(rows, own) for own in fresh.values()])  # [seed, row]
        turn = np.arange(len(rows)) % left.sum(0).clip(min=1) + 1  # whose of those that left it out
        dealt = [rows[one & (before == turn)] for one, before in zip(left, left.cumsum(0), strict=True)]
        parts = [(seed, own, labels[own]) for seed, own in zip(fresh, dealt, strict=True)]
        if min(len(rows) for _, rows, _ in parts) >= LEAST_OF_A_SEED:
            groups = [LeftOut([*fresh], parts)]
    if (fewest := min(group.fewest(subjects) for group in groups)) < FEWEST:
        raise InputError(
            f"{fewest} labelled home patients of one class were kept from both experts; {FEWEST} of each are needed: "
            "give the home archive that the run was made of, or one with more labelled patients"
        )
    return groups


def home_link(home: Place, group: LeftOut) -> tuple[HomeLink, Callable[[int, Scored], Scored]]:
    """Measure the link at home; also returns what brings a seed's scores of any patients into the form it is of.

    The anchor's features are reduced to what home patients can carry, and the scores of several seeds put on one scale.
    """
    each = {seed: home.scored(seed, rows) for seed, rows, _ in group.parts}
    labels = np.concatenate([labels for _, _, labels in group.parts])
    everybody = Scored.of([*each.values()])
    components = None
    if everybody.features.shape[1]:
        from sklearn.decomposition import PCA

        count = min(COMPONENTS, everybody.features.shape[1], len(everybody) // 10)
        components = PCA(count, random_state=0).fit(everybody.features)

    def brought(seed: int, scored: Scored) -> Scored:
        if components is not None:
            scored = replace(scored, features=components.transform(scored.features))
        if len(each) == 1:
            return scored
        own = each[seed]
        return replace(
            scored,
            anchor=_scaled(scored.anchor, own.anchor, everybody.anchor),
            joint=_scaled(scored.joint, own.joint, everybody.joint),
        )

    together = Scored.of([brought(seed, scored) for seed, scored in each.items()])
    known = ~np.isnan(labels)
    return fit_home(together.of_rows(known), labels[known], together), brought


def _scaled(scores: np.ndarray, own: np.ndarray, everybody: np.ndarray) -> np.ndarray:
    """Give scores the mean and deviation over everybody in the place of those over a seed's own home patients."""
    return (scores - own.mean()) / own.std() * everybody.std() + everybody.mean()
