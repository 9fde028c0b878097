"""Write numbers as words on the page, with a true minus sign and non-breaking spaces; an estimate has its interval."""

import math
from collections.abc import Callable, Sequence

MINUS = "\u2212"
EN_DASH = "\u2013"
NBSP = "\u00a0"


def number(value: float | int | None, digits: int = 2, *, sign: bool = False) -> str:
    """Write one number with `digits` decimals; "not available" when there is none."""
    if value is None or not math.isfinite(value):
        return "not available"
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    if value < 0:
        return MINUS + text
    return ("+" if sign else "") + text


def interval(low: float | None, high: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """Write the two ends of an interval, "0.78 to 0.88"; empty when it was not computed, or has no width."""
    if low is None or high is None or low == high or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{number(low, digits, sign=sign)} to {number(high, digits, sign=sign)}"


def estimate(value: float | None, low: float | None, high: float | None, *, digits: int = 2, sign: bool = False) -> str:
    """Write a value with its interval in brackets, or saying that it has none."""
    return f"{number(value, digits, sign=sign)} ({interval(low, high, digits) or 'no interval'})"


def p_value(p: float) -> str:
    """Write a p-value with three decimals, "below 0.001" where it is smaller than that."""
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def percent(fraction: float | int) -> str:
    """Write a share as a percentage without needless decimals."""
    return f"{100 * fraction:g}{NBSP}%"


def count(n: int | float) -> str:
    """Write a whole number with thousands separated."""
    return f"{round(n):,}"


def counted(n: int | float, what: str) -> str:
    """Write how many of something there are, with an s where it is not one."""
    return f"{count(n)} {what}{'' if n == 1 else 's'}"


def span(values: Sequence[float | int], say: Callable[[float | int], str] = count) -> str:
    """Write the smallest and the largest value, "3 to 5", or one where both are said alike."""
    return listed(list(dict.fromkeys([say(min(values)), say(max(values))])), last="to")


def duration(seconds: float | int) -> str:
    """Write seconds as hours, minutes and seconds, the two largest that matter."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours}{NBSP}h {minutes}{NBSP}min"
    if minutes:
        return f"{minutes}{NBSP}min {rest}{NBSP}s"
    return f"{rest}{NBSP}s"


def memory(megabytes: float | int) -> str:
    """Write megabytes as MB or GB."""
    return f"{megabytes / 1024:.1f}{NBSP}GB" if megabytes >= 1024 else f"{megabytes:.0f}{NBSP}MB"


def sentence(words: str) -> str:
    """Begin words with a capital letter."""
    return words[:1].upper() + words[1:]


def lowered(title: str) -> str:
    """Put a title inside a sentence: abbreviations stay as they are."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def share(fraction: float, digits: int = 0) -> str:
    """Say a share as a percentage, rounded."""
    return f"{number(100 * fraction, digits)}{NBSP}%"


def listed(words: list[str], *, last: str = "and") -> str:
    """Write words joined as English does: "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
