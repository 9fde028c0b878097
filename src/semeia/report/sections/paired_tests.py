"""Show paired tests: which differences stand when all that were looked at are counted, and what was in reach."""

from collections.abc import Iterator

import polars as pl

from semeia.report.content import Section
from semeia.report.estimates import STANDS, pairs_of
from semeia.report.names import Names
from semeia.report.numbers import count, counted, listed, number, percent, span
from semeia.report.run_folder import Run

MOST_NAMED = 3


def comparisons_section(run: Run) -> Section | None:
    """Show the paired tests of one outcome; None when the run has none."""
    names, tests, cohorts = run.names, run.table("comparisons"), run.cohorts
    if tests.is_empty():
        return None
    shown = _shown(tests, run, names)
    relevant = number(tests["relevant_difference"][0], 2)
    return Section(
        key="comparison-tests",
        heading="Paired tests",
        lead=_lead(tests),
        points=[*_standing(names, shown, cohorts), *_power(names, shown, cohorts, relevant), *_rest(tests, shown)],
        files=run.files("comparisons"),
    )


def _shown(tests: pl.DataFrame, run: Run, names: Names) -> pl.DataFrame:
    """At full labels: pretraining against none where the run has both, else the arms worth a line of their own."""
    full = tests.filter(pl.col("fraction") == pl.col("fraction").max().over("arm", "mode"))
    pairs = full.select("arm", "reference").rows()
    asked = full.filter(pl.Series([names.is_pretraining(arm, other) for arm, other in pairs], dtype=pl.Boolean))
    if not asked.is_empty():
        return asked
    arms = names.headlines(pairs_of(run.estimates))
    keep = [(arm, mode) in arms for arm, mode in full.select("arm", "mode").iter_rows()]
    return full.filter(pl.Series(keep, dtype=pl.Boolean))


def _lead(tests: pl.DataFrame) -> str:
    families = tests["family"].n_unique()
    standing = tests.filter(pl.col("p_holm") < STANDS).height
    sizes = sorted(set(tests["family_tests"].to_list()))
    of = count(sizes[0]) if len(sizes) == 1 else f"{count(sizes[0])} to {count(sizes[-1])}"
    parted = "in one family" if families == 1 else f"in {count(families)} families of {of}"
    found = "no difference stands" if not standing else f"{count(standing)} {_stand(standing)}"
    return (
        f"{counted(tests.height, 'paired test')} of AUROC (DeLong, clustered by patient) {parted}; "
        f"after Holm's correction within each family {found} at 5\u00a0%."
    )


def _stand(n: int) -> str:
    return "difference stands" if n == 1 else "differences stand"


def _standing(names: Names, shown: pl.DataFrame, cohorts: list[str]) -> Iterator[str]:
    """A sentence for each cohort and reference whose tests found something."""
    for cohort in cohorts:
        standing = shown.filter(pl.col("p_holm") < STANDS, cohort=cohort)
        for part in standing.partition_by("reference", maintain_order=True):
            found = part.sort("p_holm")
            arms = [
                f"{names.arm(row['arm'], row['mode'])} ({number(row['difference'], 3, sign=True)})"
                for row in found.head(MOST_NAMED).iter_rows(named=True)
            ]
            arms += [f"{count(found.height - MOST_NAMED)} more"] if found.height > MOST_NAMED else []
            yield (
                f"{names.cohort(cohort)}, minus {names.reference(part['reference'][0])}: {count(found.height)} "
                f"{_stand(found.height)}: {listed(arms)}."
            )


def _power(names: Names, shown: pl.DataFrame, cohorts: list[str], relevant: str) -> Iterator[str]:
    """What the tests that found nothing could have found."""
    for cohort in cohorts:
        open_ = shown.filter(pl.col("p_holm") >= STANDS, cohort=cohort)
        if open_.is_empty():
            continue
        reach = span(open_["detectable_difference"].to_list(), lambda value: number(value, 3))
        power = open_["power"].to_list()
        chance = span(power, lambda p: f"over {percent(0.99)}" if p > 0.99 else percent(round(p, 2)))
        yield (
            f"{names.cohort(cohort)}: {counted(open_.height, 'test')} without a difference that stands, which "
            f"does not mean that there is none. Such a test finds a difference of {reach} with 80\u00a0% power; its "
            f"chance to find one of {relevant} was {chance}."
        )


def _rest(tests: pl.DataFrame, shown: pl.DataFrame) -> list[str]:
    every, among = (table.filter(pl.col("p_holm") < STANDS).height for table in (tests, shown))
    others = counted(tests.height - shown.height, "other test")
    more = every - among
    return [f"Of the {others}, in the file below, {count(more)} {_stand(more)}."] if more else []
