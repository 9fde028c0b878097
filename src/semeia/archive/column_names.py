"""Say which columns a user's table has, in a message, without a cell of the data.

A table without a header, or a damaged one, has cells where names should stand. One rule for every message: a name is
quoted where it reads like the name of a column, cut where it is long, and only counted where it does not.
"""

import difflib
import re
import unicodedata
from collections.abc import Sequence

from semeia.archive.text_table import SAVE

_MOST_NAMES = 30
_LONGEST = 40
_FAMILY = 4  # so many names that differ in their number alone (f000, f001, ...) are a row of features, not of ids
_CELL = re.compile(r"[\d.,:\s+%/-]*")  # a number, a date, a time
_NO_NAME = re.compile(r"\d{3}|[/\\@<>=|;]|\.\w{2,4}$")  # within: a patient's number, a path, an address, a formula


def shown(names: Sequence[str]) -> list[str]:
    """The names to show, at most 30; in place of those that are no plausible names, their number."""
    named = [name for name in names if name]
    plain = _plausible(named)
    texts = [name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..." for name in plain[:_MOST_NAMES]]
    texts += ["..."] if len(plain) > _MOST_NAMES else []
    odd = len(named) - len(plain)
    return [*texts, f"{odd} that {'reads' if odd == 1 else 'read'} like a cell of the data"] if odd else texts


def quoted(names: Sequence[str]) -> str:
    """The names as part of a message, on one line."""
    return ", ".join(shown(names)) or "none"


def there_are(columns: Sequence[str], absent: Sequence[str] = (), *, known: Sequence[str] = ()) -> str:
    """Words on the columns that a table has; their number only, where its first row may be one of the data.

    Args:
        absent: What was looked for; a name that is close to one is suggested.
        known: Names that only a header holds, in any case. With one of them it is believed to be a header.
    """
    named = [column for column in columns if column]
    plain = _plausible(named)
    believed = {name.casefold() for name in known} & {name.casefold() for name in named}
    if len(plain) < len(named) and not believed:
        return f"Its first row, of {len(columns)} cells, does not look like a header; {SAVE}."
    close = [near for name in absent for near in difflib.get_close_matches(name, plain, n=1) if len(near) <= _LONGEST]
    return f"There are: {quoted(named)}." + (f" Did you mean {', '.join(close)}?" if close else "")


def _plausible(names: Sequence[str]) -> list[str]:
    """The names that read like names of columns, in their order."""
    stems = [re.sub(r"\d+$", "", name) for name in names]
    return [
        name
        for name, stem in zip(names, stems, strict=True)
        if _is_name(stem if stem and stems.count(stem) >= _FAMILY else name)
    ]


def _is_name(text: str) -> bool:
    """Whether a text reads like the name of a column: seen as it is, on one line, with a letter, without an id."""
    seen = all(character == " " or unicodedata.category(character)[0] not in "CZ" for character in text)
    return seen and not _CELL.fullmatch(text) and not _NO_NAME.search(text)
