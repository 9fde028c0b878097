"""The card of one model: its results here and elsewhere with intervals, what pretraining did, what is not known."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from run_folder import fabricate_run
from semeia.report.model_card import Exported, model_card

MODEL = Exported(
    arm="multimodal_jepa",
    mode="finetune",
    fraction=1.0,
    outcome="malignancy",
    reads="image and reading",
    prepared={"image": "cut | around the unit"},
    seeds=2,
    patients=160,
    files=(("model.onnx", "the same as ONNX"),),
    verdicts=("The encoder did not collapse.",),
)
PLACES = ("on GE scanners", "on scanners of other makers")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fabricate_run(tmp_path_factory.mktemp("run"))


def test_it_says_how_the_model_did_here_and_elsewhere(run: Path):
    card = model_card(run, MODEL)
    assert card.startswith("# Multimodal JEPA (fine-tuned)\n")
    assert "|  | GE scanners | Other scanners |" in card
    assert "| Tested on | 167 patients, 249 units | 136 patients, 193 units |" in card
    assert "| AUROC | 0.88 (0.84 to 0.92) | 0.83 (0.79 to 0.87) |" in card
    headings = [line[3:] for line in card.splitlines() if line.startswith("## ")]
    assert headings == [
        "Intended use",
        "What it was trained on",
        "Preprocessing",
        "Performance",
        "What pretraining did",
        "Limits",
        "Files",
        "Licence of the data",
    ]


def test_what_pretraining_did_is_the_verdict_and_the_paired_difference(run: Path):
    part = model_card(run, MODEL).partition("## What pretraining did\n\n")[2].partition("##")[0]
    first, *gains = part.strip().splitlines()
    assert first == "- Verdict on the encoder that it began with: The encoder did not collapse."
    start = "- Multimodal JEPA (fine-tuned) less Multimodal from scratch, "
    assert gains == [f"{start}{place}: AUROC 0.00 (\u22120.03 to 0.03)." for place in PLACES]


def test_of_another_share_of_the_labels_it_says_that_share(run: Path):
    all_labels, tenth = model_card(run, MODEL), model_card(run, replace(MODEL, fraction=0.1))
    assert "| AUROC | 0.88" not in tenth
    assert "with 10% of the labelled training patients" in tenth
    assert "with 100% of the labelled training patients" in all_labels


def test_no_patient_is_on_it(run: Path):
    people = pl.read_parquet(run / "predictions.parquet")["subject_id"].unique()
    card = model_card(run, MODEL)
    assert not [name for name in people if str(name) in card.split()]
