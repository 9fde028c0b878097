"""Like is held against like: each mode against the same network in that mode; long figures draw what matters."""

from semeia.report.sections.differences import MOST_ROWS, against_scratch, pretraining_figure, reference_figure
from start_estimates import names_of, start_estimates


def test_frozen_arms_are_held_against_frozen_ones_and_tuned_against_tuned():
    estimates = start_estimates()
    asked = against_scratch(estimates, names_of(estimates), outcome="kl_grade")
    assert {(e.mode, e.reference) for e in asked} == {("frozen", "random/frozen"), ("finetune", "random/finetune")}
    assert len(asked) == 6 * 2 * 3 * 2


def test_an_arm_without_its_own_mode_among_the_references_keeps_what_there_is():
    estimates = [e for e in start_estimates() if e.reference != "random/frozen"]
    asked = against_scratch(estimates, names_of(estimates), outcome="kl_grade")
    assert {(e.mode, e.reference) for e in asked} == {("frozen", "random/finetune"), ("finetune", "random/finetune")}


def test_many_arms_are_drawn_with_all_labels_only_and_none_is_lost():
    estimates = start_estimates()
    figure = pretraining_figure(estimates, names_of(estimates), outcome="kl_grade")
    assert figure is not None
    assert figure.panels[0].svg.count("Minus Random weights (frozen), ") == 6  # in the words read out
    assert "Drawn are those with all labels" in figure.lead
    assert len(figure.table.rows) == 72
    few = start_estimates(("random", "simclr", "mae"))
    figure = pretraining_figure(few, names_of(few), outcome="kl_grade")
    assert figure is not None
    assert MOST_ROWS >= 2 * 2 * 3
    assert "5\u00a0% of the labels" in figure.panels[0].svg
    # The rows of an arm stand together.
    assert figure.panels[0].svg.count(">SimCLR (frozen)<") == 1


def test_other_references_are_held_against_their_own_mode():
    estimates = start_estimates()
    figure = reference_figure(estimates, names_of(estimates), outcome="kl_grade")
    assert figure is not None
    spoken = figure.panels[0].svg
    assert "Minus SimCLR on as many of any grade (frozen), VICReg (frozen): " in spoken
    assert "Minus SimCLR on as many of any grade (frozen), VICReg (fine-tuned): " not in spoken
    assert "Minus Random weights (frozen), VICReg (fine-tuned): " not in spoken
