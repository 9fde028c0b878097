"""Learning curves: cells gathered to arms, seeds averaged, all labels only."""

from descriptions import nodule
from semeia.report.names import Names
from semeia.report.sections.learning import learning_figures

NAMES = Names(nodule())


def line(cell: str, epoch: int, **terms: float) -> dict[str, object]:
    return {"cell": cell, "phase": "finetune", "step": epoch, "epoch": epoch, **terms}


def test_seeds_are_averaged_and_only_all_labels_are_drawn():
    metrics = [
        line("cells/multimodal_jepa/frozen/1.0/seed-0", 1, loss=1.0, lr=0.1),
        line("cells/multimodal_jepa/frozen/1.0/seed-0", 1, loss=3.0, lr=0.1),
        line("cells/multimodal_jepa/frozen/1.0/seed-1", 1, loss=4.0, lr=0.1),
        line("cells/multimodal_jepa/frozen/0.1/seed-0", 1, loss=99.0, lr=0.1),
    ]
    (figure,) = learning_figures(metrics, NAMES)

    assert figure.table.rows == [["loss", "Multimodal JEPA (frozen)", "1", "3.000 (2.000 to 4.000)"]]
    assert [panel.title for panel in figure.panels] == ["loss"]


def test_an_arm_of_any_name_is_drawn():
    (figure,) = learning_figures([line("pretrained/mine/seed-3", e, total=1.0 / e) for e in (1, 2)], NAMES)

    assert [item.label for item in figure.legend] == ["mine"]


def test_what_is_no_number_is_passed_over():
    metrics = [line("a", 1, loss=float("nan")), {"cell": "a", "phase": "finetune", "epoch": "x", "loss": 1.0}]

    assert learning_figures(metrics, NAMES) == []
    assert learning_figures([], NAMES) == []


def test_each_objective_has_a_panel_of_its_first_term():
    """Each way of pretraining logs terms of its own; that there are many must not leave one of them out."""
    jepa = ("prediction", "variance", "covariance", "rest")
    terms = {"ijepa": jepa, "mae": ("reconstruction",), "simclr": ("contrast",)}
    metrics = [
        line(f"pretrained/{arm}/seed-0", epoch, **dict.fromkeys(own, 1.0 / epoch))
        for arm, own in terms.items()
        for epoch in (1, 2)
    ]
    (figure,) = learning_figures(metrics, NAMES)
    assert [panel.title for panel in figure.panels] == [*terms["ijepa"], "reconstruction", "contrast"]
