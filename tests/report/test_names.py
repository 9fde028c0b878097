"""Names and numbers as they are printed."""

import pytest

from descriptions import ehr, knee, nodule
from semeia.evaluation.description import Description
from semeia.report.metrics import metric_title
from semeia.report.names import Names
from semeia.report.numbers import duration, estimate, interval, listed, memory, number, percent


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.123, "0.12"),
        (-0.123, "\u22120.12"),
        (-0.001, "0.00"),
        (None, "not available"),
        (float("nan"), "not available"),
    ],
)
def test_numbers(value: float | None, words: str):
    assert number(value) == words


def test_an_estimate_says_when_it_has_no_interval():
    assert estimate(0.5, None, None) == "0.50 (no interval)"
    assert estimate(0.012, -0.02, 0.04, digits=3, sign=True) == "+0.012 (\u22120.020 to 0.040)"
    assert interval(float("nan"), 1.0) == ""


def test_small_words():
    assert percent(0.1) == "10\u00a0%"
    assert percent(0.125) == "12.5\u00a0%"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([]) == ""
    assert [duration(s) for s in (42, 125, 3725)] == [
        "42\u00a0s",
        "2\u00a0min 5\u00a0s",
        "1\u00a0h 2\u00a0min",
    ]
    assert [memory(mb) for mb in (512, 2150)] == ["512\u00a0MB", "2.1\u00a0GB"]


def test_an_arm_is_what_the_run_says_it_is():
    pairs = (("multimodal_scratch", "finetune"), ("multimodal_jepa", "probe_finetune"), ("mine", "none"))
    names = Names(nodule(), pairs=pairs)

    assert names.arm("multimodal_scratch", "finetune") == "Multimodal from scratch"
    assert names.arm("multimodal_jepa", "probe_finetune") == "Multimodal JEPA (probed, then fine-tuned)"
    assert names.arm("mine") == "mine"
    assert names.reference("mine/frozen") == "mine (frozen)"
    assert names.about("mine").role == "model"
    assert Names(Description(), frozenset({"mine"})).about("mine").role == "pretrained"


@pytest.mark.parametrize("arm", [*nodule().arms, *ehr().arms, *knee().arms])
def test_no_arm_is_known_by_its_name(arm: str):
    names = Names(Description(), pairs=((arm, "none"),))

    assert names.arm(arm) == arm
    assert names.about(arm).role == "model"


def test_cohorts_outcomes_and_strata_are_said_as_described():
    described, plain = Names(nodule()), Names(Description())

    assert (described.cohort("external"), described.place("external")) == (
        "Other scanners",
        "on scanners of other makers",
    )
    assert [plain.cohort(c) for c in ("all", "external", "siteB")] == ["All patients", "External", "SiteB"]
    assert [plain.place(c) for c in ("all", "internal", "B")] == [
        "over all patients",
        "in the internal cohort",
        "in the cohort B",
    ]
    assert plain.outcome("kl_grade") == "kl_grade"
    assert plain.stratum("diameter_mm >= 9 AND diameter_mm <= 16") == "diameter 9\u201316\u00a0mm"
    assert plain.stratum("manufacturer=GE") == "manufacturer=GE"
    assert plain.stratum("age >= 9 AND size <= 16") == "age >= 9 AND size <= 16"
    assert Names(Description(strata={"age > 60": "older than 60"})).stratum("age > 60") == "older than 60"


def test_metrics():
    assert metric_title("auroc_gain_over_diameter_mm") == "AUROC gained over diameter"
    assert metric_title("auroc_with_diameter_mm") == "AUROC with diameter"
    assert metric_title("net_benefit") == "Net benefit"


def test_every_arm_of_a_run_is_drawn_otherwise():
    for description in (nodule(), ehr()):
        names = Names(description)
        styles = [names.style(arm, "none") for arm in description.arms]
        assert len(set(styles)) == len(styles)
    strangers = [(f"arm {number}", "none") for number in range(60)]
    names = Names(Description(), pairs=tuple(strangers))
    assert len({names.style(*pair) for pair in strangers}) == 60


def test_headlines_are_networks_models_and_yardsticks_never_the_best():
    pairs = (("scanner", "none"), ("diameter", "none"), ("image_jepa", "frozen"), ("image_jepa", "finetune"))
    names = Names(nodule(), pairs=pairs)

    assert names.headlines(pairs) == [("image_jepa", "finetune"), ("diameter", "none")]
    plain = Names(Description(), pairs=pairs)
    assert plain.headlines(pairs, most=3) == list(pairs[:3])


def test_where_a_threshold_is_from_follows_from_the_cohorts():
    def said(*cohorts: str) -> str:
        return Names(Description(), cohorts=cohorts).threshold

    assert said("all") == "The threshold of each patient was chosen on other patients."
    assert said("internal", "external").endswith("in the internal cohort and used unchanged in the external cohort.")
    assert said("B", "A") == ""
