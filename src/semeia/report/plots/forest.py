"""A forest: rows of values with intervals on one scale, the number of each in words beside it; a table of the page."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby

from semeia.report.estimates import Estimate, cohorts_of
from semeia.report.names import Names
from semeia.report.numbers import estimate, number
from semeia.report.plots.style import Style

Number = float | int
Ends = tuple[Number | None, Number | None]
Namer = Callable[[Estimate], str]
# Into how many parts an axis is cut, the fewest first that give two ticks: more run into each other.
TICKS = (3, 4, 5)
SHORT = 24  # characters of a name that a narrow column holds in two lines


@dataclass(frozen=True)
class ForestRow:
    """One row of a forest."""

    name: str  # what it is of
    words: str  # its number in words
    value: Number | None  # where the marker is; None draws none
    ends: Ends  # of the interval; drawn where there are two
    style: Style  # colour and marker
    group: str = ""  # rows with the same words stand together under them; empty for no heading
    wide: Ends = (None, None)  # ends of a second, thinner interval behind the first (where a new site is expected)
    clear: bool = False  # whether it stands, said in bold


@dataclass(frozen=True)
class Forest:
    """A forest of rows."""

    title: str  # heading of the panel, and the caption that a screen reader says
    rows: list[ForestRow]  # in this order
    axis: str  # what is measured
    null: Number | None = None  # where there is nothing to see: a line is drawn there (0 for differences), or None
    limits: tuple[Number, Number] = (0.0, 1.0)  # of the axis

    @property
    def groups(self) -> list[tuple[str, list[ForestRow]]]:
        """Return the rows under their headings."""
        return [(name, list(rows)) for name, rows in groupby(self.rows, key=lambda row: row.group)]

    @property
    def long(self) -> bool:
        """Tell whether names need a wide column, in which they are cut after two lines (a tooltip has all of them)."""
        return any(len(row.name) > SHORT for row in self.rows)

    def at(self, value: Number) -> str:
        """Say where a value lies on the axis, in per cent; what leaves the frame ends at it."""
        low, high = self.limits
        return f"{100 * min(1.0, max(0.0, (value - low) / (high - low))):.1f}%"

    def holds(self, value: Number) -> bool:
        """Tell whether a value lies inside the frame."""
        return self.limits[0] <= value <= self.limits[1]

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Return round values along the axis with their words."""
        from matplotlib.ticker import MaxNLocator

        low, high = self.limits
        cuts = [MaxNLocator(parts, steps=[1, 2, 5, 10]).tick_values(low, high) for parts in TICKS]
        inside = [[float(x) for x in cut if low <= x <= high] for cut in cuts]
        found = next((each for each in inside if len(each) > 1), inside[-1])
        digits = next((d for d in range(4) if all(abs(x - round(x, d)) < 1e-9 for x in found)), 3)
        return [(x, number(x, digits, sign=self.null == 0)) for x in found]


def forest_limits(rows: list[ForestRow], null: Number | None) -> tuple[Number, Number]:
    """Return room for every row and for `null`."""
    ends = [x for row in rows for x in (row.value, *row.ends, *row.wide) if x is not None]
    ends += [null] if null is not None else []
    if not ends:
        return 0.0, 1.0
    pad = 0.05 * (max(ends) - min(ends)) or 0.05
    return min(ends) - pad, max(ends) + pad


def forests_by_cohort(
    rows: list[Estimate],
    names: Names,
    *,
    name: Namer | None = None,
    group: Namer = lambda e: "",
    null: Number | None = None,
    axis: str,
) -> list[Forest]:
    """Return a forest a cohort, all on one scale; rows are called `name` (else their arm) under headings `group`."""
    title = name or (lambda e: names.arm(e.arm, e.mode))
    made = {cohort: [row_of(e, names, title, group) for e in rows if e.cohort == cohort] for cohort in cohorts_of(rows)}
    limits = forest_limits([row for part in made.values() for row in part], null)
    return [Forest(names.cohort(cohort), part, axis, null, limits) for cohort, part in made.items()]


def row_of_table(row: dict, names: Names, *, name: str = "", group: str, value: str = "value") -> ForestRow:
    """Return the row of a further table's row, called `name` (else its arm); a "gap" has a sign and a third decimal."""
    signed = value == "gap"
    ends, style = (row["low"], row["high"]), names.style(row["arm"], row["mode"])
    words = estimate(row[value], *ends, digits=3 if signed else 2, sign=signed)
    return ForestRow(name or names.arm(row["arm"], row["mode"]), words, row[value], ends, style, group)


def row_of(e: Estimate, names: Names, name: Namer, group: Namer) -> ForestRow:
    """Return the row of an estimate; a difference has a sign, a third decimal and its corrected p-value."""
    style = names.style(e.arm, e.mode)
    row = ForestRow(name(e), estimate(e.value, e.low, e.high), e.value, (e.low, e.high), style, group(e))
    if not e.reference and "gain" not in e.metric:
        return row
    words = estimate(e.value, e.low, e.high, digits=3, sign=True)
    return replace(row, words=words + e.tested_words, clear=e.direction != "unclear")
