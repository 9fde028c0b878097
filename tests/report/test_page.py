"""The page as a whole: it stands alone, says no more than the run holds, and survives hostile text."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from html_tree import parse
from prediction_tables import predictions
from run_folder import fabricate_evaluation, fabricate_run
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.report import Example, Plane, write_examples, write_report
from semeia.report.evaluation_folder import evaluate_table
from semeia.report.page import SECTIONS

HOSTILE = '<script>alert("x")</script>$\\frac'


def sections(page: Path) -> list[str]:
    """Keys of the sections that are open, then of those that are folded."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r'<section id="([a-z-]+)"', text) + re.findall(r'<div id="([a-z-]+)"', text)


def example(unit_id: str = "p1-n01") -> Example:
    rng = np.random.default_rng(0)
    planes = {
        view: Plane(rng.integers(0, 255, (height, 64), dtype=np.uint8), 42.0, 42.0 * height / 64)
        for view, height in (("axial", 64), ("coronal", 9), ("sagittal", 9))
    }
    return Example(unit_id, 1, 0.83, planes, {"diameter_mm": 12.34, "site": None}, "A caption.")


def shown(run: Path, one: Example) -> Path:
    write_examples(run, [one])
    return write_report(run)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shown(fabricate_run(tmp_path_factory.mktemp("full")), example())


def test_a_full_run_has_every_section(full: Path):
    expected = [
        "answer",
        "results",
        "differences",
        "limits",
        "facts",
        "flow",
        "labels",
        "curves",
        "pretraining",
        "learning",
        "examples",
        "made",
    ]

    assert sections(full) == expected
    for words in (
        "diameter 9\u201316",
        "cross modal r2",
        "Another reader\u2019s rating",
        "resumed after an interruption",
    ):
        assert words in full.read_text(encoding="utf-8")


def test_every_figure_is_there_with_its_numbers(full: Path):
    text = full.read_text(encoding="utf-8")
    figures = re.findall(r'<figure id="figure-([a-z0-9-]+)"', text)

    assert figures == [
        "main",
        "pretraining-differences",
        "gain",
        "stratum0",
        "reference-differences",
        "fractions",
        "roc",
        "learning-pretrain",
        "learning-finetune",
    ]
    # A forest carries its numbers in its rows.
    assert text.count("The numbers of this figure") == 4
    assert text.count('<table class="forest') == 10


def test_ten_sections_at_most_are_open_whatever_the_run_holds():
    assert sum(not folded for _, folded in SECTIONS) <= 10


def test_the_question_and_its_answer_come_first(full: Path):
    text = full.read_text(encoding="utf-8")
    first = text[text.index("<h1>") : text.index("<nav")]

    assert "<h1>Does pretraining on unlabelled data improve the prediction of malignancy?</h1>" in first
    places = [first.index(words) for words in ('class="lead"', 'class="forest', "What it means for use")]
    assert places == sorted(places)


def test_the_checklists_are_a_page_of_their_own(full: Path):
    page = full.parent / "checklists.html"
    tree = parse(page)

    assert "TRIPOD+AI" in page.read_text(encoding="utf-8")
    assert "report.html" in tree.values("href")
    assert "checklists.html" in parse(full).values("href")


