"""The tables that an evaluation gives beside its results: a name and a pure function of `Judged` each.

A new analysis is one file and one line here; its table is written as tables/<name>.csv, and left out when empty.
"""

from collections.abc import Callable

import polars as pl

from semeia.evaluation.judged import Judged

ANALYSES: dict[str, Callable[[Judged], pl.DataFrame]] = {}
