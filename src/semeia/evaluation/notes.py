"""What was left out and why, gathered into few lines. Never holds a patient's identifier."""

NAMED = 6


class Notes:
    """Reasons, each with the cells it concerns; `lines` gives one line a reason."""

    def __init__(self) -> None:
        self._cells: dict[str, list[str]] = {}

    def add(self, reason: str, cell: str = "") -> None:
        """Record a reason, once or for a named cell."""
        cells = self._cells.setdefault(reason, [])
        if cell and cell not in cells:
            cells.append(cell)

    def lines(self) -> tuple[str, ...]:
        """One line a reason, naming the first cells and counting the others."""
        out = []
        for reason, cells in self._cells.items():
            more = f"; and {len(cells) - NAMED} more" if len(cells) > NAMED else ""
            out.append(f"{reason}: {'; '.join(cells[:NAMED])}{more}" if cells else reason)
        return tuple(out)
