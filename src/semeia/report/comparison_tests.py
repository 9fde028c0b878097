"""Paired tests on the page: which differences stand when all that were looked at are counted, and what was in reach.

The table "comparisons" of a run comes in (evaluation/tables/comparisons.py); a section goes out. The tests that
answer the run's question are in the open, all others behind a fold.
"""

import polars as pl

from semeia.report.estimates import ALL, cohorts_of
from semeia.report.figures import DataTable, Palette, headline_arms
from semeia.report.names import arm_title, cohort_title, reference_title, stratum_title
from semeia.report.numbers import count, estimate, listed, number, p_value, percent
from semeia.report.run_folder import Run
from semeia.report.sections import Section, TitledTable

STANDS = 0.05
MOST_NAMED = 3
HEADS = ["Cohort", "Arm", "Minus", "Difference in AUROC", "p", "p after Holm", "Detectable", "Chance to find"]
TEXTS = ["outcome", "cohort", "stratum", "arm", "mode", "reference", "family"]
NOTE = (
    "Detectable: the smallest true difference that this cohort finds with 80\u00a0% power. Chance to find: the power "
    "for a true difference of {relevant}. Both are for one two-sided test at 5\u00a0%, before Holm's correction."
)


def comparisons_section(run: Run, palette: Palette, *, outcome: str) -> Section | None:
    """The paired tests of one outcome; None when the run has none."""
    table = run.tables.get("comparisons")
    if table is None or table.is_empty():
        return None
    tests = table.with_columns(pl.col(TEXTS).cast(pl.String)).filter(outcome=outcome)
    if tests.is_empty():
        return None
    stratum = run.restriction or ALL
    shown = _shown(tests.filter(stratum=stratum), run, palette)
    others = tests.join(shown, on=["cohort", "stratum", "arm", "mode", "fraction", "reference"], how="anti")
    cohorts = cohorts_of([e for e in run.estimates if e.outcome == outcome])
    relevant = number(tests["relevant_difference"][0], 2)
    tables = []
    if not shown.is_empty():
        note = NOTE.format(relevant=relevant)
        tables.append(TitledTable("Paired tests", note, DataTable(HEADS, _rows(shown, cohorts))))
    if not others.is_empty():
        heads = [*HEADS[:3], "Labels", "Among", *HEADS[3:]]
        rows = _rows(others, cohorts, wide=True)
        tables.append(TitledTable("All other paired tests", "", DataTable(heads, rows), folded=True))
    return Section(
        key="comparison-tests",
        heading="Paired tests",
        lead=_lead(tests),
        points=[*_standing(shown, cohorts), *_power(shown, cohorts, relevant), *_folded(others)],
        tables=tables,
    )


def _shown(tests: pl.DataFrame, run: Run, palette: Palette) -> pl.DataFrame:
    """At full labels: pretraining against none where the run has both, else the arms worth a line of their own."""
    full = tests.filter(pl.col("fraction") == pl.col("fraction").max().over("arm", "mode"))
    pairs = full.select("arm", "reference").rows()
    asked = full.filter(pl.Series([_asked(arm, reference, palette) for arm, reference in pairs], dtype=pl.Boolean))
    if not asked.is_empty():
        return asked
    arms = headline_arms(run.estimates, palette)
    keep = [(arm, mode) in arms for arm, mode in full.select("arm", "mode").iter_rows()]
    return full.filter(pl.Series(keep, dtype=pl.Boolean))


def _asked(arm: str, reference: str, palette: Palette) -> bool:
    one, other = palette.arm(arm), palette.arm(reference.partition("/")[0])
    return one.role == "pretrained" and other.role == "scratch" and one.family == other.family


