"""What every study refuses before it begins: seeds that are no folds, shares that are none."""

from semeia.errors import InputError


def require_seeds(seeds: tuple[int, ...], *, folds: int) -> None:
    """Each seed tests the fold of its number.

    Raises:
        InputError: none is given, or one is no fold.
    """
    if not seeds or not set(seeds) <= set(range(folds)):
        raise InputError(f"study: seeds {seeds} must be among the folds 0 to {folds - 1}")


def require_fractions(fractions: tuple[float | int, ...]) -> None:
    """Shares of the labelled training patients.

    Raises:
        InputError: none is given, or one is no share.
    """
    if not fractions or not all(0 < fraction <= 1 for fraction in fractions):
        raise InputError(f"study: fractions {fractions} must lie above 0 and not above 1")
