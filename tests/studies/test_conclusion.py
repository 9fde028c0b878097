"""What the study shows at its end: examples from the pixels there are, upright, and a flow whose numbers add up."""

import json
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from lidc_folder import write_lidc_folder
from semeia.archive import open_archive
from semeia.readers import ingest_nodules
from semeia.studies.conclusion import flow, planes_of
from semeia.studies.labels import labels_of
from semeia.studies.nodule import NoduleSettings, cohort_of
from semeia.views.dataset import PatientData


def test_examples_are_of_the_study(study):
    examples = json.loads((study.run / "examples/examples.json").read_text())
    assert 1 <= len(json.dumps(examples).split("caption")) - 1 <= 4
    pictures = list((study.run / "examples").glob("*.png"))
    assert pictures
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) >= 80
    units = set(pl.read_parquet(study.run / "predictions.parquet")["unit_id"])
    assert any(unit in json.dumps(examples) for unit in units)


def test_planes_prefer_hounsfield_units_and_say_what_is_shown(tmp_path: Path):
    ingest_nodules(write_lidc_folder(tmp_path / "files", 1), into=tmp_path / "archive")
    archive = open_archive(tmp_path / "archive")
    first, second = archive.table("units")["unit_id"].sort()
    planes, words = planes_of(archive, first)
    assert words == "window -1350 to 150 HU"
    assert set(planes) == {"axial", "coronal", "sagittal"}
    assert all(plane.pixels.dtype == np.uint8 and plane.width_mm == 40 for plane in planes.values())
    assert planes_of(archive, second)[1] == "each slice stretched on its own"


def test_the_flow_adds_up(data: PatientData, archive: Path):
    labels = labels_of(data, open_archive(archive), "malignancy")
    cohort = cohort_of(data, NoduleSettings())
    boxes = {box.label: box for box in flow(data, labels, cohort, "GE")}
    assert (boxes["In the archive"].patients, boxes["In the archive"].units) == (36, 72)
    assert (boxes["May be pretrained on"].units, boxes["of unknown manufacturer"].units) == (48, 24)
    assert (boxes["GE, labelled"].patients, boxes["GE, labelled"].units) == (12, 12)
    assert boxes["GE, labelled"].note == "6 malignant"
    assert boxes["Other manufacturers, labelled"].units == 12
    assert boxes["External without a label"].units == 12
