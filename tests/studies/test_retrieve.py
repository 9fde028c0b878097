"""A picture finds its own other modality where the two share something, and not where they do not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lidc_folder import write_rows
from semeia.archive import open_archive
from semeia.archive.atomic import write_json
from semeia.data.crops import CropSettings
from semeia.data.dataset import open_dataset
from semeia.data.modalities import Picture
from semeia.data.pictures import PictureSettings
from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError
from semeia.learning.finetune import fresh_model
from semeia.readers import ingest_images
from semeia.studies.retrieve import GRAY, retrieve

CROP = CropSettings(voxels=(1, 16, 16), patch=(1, 8, 8))


def lesions(folder: Path, *, patients: int = 12, first: int = 0, alike: bool = True) -> Path:
    """Two lesions a patient, each in two lights: the same shapes in another colour, or others."""
    (folder / "files").mkdir(parents=True)
    rows = []
    for number in range(first * 2, (first + patients) * 2):
        for light, tint in (("wli", (255, 180, 150)), ("nbi", (90, 200, 160))):
            rng = np.random.default_rng([number, 0 if alike else len(rows)])
            shapes = Image.fromarray(rng.integers(0, 256, (4, 4), dtype=np.uint8)).resize((20, 20))
            pixels = np.asarray(shapes, float)[..., None] / 255 * np.array(tint)
            name = f"{number}-{light}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "files" / name)
            rows.append({"file": name, "patient": f"P{number // 2}", "lesion": f"L{number}", "light": light})
    table = write_rows(folder / "frames.csv", rows)
    ingest_images(
        folder / "files", into=folder / "archive", table=table, image="file", subject="patient", unit="lesion",
        modality="light",
    )  # fmt: skip
    return folder / "archive"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder of white light and of pseudo narrow band, which never saw a real one."""
    folder = tmp_path_factory.mktemp("run")
    derived = replace(CROP, picture=PictureSettings(derive="narrow_band"))
    modalities = {"picture": Picture(source="wli", crop=CROP), "pseudo": Picture(source="wli", crop=derived)}
    data = open_dataset(open_archive(lesions(folder / "home")), modalities)  # pyright: ignore[reportArgumentType]
    settings = EncoderSettings(dim=16, depth=1, heads=2, mixing="apart")
    rows = np.arange(len(data))
    model = fresh_model(data, rows, modalities=("picture", "pseudo"), settings=settings, seed=0)
    model.save(folder / "pretrained/mics/seed-0")
    write_json(folder / "run.json", {"study": "gastro", "seeds": [0]})
    return folder


def test_gray_pixels_find_the_same_shapes_in_another_light_and_nothing_where_there_are_none(run: Path, tmp_path: Path):
    table = retrieve(run, archive=lesions(tmp_path / "a", first=50), arm="mics", first="wli", second="nbi")
    assert table["vectors"].to_list() == ["mics", "mics", GRAY, GRAY]
    assert table.select("asks", "finds").rows() == [("wli", "nbi"), ("nbi", "wli")] * 2
    assert set(table["n"]) == {24}
    assert set(table["n_patients"]) == {12}
    gray = table.filter(vectors=GRAY)
    assert gray["top1"].min() == 1.0
    assert (table["low"] <= table["top1"]).all()
    assert (table["top1"] <= table["high"]).all()
    apart = lesions(tmp_path / "b", first=50, alike=False)
    table = retrieve(run, archive=apart, arm="mics", first="wli", second="nbi")
    assert table["top1"].to_numpy().max() < 0.3
    assert table["chance"][0] == pytest.approx(1 / 24)


def test_one_encoder_reads_both_lights_and_vectors_of_a_common_space_are_led_there(run: Path, tmp_path: Path):
    from semeia.learning.model import load_model

    archive = lesions(tmp_path / "a", first=50)
    model = load_model(run / "pretrained/mics/seed-0/model.safetensors")
    model.only(("picture",)).save(tmp_path / "run/pretrained/alone/seed-0")
    torch.manual_seed(0)
    blind = {name: torch.nn.Linear(model.encoder.pooled_width(), 1) for name in model.encoder.kinds}
    for linear in blind.values():
        torch.nn.init.zeros_(linear.weight)
    replace(model, common=blind).save(tmp_path / "run/pretrained/blind/seed-0")
    write_json(tmp_path / "run/run.json", {"study": "gastro", "seeds": [0]})
    alone, blind_table = (
        retrieve(tmp_path / "run", archive=archive, arm=arm, first="wli", second="nbi").head(1)
        for arm in ("alone", "blind")
    )
    assert alone["top1"][0] > 5 / 24
    assert blind_table["top1"][0] == pytest.approx(1 / 24)  # all are the same there: the first is everybody's nearest


def test_patients_that_were_trained_on_are_refused_or_left_out(run: Path, tmp_path: Path):
    home = run / "home" / "archive"
    with pytest.raises(InputError, match="12 patients of this archive were seen in training"):
        retrieve(run, archive=home, arm="mics", first="wli", second="nbi")
    with pytest.raises(InputError, match=r"0 unit\(s\) have both"):
        retrieve(run, archive=home, arm="mics", first="wli", second="nbi", skip_seen=True)
    with pytest.raises(InputError, match="no pretrained encoder simclr/seed-0; it has mics/seed-0"):
        retrieve(run, archive=home, arm="simclr", first="wli", second="nbi")
