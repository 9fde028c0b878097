"""Parse a table in text, of any common dialect: the cells of each column and the numbers of its rows."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from semeia.archive.identity import INVISIBLE
from semeia.errors import InputError

SEPARATORS = (",", "\t", ";", "|")
SAVE = "save it as CSV in UTF-8 with one header line"
SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + INVISIBLE
_LOOKED_AT = 20  # rows that tell the separator
_LONGEST_CELL = 1 << 24
_SPOKEN = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


@dataclass(frozen=True)
class TextTable:
    """The cells of a table, as they are written.

    Attributes:
        rows: The number of each row in the file, the header being row 1.
    """

    columns: dict[str, Sequence[str]]
    rows: list[int]
    separator: str


def parse_text(path: Path, content: bytes) -> TextTable:
    """Read a table in text from its bytes, unpacked; `path` is for messages."""
    text = decoded(path, content)
    hint = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)  # a line for Excel alone
    text = text[hint.end() :] if hint else text
    if not text.strip():
        raise InputError(f"{path}: cannot be read as a table: it is empty; {SAVE}.")
    beginning = text[: 1 << 16].splitlines(keepends=True)[: _LOOKED_AT + 1]
    separator = hint[1] if hint else dialect("".join(beginning))
    rows = _rows(path, text, separator)
    names = [name.strip(SPACES) for name in next(rows)]
    while names and not names[-1]:
        names.pop()
    named = [name for name in names if name]
    if not named or len(set(named)) < len(named):
        raise InputError(f"{path}: row 1 must name each column, and no two alike; {SAVE}.")
    first = 3 if hint else 2
    read = list(rows)
    cells = [_fitted(path, row, names, number, separator) for number, row in enumerate(read, start=first)]
    if read and len(read[-1]) < len(names) and not text.endswith(("\n", "\r")):
        last = first + len(read) - 1
        raise InputError(f"{path}: the last row, {last}, is cut short; copy or export the file again.")
    columns = list(zip(*cells, strict=True)) or [()] * len(names)
    return TextTable(
        {name: columns[at] for at, name in enumerate(names) if name},
        list(range(first, first + len(cells))),
        separator,
    )


def _fitted(path: Path, row: list[str], names: list[str], number: int, separator: str) -> list[str]:
    """A row with a cell for each column of the header."""
    width = len(names)
    if len(row) == width:
        if row[0].strip(SPACES) == names[0] and [cell.strip(SPACES) for cell in row] == names:
            raise InputError(f"{path}: row {number} repeats the header; two tables were joined, leave it out.")
        return row
    if any(cell.strip(SPACES) for cell in row[width:]):
        raise InputError(
            f"{path}: row {number} has {len(row)} cells where the header has {width}; put text that holds "
            f"{_SPOKEN.get(separator, 'a separator')} in double quotes."
        )
    return [*row, *[""] * (width - len(row))][:width]


def dialect(lines: str) -> str:
    """What separates the columns of a text table: what gives its first rows equally many cells, and the most."""

    def fits(separator: str) -> tuple[bool, bool, int, int]:
        try:
            rows = list(csv.reader(io.StringIO(lines), delimiter=separator, skipinitialspace=True))[:_LOOKED_AT]
        except csv.Error:
            return False, False, 0, 0
        rows = rows[:-1] if len(rows) > 2 else rows  # the last may be cut within a cell of several lines
        widths = [len(row) for row in rows if row]
        width = widths[0] if widths else 0
        return width > 1, len(set(widths)) == 1, width, -SEPARATORS.index(separator)

    return max(SEPARATORS, key=fits)


def decoded(path: Path, content: bytes) -> str:
    """The text of a table's bytes."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or content[:200].count(0) > len(content[:200]) // 3:
        raise InputError(f"{path}: cannot be read as a table: it is in UTF-16 (Excel's 'Unicode text'); {SAVE}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: cannot be read as a table: line {row} is not in UTF-8, but in Latin-1 or "
            f"Windows-1252, likely; {SAVE}."
        ) from error
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise InputError(f"{path}: cannot be read as a table: line {line} holds a NUL character; {SAVE}.")
    return text


def _rows(path: Path, text: str, separator: str) -> Iterator[list[str]]:
    """The rows of a text table; text that is quoted wrongly is refused with its row."""
    before = csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    number = 0
    try:
        for row in reader:
            number += 1
            yield row
    except csv.Error as error:
        raise InputError(
            f"{path}: row {number + 1} cannot be read: a double quote in it is not closed or not doubled; mend it."
        ) from error
    finally:
        csv.field_size_limit(before)
