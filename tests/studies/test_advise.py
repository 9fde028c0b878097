"""Advice on an archive: what is measured, what is said first, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from semeia.cli import main
from semeia.errors import InputError
from semeia.learning.advice.map import Expected, Place
from semeia.learning.advice.predictability import Estimate
from semeia.studies.advise import Prospect, advise, words
from semeia.studies.advise_measures import Measured
from semeia.worlds import WorldSettings, draw_patients
from world_archive import world_archive

WORLD = WorldSettings(structure="common", image=12, record=16, nuisance=2)
AT = Place(aligned=0.8, beyond=0.15, carried=0.1, directions=3, paired=900, labels=200)
GAIN = Expected(0.03, 0.01, 0.06, 0.8)
PROSPECT = Prospect(GAIN, GAIN, GAIN, GAIN, GAIN, (), 54, 0.6)
MEASURED = Measured(
    archive="a",
    outcome="died",
    units=900,
    patients=900,
    labelled=200,
    positive=60,
    observed={"image": 900, "record": 900},
    simple=Estimate(0.7, 0.6, 0.8),
    pair=("image", "record"),
    across={},
    earlier={},
    place=AT,
    rest=0.65,
    sites=0.9,
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = draw_patients(WORLD, 260, seed=0, part="archive")
    return world_archive(
        tmp_path_factory.mktemp("advise") / "a", people, name="a", labelled=130, without=slice(100, 140)
    )


def test_the_simple_model_comes_first_and_every_number_is_written(archive: Path, tmp_path: Path, capsys):
    out = tmp_path / "advice.json"
    assert main(["advise", str(archive), "--outcome", "disease", "--out", str(out)]) == 0

    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("260 units of 260 patients; units with image (260), record (220).")
    assert said[1].startswith("Ridge logistic regression on simple features: AUROC 0.")
    written = json.loads(out.read_text())
    measured, prospect = written["measured"], written["prospect"]
    assert f"AUROC {measured['simple']['value']:.2f}" in said[1]
    assert measured["place"]["paired"] == 220
    assert measured["place"]["labels"] == 100  # thirty of the labelled have no record
    assert set(measured["across"]) == {"image from record", "record from image"}
    # All of the label's causes are in both modalities, and the map is asked where that lies.
    assert measured["place"]["directions"] >= 2
    assert measured["place"]["beyond"] > 0.1
    assert any(f"{prospect['scratch']['value']:+.3f} (80 % interval" in line for line in said)
    assert measured["sites"] == pytest.approx(0.5, abs=0.15)


def test_without_labels_or_a_second_modality_nothing_is_expected(archive: Path):
    assert "No label is read: name one of disease with --outcome." in advise(archive)
    alone = advise(archive, outcome="disease", modalities=("record",))
    assert "not placed (one modality only)" in alone
    assert "Measured, in patients left out:" in alone
    with pytest.raises(InputError, match="no sound; it has image, record"):
        advise(archive, modalities=("sound",))
    with pytest.raises(InputError, match="no outcome 'dead'"):
        advise(archive, outcome="dead")


def test_what_to_try_first_follows_from_what_is_expected():
    def last_words(prospect: Prospect, measured: Measured = MEASURED) -> str:
        return "\n".join(words(measured, prospect, outcomes=("died",)))

    good = last_words(PROSPECT)
    assert "Try first: pretrain, then probe and fine-tune: semeia study own a --outcome died." in good
    assert (
        "the modalities share 3 direction(s), and the label lies in these (AUROC 0.80) rather than in the rest" in good
    )
    assert "The sites look different" in good
    hopeless = last_words(replace(PROSPECT, ridge=Expected(-0.1, -0.2, 0.0, 0.0)))
    assert "Try first: ridge logistic regression; no network is expected to beat it." in hopeless
    even = Expected(0.0, -0.1, 0.1, 0.4)
    unsure = last_words(replace(PROSPECT, scratch=even, frozen=even, outside=("labels",)))
    assert "then both networks on the same folds" in unsure
    assert "Beyond the map, so trust it less: labels." in unsure
    assert "hardly tells archives apart" not in good
    assert "r 0.10: the map hardly tells archives apart" in last_words(replace(PROSPECT, r=0.1))
    silent = last_words(PROSPECT, replace(MEASURED, place=replace(AT, directions=0)))
    assert "tell nothing of each other that holds in patients left out" in silent