def _lead(tests: pl.DataFrame) -> str:
    families = tests["family"].n_unique()
    standing = tests.filter(pl.col("p_holm") < STANDS).height
    sizes = sorted(set(tests["family_tests"].to_list()))
    of = count(sizes[0]) if len(sizes) == 1 else f"{count(sizes[0])} to {count(sizes[-1])}"
    parted = "in one family" if families == 1 else f"in {count(families)} families of {of}"
    found = "no difference stands" if not standing else f"{count(standing)} {_stand(standing)}"
    return (
        f"{_count(tests.height, 'paired test')} of AUROC (DeLong, clustered by patient) {parted}; "
        f"after Holm's correction within each family {found} at 5\u00a0%."
    )


def _count(n: int, what: str) -> str:
    return f"{count(n)} {what}{'' if n == 1 else 's'}"


def _stand(n: int) -> str:
    return "difference stands" if n == 1 else "differences stand"


def _standing(shown: pl.DataFrame, cohorts: list[str]) -> list[str]:
    """A sentence for each cohort and reference of the open table whose tests found something."""
    points = []
    for cohort in cohorts:
        for part in shown.filter(cohort=cohort).partition_by("reference", maintain_order=True):
            found = part.filter(pl.col("p_holm") < STANDS).sort("p_holm")
            if found.is_empty():
                continue
            names = [_named(row) for row in found.head(MOST_NAMED).iter_rows(named=True)]
            names += [f"{count(found.height - MOST_NAMED)} more"] if found.height > MOST_NAMED else []
            points.append(
                f"{cohort_title(cohort)}, minus {reference_title(part['reference'][0])}: {count(found.height)} "
                f"{_stand(found.height)}: {listed(names)}."
            )
    return points


def _named(row: dict) -> str:
    return f"{arm_title(row['arm'], row['mode'])} ({number(row['difference'], 3, sign=True)})"


def _power(shown: pl.DataFrame, cohorts: list[str], relevant: str) -> list[str]:
    """What the tests of the open table that found nothing could have found."""
    points = []
    for cohort in cohorts:
        open_ = shown.filter(cohort=cohort).filter(pl.col("p_holm") >= STANDS)
        if open_.is_empty():
            continue
        reach = _range([number(value, 3) for value in sorted(open_["detectable_difference"])])
        chance = _range([_chance(value) for value in sorted(open_["power"])])
        points.append(
            f"{cohort_title(cohort)}: {_count(open_.height, 'test')} below without a difference that stands, which "
            f"does not mean that there is none. Such a test finds a difference of {reach} with 80\u00a0% power; its "
            f"chance to find one of {relevant} was {chance}."
        )
    return points


def _folded(others: pl.DataFrame) -> list[str]:
    standing = others.filter(pl.col("p_holm") < STANDS).height
    if not standing:
        return []
    return [f"Of the {_count(others.height, 'other test')}, folded below, {count(standing)} {_stand(standing)}."]


def _chance(power: float) -> str:
    return f"over {percent(0.99)}" if power > 0.99 else percent(round(power, 2))


def _range(rising: list[str]) -> str:
    return rising[0] if rising[0] == rising[-1] else f"{rising[0]} to {rising[-1]}"


def _rows(tests: pl.DataFrame, cohorts: list[str], *, wide: bool = False) -> list[list[str]]:
    order = {cohort: number for number, cohort in enumerate(cohorts)}
    ordered = sorted(tests.iter_rows(named=True), key=lambda row: order.get(row["cohort"], len(order)))
    return [_row(row, wide=wide) for row in ordered]


def _row(row: dict, *, wide: bool) -> list[str]:
    start = [cohort_title(row["cohort"]), arm_title(row["arm"], row["mode"]), reference_title(row["reference"])]
    among = "all" if row["stratum"] == ALL else stratum_title(row["stratum"])
    return [
        *start,
        *([percent(row["fraction"]), among] if wide else []),
        estimate(row["difference"], row["low"], row["high"], digits=3, sign=True),
        p_value(row["p"]),
        p_value(row["p_holm"]),
        number(row["detectable_difference"], 3),
        _chance(row["power"]),
    ]
