"""The leakage audit on the page: what was found comes first; what could not be checked is named."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from run_folder import fabricate_run
from semeia.evaluation.tables.columns import TABLES
from semeia.evaluation.tables.leakage import leakage_row
from semeia.report.content import Section
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.leakage import leakage_section


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return read_run(fabricate_run(tmp_path / "run"))


def section(run: Run, rows: list[dict]) -> Section | None:
    shown = replace(run, tables={"leakage": pl.DataFrame(rows, schema=TABLES["leakage"])})
    return leakage_section(shown)


def test_findings_come_first_and_are_in_the_lead(run: Run):
    clear = leakage_row("Patients in two cohorts", found=False, count=0, of=9, words="by id")
    found = leakage_row(
        "Site told from the embedding", found=True, where="image_jepa", value=(0.7, 0.65, 0.75), words="probe"
    )
    made = section(run, [clear, found])
    assert made is not None
    assert "1 found something" in made.lead
    assert "AUROC 0.70 (0.65 to 0.75)" in made.points[0]
    rows = made.tables[0].table.rows
    assert rows[0][:3] == ["Site told from the embedding", "Image-only JEPA", "found"]
    assert rows[1][2:4] == ["clear", "0 of 9"]
    assert ["Shuffled training labels", "", "not known", "", "needs the archive and the trained models"] in rows


def test_a_clear_audit_does_not_claim_a_proof(run: Run):
    made = section(run, [leakage_row("Patients in two cohorts", found=False, count=0, of=9, words="by id")])
    assert made is not None
    assert made.lead == "1 check found nothing. 5 more could not be made here."
    assert "does not prove" in made.tables[0].note


def test_without_a_table_there_is_no_section(run: Run):
    assert leakage_section(replace(run, tables={})) is None
