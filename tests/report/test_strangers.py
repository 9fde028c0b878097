"""Of a stranger's table the page says only what the table and the options say: its sentences are read."""

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from semeia.errors import InputError
from semeia.evaluation import evaluate
from semeia.report.evaluation_folder import evaluate_table
from semeia.report.terminal import short_results
from strangers import STRANGERS, Stranger, page_of, sentences_of, several_fractions, three_columns

# What no table of predictions holds.
UNKNOWN = (
    "pretrain",
    "institution",
    "hospital",
    "scratch:",
    "from scratch",
    "random weights",
    "masked autoencoder",
    "another reader",
    "nodules",
    "knee",
    "radiograph",
    "carried",
    "voxel",
    "hounsfield",
    "augment",
    "dropout",
    "was masked",
    "same network",
)
SEEDS = ("averaged over seeds", "mean over seeds", "several seeds", "by seed", "means over seeds")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The sentences of the page of a stranger, each page made once."""
    made: dict[str, str] = {}
    by_name = {stranger.__name__: stranger for stranger in STRANGERS}

    def read(name: str) -> str:
        if name not in made:
            made[name] = sentences_of(page_of(by_name[name], tmp_path_factory.mktemp(name)))
        return made[name]

    return read


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger.__name__)
def test_nothing_is_said_that_the_table_does_not_hold(stranger: Callable[[], Stranger], pages: Callable[[str], str]):
    name = stranger.__name__
    text, table = pages(name), stranger()[0]
    plain = text.lower().replace("multimodal_scratch", "").replace("lungs", "")

    for words in UNKNOWN:
        assert words not in plain, text[max(0, plain.find(words) - 80) : plain.find(words) + 80]
    if "seed" not in table.columns or table["seed"].n_unique() == 1:
        assert not any(words in text for words in SEEDS)
    if "cohort" not in table.columns:
        assert "internal cohort" not in text
        assert "external cohort" not in text
        assert "reference cohort" not in text
        assert "From one cohort to another" not in text
    if "fraction" not in table.columns or table["fraction"].n_unique() == 1:
        assert "all labels" not in text
        assert "of the labels" not in text
    assert not re.search(r"\bnan\b|\bNone\b(?! was| were|:)", text)
    assert not re.search(r"\b1 checks\b", text)
    assert re.search(r"How well can \w+ be predicted\?", text)
    assert "1.00 (1.00 to 1.00)" not in text
    if len({*table["cohort"]} if "cohort" in table.columns else {1}) == 1:
        assert "alike" not in text


def test_arms_named_like_ours_keep_their_names(pages: Callable[[str], str]):
    text = pages("named_like_ours")

    assert "mae predicts label with an AUROC of" in text
    assert re.search(r"There, the AUROC is higher than that of random, \+0\.\d{3}", text)
    assert "Compared: mae; scanner; random." in text
    assert re.search(r"Models mae 0\.\d\d", text)


def test_a_study_named_like_ours_is_a_name_like_any_other(pages: Callable[[str], str]):
    text = pages("named_like_the_nodule_study")

    assert "Semeia report: Nodule How well can malignancy be predicted?" in text
    assert "multimodal_jepa (fine-tuned) predicts malignancy with an AUROC of" in text
    assert "in the internal cohort" in text
    assert "scanner" not in text.lower()
    assert "arXiv" not in text


def test_a_table_of_three_columns(pages: Callable[[str], str]):
    text = pages("three_columns")

    assert "over all patients" in text
    assert "The threshold of each patient was chosen on other patients." in text
    assert "It was tested in one cohort only" in text
    assert "Nothing could be checked here" in text
    assert "The predictions were given as a table; how they came about is not known here." in text


def test_two_sites_are_not_called_one_place(pages: Callable[[str], str]):
    text = pages("two_sites")

    assert "Tested at 2 sites: GE and SIEMENS" in text
    assert "It was tested in one cohort only" not in text
    assert re.search(r"AUROC among these units only: \d+ units over all patients\.", text)
    assert "by cohort)" not in text


def test_cohorts_are_called_as_the_table_calls_them(pages: Callable[[str], str]):
    text = pages("two_cohorts")
    assert "chosen on other patients in the internal cohort and used unchanged in the external cohort" in text
    own = pages("own_cohorts")
    assert "in the cohort Bern" in own
    assert "in the cohort Basel" in own
    assert "threshold was chosen" not in own


def test_several_classes_seeds_and_fractions_are_said_where_they_are(pages: Callable[[str], str]):
    assert "A probability of each class; the most probable one is called." in pages("several_classes")
    assert "averaged over seeds" in pages("several_seeds")
    fractions = pages("several_fractions")
    assert "with all the labels it was given" in fractions
    assert "AUROC by label fraction" in fractions


def test_a_restriction_stands_under_the_title(pages: Callable[[str], str]):
    text = pages("restricted")

    assert "Everything here is restricted to diameter_mm >= 6." in text
    assert "By the AUROC that it adds to the diameter alone: over all patients the model" in text
    assert "carries much of the label" not in text


def test_noise_is_called_noise(pages: Callable[[str], str]):
    text = pages("few_patients")

    assert "An interval that reaches 0.50 is no evidence that the scores say anything." in text


def test_the_terminal_names_mode_and_fraction_only_where_they_say_something():
    for stranger, arms in ((three_columns, {"model"}), (several_fractions, {"model at 0.5", "model at 1.0"})):
        table, chosen = stranger()
        assert set(short_results(evaluate(table, settings=chosen).results)["arm"]) == arms


def test_three_positive_patients_are_too_few_for_a_headline(pages: Callable[[str], str]):
    text = pages("three_positives")

    assert "3 units of 3 patients are positive over all patients: too few to say how well model predicts label." in text
    assert "1.00 (1.00 to 1.00)" not in text


def test_an_outside_without_positives_is_not_spoken_for(pages: Callable[[str], str]):
    text = pages("no_positives_outside")

    assert re.search(r"predicts malignancy|predicts label", text)
    assert not re.search(r"AUROC of 0\.\d\d [^.]*in the external cohort", text)


def test_each_outcome_has_tables_and_the_page_is_about_the_first(pages: Callable[[str], str]):
    text = pages("several_outcomes")

    asked = re.search(r"How well can (\w+) be predicted\?", text)
    assert asked is not None
    assert re.findall(r"Discrimination: (\w+)", text)[0] == asked[1]
    assert {"relapse", "death"} <= set(re.findall(r"Discrimination: (\w+)", text))


def test_grades_are_called_grades(pages: Callable[[str], str]):
    text = pages("ordinal")

    assert "grades off on average" in text
    assert ": what was called what" in text


def test_one_class_only_is_refused_in_words(tmp_path: Path):
    made, chosen = three_columns()
    made.with_columns(label=pl.lit(1)).write_csv(tmp_path / "table.csv")

    with pytest.raises(InputError, match=r"class|label"):
        evaluate_table(tmp_path / "table.csv", out=tmp_path / "out", settings=chosen)
