"""Hold the rows of results.csv as typed records, and pick among them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import polars as pl

from semeia.evaluation.schema import RESULT_COLUMNS
from semeia.report.names import Pair
from semeia.report.numbers import NBSP, p_value


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
    n_positive_patients: int | None = None
    p_holm: float | None = None

    @property
    def few(self) -> bool:
        """Whether the rarer class has too few units or patients for a number in a headline."""
        patients = self.n_patients if self.n_positive_patients is None else self.n_positive_patients
        return min(self.n_positive, self.n - self.n_positive, patients) < FEWEST

    @property
    def direction(self) -> str:
        """Say whether a difference is better, worse or unclear, by the corrected test or else by its interval."""
        if self.few:
            return "unclear"
        if self.p_holm is not None:
            return "unclear" if self.p_holm >= STANDS else "better" if self.value > 0 else "worse"
        if self.low is None or self.high is None:
            return "unclear"
        return "better" if self.low > 0 else "worse" if self.high < 0 else "unclear"

    @property
    def tested_words(self) -> str:
        """Say the corrected p-value, to stand after the interval; empty where it was not tested."""
        return "" if self.p_holm is None else f", p{NBSP}{p_value(self.p_holm)}"


STANDS = 0.05
FEWEST = 10
MACRO = "macro_auroc"
TEXTS = tuple(name for name, kind in RESULT_COLUMNS.items() if kind == pl.String)
TESTED = ("study", "outcome", "cohort", "stratum", "arm", "mode", "fraction", "reference")
WHOLE = ("n", "n_patients", "n_positive")


def estimates_of(results: pl.DataFrame) -> list[Estimate]:
    """Return every row with a finite value, in the order of the table."""
    texts = [pl.col(name).cast(pl.String).fill_null("") for name in (*TEXTS, "seeds")]
    counts = [pl.col(name).cast(pl.Int64).fill_null(0) for name in WHOLE]
    columns = [name for name in Estimate.__dataclass_fields__ if name != "p_holm"]
    rows = results.with_columns(*texts, *counts).select(columns).iter_rows(named=True)
    return [Estimate(**row) for row in rows if row["value"] is not None and math.isfinite(row["value"])]


def with_tests(estimates: list[Estimate], tests: pl.DataFrame | None) -> list[Estimate]:
    """Give each difference of AUROC its p-value after Holm, and what was detectable, from the table of paired tests."""
    needed = {*TESTED, "p_holm", "detectable_difference"}
    if tests is None or tests.is_empty() or not needed <= set(tests.columns):
        return estimates
    at = {tuple(row[name] for name in TESTED): row for row in tests.iter_rows(named=True)}
    tested = []
    for e in estimates:
        row = at.get(tuple(getattr(e, name) for name in TESTED)) if e.reference else None
        if row is not None and e.metric == "auroc":
            e = replace(e, p_holm=row["p_holm"])
        elif row is not None and e.metric == "auroc_detectable_difference":
            e = replace(e, value=row["detectable_difference"])
        tested.append(e)
    return tested


def full_labels(estimates: list[Estimate]) -> list[Estimate]:
    """Return only the rows at the largest label fraction that their arm was given."""
    largest = {(e.outcome, e.arm, e.mode): e.fraction for e in sorted(estimates, key=lambda e: e.fraction)}
    return [e for e in estimates if e.fraction == largest[e.outcome, e.arm, e.mode]]


def cohorts_of(estimates: list[Estimate]) -> list[str]:
    """Return internal first, external second, any other in the order of the table."""
    found = list(dict.fromkeys(e.cohort for e in estimates))
    return sorted(found, key=lambda c: {"internal": 0, "external": 1}.get(c, 2))


def by_cohort(estimates: list[Estimate]) -> list[Estimate]:
    """Return the rows with their cohorts in the order of the page."""
    order = cohorts_of(estimates)
    return sorted(estimates, key=lambda e: order.index(e.cohort))


def pairs_of(estimates: Iterable[Estimate]) -> list[Pair]:
    """Return the arms and modes, each once."""
    return list(dict.fromkeys((e.arm, e.mode) for e in estimates))


def rows_of(table: pl.DataFrame, arms: list[Pair]) -> list[dict]:
    """Pick the rows of a further table that speak of these arms, in their order."""
    rows = [row for row in table.iter_rows(named=True) if (row["arm"], row["mode"]) in arms]
    return sorted(rows, key=lambda row: arms.index((row["arm"], row["mode"])))


def held_by(table: pl.DataFrame, arms: list[Pair]) -> list[Pair]:
    """Keep the arms and modes that a further table has rows of, in their order."""
    held = set(table.select("arm", "mode").rows())
    return [arm for arm in arms if arm in held]
