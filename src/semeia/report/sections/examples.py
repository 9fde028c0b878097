"""Show example units shown in three planes: the study writes them into the run, the page reads them from there.

RUN/examples/examples.json is a list of {unit_id, label, score, caption, covariates: {name: value},
planes: {axial|coronal|sagittal: {file, width_mm, height_mm}}}; the pixels are 8-bit gray PNG files beside it.
"""

import base64
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from jaxtyping import UInt8

from semeia.archive.atomic import write_bytes, write_json
from semeia.archive.small_file import MEGABYTE, read_small
from semeia.report.content import Section
from semeia.report.run_folder import Run, read_written

LARGEST_PICTURE = 16 * MEGABYTE
VIEWS = ("axial", "coronal", "sagittal")


@dataclass(frozen=True)
class Plane:
    """One slice through a unit: gray pixels, top row first, and how many millimetres it spans."""

    pixels: UInt8[np.ndarray, "height width"]
    width_mm: float
    height_mm: float


@dataclass(frozen=True)
class Picture:
    """One plane as the page shows it: a data URI, its proportions, the length of a scale bar."""

    uri: str
    width_mm: float
    height_mm: float
    bar_mm: int


Drawn = TypeVar("Drawn", Plane, Picture)


@dataclass(frozen=True)
class Example(Generic[Drawn]):
    """One unit with what the model said of it.

    `planes` has the keys axial, coronal and sagittal; `label` is 0, 1 or None (unknown); `score` a
    probability.
    """

    unit_id: str
    label: int | None
    score: float | None
    planes: dict[str, Drawn]
    covariates: dict[str, float | int | str | None]
    caption: str = ""


def examples_section(run: Run) -> Section | None:
    """Show a few units as pictures."""
    examples = read_examples(run.path)
    lead = "Single cases illustrate; they prove nothing. The white bar is the scale."
    return Section("examples", "Examples", lead=lead, own=(examples, run.outcome)) if examples else None


def write_examples(run: Path, examples: list[Example[Plane]]) -> Path:
    """Write the examples into the run folder, pictures first, the list that names them last; the path of the list."""
    folder = run / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    items = []
    for index, example in enumerate(examples):
        planes = {}
        for view in VIEWS:
            plane = example.planes[view]
            # Numbered, not named by unit: a unit id may hold any character.
            name = f"{index:03d}-{view}.png"
            write_bytes(folder / name, png(plane.pixels))
            planes[view] = {"file": name, "width_mm": float(plane.width_mm), "height_mm": float(plane.height_mm)}
        items.append({**vars(example), "planes": planes})
    write_json(folder / "examples.json", items)
    return folder / "examples.json"


def read_examples(run: Path) -> list[Example[Picture]]:
    """Return the examples of a run, ready to be shown; an empty list when it has none."""
    folder = run / "examples"
    found = read_written(folder / "examples.json", lambda items: [_shown(folder, item) for item in items])
    return found or []


def _shown(folder: Path, item: dict[str, Any]) -> Example[Picture]:
    planes, label, score = item["planes"], item.get("label"), item.get("score")
    return Example(
        unit_id=str(item["unit_id"]),
        label=int(label) if isinstance(label, int | float) else None,
        score=float(score) if isinstance(score, int | float) else None,
        planes={view: _picture(folder, planes[view]) for view in VIEWS if view in planes},
        covariates={str(k): v for k, v in (item.get("covariates") or {}).items() if v is not None},
        caption=str(item.get("caption") or ""),
    )


def _picture(folder: Path, plane: dict[str, object]) -> Picture:
    width, height = float(str(plane["width_mm"])), float(str(plane["height_mm"]))
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise ValueError("width_mm and height_mm must be above 0")
    bar = next((mm for mm in (20, 10, 5, 2) if mm <= width / 2.5), 1)
    return Picture(png_uri(folder, plane["file"]), width, height, bar)


def png_uri(folder: Path, name: object) -> str:
    """Return a PNG of the run as a data URI."""
    # Only a plain name inside the folder: what the file lists must not reach elsewhere on the disk.
    content = read_small(folder / Path(str(name)).name, most=LARGEST_PICTURE)
    if not content.startswith(b"\x89PNG"):
        raise ValueError(f"{name} is not a PNG")
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def png(pixels: UInt8[np.ndarray, "..."]) -> bytes:
    """Return pixels as the bytes of a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
