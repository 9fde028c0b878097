"""Raw files in a request go through the readers of `semeia ingest`: the same image, the same bounds, nobody named."""

import base64
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dicom_folder import NAME, PATIENT, packed, write, write_series
from semeia.archive import Privacy, open_archive
from semeia.errors import InputError
from semeia.readers import ingest_dicom
from semeia.service.raw import archive_of

PLANES = np.random.default_rng(2).integers(0, 2000, (4, 20, 16)).astype(np.int16)


def test_a_series_is_what_ingest_dicom_makes_of_it(tmp_path: Path):
    write_series(tmp_path / "ct", PLANES, RescaleIntercept=-1024)
    ingest_dicom(tmp_path / "ct", into=tmp_path / "archive", workers=1)
    there = open_archive(tmp_path / "archive")
    with archive_of({"dicom": packed(tmp_path / "ct")}, {}, privacy=Privacy()) as archive:
        (mine,), (other,) = (one.table("images").to_dicts() for one in (archive, there))
        assert np.array_equal(archive.pixels(mine), there.pixels(other))
        assert {name: mine[name] for name in ("sha256", "time", "kind", "spacing")} == {
            name: other[name] for name in ("sha256", "time", "kind", "spacing")
        }
        assert archive.table("units")["time"].to_list() == [other["time"]]
        assert archive.table("subjects").select("sex", "birth").equals(there.table("subjects").select("sex", "birth"))
        assert not list(archive.path.parent.rglob(f"*{PATIENT}*"))
        folder = archive.path.parent
    assert not folder.exists()


def test_a_record_is_cut_at_its_date_and_belongs_to_the_patient_of_the_images(tmp_path: Path):
    write_series(tmp_path / "ct", PLANES)
    table = "code;time;numeric_value\nLAB//A;2019-01-01;1,5\nGENDER//F;;\nLAB//A;2020-05-01 10:00;2\n"
    body = {"dicom": packed(tmp_path / "ct"), "record": {"csv": table}, "time": "2020-03-01"}
    with archive_of(body, {}, privacy=Privacy()) as archive:
        events = pl.concat(list(archive.event_batches())).sort("time")
        assert events["numeric_value"].to_list() == [1.5, 2.0]
        assert archive.table("subjects")["sex"].to_list() == ["female"]
        assert archive.table("units")["time"].item().isoformat() == "2020-03-01T23:59:59.999999"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"dicom": 3}, "dicom: must be a zip"),
        ({"dicom": "*"}, "dicom: is not base64"),
        ({"dicom": base64.b64encode(b"PK").decode()}, "dicom: is no zip"),
        ({"record": [], "time": "2020-01-01"}, "record: must be"),
        ({"record": {"events": []}}, "time: must say at which date"),
        ({"record": {"events": []}, "time": "04/03/2020"}, "column time: is not a date in ISO"),
        ({"record": {"events": []}, "time": 2020}, "time: must be a date in ISO"),
        ({"record": {"events": []}, "time": "2020-01-01"}, "record.events: must be a list"),
        ({"record": {"events": [3]}, "time": "2020-01-01"}, "record.events, event 1: must be an object"),
        ({"record": {"events": [{"name": "CANARY"}]}, "time": "2020-01-01"}, "there is no field 'name'"),
        ({"record": {"events": [{"code": "CANARY", "numeric_value": "x"}]}, "time": "2020-01-01"}, "a number or null"),
        ({"record": {"events": [{"code": "CANARY", "time": "1/2/20"}]}, "time": "2020-01-01"}, "row 1, column time"),
        ({"record": {"events": [{"time": "2020-01-01"}]}, "time": "2020-01-01"}, "row 1, column code: is empty"),
        ({"record": {"csv": "code\nCANARY\n"}, "time": "2020-01-01"}, "record.csv: lacks the column(s) time"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line_that_names_nobody(body: dict, words: str):
    with pytest.raises(InputError) as refused, archive_of(body, {}, privacy=Privacy()):
        pass
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "CANARY" not in str(refused.value)
    assert "/semeia-" not in str(refused.value)


def test_images_of_nobody_several_or_none_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    write_series(tmp_path / "ct", PLANES)
    write_series(tmp_path / "other", PLANES, PatientID="OTHER-1234", SeriesInstanceUID="1.2.9")
    write(tmp_path / "scout" / "one", PLANES[0], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes").write_text(f"{PATIENT} {NAME}")
    for folder, words in (
        (tmp_path, "dicom: holds images of 2 patients"),
        (tmp_path / "scout", "no image of the folder can be read"),
        (tmp_path / "text", "no image of the folder can be read"),
    ):
        with (
            pytest.raises(InputError, match=words) as refused,
            archive_of({"dicom": packed(folder)}, {}, privacy=Privacy()),
        ):
            pass
        assert not [word for word in (PATIENT, NAME, "OTHER") if word in str(refused.value) + caplog.text]


def test_what_a_zip_claims_is_bounded_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_series(tmp_path / "ct", PLANES)
    body = {"dicom": packed(tmp_path / "ct")}
    for bound, value in (
        ("SEMEIA_MOST_UNPACKED_BYTES", "3000"),
        ("SEMEIA_MOST_FRAMES", "3"),
        ("SEMEIA_MOST_VOXELS", "900"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(bound, value)
            with pytest.raises(InputError, match=bound), archive_of(body, {}, privacy=Privacy()):
                pass


def test_the_identity_gate_refuses_unless_it_is_told_why(tmp_path: Path):
    events = [{"code": f"NOTE//jane.doe{number}@example.org", "time": "2020-01-01"} for number in range(3)]
    body = {"record": {"events": events}, "time": "2020-01-02"}
    with (
        pytest.raises(InputError, match="the identity gate found") as refused,
        archive_of(body, {}, privacy=Privacy()),
    ):
        pass
    assert "jane" not in str(refused.value)
    with archive_of(body, {}, privacy=Privacy("a test")) as archive:
        assert archive.table("units").height == 1
