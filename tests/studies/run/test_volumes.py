"""Examples come from the pixels there are, upright, with what is shown in words."""

import json
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from lidc_folder import write_lidc_folder
from semeia.archive import open_archive
from semeia.readers import ingest_nodules
from semeia.studies.run.volumes import planes_of


def test_examples_are_of_the_study(nodules):
    examples = json.loads((nodules.run / "examples/examples.json").read_text())
    assert 1 <= len(json.dumps(examples).split("caption")) - 1 <= 4
    pictures = list((nodules.run / "examples").glob("*.png"))
    assert pictures
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) >= 80
    units = set(pl.read_parquet(nodules.run / "predictions.parquet")["unit_id"])
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
