"""What the page says of signatures: how many last, whose records they do not know, and nobody in small counts."""

import json
from pathlib import Path

import polars as pl
import pytest

from run_folder import fabricate_run
from semeia.report.page import write_report
from semeia.report.result_tables import write_tables
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.limits import limits_of
from semeia.report.sections.signatures import signatures_section

FIT = {"signatures": 32, "channels": 700, "patients": 550, "sections": 10_000, "iterations": 90, "state": "converged"}
FITS = [{"seed": seed, "unstable": 20 + seed, "seconds": 30.0, **FIT} for seed in (0, 1)]
UNMAPPED = pl.DataFrame(
    {
        "cohort": ["internal", "internal", "external"],
        "site": ["north", "south", "<b>east</b>"],
        "patients": [30, None, 12],
        "events": [900, 100, 500],
        "share": [0.1, 0.5, 0.25],
    }
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = fabricate_run(tmp_path_factory.mktemp("run"))
    record = json.loads((folder / "run.json").read_text()) | {
        "study": "ehr",
        "signatures": FITS,
        "limits": ["One database only."],
        "statements": {"training": "Logistic regression."},
    }
    (folder / "run.json").write_text(json.dumps(record))
    write_tables(folder, {"unmapped": UNMAPPED})
    return read_run(folder)


def test_what_it_says(run: Run):
    found = signatures_section(run)
    assert found is not None
    assert found.lead.startswith("32 signatures of 700 channels")
    assert "in each of 2 seeds. 20 to 21 of them are unstable" in found.lead
    assert "seed-0/atlas.html" in found.points[0]
    # 90 + 50 of 1000 events.
    assert "on GE scanners: 14.0\u00a0% of the events at 2 hospitals (10.0\u00a0% to 50.0\u00a0%" in found.points[1]
    hospitals = found.tables[1].table.rows
    assert hospitals[0] == ["GE scanners", "north", "30", "900", "10.0\u00a0%"]
    assert hospitals[1][2] == "fewer than 10"


def test_on_the_page_with_the_studys_own_words(run: Run):
    written = write_report(run.path)
    page, checklists = written.read_text(), written.with_name("checklists.html").read_text()
    assert "Unmapped events by hospital (3)" in page
    assert "<b>east</b>" not in page
    assert "One database only." in page
    assert "Logistic regression." in checklists
    assert limits_of(run)[0] == "One database only."


def test_a_run_without_signatures_has_no_such_section(tmp_path: Path):
    plain = read_run(fabricate_run(tmp_path))
    assert signatures_section(plain) is None
