"""Who is tested by which seed, and what every study refuses before it begins."""

from collections.abc import Callable
from dataclasses import dataclass
from shlex import quote

import numpy as np
import polars as pl

from semeia.archive.split import patient_folds
from semeia.archive.store import Archive
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.processes import Backend
from semeia.ranges import FROM_1, SEED, require_ranges, require_seed

FOLDS = 5


def require_seeds(seeds: tuple[int, ...], *, folds: int) -> None:
    """Refuse seeds that are no folds: each tests the fold of its number."""
    if folds < 2:
        raise InputError(f"study: folds is {folds}; it must be 2 or more")
    if not seeds or not set(seeds) <= set(range(folds)) or len(set(seeds)) < len(seeds):
        raise InputError(f"study: seeds {seeds} must be among the folds 0 to {folds - 1}, each once")


def require_fractions(fractions: tuple[float | int, ...]) -> None:
    """Refuse what is no share of the labelled training patients."""
    if not fractions or not all(0 < fraction <= 1 for fraction in fractions) or len(set(fractions)) < len(fractions):
        raise InputError(f"study: fractions {fractions} must lie above 0 and not above 1, each once")


def require_each_once(settings: object, *names: str) -> None:
    """Refuse fields of settings in which something is given twice: it would be trained, and counted, twice."""
    for name in names:
        given = getattr(settings, name)
        if len(set(given)) < len(given):
            raise InputError(f"study: {name} {list(given)} must each be given once")


def require_some_seed(seeds: tuple[int, ...]) -> None:
    """Refuse none at all, and a number that random generators do not start from."""
    if not seeds:
        raise InputError("seeds must be at least 1")
    for seed in seeds:
        require_seed(seed)


@dataclass(frozen=True)
class StudySettings:
    """What every study is run with; what none can be run with is refused before anything is trained.

    Attributes:
        seeds: of labels, weights and everything random; each tests another fold where the archive has no fixed split.
        fractions: of the labelled training patients.
        draws: bootstrap draws of the evaluation.
        workers: processes, one thread each.
        backend: where they run: "local", or "ray" for the Ray cluster that RAY_ADDRESS names.
        arms: which are run, by their names in the results; none named: all.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    fractions: tuple[float, ...] = (1.0,)
    draws: int = 1000
    workers: int = 2
    backend: Backend = "local"
    arms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_ranges("study", self, {"seeds": SEED, "workers": FROM_1})
        require_some_seed(self.seeds)
        require_each_once(self, "seeds", "arms")
        require_fractions(self.fractions)
        EvaluationSettings(draws=self.draws)


def require_asked(archive: Archive, outcome: str, seeds: tuple[int, ...]) -> None:
    """Refuse a study of no outcome, and seeds that are no folds where the archive has no fixed split."""
    archive.outcome(outcome)
    if archive.table("subjects")["split"].is_null().all():
        require_seeds(seeds, folds=FOLDS)


def require_names(what: str, given: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Refuse names that are not known, and none at all."""
    unknown = [name for name in given if name not in known]
    if unknown or not given:
        raise InputError(f"study: no {what} '{', '.join(unknown)}'; there are {', '.join(known)}")


def require_inside(archive: Archive, internal: str, *, folds: int) -> None:
    """Refuse an archive in which the site that is to be trained on has fewer patients than folds; say which it has."""
    sites = archive.table("subjects").group_by("site").len().sort("len", "site", descending=[True, False])
    inside = int(sites.filter(pl.col("site") == internal)["len"].sum())
    if inside < folds:
        known = [f"{site} ({count} patients)" for site, count in sites.drop_nulls("site").head(5).iter_rows()]
        largest = next(iter(sites.drop_nulls("site")["site"]), None)
        advice = f"; name another with --internal, such as --internal {quote(largest)}" if largest else ""
        raise InputError(
            f"{archive.path}: {inside} patients are of the site '{internal}', which the study trains on in "
            f"{folds} folds; the sites are {', '.join(known) or 'not named'}{advice}. Without several sites, "
            "use `semeia study own`"
        )


def cohorts_of(site: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Name each unit internal, external, or unknown (no site is named)."""
    return np.where(inside, "internal", np.where(site == "", "unknown", "external"))


def fold_testing(
    subject: np.ndarray, strata: pl.DataFrame, *, folds: int, outside: np.ndarray
) -> Callable[[int], np.ndarray]:
    """Let seed s test fold s of the patients of `strata` (subject_id, stratum), and everybody outside.

    Args:
        outside: units that every seed tests, bool [unit].
    """
    dealt = patient_folds(strata, folds=folds)

    def testing(seed: int) -> np.ndarray:
        held = dealt.filter(pl.col("fold") == seed % folds)["subject_id"].to_numpy()
        return np.isin(subject, held) | outside

    return testing


def kept_for_testing(units: pl.DataFrame, *, outside: np.ndarray) -> Callable[[int], np.ndarray]:
    """Let every seed test the fixed split's test side (or its val side); without one, one of five folds of patients.

    Units outside, bool [unit], are tested by every seed besides; they are no part of the folds.
    """
    split = units["split"].fill_null("").to_numpy()
    for side in ("test", "val"):
        fixed = (split == side) & ~outside
        if fixed.any():
            return lambda seed: fixed | outside
    inside = units.filter(~outside)
    patients = inside.select("subject_id", pl.lit("all").alias("stratum")).unique("subject_id")
    if patients.height < FOLDS:
        raise InputError(
            f"the archive has {patients.height} patients; without a fixed split one in {FOLDS} is set aside for "
            f"testing, which takes {FOLDS} patients or more: add patients, or ingest with --split and a column of "
            "train and test"
        )
    return fold_testing(units["subject_id"].to_numpy(), patients, folds=FOLDS, outside=outside)


def by_label(subject: np.ndarray, labels: np.ndarray, inside: np.ndarray) -> pl.DataFrame:
    """Stratify patients by whether any of their units is positive: subject_id, stratum."""
    words = pl.col("label").fill_nan(None).max().replace_strict({0.0: "negative", 1.0: "positive"}, default="none")
    table = pl.DataFrame({"subject_id": subject, "label": labels}).filter(inside)
    return table.group_by("subject_id").agg(words.alias("stratum"))
