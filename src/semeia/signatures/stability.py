"""Refit on other draws of the patients and from other starts: would the same signatures come again?

Each refit's mixing columns are matched one to one with those of the fit in question, by |cosine|. A signature is as
stable as its matches are alike.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from semeia.errors import InputError
from semeia.evaluation.resampling import draw_patients
from semeia.processes import in_processes
from semeia.signatures.ica.blocks import RepeatedRows, Samples

# At a |cosine| of 0.9 four fifths (0.81) of two columns is common. Of 48 components of pure noise (five or seven normal
# sources beside five real ones, 8 draws) 46 had medians of 0.55 to 0.9 and two up to 0.94; all 40 real ones above 0.96.
LEAST_STABLE = 0.9

Mixing = Float[np.ndarray, "p k"]
Refit = Callable[[Samples, int], Float[np.ndarray, "p m"]]


@dataclass(frozen=True)
class Stability:
    """|cosine| of each signature's mixing column with its match in each refit; 0 where it had none.

    `patients`: refits on bootstrap draws of the patients. `seeds`: refits of the same rows from other starts.
    `index`: as in Icasso (Himberg et al. 2004), the mean similarity within the cluster of a signature and its matches
    less that to everything outside it; 1 is a tight and isolated cluster.
    """

    patients: Float[np.ndarray, "draws k"]
    seeds: Float[np.ndarray, "starts k"]
    index: Float[np.ndarray, " k"]

    def typical(self) -> Float[np.ndarray, " k"]:
        """The median match over the draws, or over the starts where that is lower."""
        return np.minimum(*(np.median(found, axis=0) for found in self._made()))

    def low(self) -> Float[np.ndarray, " k"]:
        """The match that one refit in ten falls below, over the draws or over the starts where that is lower."""
        return np.minimum(*(np.quantile(found, 0.1, axis=0) for found in self._made()))

    def unstable(self) -> Bool[np.ndarray, " k"]:
        """Which signatures are typically matched worse than LEAST_STABLE."""
        return self.typical() < LEAST_STABLE

    def _made(self) -> tuple[np.ndarray, np.ndarray]:
        kinds = [found for found in (self.patients, self.seeds) if len(found)]
        return kinds[0], kinds[-1]


def stability(
    samples: Samples,
    patients: Shaped[np.ndarray, " n"],
    *,
    mixing: Mixing,
    refit: Refit,
    draws: int = 10,
    starts: int = 5,
    seed: int = 0,
    workers: int = 1,
    report: Callable[[int], None] = lambda done: None,
) -> Stability:
    """Refit on `draws` bootstrap draws of the patients and from `starts` other seeds.

    Args:
        samples: the rows of the fit in question.
        patients: whose each row is; a patient's rows are drawn together.
        mixing: the columns of the fit in question.
        refit: fits some rows with a seed, as the fit in question was, and gives its mixing columns; perhaps fewer of
            them. It must not start from `mixing`, or it would find what it was given.
        draws, starts: how many refits; of the rows as they are, and resampled ones, each with a seed of its own.
    """
    from joblib import delayed

    if len(patients) != samples.shape[0]:
        raise InputError(f"patients: {len(patients)} given for {samples.shape[0]} rows; give one a row.")
    if draws + starts < 1:
        raise InputError("draws: nothing to refit; ask for at least one draw or one start.")
    tasks = [
        (RepeatedRows(samples, counts), seed + 1 + number)
        for number, counts in enumerate(_counts(patients, draws, seed))
    ]
    tasks += [(samples, seed + 1 + draws + number) for number in range(starts)]
    found = in_processes((delayed(refit)(rows, start) for rows, start in tasks), workers=workers)
    matches = []
    for done, other in enumerate(found, start=1):
        matches.append(matched(mixing, np.asarray(other)))
        report(done)
    cosines = np.array([cosine for cosine, _ in matches])
    return Stability(
        cosines[:draws], cosines[draws:], cluster_index([_unit(mixing), *(columns for _, columns in matches)])
    )


def matched(mixing: Mixing, other: Float[np.ndarray, "p m"]) -> tuple[Float[np.ndarray, " k"], Mixing]:
    """One-to-one matches of the largest total |cosine| (Kuhn 1955).

    Returns:
        The |cosine| of each column of `mixing` with its match, and the matches, of length 1, in the order of `mixing`;
        zeros where `other` has no column left.
    """
    from scipy.optimize import linear_sum_assignment

    unit = _unit(other)
    cosines = np.abs(_unit(mixing).T @ unit)
    ours, theirs = linear_sum_assignment(cosines, maximize=True)
    best = np.zeros(mixing.shape[1])
    columns = np.zeros_like(mixing)
    best[ours] = cosines[ours, theirs]
    columns[:, ours] = unit[:, theirs]
    return best, columns


def cluster_index(runs: list[Mixing]) -> Float[np.ndarray, " k"]:
    """Icasso's index of each column's cluster over runs whose columns are matched and of length 1."""
    size = runs[0].shape[1]
    within, total = np.zeros(size), np.zeros(size)
    for first, one in enumerate(runs):
        for second, two in enumerate(runs[first:], first):
            similar = np.abs(one.T @ two)
            if first != second:
                within += similar.diagonal()
            outside = similar.copy()
            np.fill_diagonal(outside, 0)
            total += outside.sum(axis=1) + (outside.sum(axis=0) if first != second else 0)
    many = len(runs)
    return within / (many * (many - 1) / 2) - total / max(many**2 * (size - 1), 1)


def _counts(patients: Shaped[np.ndarray, " n"], draws: int, seed: int) -> Iterator[Int[np.ndarray, " n"]]:
    names, row = np.unique(patients, return_inverse=True)
    for counts in draw_patients(np.zeros(len(names)), draws=draws, seed=seed):
        yield counts[row]


def _unit(columns: Float[np.ndarray, "p m"]) -> Float[np.ndarray, "p m"]:
    return columns / np.linalg.norm(columns, axis=0)
