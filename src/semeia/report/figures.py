"""What a figure of the page is: panels side by side, one legend, and the table of the numbers that it draws.

`Palette` gives every arm its name and style; the plots themselves are in the files named after them
(`roc_plot`, `interval_plot`, `fraction_plot`, `calibration_plot`, `learning_plot`).
"""

from dataclasses import dataclass, field

from markupsafe import Markup

from semeia.report.estimates import Estimate, arms_of, full_labels
from semeia.report.names import Arm, arm_of, arm_title
from semeia.report.style import LegendItem, Style, style_of


@dataclass(frozen=True)
class DataTable:
    """A plain table of words: column names and rows."""

    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Panel:
    """One drawing with its heading."""

    title: str
    svg: Markup


@dataclass(frozen=True)
class Figure:
    """A figure with everything that stands around it."""

    key: str
    title: str
    lead: str
    panels: list[Panel]
    table: DataTable
    legend: list[LegendItem] = field(default_factory=list)


@dataclass(frozen=True)
class Palette:
    """Names and styles of the arms of one run."""

    pretrained: frozenset[str]
    positions: dict[tuple[str, str], int]

    def arm(self, arm: str) -> Arm:
        """The title and part of an arm."""
        return arm_of(arm, self.pretrained)

    def style(self, arm: str, mode: str) -> Style:
        """The style of an arm in a mode."""
        shown = self.arm(arm)
        position = self.positions.get((arm, mode), 0)
        return style_of(arm, mode, role=shown.role, family=shown.family, position=position)

    def legend(self, pairs: list[tuple[str, str]]) -> list[LegendItem]:
        """The legend of these (arm, mode) pairs."""
        return [LegendItem(arm_title(arm, mode), self.style(arm, mode)) for arm, mode in pairs]


def palette_of(estimates: list[Estimate], pretrained: frozenset[str]) -> Palette:
    """The palette of a run: arms that the house does not know take their styles in order of appearance."""
    pairs = arms_of(estimates, pretrained)
    return Palette(pretrained, {pair: index for index, pair in enumerate(pairs)})


def headline_arms(estimates: list[Estimate], palette: Palette, *, most: int = 6) -> list[tuple[str, str]]:
    """The few arms worth a line of their own: chosen by what they are, never by how they did.

    The pretrained and the untrained networks fine-tuned on all labels, the diameter and the human bar; in a
    table without such arms the first ones.
    """
    pairs = arms_of(full_labels(estimates), palette.pretrained)
    plain = [p for p in pairs if palette.arm(p[0]).role in ("pretrained", "scratch") and p[1] in ("finetune", "none")]
    marks = [p for p in pairs if p[0] in ("diameter", "human_reader")]
    others = [p for p in pairs if palette.arm(p[0]).role == "other"]
    chosen = [*plain, *others, *marks] if plain or others else pairs
    return chosen[: most - len(marks)] + [m for m in marks if m not in chosen[: most - len(marks)]]
