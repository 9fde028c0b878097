"""A matrix of shaded cells, each with its number in words; a hatched one shows nothing: its interval holds 0."""

from dataclasses import dataclass

# A full cell must leave its words readable.
DARKEST = 45
BLUE, ORANGE = "#0b5a8a", "#b35806"


@dataclass(frozen=True)
class MatrixCell:
    """One cell: words, smaller words below them, how strong its shade is (-1 to 1), whether it is hatched."""

    words: str
    below: str = ""
    shade: float | int = 0.0
    hatched: bool = False

    @property
    def colour(self) -> str:
        """Return its shade: blue above 0, orange below, mixed into the page's own background."""
        strength = round(DARKEST * min(1.0, abs(self.shade)))
        return f"color-mix(in srgb, {BLUE if self.shade >= 0 else ORANGE} {strength}%, transparent)"


@dataclass(frozen=True)
class Matrix:
    """A matrix: `corner` says what rows and columns are."""

    title: str
    corner: str
    columns: list[str]
    rows: list[tuple[str, list[MatrixCell]]]
