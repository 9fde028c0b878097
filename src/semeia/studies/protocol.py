"""What every study refuses before it begins: seeds that are no folds, shares that are none."""

from shlex import quote

import polars as pl

from semeia.archive.store import Archive
from semeia.errors import InputError


def require_seeds(seeds: tuple[int, ...], *, folds: int) -> None:
    """Each seed tests the fold of its number.

    Raises:
        InputError: none is given, one is no fold, or one is given twice.
    """
    if folds < 2:
        raise InputError(f"study: folds is {folds}; it must be 2 or more")
    if not seeds or not set(seeds) <= set(range(folds)) or len(set(seeds)) < len(seeds):
        raise InputError(f"study: seeds {seeds} must be among the folds 0 to {folds - 1}, each once")


def require_fractions(fractions: tuple[float | int, ...]) -> None:
    """Shares of the labelled training patients.

    Raises:
        InputError: none is given, one is no share, or one is given twice.
    """
    if not fractions or not all(0 < fraction <= 1 for fraction in fractions) or len(set(fractions)) < len(fractions):
        raise InputError(f"study: fractions {fractions} must lie above 0 and not above 1, each once")


def require_inside(archive: Archive, internal: str, *, folds: int) -> None:
    """Refuse an archive in which the site that is to be trained on has fewer patients than folds; say which it has.

    Raises:
        InputError: too few patients of that site.
    """
    sites = archive.table("subjects").group_by("site").len().sort("len", "site", descending=[True, False])
    inside = int(sites.filter(pl.col("site") == internal)["len"].sum())
    if inside < folds:
        known = [f"{site} ({count} patients)" for site, count in sites.drop_nulls("site").head(5).iter_rows()]
        largest = next(iter(sites.drop_nulls("site")["site"]), None)
        advice = f"; name another with --internal, such as --internal {quote(largest)}" if largest else ""
        raise InputError(
            f"{archive.path}: {inside} patients are of the site '{internal}', which the study trains on in "
            f"{folds} folds; the sites are {', '.join(known) or 'not named'}{advice}. Without several sites, "
            "use `semeia pretrain` and `semeia finetune`"
        )
