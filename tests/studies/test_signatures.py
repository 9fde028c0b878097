"""Signatures on the command line's terms: fit, express, show, a patient's page; and no one is named."""

import datetime as dt
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from record_archive import random_rows, record_archive
from semeia.archive import Archive, open_archive, writing
from semeia.errors import InputError
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.model import load_signatures
from semeia.signatures.settings import SignatureSettings
from semeia.studies.signatures import (
    _advice,
    express_table,
    fit,
    patient,
    show,
    training_patients,
    unmapped_table,
)

PATIENTS = 16
SETTINGS = SignatureSettings(
    components=3, least_patients=5, at_least=400, draws=1, starts=1, ica=IcaSettings(threads=1)
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return record_archive(tmp_path_factory.mktemp("r") / "archive", random_rows(PATIENTS, 40), patients=PATIENTS)


@pytest.fixture(scope="module")
def model(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("signatures") / "model"
    said = fit(archive.path, out=out, settings=SETTINGS)
    assert said.startswith("3 signatures of 10 channels, fitted on 16 patients")
    return out


def pseudonyms(archive: Archive) -> list[str]:
    return archive.table("subjects")["pseudonym"].to_list()


def test_a_fit_leaves_a_model_and_an_atlas_that_names_nobody(archive: Archive, model: Path):
    assert {path.name for path in model.iterdir()} == {
        "signatures.safetensors",
        "signatures.json",
        "channels.parquet",
        "atlas.html",
    }
    page = (model / "atlas.html").read_text()
    assert page.count("<article") == 3
    assert "Patient A" in page
    assert "2019-" not in page
    everything = page + (model / "signatures.json").read_text()
    assert not [name for name in pseudonyms(archive) if name in everything]


def test_expressions_at_the_end_of_each_record_and_at_given_dates(archive: Archive, model: Path, tmp_path: Path):
    whole = express_table(model, archive=archive.path)
    assert whole.columns == ["pseudonym", "time", "s001", "s002", "s003"]
    assert whole.height == PATIENTS
    dates = whole.select("pseudonym", "time").reverse()
    dates.write_csv(tmp_path / "dates.csv")
    dates.write_parquet(tmp_path / "dates.parquet")
    for name in ("dates.csv", "dates.parquet"):
        assert express_table(model, archive=archive.path, dates=tmp_path / name).equals(whole.reverse())


def test_the_hospitals_own_ids_are_joined_through_the_key(
    archive: Archive, model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    key, dates = archive.path.with_suffix(".hex"), tmp_path / "dates.csv"
    whole = express_table(model, archive=archive.path)
    third = archive.table("subjects").row(2, named=True)
    time = whole.filter(pl.col("pseudonym") == third["pseudonym"])["time"][0]
    dates.write_text(f"subject_id,time\nperson-3,{time.isoformat()}\nperson-999,{time.isoformat()}\n")
    expressed = express_table(model, archive=archive.path, dates=dates, key=key, skip_bad_rows=1)
    assert expressed.equals(whole.filter(pl.col("pseudonym") == third["pseudonym"]))
    assert "1 rows with a fault were left out" in caplog.text
    dates.write_text("subject_id,time\n3,2020-06-01\n")  # the archive's own number of somebody
    with pytest.raises(InputError, match="row 2, column subject_id: names a patient who is not in the archive"):
        express_table(model, archive=archive.path, dates=dates, key=key)
    with pytest.raises(InputError, match="key is kept elsewhere"):
        express_table(model, archive=archive.path, dates=dates)


def test_a_test_on_the_patients_of_the_fit_is_refused(archive: Archive, model: Path):
    with pytest.raises(InputError, match="16 of 16 patients"):
        express_table(model, archive=archive.path, unseen=True)


def test_what_signatures_do_not_know_of_a_site(model: Path, tmp_path: Path):
    rows = [*random_rows(4, 30), *((3, float(hour), "RARE", None) for hour in range(50))]
    elsewhere = record_archive(tmp_path / "elsewhere", rows, patients=4)
    [site] = unmapped_table(model, archive=elsewhere.path).iter_rows(named=True)
    assert (site["site"], site["patients"], site["unmapped_codes"]) == ("", 4, 1)
    assert site["unmapped_events"] == 52  # and the two of random_rows
    assert site["share"] == site["unmapped_events"] / site["events"]


def test_show_all_or_one(model: Path):
    everything = show(model, most=2)
    assert everything["signature"].to_list() == ["s001", "s002", "s003"]
    assert everything["channels"].str.count_matches(";").to_list() == [1, 1, 1]
    one = show(model, signature="s002", most=4)
    assert one.height == 4
    assert one["weight"].abs().is_sorted(descending=True)
    assert one["holds"].is_between(0, 1).all()
    with pytest.raises(InputError, match="s001 to s003"):
        show(model, signature="s9")
    found = show(model, channel="c/")
    assert found["name"].to_list() == ["C/1", "C/2"]
    assert set(found["signature"]) <= {"s001", "s002", "s003"}
    with pytest.raises(InputError, match="no channel"):
        show(model, channel="insulin")


def test_a_patient_page_names_nobody(archive: Archive, model: Path, tmp_path: Path):
    page = patient(model, archive=archive.path, pseudonym=pseudonyms(archive)[3], out=tmp_path / "page.html")
    html = page.read_text()
    assert "Signatures over time" in html
    assert not [name for name in pseudonyms(archive) if name in html]
    with pytest.raises(InputError, match="not overwritten"):
        patient(model, archive=archive.path, pseudonym=pseudonyms(archive)[3], out=page)
    with pytest.raises(InputError, match="no patient"):
        patient(model, archive=archive.path, pseudonym="p0", out=tmp_path / "other.html")


def test_an_unstable_signature_is_marked_wherever_it_appears(
    archive: Archive, model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    fitted = load_signatures(model)
    shaky = replace(fitted, stable=np.array([0.99, 0.5, 0.99])).save(tmp_path / "shaky")
    assert show(shaky)["unstable"].to_list() == [False, True, False]
    found = show(shaky, channel="/")
    assert found["unstable"].to_list() == [name == "s002" for name in found["signature"]]
    for look in (lambda: show(shaky, signature="s002"), lambda: express_table(shaky, archive=archive.path)):
        caplog.clear()
        look()
        assert "unstable: s002\n" in caplog.text
    caplog.clear()
    show(shaky, signature="s001")
    assert not caplog.text
    page = patient(shaky, archive=archive.path, pseudonym=pseudonyms(archive)[3], out=tmp_path / "page.html")
    assert "s002, unstable)" in page.read_text()


def test_bad_dates_are_one_clear_line(archive: Archive, model: Path, tmp_path: Path):
    path = tmp_path / "dates.csv"
    with pytest.raises(InputError, match="no such table"):
        express_table(model, archive=archive.path, dates=path)
    path.write_text("pseudonym,time\nnobody,2020-01-01\n")
    with pytest.raises(InputError, match="row 2, column pseudonym: names a patient who is not in the archive"):
        express_table(model, archive=archive.path, dates=path)
    path.write_text("subject_id\n1\n")
    with pytest.raises(InputError, match="needs a column time"):
        express_table(model, archive=archive.path, dates=path)


def test_patients_that_were_fitted_on_can_be_left_out(
    archive: Archive, model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    rows = [*random_rows(2, 40, seed=9), *((3, 24.0 * day, "C/1", None) for day in range(3))]
    other = record_archive(tmp_path / "other", rows, patients=3)
    with pytest.raises(InputError, match="refused: 3 of 3 patients"):  # by their pseudonyms: the key is the same
        express_table(model, archive=other.path, unseen=True)
    with pytest.raises(InputError, match="were fitted on all 3 patients; none is left"):
        express_table(model, archive=other.path, skip_seen=True)
    with writing(other.path, source="more", key=tmp_path / "other.hex") as draft:
        new, pseudonym = draft.subject("new")
        draft.codes(other.codes())
        draft.events(pl.DataFrame({"subject_id": [new], "time": [dt.datetime(2020, 1, 1)], "code": ["C/1"]}))
    table = express_table(model, archive=other.path, unseen=True, skip_seen=True)
    assert table["pseudonym"].to_list() == [pseudonym]
    assert "3 of 4 patients are left out: the signatures were fitted on them." in caplog.text


def test_where_most_signatures_are_unstable_it_is_said_what_to_do(model: Path):
    fitted = load_signatures(model)
    shaky = replace(fitted, stable=np.array([0.1, 0.2, 0.3]))
    assert _advice(shaky, 3).startswith(": all of them change with the patients drawn, so name none")
    assert "--components 2" in _advice(replace(fitted, stable=np.array([0.1, 0.95, 0.3])), 2)
    assert _advice(fitted, 1) == ""


def test_dates_before_birth_and_dates_to_guess_are_refused(archive: Archive, model: Path, tmp_path: Path):
    path, name = tmp_path / "dates.csv", pseudonyms(archive)[0]
    path.write_text(f"pseudonym,time\n{name},2020-01-01\n{name},04/03/2020\n")
    with pytest.raises(InputError, match=r"dates.csv, row 3, column time: is not a date in ISO"):
        express_table(model, archive=archive.path, dates=path)


def test_the_same_fit_again_has_nothing_to_do_and_another_is_refused(archive: Archive, model: Path, tmp_path: Path):
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    assert fit(archive.path, out=model, settings=replace(SETTINGS, workers=2)).startswith("nothing to do")
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    with pytest.raises(InputError, match="holds signatures already"):
        fit(archive.path, out=model, settings=replace(SETTINGS, seed=9))
    empty = record_archive(tmp_path / "empty", [], patients=3)
    with pytest.raises(InputError, match="no health records"):
        training_patients(open_archive(empty.path))


def test_events_without_dates_are_no_records_to_fit_on_and_that_is_said(tmp_path: Path):
    with writing(tmp_path / "undated", source="test") as draft:
        subject_id, _ = draft.subject("1")
        draft.codes(pl.DataFrame({"code": ["RACE"], "mode": ["demographic"], "rule": ["test"]}))
        draft.events(pl.DataFrame({"subject_id": [subject_id], "time": [None], "code": ["RACE"]},
                                  schema_overrides={"time": pl.Datetime("us")}))  # fmt: skip
    with pytest.raises(InputError, match="no health records with dates; its events have no dates, or are births"):
        training_patients(open_archive(tmp_path / "undated"))


def test_the_processes_of_torchrun_make_one_fit(archive: Archive, model: Path, tmp_path: Path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "semeia"]
    options = ["--components", "3", "--least_patients", "5", "--at_least", "400", "--draws", "1", "--starts", "1"]
    folders = ["--out", str(tmp_path / "model"), "--scratch", str(tmp_path / "scratch")]
    done = subprocess.run(
        [*command, "signatures", "fit", str(archive.path), *options, "--ica.threads", "1", *folders],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("3 signatures of 10 channels") == 1
    together, alone = load_signatures(tmp_path / "model"), load_signatures(model)
    np.testing.assert_allclose(together.components.mixing, alone.components.mixing, atol=1e-3)
    np.testing.assert_allclose(together.stable, alone.stable, atol=1e-3)
    assert together.fitting.limited == alone.fitting.limited
    assert list((tmp_path / "scratch").iterdir()) == []
