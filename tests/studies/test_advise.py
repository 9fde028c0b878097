"""Advice on an archive: what is measured, what is said first, and what is refused."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from semeia.archive import open_archive, writing
from semeia.cli import main
from semeia.errors import InputError
from semeia.learning.advice.map import Expected, load_map
from semeia.learning.advice.placing import Place
from semeia.learning.advice.predictability import Estimate
from semeia.studies.advise import WORDS, Prospect, advise, prospect_of, words
from semeia.studies.advise_measures import Measured
from semeia.studies.advise_views import open_views
from semeia.worlds import WorldSettings, draw_patients
from world_archive import world_archive

WORLD = WorldSettings(structure="common", image=12, record=16, nuisance=2)
AT = Place(
    aligned=0.8,
    rest=0.65,
    whole=0.75,
    directions=3,
    fourth=0.3,
    strength=1.0,
    kept=0.1,
    lost=0.1,
    told=0.1,
    paired=900,
    labels=200,
    rarer=60,
)
GAIN = Expected(0.03, 0.01, 0.06, 0.8)
PROSPECT = Prospect(dict.fromkeys(WORDS, GAIN), {"twice the labels": GAIN}, (), 54, 0.6)
MEASURED = Measured(
    archive="a",
    outcome="died",
    units=900,
    patients=900,
    labelled=200,
    classes=(140, 60),
    observed={"image": 900, "record": 900},
    simple=Estimate(0.7, 0.6, 0.8),
    pair=("image", "record"),
    across={},
    earlier={},
    place=AT,
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
    assert written["pilot"] is None
    assert f"AUROC {measured['simple']['value']:.2f}" in said[1]
    assert measured["place"]["paired"] == 220
    assert measured["place"]["labels"] == 100  # thirty of the labelled have no record
    assert set(measured["across"]) == {"image from record", "record from image"}
    # All of the label's causes are in both modalities, and the map is asked where that lies.
    assert measured["place"]["directions"] >= 2
    assert measured["place"]["aligned"] > measured["place"]["rest"] + 0.1
    assert measured["place"]["kept"] > 0.1
    assert any(f"{prospect['gains']['scratch']['value']:+.3f} (80 % interval" in line for line in said)
    assert measured["sites"] == pytest.approx(0.5, abs=0.15)


def test_without_labels_nothing_is_expected_and_what_is_not_there_is_refused(archive: Path):
    silent = str(advise(archive))
    assert "No label is read: name one of disease with --outcome." in silent
    assert "not placed (no label is read)" in silent
    assert "record from image: R2" in silent
    with pytest.raises(InputError, match="no sound; it has image, record"):
        advise(archive, modalities=("sound",))
    with pytest.raises(InputError, match="no outcome 'dead'"):
        advise(archive, outcome="dead")


def test_of_one_modality_the_halves_are_the_views(archive: Path):
    alone = str(advise(archive, outcome="disease", modalities=("record",)))
    assert "record, other half from record, one half: R2" in alone
    assert "Because the halves share" in alone
    assert "with a second modality that shares with this one what is usual in the worlds" in alone


def test_a_record_is_read_up_to_the_prediction_and_its_halves_are_of_its_time(tmp_path: Path):
    """Codes a, b and c come at hours 1, 9 and 30; the prediction is at hour 10, with a label of 0, 1 or 2."""
    start, events = dt.datetime(2020, 1, 1), []
    with writing(tmp_path / "a", source="made up") as draft:
        for row in range(60):
            subject, pseudonym = draft.subject(f"p{row}", site="here")
            unit = draft.unit(f"{pseudonym}/stay", subject, "stay")
            for code, hour in (("a", 1), ("b", 9), ("c", 30)):
                seen = {"subject_id": subject, "code": code, "numeric_value": float(row % 5)}
                times = [start + dt.timedelta(hours=hour, minutes=again) for again in range(1 + (row + hour) % 3)]
                events += [seen | {"time": time} for time in times]
            draft.outcome("grade", unit, subject, value=row % 3, prediction_time=start + dt.timedelta(hours=10))
        draft.codes(pl.DataFrame({"code": ["a", "b", "c"], "mode": "measurement", "rule": "test"}))
        draft.events(pl.DataFrame(events))
    read = open_views(open_archive(tmp_path / "a"), outcome="grade", modalities=None)

    assert set(read.views) == {"events"}
    assert read.views["events"].shape == (60, 4)  # counts and last values of a and b, none of c
    before, after = read.halves["events"]
    assert (before[:, 0] > 0).all()
    assert not before[:, 1].any()
    assert not after[:, 0].any()
    assert (after[:, 1] > 0).all()
    said = str(advise(tmp_path / "a", outcome="grade"))
    assert "macro AUROC" in said
    assert "60 labelled units, of each class 20, 20, 20." in said


def test_what_would_change_the_answer_is_read_from_the_map():
    chart = load_map()
    found = prospect_of(chart, AT)
    more = replace(AT, paired=1800).terms()

    assert found.changed["twice the unlabelled units"].value == chart.expect("scratch", [more])[0].value
    assert set(found.gains) == set(WORDS)
    assert len(prospect_of(chart, replace(AT, alone=True)).changed) == 3


def test_what_to_try_first_follows_from_what_is_expected():
    def last_words(prospect: Prospect, measured: Measured = MEASURED) -> str:
        return "\n".join(words(measured, prospect, outcomes=("died",)))

    good = last_words(PROSPECT)
    assert "Try first: pretrain, then probe and fine-tune: semeia study own a --outcome died." in good
    assert (
        "the modalities share 3 direction(s), and the label lies in these (AUROC 0.80) rather than in the rest" in good
    )
    assert "The sites look different" in good
    hopeless = last_words(replace(PROSPECT, gains=PROSPECT.gains | {"ridge": Expected(-0.1, -0.2, 0.0, 0.0)}))
    assert "Try first: ridge logistic regression; no network is expected to beat it." in hopeless
    even = Expected(0.0, -0.1, 0.1, 0.4)
    unsure = last_words(
        replace(PROSPECT, gains=PROSPECT.gains | dict.fromkeys(list(WORDS)[:3], even), outside=("labels",))
    )
    assert "then both networks on the same folds" in unsure
    assert "Beyond the map, so trust it less: labels." in unsure
    assert "hardly tells archives apart" not in good
    assert "r 0.10: the map hardly tells archives apart" in last_words(replace(PROSPECT, r=0.1))
    silent = last_words(PROSPECT, replace(MEASURED, place=replace(AT, directions=0)))
    assert "tell nothing of each other that holds in patients left out" in silent
