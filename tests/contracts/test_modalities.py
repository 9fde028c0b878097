"""Every modality against the contract of modalities. A new one is one line in `CASES`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contracts.modality_contract import CHECKS, Case
from semeia.archive import Writer
from semeia.data.crops import CropSettings
from semeia.data.modalities import Events, Picture, Signal, Table, Text, Vector, Volume
from semeia.data.pictures import PictureSettings

VOLUME = CropSettings(voxels=(4, 8, 8), patch=(2, 2, 2))
PLANE = CropSettings(voxels=(1, 8, 8), patch=(1, 4, 4))
WORDS = ("no", "large", "effusion", "osteophytes", "joint", "narrowing", "medial", "and")


def write_volume(draft: Writer, number: int, **whose: object) -> None:
    array = np.random.default_rng(number).integers(0, 256, (8, 8, 4), dtype=np.uint8)
    about = {"kind": "img8", "intensity": "per_slice_stretched", "spacing": (1.0, 1.0, 1.0), "orientation": "RAS"}
    draft.image(array, **about, **whose)  # pyright: ignore[reportArgumentType]


def write_picture(draft: Writer, number: int, colours: int = 1, **whose: object) -> None:
    shape = (12, 10) if colours == 1 else (12, 10, colours)
    array = np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)
    about = {"kind": "picture", "intensity": "display", "spacing": None, "orientation": None}
    draft.image(array, **about, **whose)  # pyright: ignore[reportArgumentType]


def write_photograph(draft: Writer, number: int, **whose: object) -> None:
    write_picture(draft, number, colours=3, **whose)


def write_table(draft: Writer, number: int, **whose: object) -> None:
    rng = np.random.default_rng(number)
    for item in ("stiffness", "pain", "swelling"):
        if number != 12 or item != "pain":
            draft.reading(reader="visit", item=item, value=float(rng.normal(3, 2)), **whose)  # pyright: ignore[reportCallIssue]


def write_text(draft: Writer, number: int, **whose: object) -> None:
    rng = np.random.default_rng(number)
    draft.report(text=" ".join(rng.choice(WORDS, 6)), **whose)  # pyright: ignore[reportCallIssue]


def write_vector(draft: Writer, number: int, **whose: object) -> None:
    draft.array(np.random.default_rng(number).normal(2, 3, (2, 5)), modality="features", **whose)  # pyright: ignore[reportArgumentType]


def write_signal(draft: Writer, number: int, **whose: object) -> None:
    array = np.random.default_rng(number).normal(0, 1, (3, 48)).cumsum(1)
    draft.array(array, modality="ecg", **whose)  # pyright: ignore[reportArgumentType]


def write_event(draft: Writer, number: int, **whose: object) -> None:
    codes = pl.DataFrame({"code": ["L/1", "C/1"], "mode": ["measurement", "condition"], "rule": "test"})
    event = {"code": "L/1", "numeric_value": float(np.random.default_rng(number).normal(3, 2))}
    if number == 12:
        event = {"code": "C/1", "numeric_value": None}
    draft.codes(codes)
    draft.events(
        pl.DataFrame(
            [{"subject_id": whose["subject_id"], "time": whose["time"], **event}],
            schema_overrides={"numeric_value": pl.Float32},
        )
    )


def rows_of(values: np.ndarray) -> np.ndarray:
    """Pictures as users hold them: [n, height, width], or with colours last."""
    return values[:, 0, 0] if values.shape[1] == 1 else np.moveaxis(values[:, :, 0], 1, 3)


VOLUMES = Volume(crop=VOLUME, network="patches")
PICTURES = Picture(crop=PLANE)
COVERED = Picture(crop=replace(PLANE, picture=PictureSettings(fit="cover")))
CASES = {
    "volume": Case(VOLUMES, write_volume, replace(VOLUMES, crop=replace(VOLUME, voxel_mm=(1.0, 2.0, 2.0)))),
    "volume-rings": Case(Volume(crop=VOLUME), write_volume, Volume(crop=replace(VOLUME, window_hu=(0.0, 1.0)))),
    "picture": Case(PICTURES, write_picture, COVERED, rows_of),
    "photograph": Case(PICTURES, write_photograph, replace(PICTURES, colours=1), rows_of),
    "table": Case(Table(source="visit"), write_table, Table(source="other")),
    "events": Case(Events(least=1), write_event, Events(source="C/")),
    "text": Case(Text(length=5, depth=1), write_text, Text(source="other")),
    "vector": Case(Vector(source="features"), write_vector, Vector(source="other")),
    "signal": Case(
        Signal(source="ecg", length=40, patch=8, shift=4),
        write_signal,
        Signal(source="ecg", length=32, patch=8, shift=4),
    ),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", CASES)
def test_modality(name: str, check: Callable[[Case, Path], None], tmp_path: Path):
    check(CASES[name], tmp_path)
