"""The tables of the section on other cohorts: who is in them, and how many a validation needs."""

import polars as pl

from semeia.report.content import DataTable, TitledTable
from semeia.report.estimates import cohorts_of, rows_of
from semeia.report.metrics import covariate_heading, metric_title
from semeia.report.names import Names, Pair
from semeia.report.numbers import count, number, percent
from semeia.report.run_folder import Run

PLAIN = {"units": "Units", "patients": "Patients", "units a patient": "Units a patient", "prevalence": "Positive"}
COMPARED = ("standardised mean difference", "largest difference of shares")
REACHED = {"yes": "yes", "units": "only if the units of a patient were independent", "no": "no"}
SIZE_NOTE = (
    "How many units an external validation needs for 95\u00a0% intervals of the width aimed at (Riley et al. 2021), "
    "assuming the AUROC and the spread of scores seen where thresholds are chosen, and each cohort's own prevalence, "
    "at which net benefit is judged. The formulas are for independent units; where patients have several, the truth "
    "lies between both counts."
)
Key = tuple[str, str, str, str]


def who_table(names: Names, mix: pl.DataFrame, cohorts: list[str]) -> TitledTable | None:
    """Tabulate sizes, prevalence and covariates, cohorts side by side.

    Args:
        mix: the table "case_mix".
        cohorts: in the order of the page.
    """
    own = mix.filter(arm="")
    if own.is_empty():
        return None
    at: dict[Key, dict] = {
        (row["cohort"], row["characteristic"], row["level"], row["measure"]): row for row in own.iter_rows(named=True)
    }
    others = [cohort for cohort in cohorts if not own.filter(pl.col("compared_with") != "", cohort=cohort).is_empty()]
    rows: list[list[str]] = []
    for name in own["characteristic"].unique(maintain_order=True):
        levels = own.filter(characteristic=name, measure="share")["level"].unique(maintain_order=True).to_list()
        for level in levels if name not in PLAIN and levels else [""]:
            title = PLAIN.get(name, covariate_heading(name)) + (f": {level}" if level else _kind(own, name))
            # the largest difference is one of all levels: it stands beside the first.
            differences = [_difference(at, cohort, name) if level in ("", *levels[:1]) else "" for cohort in others]
            rows.append([title, *(_cell(at, cohort, name, level) for cohort in cohorts), *differences])
    heads = ["", *(names.cohort(cohort) for cohort in cohorts)]
    heads += [f"Difference, {names.cohort(cohort)}" if len(others) > 1 else "Difference" for cohort in others]
    differ = "Difference: standardised of means; of shares, the largest. " if others else ""
    note = f"Of numbers median and quartiles, of words shares. {differ}Values of fewer than 10 patients are pooled."
    title = "Who is in each cohort" if len(cohorts) > 1 else "Who was tested"
    return TitledTable(title, note, DataTable(heads, rows), folded=True)


def _kind(own: pl.DataFrame, name: str) -> str:
    return ", median (quartiles)" if not own.filter(characteristic=name, measure="median").is_empty() else ""


def _cell(at: dict[Key, dict], cohort: str, name: str, level: str) -> str:
    if (count_row := at.get((cohort, name, level, "count"))) is not None:
        return count(count_row["value"])
    if (mean := at.get((cohort, name, level, "mean"))) is not None:
        return number(mean["value"], 2)
    if (share := at.get((cohort, name, level, "share"))) is not None:
        words = _percent(share["value"])
        return f"{words} ({_percent(share['low'])} to {_percent(share['high'])})" if share["low"] is not None else words
    found = [at.get((cohort, name, level, f"{part}")) for part in ("median", "lower quartile", "upper quartile")]
    if any(row is None for row in found):
        return "too few"
    median, low, high = (f"{row['value']:g}" for row in found if row is not None)
    missing = at.get((cohort, name, level, "missing"))
    lost = f"; {_percent(missing['value'])} missing" if missing is not None and missing["value"] > 0 else ""
    return f"{median} ({low} to {high}){lost}"


def _difference(at: dict[Key, dict], cohort: str, name: str) -> str:
    for measure in COMPARED:
        if (row := at.get((cohort, name, "", measure))) is not None:
            return number(row["value"], 2, sign=measure == COMPARED[0])
    return ""


def size_table(names: Names, sizes: pl.DataFrame, arms: list[Pair], cohorts: list[str]) -> TitledTable | None:
    """Tabulate units needed for intervals of a stated width, against those there are, of the first arm."""
    order = {cohort: at for at, cohort in enumerate(cohorts)}
    rows = sorted(rows_of(sizes, arms[:1]), key=lambda row: order.get(row["cohort"], len(order)))
    heads = ["Cohort", "Measure", "Width aimed at", "Width to expect", "Needed", "Units", "Patients", "Enough"]
    if not rows:
        return None
    title = f"How many units a validation of {names.arm(*arms[0])} needs"
    return TitledTable(title, SIZE_NOTE, DataTable(heads, [_size_words(names, row) for row in rows]), folded=True)


def _size_words(names: Names, row: dict) -> list[str]:
    return [
        names.cohort(row["cohort"]),
        metric_title(row["criterion"]),
        number(row["target_width"], 2),
        number(row["expected_width"], 2),
        *(count(row[name]) for name in ("needed", "n", "n_patients")),
        REACHED[row["reached"]],
    ]


def cohorts_in(run: Run, mix: pl.DataFrame, *, outcome: str) -> list[str]:
    """Return the cohorts that a table of case mix speaks of, in the order of the page."""
    known = cohorts_of([e for e in run.estimates if e.outcome == outcome])
    present = mix["cohort"].unique(maintain_order=True).to_list()
    return [*(c for c in known if c in present), *(c for c in present if c not in known)]


def _percent(share: float) -> str:
    return percent(round(share, 2))
