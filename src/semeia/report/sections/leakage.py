"""Show the leakage audit on the page: what was checked, what was found, and what could not be checked here."""

import polars as pl

from semeia.report.content import DataTable, Section, TitledTable
from semeia.report.names import Names
from semeia.report.numbers import count, estimate
from semeia.report.run_folder import Run

STATES = {"clear": "clear", "found": "found", "unknown": "not known"}
# What only the run that trained the models can tell; named as not known where it did not.
OF_A_RUN = (
    "Tested patients that were pretrained on",
    "Tested patients that were trained on",
    "Tested images that look like a training patient's",
    "Site told from the embedding",
    "Shuffled training labels",
)


def leakage_section(run: Run) -> Section | None:
    """Show one row a check; None when the run has no such table."""
    names = run.names
    table = run.tables.get("leakage")
    if table is None:
        return None
    missing = [name for name in OF_A_RUN if name not in set(table["check"])] if run.trained_here else []
    found = table.filter(pl.col("state") == "found")
    rows = [
        [row["check"], _arm(names, row), STATES.get(row["state"], row["state"]), _measure(row), row["words"]]
        for row in table.sort(pl.col("state") != "found", maintain_order=True).iter_rows(named=True)
    ]
    unknown = [[name, "", STATES["unknown"], "", "needs the archive and the trained models"] for name in missing]
    lead = audit_words(table, not_made=len(missing))
    told = [(_arm(names, row), row["check"], _measure(row)) for row in found.iter_rows(named=True)]
    points = [f"{f'{arm}. ' if arm else ''}{check}: {measure}." for arm, check, measure in told]
    note = "A check that is clear makes leakage less likely; it does not prove that there is none."
    data = DataTable(["Check", "Where", "State", "Found", "What was looked at"], [*rows, *unknown])
    return Section("leakage", "Leakage and shortcuts", lead, points, tables=[TitledTable("The audit", note, data)])


def audit_words(table: pl.DataFrame, *, not_made: int = 0) -> str:
    """Count the checks that were made, those that found something, and those that could not be made."""
    made, found = (table.filter(state).height for state in (pl.col("state") != "unknown", pl.col("state") == "found"))
    lacking = table.height - made + not_made
    rest = f" {count(lacking)} more could not be made here." if lacking and made else ""
    if not made:
        return "Nothing could be checked here: why stands beside each check."
    if found:
        return f"Of {count(made)} check{'s' * (made > 1)}, {count(found)} found something: read this first.{rest}"
    return f"{count(made)} check{'s' * (made > 1)} found nothing.{rest}"


def _arm(names: Names, row: dict) -> str:
    return names.arm(row["where"], "none") if row["where"] else ""


def _measure(row: dict) -> str:
    if row["value"] is not None:
        return f"AUROC {estimate(row['value'], row['low'], row['high'])}"
    if row["count"] is not None:
        return f"{count(row['count'])} of {count(row['of'])}"
    return ""
