"""What stands beside the answer of a study with many starts: who against whom, kappa, corpora, what was in reach."""

from dataclasses import replace

import pytest

from semeia.report.asked import against_scratch, headline
from semeia.report.estimates import Estimate
from semeia.report.sections.answer import answer_of
from semeia.report.sections.answer_points import (
    against_plain,
    asked_contrasts,
    detectable,
    nearness,
    other_arms,
    weak_yardstick,
)
from start_estimates import names_of, run_of, start_estimates

NAMES = names_of(start_estimates())


@pytest.fixture(scope="module")
def estimates() -> list[Estimate]:
    return start_estimates()


@pytest.fixture(scope="module")
def asked(estimates: list[Estimate]) -> list[Estimate]:
    return against_scratch(run_of(estimates))


@pytest.fixture(scope="module")
def main(asked: list[Estimate]) -> list[Estimate]:
    return [e for e in asked if (e.arm, e.mode) == ("simclr", "finetune")]


def test_the_answer_is_about_the_first_pretrained_start_and_says_so(estimates: list[Estimate]):
    run = run_of(estimates)
    assert headline(run) == ("simclr", "finetune")
    found = answer_of(run)
    assert found is not None
    assert found.lead.startswith("Pretraining (SimCLR) raised the AUROC at every share of the labels")
    assert "SimCLR (fine-tuned) was compared with Random weights (fine-tuned)" in " ".join(found.points)
    assert "it was not chosen by how it did" in " ".join(found.points)
    # The level without pretraining is that of the same mode: 0.7 + 0.05 + 0.02, not the frozen one's.
    assert "0.80 (0.78 to 0.82) with and 0.77 (0.75 to 0.79) without" in " ".join(found.points)


def test_one_pretrained_start_speaks_for_itself():
    estimates = start_estimates(("random", "mae"))
    found = answer_of(run_of(estimates))
    assert found is not None
    assert found.lead.startswith("Pretraining raised the AUROC")
    assert "first of its kind" not in " ".join(found.points)


def test_arms_of_which_the_same_is_said_share_a_sentence(asked: list[Estimate], main: list[Estimate]):
    others = [*other_arms(NAMES, [e for e in asked if e not in main])]
    assert others == [
        "SimCLR (frozen); VICReg (frozen); Masked autoencoder (frozen); Latent prediction, I-JEPA (frozen); "
        "SimCLR on osteoarthritis only (frozen); SimCLR on as many of any grade (frozen) against Random weights "
        "(frozen): each better in all 6 comparisons (each share of the labels in each cohort).",
        "VICReg (fine-tuned); Masked autoencoder (fine-tuned); Latent prediction, I-JEPA (fine-tuned); SimCLR on "
        "osteoarthritis only (fine-tuned); SimCLR on as many of any grade (fine-tuned) against Random weights "
        "(fine-tuned): each better in all 6 comparisons.",
    ]


def test_few_arms_have_a_sentence_each(asked: list[Estimate]):
    few = [*other_arms(NAMES, [e for e in asked if e.arm in ("vicreg", "mae") and e.mode == "frozen"])]
    assert len(few) == 2
    assert few[0].startswith("VICReg (frozen) against Random weights (frozen): better in all 6 comparisons (each share")


def test_kappa_is_said_of_the_same_comparison(estimates: list[Estimate], main: list[Estimate]):
    (sentence,) = nearness(run_of(estimates), main[0])
    assert "+0.045 (0.025 to 0.065) at the home hospital and +0.045" in sentence
    binary = [e for e in estimates if e.metric != "quadratic_kappa"]
    assert nearness(run_of(binary), main[0]) == []


def test_what_was_in_reach_is_said(estimates: list[Estimate], main: list[Estimate]):
    (sentence,) = detectable(run_of(estimates), main[0])
    assert "has to be about 0.014 at the home hospital and 0.014" in sentence


def test_what_a_corpus_is_worth_is_asked_of_frozen_encoders(estimates: list[Estimate]):
    restricted, whole = asked_contrasts(run_of(estimates))
    assert restricted.startswith(
        "A corpus of osteoarthritic knees only, less one of as many knees of any grade (SimCLR"
    )
    assert "0.000 (\u22120.010 to 0.010) at the home hospital" in restricted
    assert whole.startswith("A corpus of all knees, less one of as many")
    assert [*asked_contrasts(run_of(start_estimates(("random", "simclr"))))] == []


def test_what_else_was_not_pretrained_is_held_against_it(estimates: list[Estimate], main: list[Estimate]):
    (sentence,) = against_plain(run_of(estimates), main[0])
    start = "The AUROC of SimCLR (fine-tuned) against what else was not pretrained with all labels: "
    assert sentence.startswith(start)
    # Random weights in the other mode; never a pretrained arm, nor the comparison of the answer itself.
    assert "at the home hospital it is higher than that of Random weights (frozen), +0.050 (0.040" in sentence
    assert "SimCLR on" not in sentence
    assert "Random weights (fine-tuned)" not in sentence
    worse = [
        replace(e, reference="picture_components", value=-0.03, low=-0.05, high=-0.01)
        for e in estimates
        if (e.arm, e.mode, e.reference, e.metric) == ("simclr", "finetune", "random/frozen", "macro_auroc")
    ]
    (both,) = against_plain(run_of(estimates + worse), main[0])
    assert "lower than that of Picture components, logistic regression, \u22120.030 (\u22120.050 to" in both
    assert against_plain(run_of([e for e in estimates if e.reference == "random/finetune"]), main[0]) == []


def test_a_network_below_its_own_untrained_features_is_named_as_a_weak_yardstick(estimates: list[Estimate]):
    assert [*weak_yardstick(run_of(estimates))] == []
    weak = [
        replace(e, value=0.6)
        if (e.arm, e.mode, e.fraction, e.cohort, e.reference) == ("random", "finetune", 0.05, "external", "")
        else e
        for e in estimates
    ]
    (sentence,) = weak_yardstick(run_of(weak))
    assert "Random weights (fine-tuned), 5\N{NO-BREAK SPACE}% of the labels" in sentence
    assert "(0.60 against 0.65)" in sentence
    assert "internal" not in sentence
