"""What stands beside the answer of a study with many starts: who against whom, kappa, corpora, what was in reach."""

from dataclasses import replace

import pytest

from semeia.evaluation.statistics.power import detectable_difference
from semeia.report.answer import answer_of, headline
from semeia.report.answer_points import against_plain, corpora, detectable, nearness, other_arms
from semeia.report.comparisons import against_scratch
from semeia.report.estimates import Estimate
from semeia.report.figures import palette_of
from start_estimates import STARTS, start_estimates

PRETRAINED = frozenset(STARTS) - {"random"}


@pytest.fixture(scope="module")
def estimates() -> list[Estimate]:
    return start_estimates()


@pytest.fixture(scope="module")
def asked(estimates: list[Estimate]) -> list[Estimate]:
    return against_scratch(estimates, palette_of(estimates, PRETRAINED), outcome="kl_grade")


@pytest.fixture(scope="module")
def main(asked: list[Estimate]) -> list[Estimate]:
    return [e for e in asked if (e.arm, e.mode) == ("simclr", "finetune")]


def test_the_answer_is_about_the_first_pretrained_start_and_says_so(estimates: list[Estimate]):
    palette = palette_of(estimates, PRETRAINED)
    assert headline(estimates, palette, outcome="kl_grade") == ("simclr", "finetune")
    found = answer_of(estimates, palette)
    assert found is not None
    assert found.lead.startswith("Pretraining (SimCLR) raised the AUROC at every share of the labels")
    assert "improves the prediction of the Kellgren-Lawrence grade" in found.paragraph
    assert "SimCLR (fine-tuned) was compared with Random weights (fine-tuned)" in found.paragraph
    assert "it was not chosen by how it did" in found.paragraph
    # The level without pretraining is that of the same mode: 0.7 + 0.05 + 0.02, not the frozen one's.
    assert "0.80 (0.78 to 0.82) with and 0.77 (0.75 to 0.79) without" in found.paragraph


def test_one_pretrained_start_speaks_for_itself():
    estimates = start_estimates(("random", "mae"))
    found = answer_of(estimates, palette_of(estimates, frozenset({"mae"})))
    assert found is not None
    assert found.lead.startswith("Pretraining raised the AUROC")
    assert "first of its kind" not in found.paragraph


def test_arms_of_which_the_same_is_said_share_a_sentence(asked: list[Estimate], main: list[Estimate]):
    others = other_arms([e for e in asked if e not in main])
    assert others == [
        "SimCLR (frozen); VICReg (frozen); Masked autoencoder (frozen); Latent prediction, I-JEPA (frozen); "
        "SimCLR on osteoarthritis only (frozen); SimCLR on as many of any grade (frozen) against Random weights "
        "(frozen): each better in all 6 comparisons (each share of the labels in each cohort).",
        "VICReg (fine-tuned); Masked autoencoder (fine-tuned); Latent prediction, I-JEPA (fine-tuned); SimCLR on "
        "osteoarthritis only (fine-tuned); SimCLR on as many of any grade (fine-tuned) against Random weights "
        "(fine-tuned): each better in all 6 comparisons.",
    ]


def test_few_arms_have_a_sentence_each(asked: list[Estimate]):
    few = other_arms([e for e in asked if e.arm in ("vicreg", "mae") and e.mode == "frozen"])
    assert len(few) == 2
    assert few[0].startswith("VICReg (frozen) against Random weights (frozen): better in all 6 comparisons (each share")


def test_kappa_is_said_of_the_same_comparison(estimates: list[Estimate], main: list[Estimate]):
    (sentence,) = nearness(estimates, main, "kl_grade")
    assert "+0.045 (0.025 to 0.065) inside the home institution and +0.045" in sentence
    binary = [e for e in estimates if e.metric != "quadratic_kappa"]
    assert nearness(binary, main, "kl_grade") == []


def test_what_was_in_reach_follows_from_the_width_of_the_interval(estimates: list[Estimate], main: list[Estimate]):
    (sentence,) = detectable(estimates, main, "kl_grade")
    reach = detectable_difference(0.04 / (2 * 1.96))
    assert "has to be about 0.014 inside the home institution and 0.014" in sentence
    assert f"one in quadratic-weighted kappa about {reach:.3f} inside the home institution" in sentence
    (without,) = detectable([e for e in estimates if e.metric != "quadratic_kappa"], main, "kl_grade")
    assert "kappa" not in without


def test_what_a_corpus_is_worth_is_asked_of_frozen_encoders(estimates: list[Estimate]):
    restricted, whole = corpora(estimates, "kl_grade")
    assert restricted.startswith(
        "A corpus of osteoarthritic knees only, less one of as many knees of any grade (SimCLR"
    )
    assert "0.000 (\u22120.010 to 0.010) inside the home institution" in restricted
    assert whole.startswith("A corpus of all knees, less one of as many")
    assert corpora(start_estimates(("random", "simclr")), "kl_grade") == []


def test_what_else_was_not_pretrained_is_held_against_it(estimates: list[Estimate], main: list[Estimate]):
    palette = palette_of(estimates, PRETRAINED)
    (sentence,) = against_plain(estimates, main, palette)
    start = "The AUROC of SimCLR (fine-tuned) against what else was not pretrained, with all labels: "
    assert sentence.startswith(start)
    # Random weights in the other mode; never a pretrained arm, nor the comparison of the answer itself.
    assert "inside the home institution it is higher than that of Random weights (frozen), +0.050 (0.040" in sentence
    assert "SimCLR on" not in sentence
    assert "Random weights (fine-tuned)" not in sentence
    worse = [
        replace(e, reference="picture_components", value=-0.03, low=-0.05, high=-0.01)
        for e in estimates
        if (e.arm, e.mode, e.reference, e.metric) == ("simclr", "finetune", "random/frozen", "macro_auroc")
    ]
    (both,) = against_plain(estimates + worse, main, palette)
    assert "lower than that of Picture components, logistic regression, \u22120.030 (\u22120.050 to" in both
    assert against_plain([e for e in estimates if e.reference == "random/finetune"], main, palette) == []
