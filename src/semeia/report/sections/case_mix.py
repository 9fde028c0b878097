"""The tables of the section on other cohorts: who is in them, and how many a validation needs."""

import polars as pl

from semeia.report.content import DataTable, TitledTable
from semeia.report.estimates import rows_of
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
Key = tuple[str, str, str]  # cohort, characteristic, level


def who_table(names: Names, mix: pl.DataFrame, cohorts: list[str]) -> TitledTable | None:
    """Tabulate sizes, prevalence and covariates, cohorts side by side.

    Args:
        mix: the table "case_mix".
        cohorts: in the order of the page.
    """
    own = mix.filter(arm="")
    if own.is_empty():
        return None
    at: dict[Key, dict[str, dict]] = {}
    for row in own.iter_rows(named=True):
        at.setdefault((row["cohort"], row["characteristic"], row["level"]), {})[row["measure"]] = row
    others = [cohort for cohort in cohorts if not own.filter(pl.col("compared_with") != "", cohort=cohort).is_empty()]
    rows: list[list[str]] = []
    for name in own["characteristic"].unique(maintain_order=True):
        levels = own.filter(characteristic=name, measure="share")["level"].unique(maintain_order=True).to_list()
        for level in levels if name not in PLAIN and levels else [""]:
            title = PLAIN.get(name, covariate_heading(name)) + (f": {level}" if level else _kind(own, name))
            # the largest difference is one of all levels: it stands beside the first.
            first = level in ("", *levels[:1])
            differences = [_difference(at.get((cohort, name, ""), {})) if first else "" for cohort in others]
            rows.append([title, *(_cell(at.get((cohort, name, level), {})) for cohort in cohorts), *differences])
    heads = ["", *(names.cohort(cohort) for cohort in cohorts)]
    heads += [f"Difference, {names.cohort(cohort)}" if len(others) > 1 else "Difference" for cohort in others]
    differ = "Difference: standardised of means; of shares, the largest. " if others else ""
    note = f"Of numbers median and quartiles, of words shares. {differ}Values of fewer than 10 patients are pooled."
    title = "Who is in each cohort" if len(cohorts) > 1 else "Who was tested"
    return TitledTable(title, note, DataTable(heads, rows), folded=True)


def _kind(own: pl.DataFrame, name: str) -> str:
    return ", median (quartiles)" if not own.filter(characteristic=name, measure="median").is_empty() else ""


def _cell(known: dict[str, dict]) -> str:
    """What is known of one level in one cohort, by measure."""
    if "count" in known:
        return count(known["count"]["value"])
    if "mean" in known:
        return number(known["mean"]["value"], 2)
    if "share" in known:
        value, low, high = (known["share"][end] for end in ("value", "low", "high"))
        return _percent(value) + (f" ({_percent(low)} to {_percent(high)})" if low is not None else "")
    if not {"median", "lower quartile", "upper quartile"} <= known.keys():
        return "too few"
    median, low, high = (f"{known[part]['value']:g}" for part in ("median", "lower quartile", "upper quartile"))
    missing = known["missing"]["value"] if "missing" in known else 0
    return f"{median} ({low} to {high})" + (f"; {_percent(missing)} missing" if missing > 0 else "")


def _difference(known: dict[str, dict]) -> str:
    found = [(measure, known[measure]["value"]) for measure in COMPARED if measure in known]
    return number(found[0][1], 2, sign=found[0][0] == COMPARED[0]) if found else ""


def size_table(names: Names, sizes: pl.DataFrame, arms: list[Pair], cohorts: list[str]) -> TitledTable | None:
    """Tabulate units needed for intervals of a stated width, against those there are, of the first arm."""
    order = {cohort: at for at, cohort in enumerate(cohorts)}
    rows = [
        [
            names.cohort(row["cohort"]),
            metric_title(row["criterion"]),
            *(number(row[name], 2) for name in ("target_width", "expected_width")),
            *(count(row[name]) for name in ("needed", "n", "n_patients")),
            REACHED[row["reached"]],
        ]
        for row in sorted(rows_of(sizes, arms[:1]), key=lambda row: order.get(row["cohort"], len(order)))
    ]
    heads = ["Cohort", "Measure", "Width aimed at", "Width to expect", "Needed", "Units", "Patients", "Enough"]
    title = f"How many units a validation of {names.arm(*arms[0])} needs" if arms else ""
    return TitledTable(title, SIZE_NOTE, DataTable(heads, rows), folded=True) if rows else None


def cohorts_in(run: Run, mix: pl.DataFrame) -> list[str]:
    """Return the cohorts that a table of case mix speaks of, in the order of the page."""
    present = mix["cohort"].unique(maintain_order=True).to_list()
    return sorted(present, key=lambda cohort: run.cohorts.index(cohort) if cohort in run.cohorts else len(present))


def _percent(share: float) -> str:
    return percent(round(share, 2))
