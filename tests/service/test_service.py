"""The service says what `semeia predict` says, explains it, and refuses in one line what it cannot use."""

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest
from PIL import Image

from dicom_folder import NAME, PATIENT, packed, write, write_series
from semeia.archive import open_archive
from semeia.data.dataset import open_dataset
from semeia.errors import InputError
from semeia.learning.model import FILE, load_model
from semeia.readers import ingest_dicom, ingest_images
from semeia.service import app as app_module
from semeia.service.app import make_app
from semeia.service.serve import serve
from semeia.service.served import Served, load_served
from semeia.studies.export import export
from semeia.studies.predict import predict
from semeia.studies.single import finetune_archive
from small_training import FINETUNE, PICTURES, picture_archive

fastapi_client = pytest.importorskip("fastapi.testclient")
CASES = 3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of a network that reads pictures, fitted for a few steps."""
    folder = tmp_path_factory.mktemp("served")
    archive = picture_archive(folder)
    tuning = replace(FINETUNE, scratch=replace(FINETUNE.scratch, steps=8))
    finetune_archive(
        archive, out=folder / "run", pretrained=None, outcome="label", pretraining=PICTURES, settings=tuning, seeds=2
    )
    return folder / "run"


@pytest.fixture(scope="module")
def served(run: Path) -> Served:
    return load_served(run, arm=None, mode=None, fraction=None)


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[object]:
    with fastapi_client.TestClient(make_app(served), base_url="http://localhost") as client:
        yield client


def new_pictures(folder: Path) -> list[Path]:
    """Pictures of patients that nobody has seen."""
    folder.mkdir()
    rng = np.random.default_rng(99)
    paths = [folder / f"new-{number}.png" for number in range(CASES)]
    for number, path in enumerate(paths):
        Image.fromarray((rng.integers(0, 120, (25, 31)) + 40 * number).astype(np.uint8)).save(path)
    return paths


def scored(run: Path, path: Path, folder: Path) -> float:
    """What `semeia predict` says of an archive that holds this picture alone."""
    table = folder / "table.csv"
    folder.mkdir()
    pl.DataFrame({"file": [path.name], "patient": ["CANARY-new"]}).write_csv(table)
    ingest_images(path.parent, table=table, into=folder / "archive", image="file", subject="patient")
    return predict(run, archive=folder / "archive")["score"].item()


def sent(path: Path, **more: object) -> dict:
    return {"observations": {"image": {"file": base64.b64encode(path.read_bytes()).decode()}}, **more}


def test_a_prediction_is_that_of_predict_to_the_last_digit(run: Path, client, tmp_path: Path):
    for number, path in enumerate(new_pictures(tmp_path / "new")):
        answer = client.post("/predict", json=sent(path, explain=False))
        assert answer.status_code == 200, answer.text
        assert answer.json()["probability"] == scored(run, path, tmp_path / str(number))
        assert answer.json()["models"] == 2


def test_a_radiograph_in_dicom_is_that_of_ingest_dicom(run: Path, client, tmp_path: Path):
    stored = np.asarray(Image.open(new_pictures(tmp_path / "new")[0])).astype(np.uint16)
    write(tmp_path / "dicom" / "film", stored, Modality="CR", ImageType=["ORIGINAL", "PRIMARY"])
    ingest_dicom(tmp_path / "dicom", into=tmp_path / "archive", workers=1)
    answer = client.post("/predict", json={"dicom": packed(tmp_path / "dicom")})
    assert answer.status_code == 200, answer.text
    assert answer.json()["probability"] == predict(run, archive=tmp_path / "archive")["score"].item()
    assert not [word for word in (PATIENT, NAME) if word in answer.text]

    write_series(tmp_path / "ct", np.zeros((4, 20, 20), np.int16))
    answer = client.post("/predict", json={"dicom": packed(tmp_path / "ct")})
    assert answer.status_code == 422
    assert "this archive holds 0 pictures and 1 volumes (hu)" in answer.json()["error"]


def test_a_prediction_comes_with_its_explanation(client, tmp_path: Path):
    path = new_pictures(tmp_path / "new")[0]
    answer = client.post("/predict", json=sent(path)).json()
    assert answer["calibrated"] is False
    assert answer["calibration"].startswith("not calibrated")
    assert answer["contributions"] == {"image": None}  # it reads nothing else
    grid = answer["saliency"]["image"]
    assert len(grid["share"]) == grid["rows"] * grid["columns"] == 64
    assert 0 < max(grid["share"]) <= 1
    assert answer["out_of_distribution"]["flag"] in (True, None)
    assert answer["nearest_training_patients"] is None
    assert answer["nearest_missing"]
    assert not answer["seen_in_training"]


def test_with_neighbours_it_says_how_near_a_patient_is(run: Path, tmp_path: Path):
    out = export(run, out=tmp_path / "model", neighbours=run.parent / "archive")
    path = new_pictures(tmp_path / "new")[0]
    answer = load_served(out, arm=None, mode=None, fraction=None).predict(sent(path))
    near = answer["nearest_training_patients"]
    assert near["of"] == 10
    assert 0 <= near["patients"] <= 10
    assert answer["out_of_distribution"]["flag"] == (
        answer["out_of_distribution"]["distance"] > near["within"] or "darker or brighter" in str(answer)
    )
    card = (out / "MODEL_CARD.md").read_text()
    assert "neighbours.safetensors" in card
    assert "AUROC" in card  # with its interval, from results.csv
    people = open_archive(run.parent / "archive").table("subjects")["pseudonym"]
    for file in (file for file in out.rglob("*") if file.is_file()):
        raw = file.read_bytes()
        assert b"CANARY" not in raw
        assert not [name for name in people if name.encode() in raw], file.name


def test_who_was_learnt_from_is_recognised(run: Path, client):
    files = run.parent / "files"
    known = [client.post("/predict", json=sent(path, explain=False)).json() for path in sorted(files.iterdir())[:3]]
    assert any(answer["seen_in_training"] for answer in known)


def test_an_embedding_is_that_of_the_encoder(run: Path, client, tmp_path: Path):
    path = new_pictures(tmp_path / "new")[0]
    answer = client.post("/embed", json=sent(path)).json()
    scored(run, path, tmp_path / "one")
    model = load_model(run / "cells/scratch/probe_finetune/1/seed-0" / FILE)
    data = open_dataset(open_archive(tmp_path / "one" / "archive"), model.preprocessing.modalities)
    expected = model.pooled(data, np.arange(1))[0][0, 0].tolist()
    assert answer == {"seed": 0, "embedding": {"image": expected}}


def test_it_says_how_it_is_and_counts(client):
    about = client.get("/health").json()
    assert about["status"] == "ok"
    assert about["model"] == "scratch probe_finetune 1"
    assert about["outcome"] == "label"
    assert list(about["reads"]) == ["image"]
    client.post("/predict", content=b"[]")
    text = client.get("/metrics").text
    assert 'semeia_requests_total{path="/predict",status="422"}' in text
    assert 'semeia_request_seconds_bucket{path="/predict",le="+Inf"}' in text
    assert client.get("/docs").status_code == 404
    assert client.get("/openapi.json").status_code == 404


PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nnothing").decode()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"1" * 10_000, "is not JSON to be read"),
        (b'{"observations": NaN}', "the body holds NaN"),
        (b"[]", "must be an object"),
        ({"patient": "CANARY"}, "there is no field 'patient'"),
        ({}, "observations: nothing of image is given"),
        ({"observations": {"reading": {}}}, "the model reads no 'reading'; it reads image"),
        ({"observations": {"image": "x"}}, "observations.image: must be an object"),
        ({"observations": {"image": {"file": 3}}}, "observations.image.file: must be a PNG"),
        ({"observations": {"image": {"file": "*"}}}, "observations.image.file: is not base64"),
        ({"observations": {"image": {"file": PNG}}}, "observations.image.file: not a readable PNG"),
        ({"observations": {"image": {"file": PNG, "axes": "LRS"}}}, "image.axes: must say where the three axes"),
        ({"observations": {"image": {"file": PNG, "kind": "ct"}}}, "observations.image.kind: must be one of"),
        (
            {"observations": {"image": {"file": PNG, "months": -1}}},
            "image.months: must be a number from 0",
        ),
        ({"observations": {"image": {"file": PNG, "name": "x"}}}, "observations.image: there is no field 'name'"),
        ({"observations": {"image": [{"file": PNG}] * 99}}, "99 observations; at most 16 are read"),
        ({"observations": {}, "covariates": {"age": []}}, "nothing of image is given"),
        ({"explain": 1}, "explain: must be true or false"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(client, body: object, words: str):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post("/predict", content=raw)
    assert answer.status_code == 422, answer.text
    assert words in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_another_kind_of_image_is_refused(client, tmp_path: Path):
    import nibabel as nib

    volume = tmp_path / "x.nii.gz"
    nib.Nifti1Image(np.zeros((8, 8, 8), np.uint8), np.eye(4)).to_filename(volume)
    for kind in ("img8", "hu"):
        body = sent(volume)
        body["observations"]["image"]["kind"] = kind
        answer = client.post("/predict", json=body)
        assert answer.status_code == 422
        assert "is a volume with a spacing; the model reads pictures" in answer.json()["error"]


def test_bodies_and_pictures_have_a_bound(client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = new_pictures(tmp_path / "new")[0]
    with monkeypatch.context() as patch:
        patch.setenv("SEMEIA_MOST_BODY_BYTES", "100")
        assert client.post("/predict", content=b"{" + b" " * 100).status_code == 413
        answer = client.post("/predict", content=iter([b"{", b" " * 99, b" " * 99]))  # no length is claimed
        assert answer.status_code == 413
        assert "SEMEIA_MOST_BODY_BYTES moves the bound" in answer.json()["error"]
    monkeypatch.setenv("SEMEIA_MOST_PIXELS", "100")
    answer = client.post("/predict", json=sent(path))
    assert answer.status_code == 422
    assert "SEMEIA_MOST_PIXELS moves the bound" in answer.json()["error"]


def test_a_fault_of_ours_says_its_place_and_nothing_of_the_patient(served: Served, monkeypatch: pytest.MonkeyPatch):
    def fails(raw: bytes) -> dict:
        raise KeyError("CANARY")

    monkeypatch.setattr(app_module, "_object", fails)
    with fastapi_client.TestClient(make_app(served), base_url="http://localhost") as client:
        answer = client.post("/predict", content=b"{}")
    assert answer.status_code == 500
    assert "KeyError at test_service.py" in answer.json()["error"]
    assert "CANARY" not in answer.text


def test_it_runs_until_it_is_told_to_stop(run: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch):
    import uvicorn

    caplog.set_level("INFO", "semeia")

    servers: list[uvicorn.Server] = []
    begin = uvicorn.Server.__init__
    monkeypatch.setattr(uvicorn.Server, "__init__", lambda self, config: (begin(self, config), servers.append(self))[0])
    thread = threading.Thread(target=serve, args=(run,), kwargs={"port": 0}, daemon=True)
    thread.start()
    for _ in range(600):
        if "answers at " in caplog.text and servers and servers[0].started:
            break
        time.sleep(0.05)
    address = caplog.text.partition("answers at ")[2].split()[0]
    with httpx.Client(base_url=address, trust_env=False) as browser:
        assert browser.get("/health").json()["status"] == "ok"
        assert browser.get("/health", headers={"Host": "elsewhere.example"}).status_code == 400
    port = int(address.rpartition(":")[2])
    with pytest.raises(InputError, match=f"127.0.0.1:{port}: Address already in use"):
        serve(run, port=port)
    servers[0].should_exit = True
    thread.join(20)
    assert not thread.is_alive()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 1)
