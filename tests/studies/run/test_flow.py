"""The numbers of the cohort flow add up."""

from pathlib import Path

from semeia.studies.nodule import NoduleSettings, open_nodules
from semeia.studies.run.record import LABELS, flow_of
from semeia.studies.run.study import Inputs
from small_training import PRETRAIN


def test_the_flow_adds_up(archive: Path):
    settings = NoduleSettings(pretraining=PRETRAIN, folds=2, seeds=(0,))
    material = open_nodules(Inputs(archive), settings, archive.parent / "cache")
    boxes = {box.label: box for box in flow_of(material, (0, 1), {"internal": "GE, labelled"})}
    assert (boxes["In the archive"].patients, boxes["In the archive"].units) == (36, 72)
    assert (boxes[LABELS["pretraining"]].units, boxes[LABELS["unlabelled"]].units) == (48, 24)
    assert (boxes["GE, labelled"].patients, boxes["GE, labelled"].units) == (12, 12)
    assert boxes["GE, labelled"].note == "6 with the outcome"
    assert boxes[LABELS["tested"]].units == 6
    assert boxes["External, labelled"].units == 12
    assert boxes["External without a label"].units == 12


def test_whom_every_seed_tests_is_never_learnt_from(archive: Path):
    settings = NoduleSettings(pretraining=PRETRAIN, folds=2, seeds=(0,))
    material = open_nodules(Inputs(archive), settings, archive.parent / "cache")
    both, one = (
        {box.label: box.units for box in flow_of(material, seeds)}[LABELS["pretraining"]] for seeds in ((0, 1), (0,))
    )
    assert (both, one) == (48, 36)
