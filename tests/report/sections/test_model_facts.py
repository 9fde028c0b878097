"""The label of the headline arm: its numbers are those of the results, its warnings follow the intervals."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from run_folder import fabricate_evaluation, fabricate_run
from semeia.report.estimates import Estimate
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.answer import warnings
from semeia.report.sections.model_facts import Label, model_facts_section

ROW = Estimate(
    "s", "label", "model", "", "none", 1.0, "internal", "all", "auroc", 0.8, 0.7, 0.9, "95% percentile", 90, 40, 30, "1"
)


def label_of(run: Run) -> Label:
    section = model_facts_section(run)
    assert section is not None
    assert isinstance(section.own, Label)
    return section.own


@pytest.fixture(scope="module")
def label(tmp_path_factory: pytest.TempPathFactory) -> Label:
    return label_of(read_run(fabricate_run(tmp_path_factory.mktemp("run"))))


def test_the_headline_arm_with_its_numbers(label: Label):
    measures = dict(label.measures)

    assert label.name == "Multimodal JEPA (fine-tuned)"
    assert label.cohorts == ["GE scanners", "Other scanners"]
    assert measures["Tested on"] == ["167 patients, 249 units", "136 patients, 193 units"]
    assert measures["Positive"] == ["51\u00a0%", "46\u00a0%"]
    assert measures["AUROC"] == ["0.88 (0.84 to 0.92)", "0.83 (0.79 to 0.87)"]
    assert dict(label.mechanism)["Reads"] == "image and reading"
    assert dict(label.mechanism)["Trained on"].startswith("402 to 403 patients without their labels, then 100")
    assert "9f2c61d0a7" in label.made


def test_a_strangers_model_says_less(tmp_path: Path):
    label = label_of(read_run(fabricate_evaluation(tmp_path)))

    assert "Trained on" not in dict(label.mechanism)
    assert label.warnings[0].startswith("It was tested in one cohort only")


def test_nothing_evaluated_has_no_label():
    run = Run(Path(), {}, [], None, [])

    assert model_facts_section(run) is None


def test_warnings_follow_the_intervals():
    outside = replace(ROW, cohort="external")
    slope = replace(outside, metric="calibration_slope", value=0.6, low=0.4, high=0.9)
    gain = replace(outside, metric="auroc_gain_over_diameter_mm", value=0.01, low=-0.01, high=0.03)

    def said(rows: list[Estimate], *, sites: tuple[str, ...] = ("A",)) -> list[str]:
        tested = pl.DataFrame({"site": sites})
        return [*warnings(Run(Path(), {}, rows, tested, []), rows)]

    assert said([ROW, outside]) == []
    assert len(said([ROW])) == 1
    assert said([ROW], sites=("A", "B")) == []
    assert "chance" in said([replace(ROW, low=0.45), outside])[0]
    assert "slope 0.60 (0.40 to 0.90) in the external cohort, ideally 1" in said([ROW, outside, slope])[0]
    assert said([ROW, outside, replace(slope, high=1.1)]) == []
    assert said([ROW, outside, gain]) == ["It was not shown to add to the diameter in the external cohort."]
    assert said([ROW, outside, replace(gain, low=0.005)]) == []
