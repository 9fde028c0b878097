"""The rows of results.csv as typed records, and the few ways in which the page picks among them."""

import math
from dataclasses import dataclass

import polars as pl

from semeia.report.names import ROLES, arm_of


@dataclass(frozen=True)
class Estimate:
    """One row of the results: a level (`reference` empty) or a paired difference, with its interval."""

    study: str
    outcome: str
    arm: str
    reference: str
    mode: str
    fraction: float
    cohort: str
    stratum: str
    metric: str
    value: float
    low: float | None
    high: float | None
    interval_method: str
    n: int
    n_patients: int
    n_positive: int
    seeds: str

    @property
    def direction(self) -> str:
        """Whether the interval of a difference lies above zero, below it, or holds it."""
        if self.low is None or self.high is None:
            return "unclear"
        return "better" if self.low > 0 else "worse" if self.high < 0 else "unclear"


ALL = "all"  # the stratum without a restriction
MACRO = "macro_auroc"
TEXT = (
    "study",
    "outcome",
    "arm",
    "reference",
    "mode",
    "cohort",
    "stratum",
    "metric",
    "interval_method",
    "seeds",
)
WHOLE = ("n", "n_patients", "n_positive")


def estimates_of(results: pl.DataFrame) -> list[Estimate]:
    """Every row with a finite value, in the order of the table."""
    texts = [pl.col(name).cast(pl.String).fill_null("") for name in TEXT]
    counts = [pl.col(name).cast(pl.Int64).fill_null(0) for name in WHOLE]
    rows = results.with_columns(*texts, *counts).select(list(Estimate.__dataclass_fields__)).iter_rows(named=True)
    return [Estimate(**row) for row in rows if row["value"] is not None and math.isfinite(row["value"])]


def find(
    estimates: list[Estimate],
    *,
    metric: str,
    outcome: str | None = None,
    arm: str | None = None,
    mode: str | None = None,
    cohort: str | None = None,
    fraction: float | None = None,
    stratum: str = ALL,
    differences: bool = False,
) -> list[Estimate]:
    """The rows that fit; what is left out (None) may be anything."""
    return [
        e
        for e in estimates
        if e.metric == metric
        and e.stratum == stratum
        and bool(e.reference) == differences
        and outcome in (None, e.outcome)
        and arm in (None, e.arm)
        and mode in (None, e.mode)
        and cohort in (None, e.cohort)
        and fraction in (None, e.fraction)
    ]


def headline_metric(estimates: list[Estimate], *, outcome: str) -> str:
    """By what arms are compared first: AUROC, or macro AUROC where the outcome has several classes."""
    several = any(e.metric == MACRO and e.outcome == outcome for e in estimates)
    return MACRO if several else "auroc"


def full_labels(estimates: list[Estimate]) -> list[Estimate]:
    """Only the rows at the largest label fraction that their arm was given."""
    largest: dict[tuple[str, str, str], float] = {}
    for e in estimates:
        key = (e.outcome, e.arm, e.mode)
        largest[key] = max(e.fraction, largest.get(key, 0.0))
    return [e for e in estimates if e.fraction == largest[e.outcome, e.arm, e.mode]]


def cohorts_of(estimates: list[Estimate]) -> list[str]:
    """Internal first, external second, any other in the order of the table."""
    found = list(dict.fromkeys(e.cohort for e in estimates))
    return sorted(found, key=lambda c: {"internal": 0, "external": 1}.get(c, 2))


def arms_of(estimates: list[Estimate], pretrained: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """The (arm, mode) pairs in the order of the results table: by the part they play, then as they come."""
    order = list(ROLES)
    pairs = list(dict.fromkeys((e.arm, e.mode) for e in estimates))
    return sorted(pairs, key=lambda pair: order.index(arm_of(pair[0], pretrained).role))


def outcomes_of(estimates: list[Estimate]) -> list[str]:
    """The outcomes in the order of the table; the first is the one the figures show."""
    return list(dict.fromkeys(e.outcome for e in estimates))
