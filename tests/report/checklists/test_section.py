"""Checklists say what the run knows, claim nothing that it does not, and leave the rest to people."""

import tomllib
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from run_folder import fabricate_evaluation, fabricate_run
from semeia.report import write_report
from semeia.report.checklists.section import FACTS, FOLDER, STATED, Item, checklists_section, filled
from semeia.report.run_folder import Run, read_run

SIZES = {"tripod_ai": 52, "probast_ai": 34, "claim": 44}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return read_run(fabricate_run(tmp_path_factory.mktemp("run")))


@pytest.fixture
def stranger(tmp_path: Path) -> Run:
    return read_run(fabricate_evaluation(tmp_path))


def item(run: Run, name: str, number: str) -> Item:
    return next(item for item in filled(name, run).items if item.number == number)


@pytest.mark.parametrize("name", SIZES)
def test_the_files_are_sound(name: str):
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    numbers = [item["number"] for item in table["items"]]

    assert len(numbers) == len(set(numbers)) == SIZES[name]
    assert table["name"]
    assert table["about"]
    assert table["source"]
    for row in table["items"]:
        assert set(row) <= {"number", "section", "text", "from", "left"}
        assert row["section"]
        assert row["text"]
        assert row.get("from", "aim") in FACTS
        assert "from" in row or "left" not in row


def test_every_fact_is_asked_for():
    tables = [tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")) for name in SIZES]

    assert {item["from"] for table in tables for item in table["items"] if "from" in item} == set(FACTS)


def test_a_run_fills_what_it_knows(run: Run):
    assert "249 units of 167 patients, 126 positive" in item(run, "tripod_ai", "10").said
    assert "0.88 (0.84 to 0.92) on GE scanners" in item(run, "tripod_ai", "23a").said
    assert item(run, "tripod_ai", "23a").left == ""
    assert item(run, "tripod_ai", "1").left
    assert item(run, "claim", "33").said.startswith("AUROC of Multimodal JEPA (fine-tuned): 0.83")
    assert item(run, "claim", "23").said.startswith("Semeia ")


def test_what_was_done_is_said_by_the_run_and_by_nothing_else(run: Run):
    stated = replace(
        run, record=run.record | {"statements": {"preprocessing": "Pictures are brought to 64 \u00d7 64."}}
    )
    silent = replace(run, record=run.record | {"statements": {}})

    assert item(stated, "claim", "9").said == "Pictures are brought to 64 \u00d7 64."
    for fact in STATED:
        assert FACTS[fact](silent) == ""
    assert [item(silent, "claim", number).said for number in ("9", "19", "22", "25")] == [""] * 4


def test_only_people_know_the_rest(run: Run):
    for name, number in (("tripod_ai", "17"), ("tripod_ai", "3c"), ("probast_ai", "Evaluation 3.3"), ("claim", "5")):
        assert item(run, name, number).said == ""


def test_the_tally_counts(run: Run):
    found = filled("tripod_ai", run)
    said = [item for item in found.items if item.said]

    assert found.tally.startswith(f"{len(said)} of 52 filled from this run, {sum(bool(i.left) for i in said)} of them")


def test_nothing_is_claimed_of_a_strangers_models(stranger: Run):
    for name, number in (
        ("tripod_ai", "11"),
        ("tripod_ai", "13"),
        ("probast_ai", "Evaluation 4.1"),
        ("probast_ai", "Evaluation 4.5"),
        ("probast_ai", "Development 4.5"),
        ("claim", "11"),
        ("claim", "26"),
    ):
        assert item(stranger, name, number).said == ""
    assert item(stranger, "tripod_ai", "1").said == "Evaluation of predictions of label."
    assert "not known here" in item(stranger, "tripod_ai", "12g").said


def test_notes_of_the_run_are_said(stranger: Run):
    stranger.record["notes"] = ["3 of 80 rows have no label; left out", "2 subjects are in more than one cohort"]

    assert "3 of 80 rows have no label" in item(stranger, "tripod_ai", "11").said
    assert "2 subjects are in more than one cohort" in item(stranger, "claim", "20").said


PLACE = {"outcome": "label", "stratum": "all", "arm": "model", "mode": "none", "cohort": "all"}


@pytest.mark.parametrize(
    ("name", "rows", "fact", "words"),
    [
        (
            "sites",
            [
                {"kind": "site", "site": "a", "metric": "auroc", "value": 0.8},
                {"kind": "site", "site": "b", "metric": "auroc", "value": 0.9},
                {
                    "kind": "summary",
                    "metric": "auroc",
                    "value": 0.85,
                    "low": 0.7,
                    "high": 0.9,
                    "predict_low": 0.5,
                    "predict_high": 0.95,
                    "sites": 2,
                },
            ],
            "clusters",
            "2 sites. Random-effects AUROC over 2 sites over all patients: 0.85 (0.70 to 0.90); at a new site 0.50 to",
        ),
        ("recalibration", [{"method": "none"}, {"method": "logistic"}], "updating", "Recalibrated (logistic)"),
        ("validation_size", [{"needed": 400}, {"needed": 1250}], "sample_size", "needs 1,250 units over all patients"),
        ("subgroups", [{"column": "sex"}, {"column": "age_years"}], "subgroups", "groups by sex and age, with tests"),
        ("case_mix", [{"characteristic": "age_years"}], "case_mix", "Laid side by side for All patients: age."),
        ("leakage", [{"state": "clear"}, {"state": "found"}, {"state": "unknown"}], "disjoint", "Of 2 checks"),
        ("calibration_curves", [{}], "measures", "Brier score and calibration curves"),
        ("comparisons", [{}], "uncertainty", "corrected by Holm"),
    ],
)
def test_further_tables_are_said(stranger: Run, name: str, rows: list[dict[str, object]], fact: str, words: str):
    assert words not in FACTS[fact](stranger)
    stranger.tables[name] = pl.DataFrame([PLACE | row for row in rows], infer_schema_length=None)

    assert words in FACTS[fact](stranger)


def test_only_the_headline_arm_is_spoken_of(stranger: Run):
    stranger.tables["recalibration"] = pl.DataFrame([PLACE | {"arm": "other", "method": "isotonic"}])

    assert FACTS["updating"](stranger) == ""


def test_the_gap_outside_is_said(run: Run):
    place = {"outcome": "malignancy", "stratum": "all", "arm": "multimodal_jepa", "mode": "finetune"}
    gap = {"cohort": "external", "metric": "auroc", "reference": None, "gap": -0.05, "low": -0.1, "high": -0.01}
    tables = {"transport": pl.DataFrame([place | gap, place | gap | {"reference": "diameter", "gap": 0.5}])}

    said = FACTS["outside"](replace(run, tables=tables))
    assert said.endswith(
        "Less that of the reference cohort: on scanners of other makers \u22120.05 (\u22120.10 to \u22120.01)."
    )


def test_claim_is_for_images(run: Run, stranger: Run):
    def names(run: Run) -> list[str]:
        own = checklists_section(run).own
        assert isinstance(own, list)
        return [checklist.name for checklist in own]

    assert names(stranger) == ["TRIPOD+AI", "PROBAST+AI"]
    assert names(run) == ["TRIPOD+AI", "PROBAST+AI", "CLAIM 2024"]


def test_the_page_shows_open_items(tmp_path: Path):
    text = write_report(fabricate_evaluation(tmp_path)).with_name("checklists.html").read_text(encoding="utf-8")

    assert "of 52 filled from this run" in text
    assert text.count("For the authors.") > 30
