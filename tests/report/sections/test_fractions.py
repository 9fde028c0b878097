"""AUROC by label fraction: too many lines are parted by how the labels were met, with one mark an arm."""

from run_folder import fabricate_run
from semeia.report.run_folder import read_run
from semeia.report.sections.fractions import fraction_figure
from start_estimates import STARTS, names_of, run_of, start_estimates

PRETRAINED = frozenset(STARTS) - {"random"}


def test_many_starts_have_a_panel_a_mode_and_cohort():
    estimates = start_estimates()
    figure = fraction_figure(run_of(estimates))
    assert figure is not None
    assert [panel.title for panel in figure.panels] == [
        f"{cohort}, {mode}" for mode in ("frozen", "fine-tuned") for cohort in ("Home hospital", "Other hospital")
    ]
    frozen = figure.panels[0].svg
    assert "VICReg (frozen) at 5\u00a0%" in frozen
    assert "VICReg (fine-tuned)" not in frozen
    assert sorted(item.label for item in figure.legend) == sorted(names_of(estimates).arm(arm) for arm in STARTS)
    assert len({(item.style.colour, item.style.marker) for item in figure.legend}) == len(STARTS)


def test_few_starts_share_a_panel_and_name_their_modes():
    estimates = start_estimates(("random", "mae"))
    figure = fraction_figure(run_of(estimates))
    assert figure is not None
    assert [panel.title for panel in figure.panels] == ["Home hospital", "Other hospital"]
    assert "Masked autoencoder (frozen)" in [item.label for item in figure.legend]


def test_inputs_part_the_panels_where_there_are_several(tmp_path):
    run = read_run(fabricate_run(tmp_path))
    figure = fraction_figure(run)
    assert figure is not None
    assert [panel.title for panel in figure.panels] == [
        "GE scanners, multimodal",
        "Other scanners, multimodal",
        "GE scanners, image only",
        "Other scanners, image only",
    ]
    assert "Multimodal JEPA (frozen)" in [item.label for item in figure.legend]


def test_one_fraction_is_no_figure():
    estimates = start_estimates(fractions=(1.0,))
    assert fraction_figure(run_of(estimates)) is None
