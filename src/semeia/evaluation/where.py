"""Conditions on rows, as `--where` takes them: a small grammar, and nothing that could open a file or run for long.

    condition  = and ( OR and )*              and  = not ( AND not )*            not = [ NOT ] test
    test       = value [ = | <> | != | < | <= | > | >= value ]  |  value [ NOT ] IN ( literal, ... )
               | value [ NOT ] BETWEEN literal AND literal  |  value IS [ NOT ] NULL  |  ( condition )
    value      = column | literal             literal = number | 'text' | TRUE | FALSE

Columns whose names are not plain words stand in double quotes. A comparison with an empty cell is neither true nor
false, as in SQL; IS NULL finds it. Only what a user types is read here: an expression that stands in a file of results
is shown and never evaluated.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from semeia.errors import InputError

LONGEST = 4000
DEEPEST = 50
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?!\w)|(?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")+")
    |(?P<word>[^\W\d]\w*)|(?P<sign><=|>=|<>|!=|==|[=<>(),-])|(?P<end>$))""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "=": operator.eq,
    "==": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KEYWORDS = {"AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "TRUE", "FALSE"}


def parse_condition(text: str, table: pl.DataFrame) -> pl.Expr:
    """Read a condition, true, false or neither for each row, over the columns of a table; no row is looked at.

    Raises:
        InputError: what stands at which place and why it cannot be read; of a column only its name.
    """
    if len(text) > LONGEST:
        raise InputError(f"has {len(text)} characters; at most {LONGEST} are read")
    parser = _Parser(_tokens(text), table)
    condition = parser.either()
    if parser.token.kind != "end":
        raise parser.error("AND, OR or the end of the condition")
    if condition.family != "boolean":
        raise InputError("is not true or false for each row; write a comparison such as age >= 60")
    return condition.expression


class _Token(NamedTuple):
    kind: str
    text: str
    place: int

    @property
    def keyword(self) -> str:
        return self.text.upper() if self.kind == "word" and self.text.upper() in _KEYWORDS else ""


class _Value(NamedTuple):
    """An expression with what it can be compared with: number, text or boolean values, or (null) nothing."""

    expression: pl.Expr
    family: str
    words: str


@dataclass
class _Parser:
    """Reads tokens from left to right; each method takes what it is named after."""

    tokens: list[_Token]
    table: pl.DataFrame
    at: int = 0
    depth: int = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def error(self, wanted: str) -> InputError:
        got = "it ends" if self.token.kind == "end" else f"there is {self.token.text}"
        return InputError(f"at character {self.token.place + 1}: expected {wanted}, but {got}")

    def took(self, *keywords: str) -> bool:
        """Whether the next token is one of these keywords or signs; it is passed then."""
        if (self.token.keyword or self.token.text * (self.token.kind == "sign")) in keywords:
            self.at += 1
            return True
        return False

    def need(self, keyword: str) -> None:
        if not self.took(keyword):
            raise self.error(keyword)

    def either(self) -> _Value:
        found = self.both()
        while self.took("OR"):
            found = _joined(found, self.both(), operator.or_, "OR")
        return found

    def both(self) -> _Value:
        found = self.negated()
        while self.took("AND"):
            found = _joined(found, self.negated(), operator.and_, "AND")
        return found

    def negated(self) -> _Value:
        self.depth += 1
        if self.depth > DEEPEST:
            raise InputError(f"is nested more than {DEEPEST} deep")
        if self.took("NOT"):
            inner = self.negated()
            found = _joined(inner, inner, lambda one, _: ~one, "NOT")
        else:
            found = self.test()
        self.depth -= 1
        return found

    def test(self) -> _Value:
        if self.took("("):
            found = self.either()
            self.need(")")
        else:
            found = self.value()
        sign = self.token.text
        if self.token.kind == "sign" and sign in _COMPARE:
            self.at += 1
            return _compared(found, self.value(), _COMPARE[sign], sign)
        if self.took("IS"):
            negative = self.took("NOT")
            self.need("NULL")
            return _Value(found.expression.is_not_null() if negative else found.expression.is_null(), "boolean", "IS")
        negative = self.took("NOT")
        if self.took("IN"):
            inside = self.listed(found)
        elif self.took("BETWEEN"):
            low = _compared(found, self.literal(), operator.ge, "BETWEEN")
            self.need("AND")
            inside = _joined(low, _compared(found, self.literal(), operator.le, "BETWEEN"), operator.and_, "AND")
        elif negative:
            raise self.error("IN or BETWEEN after NOT")
        else:
            return found
        return inside._replace(expression=~inside.expression) if negative else inside

    def listed(self, value: _Value) -> _Value:
        self.need("(")
        found = _compared(value, self.literal(), operator.eq, "IN")
        while self.took(","):
            found = _joined(found, _compared(value, self.literal(), operator.eq, "IN"), operator.or_, "OR")
        self.need(")")
        return found

    def value(self) -> _Value:
        token = self.token
        if token.kind != "quoted" and (token.kind != "word" or token.keyword):
            return self.literal()
        name = token.text[1:-1].replace('""', '"') if token.kind == "quoted" else token.text
        following = self.tokens[self.at + 1]
        if following.kind == "sign" and following.text == "(":
            raise InputError(f"at character {token.place + 1}: {name}(...) is a function, and functions are not known")
        if name not in self.table.columns:
            raise InputError(f"at character {token.place + 1}: there is no column {name}")
        self.at += 1
        return _Value(pl.col(name), _family(self.table[name]), f"column {name}")

    def literal(self) -> _Value:
        negative = self.took("-")
        token = self.token
        if token.kind == "number":
            self.at += 1
            number = float(token.text) if re.search(r"[.eE]", token.text) else int(token.text)
            return _Value(pl.lit(-number if negative else number), "number", "a number")
        if not negative and token.kind == "text":
            self.at += 1
            return _Value(pl.lit(token.text[1:-1].replace("''", "'")), "text", "text in quotes")
        if not negative and token.keyword in ("TRUE", "FALSE"):
            self.at += 1
            return _Value(pl.lit(token.keyword == "TRUE"), "boolean", token.keyword)
        raise self.error("a number" if negative else "a column, a number or text in 'quotes'")


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while not found or found[-1].kind != "end":
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise InputError(f"at character {at + 1}: {text[at]} means nothing here")
        kind = match.lastgroup
        found.append(_Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return found


def _family(column: pl.Series) -> str:
    dtype = column.dtype
    if dtype.is_numeric():
        return "number"
    names = {pl.String: "text", pl.Categorical: "text", pl.Enum: "text", pl.Boolean: "boolean", pl.Null: "null"}
    return next((name for kind, name in names.items() if dtype == kind), str(dtype))


def _compared(one: _Value, other: _Value, compare: Callable[[pl.Expr, pl.Expr], pl.Expr], sign: str) -> _Value:
    families = {one.family, other.family}
    if "null" in families:
        return _Value(pl.lit(None, pl.Boolean), "boolean", sign)
    if len(families) > 1 or not families <= {"number", "text", "boolean"}:
        raise InputError(f"{one.words} ({one.family}) cannot be compared with {other.words} ({other.family})")
    return _Value(compare(one.expression, other.expression), "boolean", "a comparison")


def _joined(one: _Value, other: _Value, join: Callable[[pl.Expr, pl.Expr], pl.Expr], word: str) -> _Value:
    for value in (one, other):
        if value.family != "boolean":
            raise InputError(f"{value.words} stands at {word}, which wants something true or false")
    return _Value(join(one.expression, other.expression), "boolean", "a comparison")
