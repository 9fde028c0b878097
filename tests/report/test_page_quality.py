"""Any page stands alone, is well formed, can be read by keyboard and screen reader, and shows hostile words as words.

The pages are those of a whole study, of runs side by side, and of a stranger's table full of hostile words, evaluated
for real, so that every section has its table. (The Nu checker and a browser look at real pages by hand.)
"""

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from html_tree import Tree, parse
from prediction_tables import predictions
from run_folder import fabricate_run
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.views import VIEWS
from semeia.report import Example, Plane, compare_runs, write_examples, write_report
from semeia.report.evaluation_folder import evaluate_table

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"&amp;{{ 7 * 7 }}"
PATIENT = "MRN-0042"


def study(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    planes = {
        view: Plane(rng.integers(0, 255, (8, 8), np.uint8), 9.0, 9.0) for view in ("axial", "coronal", "sagittal")
    }
    run = fabricate_run(folder / "run")
    write_examples(run, [Example("p1", 1, 0.8, planes, {}, "A caption.")])
    return write_report(run)


def hostile(folder: Path) -> Path:
    """Hostile words wherever a table has words, and a patient's id as id."""
    table = predictions(seeds=2, patients=50).with_columns(
        pl.format("{} {}", "arm", pl.lit(HOSTILE)).alias("arm"),
        pl.lit(HOSTILE).alias("outcome"),
        pl.lit(HOSTILE).alias("study"),
        pl.format("{} {}", "site", pl.lit(HOSTILE)).alias("site"),
        pl.format("{} {}", pl.lit(PATIENT), "subject_id").alias("subject_id"),
        pl.lit(HOSTILE).alias("sex"),
    )
    table.write_csv(folder / "table.csv")
    settings = EvaluationSettings(draws=100, references=(f"baseline {HOSTILE}",), by="site")
    evaluate_table(folder / "table.csv", out=folder / "evaluated", settings=settings)
    run = folder / "evaluated"
    record = json.loads((run / "run.json").read_text())
    del record["tables"]  # whoever is hostile leaves no marks of the tables as they were
    (run / "run.json").write_text(json.dumps(record | {"notes": [HOSTILE], "versions": {HOSTILE: HOSTILE}}))
    for path in (run / "tables").glob("*.csv"):
        words = pl.read_csv(path, infer_schema_length=None)
        plain = [name for name, kind in words.schema.items() if kind == pl.String and name in SPOILT]
        words.with_columns(pl.format("{} {}", name, pl.lit(HOSTILE)).alias(name) for name in plain).write_csv(path)
    return write_report(run)


# Columns of tables/ whose words come from the data.
SPOILT = ("level", "words", "where", "site", "subgroup", "covariate")


def side_by_side(folder: Path) -> Path:
    runs = (fabricate_run(folder / "a"), fabricate_run(folder / f"b {HOSTILE[:8]}", effect="positive"))
    return compare_runs(runs, out=folder / "comparison.html")


def checklists(folder: Path) -> Path:
    return study(folder).parent / "checklists.html"


PAGES = {"study": study, "checklists": checklists, "side by side": side_by_side}


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module", params=[*PAGES, "hostile"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "hostile":
        return request.getfixturevalue("hostile_page")
    return PAGES[request.param](tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def tree(page: Path) -> Tree:
    return parse(page)


def test_it_stands_alone(page: Path, tree: Tree):
    text = page.read_text(encoding="utf-8")
    links = [link for name in ("href", "src", "action", "data", "srcset") for link in tree.values(name)]

    beside = {found.relative_to(page.parent).as_posix() for found in page.parent.rglob("*.*")}
    assert all(link.startswith(("#", "data:image/png;base64,")) or link in beside for link in links)
    assert not re.search(r"https?://|@import|url\((?!#)", text)
    assert not tree.named("script", "iframe", "object", "embed", "form", "base", "link")
    assert not [name for tag in tree.tags for name in tag.attributes if name.startswith("on")]
    policy = next(tag.attributes["content"] for tag in tree.named("meta") if "http-equiv" in tag.attributes)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert len(text) < 600_000


def test_ids_are_unique_and_links_arrive(tree: Tree):
    ids = tree.values("id")

    assert len(ids) == len(set(ids))
    assert not [found for found in ids if re.search(r"\s", found)]
    assert {link[1:] for link in tree.values("href") if link.startswith("#")} <= set(ids)
    assert {found for words in tree.values("aria-labelledby") for found in words.split()} <= set(ids)
    sections = [tag.attributes["aria-labelledby"].removesuffix("-h") for tag in tree.named("section")]
    inside = [link["href"] for link in (tag.attributes for tag in tree.named("a")) if link["href"].startswith("#")]
    assert inside == ["#main", *(f"#{key}" for key in sections)]


def test_headings_come_in_order(tree: Tree):
    levels = [int(tag.name[1]) for tag in tree.named("h1", "h2", "h3", "h4", "h5", "h6")]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_screen_reader_finds_its_way(tree: Tree):
    (html,) = tree.named("html")

    assert html.attributes["lang"] == "en"
    assert tree.named("title")
    assert tree.named("main")
    assert tree.named("nav")
    assert tree.named("a")[0].attributes == {"class": "skip", "href": "#main"}
    for figure in tree.named("figure"):
        assert figure.attributes.get("aria-labelledby") or figure.attributes["class"] == "example"
    for picture in tree.named("img"):
        assert picture.attributes.get("alt")
    for drawing in tree.named("svg"):
        named = drawing.attributes.get("role") == "img" and drawing.attributes.get("aria-label")
        assert named or drawing.attributes.get("aria-hidden") == "true"


def test_tables_have_captions_and_heads(tree: Tree):
    for table in tree.named("table"):
        assert table.children[0].name == "caption"
        assert "thead" in [child.name for child in table.children]
    for head in tree.named("th"):
        assert head.attributes.get("scope") in ("col", "row", "colgroup", "rowgroup")


def test_the_keyboard_reaches_what_scrolls_and_folds(tree: Tree):
    for region in tree.tags:
        if region.attributes.get("class") == "scroll":
            assert region.attributes["tabindex"] == "0"
            assert region.attributes["role"] == "region"
            assert region.attributes["aria-label"]
    for details in tree.named("details"):
        assert details.children[0].name == "summary"
    assert not [tag for tag in tree.tags if tag.attributes.get("tabindex", "0") != "0"]


def test_hostile_words_are_words(hostile_page: Path):
    text = hostile_page.read_text(encoding="utf-8")

    assert text.count("&lt;script&gt;alert(") > 30
    assert "{{ 7 * 7 }}" in text
    assert "<script" not in text
    assert "<img src=x" not in text
    assert PATIENT not in text


def test_every_section_of_an_evaluation_was_looked_at(hostile_page: Path):
    tables = [path.stem for path in (hostile_page.parent / "tables").glob("*.csv")]

    assert set(VIEWS) - {"results"} <= set(tables)
