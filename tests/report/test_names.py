"""Names and numbers as they are printed."""

import pytest

from semeia.report.names import arm_of, arm_title, metric_title, outcome_title, reference_title, stratum_title
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


def test_arms_known_and_not():
    assert arm_title("multimodal_scratch", "finetune") == "Multimodal from scratch"
    assert arm_title("multimodal_jepa", "probe_finetune") == "Multimodal JEPA (probed, then fine-tuned)"
    assert arm_title("mine", "none") == "mine"
    assert reference_title("mine/frozen") == "mine (frozen)"
    assert arm_of("mine").role == "other"
    assert arm_of("mine", frozenset({"mine"})).role == "pretrained"


def test_metrics_and_strata():
    assert metric_title("auroc_gain_over_diameter_mm") == "AUROC gained over diameter"
    assert metric_title("auroc_with_diameter_mm") == "AUROC with diameter"
    assert metric_title("net_benefit") == "net benefit"
    assert stratum_title("diameter_mm >= 9 AND diameter_mm <= 16") == "diameter 9\u201316\u00a0mm"
    assert stratum_title("manufacturer=GE") == "manufacturer=GE"
    assert stratum_title("age >= 9 AND size <= 16") == "age >= 9 AND size <= 16"


def test_grades_told_in_order_are_an_arm_of_their_own_family():
    assert arm_title("mae_ordinal", "frozen") == "Masked autoencoder, grades in order (frozen)"
    assert arm_of("mae_ordinal").role == arm_of("mae").role
    assert arm_of("mae_ordinal").family != arm_of("mae").family
    assert arm_title("mine_ordinal", "frozen") == "mine_ordinal (frozen)"
    assert arm_title("mine from scratch", "finetune") == "mine from scratch (fine-tuned)"


def test_outcomes_known_and_not():
    assert outcome_title("kl_grade") == "the Kellgren-Lawrence grade"
    assert outcome_title("malignancy") == "malignancy"
