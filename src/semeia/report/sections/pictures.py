"""A few tested pictures with what a model looked at: the study writes them into the run, the page reads them there.

RUN/pictures/pictures.json holds {arm, mode, fraction, seed, rule, pictures: [{file, overlay, label, chances, cohort,
caption}]}; `file` (gray) and `overlay` (the map laid over it) are 8-bit PNG files beside it. Nothing in it names a
patient, a unit or a file of the archive.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from semeia.archive.atomic import write_bytes, write_json
from semeia.report.content import Section
from semeia.report.numbers import percent
from semeia.report.run_folder import Run, read_written
from semeia.report.sections.examples import png, png_uri
from semeia.settings_json import from_plain

FOLDER, LIST = "pictures", "pictures.json"
TINT = (213, 94, 0)  # an orange that stands out from gray, for colour-blind readers, too
STRONGEST, HALF = 0.6, 0.5


@dataclass(frozen=True)
class Explained:
    """One tested picture."""

    pixels: UInt8[np.ndarray, "height width"]  # gray, top row first
    map: Float[np.ndarray, "height width"]  # how much the output depends on each pixel, 0 to 1
    label: int  # the true grade
    chances: tuple[float, ...]  # of each grade
    cohort: str  # where it was tested
    caption: str  # why it is shown


@dataclass(frozen=True)
class Shown:
    """Whose pictures they are: a model by its place in the run, and the rules by which it and they were chosen."""

    arm: str
    mode: str
    fraction: float
    seed: int
    rule: str


@dataclass(frozen=True)
class Picture:
    """One picture of the list; as the page shows it `file` and `overlay` are data URIs."""

    file: str
    overlay: str
    label: int
    chances: tuple[float, ...]
    cohort: str
    caption: str

    @property
    def called(self) -> int:
        """Return the most probable grade, the lowest of several."""
        return self.chances.index(max(self.chances))


def pictures_section(run: Run) -> Section | None:
    """Show picture beside picture with the map, true grade, chances."""
    found = read_pictures(run)
    if found is None:
        return None
    shown, pictures = found
    lead = (
        f"What {run.names.arm(shown.arm, shown.mode)} looked at, with {percent(shown.fraction)} of the labels and seed "
        f"{shown.seed}. Single cases illustrate; they prove nothing."
    )
    points = [
        "The maps are by occlusion: one square of the picture after the other is hidden under the picture\u2019s mean "
        "gray. The stronger the orange, the more the expected grade changes when that place is hidden; the outline is "
        "around places where it changes at least half as much as at the strongest one. Each map is relative to its "
        "own strongest place, so that two maps cannot be compared in strength.",
        "A map says on what the output depends, not whether that is a sign of the disease. What is told twice, in two "
        "places that are never hidden together, it misses.",
        shown.rule,
    ]
    titled = [(run.names.cohort(one.cohort), one) for one in pictures]
    return Section("pictures", "A few pictures, and what the model looked at", lead=lead, points=points, own=titled)


def write_pictures(run: Path, shown: Shown, pictures: list[Explained]) -> Path:
    """Write the pictures and then their list into the run folder, and remove earlier ones; the path of the list."""
    folder = run / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    items = []
    for index, one in enumerate(pictures):
        chances = tuple(round(float(chance), 4) for chance in one.chances)
        # Numbered: no name of the archive goes into a report.
        item = Picture(f"{index:02d}.png", f"{index:02d}-map.png", one.label, chances, one.cohort, one.caption)
        write_bytes(folder / item.file, png(one.pixels))
        write_bytes(folder / item.overlay, png(overlaid(one.pixels, one.map)))
        items.append(item)
    write_json(folder / LIST, {**asdict(shown), "pictures": [asdict(item) for item in items]})
    named = {name for item in items for name in (item.file, item.overlay)}
    for path in folder.glob("*.png"):
        if path.name not in named:
            path.unlink()
    return folder / LIST


def read_pictures(run: Run) -> tuple[Shown, list[Picture]] | None:
    """Return the pictures of a run, ready to be shown; None when it has none."""
    folder = run.path / FOLDER

    def read(record: dict[str, Any]) -> tuple[Shown, list[Picture]]:
        items = [from_plain(Picture, item) for item in record.pop("pictures")]
        shown = [replace(i, file=png_uri(folder, i.file), overlay=png_uri(folder, i.overlay)) for i in items]
        return from_plain(Shown, record), shown

    found = read_written(folder / LIST, read)
    return found if found and found[1] else None


def overlaid(
    pixels: UInt8[np.ndarray, "height width"], strength: Float[np.ndarray, "height width"]
) -> UInt8[np.ndarray, "height width 3"]:
    """The picture under a translucent map, with an outline around what is at least half as strong as the strongest."""
    from scipy.ndimage import binary_dilation, binary_erosion

    veil = STRONGEST * strength.clip(0, 1)[..., None]
    mixed = (1 - veil) * pixels[..., None] + veil * np.array(TINT)
    inside = np.asarray(strength >= HALF)
    # Black and white side by side: seen on bone and on air.
    mixed[np.asarray(binary_dilation(inside), bool) & ~inside] = 255
    mixed[inside & ~np.asarray(binary_erosion(inside, border_value=1), bool)] = 0
    return np.rint(mixed).astype(np.uint8)