def test_one_difference_has_one_value_and_one_interval(tmp_path: Path):
    """Percentile and DeLong intervals of one difference are not the same: the page shows one of them."""
    made = predictions(seeds=1, patients=40).drop("study", "mode", "fraction", "seed")
    made.write_csv(tmp_path / "table.csv")
    settings = EvaluationSettings(draws=100, covariate=None, references=("baseline",))
    evaluate_table(tmp_path / "table.csv", out=tmp_path / "out", settings=settings)
    text = re.sub("<[^>]+>", " ", (tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    tests = pl.read_csv(tmp_path / "out" / "tables" / "comparisons.csv")
    results = pl.read_csv(tmp_path / "out" / "results.csv")
    rows = results.filter(pl.col("reference").fill_null("") != "", metric="auroc")

    assert rows.height == tests.height > 0
    for value, other in zip(rows["value"], tests["difference"], strict=True):
        assert value == pytest.approx(other)
        shown = set(re.findall(re.escape(f"{value:+.3f}".replace("-", "\u2212")) + r" \([^)]+\)", text))
        assert len(shown) == 1


def test_the_same_run_gives_the_same_page(tmp_path: Path):
    first = shown(fabricate_evaluation(tmp_path), example()).read_bytes()

    assert write_report(tmp_path).read_bytes() == first


def test_a_strangers_evaluation_leaves_out_what_it_has_not(tmp_path: Path):
    page = write_report(fabricate_evaluation(tmp_path))
    parse(page)

    assert sections(page) == ["answer", "results", "limits", "facts", "curves"]
    assert "0.85 (0.79 to 0.91)" in page.read_text(encoding="utf-8")


def test_results_alone_are_enough(tmp_path: Path):
    fabricate_evaluation(tmp_path)
    (tmp_path / "predictions.parquet").unlink()
    page = write_report(tmp_path)
    parse(page)

    assert sections(page) == ["answer", "results", "limits", "facts"]


def test_a_restricted_evaluation_says_so_and_draws_those_rows_only(tmp_path: Path):
    fabricate_evaluation(tmp_path)
    stratum = "diameter_mm >= 9 AND diameter_mm <= 16"
    results = pl.read_csv(tmp_path / "results.csv").with_columns(stratum=pl.lit(stratum))
    results.write_csv(tmp_path / "results.csv")
    page = write_report(tmp_path)

    assert "restricted to diameter 9\u201316\u00a0mm" in page.read_text(encoding="utf-8")
    # The predictions have no such column: no curve rather than one of other patients.
    assert sections(page) == ["answer", "results", "limits", "facts"]


def test_simulated_patients_are_called_so(tmp_path: Path):
    fabricate_run(tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    for simulated in (True, False):
        record["archive"] = {"fingerprint": "f", "simulated": simulated}
        (tmp_path / "run.json").write_text(json.dumps(record))
        text = write_report(tmp_path).read_text(encoding="utf-8")
        assert ("nothing here is a result about people" in text) == simulated


def test_hostile_text_stays_text(tmp_path: Path):
    fabricate_run(tmp_path)
    kept = pl.col("fraction").is_in([0.1, 1.0]) & pl.col("cohort").eq("external")
    results = pl.read_csv(tmp_path / "results.csv").filter(kept)
    predictions = pl.read_parquet(tmp_path / "predictions.parquet").filter(kept)
    renamed = {"image_scratch": HOSTILE, "random_encoder": "_hidden", "scanner": "a&b"}
    swapped = [
        pl.col("arm").replace(renamed),
        pl.lit(HOSTILE).alias("study"),
        pl.lit(HOSTILE).alias("outcome"),
    ]
    results.with_columns(*swapped, pl.col("reference").replace(renamed)).write_csv(tmp_path / "results.csv")
    predictions.with_columns(*swapped).write_parquet(tmp_path / "predictions.parquet")
    record = json.loads((tmp_path / "run.json").read_text())
    record |= {
        "study": HOSTILE,
        "notes": [HOSTILE],
        "config": {HOSTILE: HOSTILE},
        "versions": {HOSTILE: HOSTILE},
    }
    record["flow"]["boxes"][0] |= {"label": HOSTILE, "note": HOSTILE}
    record["flow"]["boxes"][3]["group"] = HOSTILE
    record["pretraining"][0] |= {"verdict": HOSTILE, "diagnostics": {HOSTILE: 0.5}, "modalities": [HOSTILE]}
    (tmp_path / "run.json").write_text(json.dumps(record))
    line = {"cell": HOSTILE, "phase": HOSTILE, "epoch": 1, HOSTILE: 0.5}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(line) + '\n{"half a li')
    page = shown(tmp_path, example(HOSTILE))
    tree = parse(page)

    assert not tree.named("script")
    assert "<script" not in page.read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page.read_text(encoding="utf-8")


def test_a_second_outcome_has_its_own_tables(tmp_path: Path):
    fabricate_evaluation(tmp_path)
    results = pl.read_csv(tmp_path / "results.csv")
    pl.concat([results, results.with_columns(outcome=pl.lit("diagnosis"))]).write_csv(tmp_path / "results.csv")
    page = write_report(tmp_path)

    assert "Discrimination: diagnosis" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("results.csv", None, "not found"),
        ("results.csv", b"a,b\n1,2\n", "is missing"),
        ("run.json", b"{", "not readable as JSON"),
        ("run.json", b"[]", "holds no JSON object"),
        ("predictions.parquet", b"PAR0", "cannot be read"),
        ("examples/examples.json", b"[{}]", "not readable"),
    ],
)
def test_a_damaged_folder_is_one_clear_line(tmp_path: Path, name: str, content: bytes | None, words: str):
    fabricate_evaluation(tmp_path)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InputError, match=words) as error:
        write_report(tmp_path)
    assert name in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "report.html").exists()
