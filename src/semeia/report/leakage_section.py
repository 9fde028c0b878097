"""The leakage audit on the page: what was checked, what was found, and what could not be checked here."""

import polars as pl

from semeia.report.figures import DataTable, Palette
from semeia.report.names import arm_title
from semeia.report.numbers import count, estimate
from semeia.report.run_folder import Run
from semeia.report.sections import Section, TitledTable

STATES = {"clear": "clear", "found": "found", "unknown": "not known"}
# What only the run that trained the models can tell; named as not known where it did not.
OF_A_RUN = (
    "Tested patients that were pretrained on",
    "Tested patients that were trained on",
    "Tested images that look like a training patient's",
    "Site told from the embedding",
    "Shuffled training labels",
)


def leakage_section(run: Run, palette: Palette, *, outcome: str) -> Section | None:
    """One row a check; None when the run has no such table."""
    table = run.tables.get("leakage")
    if table is None:
        return None
    missing = [name for name in OF_A_RUN if name not in set(table["check"])]
    found = table.filter(pl.col("state") == "found")
    rows = [_row(row) for row in table.sort(pl.col("state") != "found", maintain_order=True).iter_rows(named=True)]
    unknown = [[name, "", STATES["unknown"], "", "needs the archive and the trained models"] for name in missing]
    checked = table.filter(pl.col("state") != "unknown").height
    lead = (
        f"{count(checked)} checks were made and none found anything."
        if found.is_empty()
        else f"{count(checked)} checks were made; {count(found.height)} found something, read them first."
    )
    points = [f"{_where(row)}{row['check']}: {_measure(row)}." for row in found.iter_rows(named=True)]
    note = "A check that is clear makes leakage less likely; it does not prove that there is none."
    data = DataTable(["Check", "Where", "State", "Found", "What was looked at"], [*rows, *unknown])
    return Section("leakage", "Leakage and shortcuts", lead, points, tables=[TitledTable("The audit", note, data)])


def _row(row: dict[str, object]) -> list[str]:
    where = str(row["where"] or "")
    shown = arm_title(where, "none") if where else ""
    return [str(row["check"]), shown, STATES[str(row["state"])], _measure(row), str(row["words"])]


def _where(row: dict[str, object]) -> str:
    return f"{arm_title(str(row['where']), 'none')}. " if row["where"] else ""


def _measure(row: dict) -> str:
    if row["value"] is not None:
        return f"AUROC {estimate(row['value'], row['low'], row['high'])}"
    if row["count"] is not None:
        return f"{count(row['count'])} of {count(row['of'])}"
    return ""
