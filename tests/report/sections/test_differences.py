"""Like is held against like: each mode against the same network in that mode; long figures draw what matters."""

from semeia.report.asked import against_scratch
from semeia.report.sections.differences import differences_section, reference_figure
from start_estimates import run_of, start_estimates


def test_frozen_arms_are_held_against_frozen_ones_and_tuned_against_tuned():
    estimates = start_estimates()
    asked = against_scratch(run_of(estimates))
    assert {(e.mode, e.reference) for e in asked} == {("frozen", "random/frozen"), ("finetune", "random/finetune")}
    assert len(asked) == 6 * 2 * 3 * 2


def test_an_arm_without_its_own_mode_among_the_references_keeps_what_there_is():
    estimates = [e for e in start_estimates() if e.reference != "random/frozen"]
    asked = against_scratch(run_of(estimates))
    assert {(e.mode, e.reference) for e in asked} == {("frozen", "random/finetune"), ("finetune", "random/finetune")}


def test_the_other_pretrained_arms_are_drawn_with_all_labels():
    estimates = start_estimates()
    section = differences_section(run_of(estimates))
    assert section is not None
    figure = next(figure for figure in section.figures if figure.key == "pretraining-differences")
    rows = figure.panels[0].rows
    assert [row.group for row in rows if row.name == "SimCLR (frozen)"] == ["Minus Random weights (frozen)"]
    # That of the answer stands there.
    assert not [row for row in rows if row.name == "SimCLR (fine-tuned)"]
    assert len(rows) == 6 * 2 - 1
    assert section.files == ("results.csv",)


def test_other_references_are_held_against_their_own_mode():
    estimates = start_estimates()
    figure = reference_figure(run_of(estimates))
    assert figure is not None
    shown = {(row.group, row.name) for row in figure.panels[0].rows}
    assert ("Minus SimCLR on as many of any grade (frozen)", "VICReg (frozen)") in shown
    assert ("Minus SimCLR on as many of any grade (frozen)", "VICReg (fine-tuned)") not in shown
    assert ("Minus Random weights (frozen)", "VICReg (fine-tuned)") not in shown
