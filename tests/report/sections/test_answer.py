"""The words follow the numbers, whichever way they fall."""

from dataclasses import replace
from pathlib import Path

import pytest

from run_folder import DESCRIBED, fabricate_evaluation, fabricate_run
from semeia.report.estimates import Estimate
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.answer import Answer, answer_of, status


def answer(estimates: list[Estimate]) -> Answer:
    found = answer_of(Run(Path("nowhere"), DESCRIBED.record(), estimates, None, []))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("effect", "words", "difference"),
    [
        ("positive", "raised the AUROC at every share of the labels", "+0.060 (0.030 to 0.090)"),
        (
            "negative",
            "lowered the AUROC at every share of the labels",
            "\u22120.060 (\u22120.090 to \u22120.030)",
        ),
        ("inconclusive", "was not shown to change the AUROC", "+0.004 (\u22120.026 to 0.034)"),
    ],
)
def test_the_lead_says_what_the_intervals_say(tmp_path: Path, effect: str, words: str, difference: str):
    found = answer(read_run(fabricate_run(tmp_path, effect=effect)).estimates)

    assert found.lead == f"Pretraining {words}, on GE scanners and on scanners of other makers alike."
    assert difference in found.paragraph
    assert found.differences is not None
    assert [label for label, _ in found.differences.rows] == [
        "10\u00a0%",
        "25\u00a0%",
        "50\u00a0%",
        "100\u00a0%",
    ]
    clear = [cell.clear for _, cells in found.differences.rows for cell in cells if cell is not None]
    assert clear == [effect != "inconclusive"] * 8


@pytest.fixture(scope="module")
def inconclusive(tmp_path_factory: pytest.TempPathFactory) -> list[Estimate]:
    return read_run(fabricate_run(tmp_path_factory.mktemp("run"))).estimates


def moved(estimates: list[Estimate], shifts: dict[tuple[str, float], float]) -> list[Estimate]:
    """The main comparison with some of its differences moved by so much."""

    def one(e: Estimate) -> Estimate:
        named = (e.arm, e.mode, e.reference, e.metric)
        main = named == ("multimodal_jepa", "finetune", "multimodal_scratch", "auroc")
        shift = shifts.get((e.cohort, e.fraction), 0.0) if main else 0.0
        if e.low is None or e.high is None:
            return e
        return replace(e, value=e.value + shift, low=e.low + shift, high=e.high + shift)

    return [one(e) for e in estimates]


def test_inside_only_and_at_few_labels_only(inconclusive: list[Estimate]):
    found = answer(moved(inconclusive, {("internal", 0.1): 0.1, ("internal", 0.25): 0.1}))

    assert found.lead == (
        "Pretraining against no pretraining: on GE scanners it raised the AUROC with "
        "10\u00a0% and 25\u00a0% of the labels and was not shown to change it with 50\u00a0% and 100\u00a0%; "
        "but on scanners of other makers it was not shown to change the AUROC."
    )
    assert any("2 intervals leave zero out" in point for point in found.points)


def test_better_inside_and_worse_outside(inconclusive: list[Estimate]):
    found = answer(moved(inconclusive, {("internal", 1.0): 0.1, ("external", 1.0): -0.1}))

    assert "on GE scanners it raised the AUROC with 100\u00a0% of the labels" in found.lead
    assert "; but on scanners of other makers it lowered the AUROC with 100\u00a0% of the labels" in found.lead


def test_both_ways_in_one_cohort(inconclusive: list[Estimate]):
    found = answer(moved(inconclusive, {("internal", 0.1): 0.1, ("internal", 1.0): -0.1}))

    assert "raised the AUROC with some shares of the labels and lowered it with others" in found.lead


def test_the_answer_is_chosen_by_name_not_by_how_well_an_arm_did(inconclusive: list[Estimate]):
    best = [replace(e, low=0.01, value=0.1) if e.mode == "frozen" and e.reference else e for e in inconclusive]

    assert "was not shown to change" in answer(best).lead


def test_what_to_weigh_beside_it(inconclusive: list[Estimate]):
    points = " ".join(answer(inconclusive).points)

    assert "not shown to differ in any of 8 comparisons" in points
    assert "In all 32 comparisons of pretraining with no pretraining, 0 intervals leave zero out" in points
    assert "about 1.6 would do so by chance" in points
    assert (
        "By the AUROC that it adds to the diameter alone: on GE scanners the model was not shown to add to it" in points
    )
    assert "about 0.043 on GE scanners and 0.043 on scanners of other makers" in points


def test_without_pretraining_the_levels_are_the_answer(tmp_path: Path):
    found = answer_of(read_run(fabricate_evaluation(tmp_path)))

    assert found is not None

    assert found.lead == "model predicts label with an AUROC of 0.85 (0.79 to 0.91) over all patients."
    assert found.differences is None


def test_an_interval_at_chance_is_said(tmp_path: Path):
    estimates = read_run(fabricate_evaluation(tmp_path)).estimates
    chance = [replace(e, value=0.55, low=0.45, high=0.65) if e.metric == "auroc" else e for e in estimates]

    assert "no evidence" in answer(chance).paragraph


def test_nothing_to_say_about_nothing():
    assert answer_of(Run(Path("nowhere"), {}, [], None, [])) is None


def test_a_difference_without_an_interval_shows_nothing(inconclusive: list[Estimate]):
    bare = [replace(e, low=None, high=None) for e in inconclusive if e.reference]

    assert status(bare) == "unclear"
