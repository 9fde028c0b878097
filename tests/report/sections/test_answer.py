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
    assert difference in " ".join(found.points)
    inside, outside = found.figure.panels
    assert [row.name for row in inside.rows] == [
        "10\u00a0%",
        "25\u00a0%",
        "50\u00a0%",
        "100\u00a0%",
    ]
    clear = [row.clear for panel in (inside, outside) for row in panel.rows]
    assert clear == [effect != "inconclusive"] * 8


def undescribed(estimates: list[Estimate], **references: str) -> list[Estimate]:
    """Levels of three arms that nobody described; NAME=OTHER holds one against another."""
    row = next(e for e in estimates if e.metric == "auroc" and not e.reference and e.fraction == 1)
    levels = [replace(row, arm=arm, mode="none", value=value) for arm, value in (("b", 0.7), ("c", 0.8), ("a", 0.6))]
    held = [replace(row, arm=arm, mode="none", reference=of, value=0.1) for arm, of in references.items()]
    return [*levels, *held]


def test_the_answer_on_arms_of_a_stranger_hangs_on_no_order_and_is_no_reference(inconclusive: list[Estimate]):
    def lead(estimates: list[Estimate]) -> str:
        found = answer_of(Run(Path("nowhere"), {}, estimates, None, []))
        assert found is not None
        return found.lead

    rows = undescribed(inconclusive)
    assert lead(rows) == lead(rows[::-1])
    assert [lead(rows).index(value) for value in ("0.60", "0.70", "0.80")] == sorted(
        lead(rows).index(value) for value in ("0.60", "0.70", "0.80")
    )
    against = undescribed(inconclusive, b="a", c="a")
    assert lead(against) == lead(against[::-1])
    assert lead(against).startswith("b predicts malignancy with an AUROC of 0.70")
    assert "0.80" in lead(against)
    assert "0.60" not in lead(against)


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
    assert [row.words for row in found.figure.panels[0].rows] == ["0.85 (0.79 to 0.91)"]
    assert found.use[0].endswith("is the higher in 85 of 100 pairs over all patients.")


def test_an_interval_at_chance_is_said(tmp_path: Path):
    estimates = read_run(fabricate_evaluation(tmp_path)).estimates
    chance = [replace(e, value=0.55, low=0.45, high=0.65) if e.metric == "auroc" else e for e in estimates]

    assert "no evidence" in " ".join(answer(chance).points)


def test_nothing_to_say_about_nothing():
    assert answer_of(Run(Path("nowhere"), {}, [], None, [])) is None


def test_a_difference_without_an_interval_shows_nothing(inconclusive: list[Estimate]):
    bare = [replace(e, low=None, high=None) for e in inconclusive if e.reference]

    assert status(bare) == "unclear"


def test_three_positive_patients_make_no_headline(tmp_path: Path):
    estimates = read_run(fabricate_evaluation(tmp_path)).estimates
    perfect = [replace(e, value=1.0, low=1.0, high=1.0, n_positive=3) for e in estimates if e.metric == "auroc"]
    found = answer(perfect)

    assert found.lead == "3 units are positive over all patients: too few to say how well model predicts label."
    assert found.figure.panels[0].rows[0].words == "1.00 (no interval)"
    assert not any("pairs" in words for words in found.use)


def test_a_difference_among_a_handful_does_not_stand(inconclusive: list[Estimate]):
    few = [replace(e, n_positive=9, p_holm=0.001) for e in inconclusive]

    assert "was not shown to change the AUROC" in answer(few).lead


@pytest.mark.parametrize(
    ("shift", "words"),
    [(0.1, "the pretrained start is the better one"), (-0.1, "the start without pretraining is the better one")],
)
def test_what_it_means_follows_the_differences_with_all_labels(inconclusive: list[Estimate], shift: float, words: str):
    use = answer(moved(inconclusive, {("internal", 1.0): shift})).use[0]

    assert use.startswith(f"On GE scanners {words}; on scanners of other makers neither start is shown")
    assert "differences from \u22120.03 to +0.03 on scanners of other makers are not ruled out" in use
