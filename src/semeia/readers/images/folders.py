"""Read pictures whose folders say what they show: one folder a class, a modality, a side of a split.

| layout as published | folders |
|---|---|
| Kvasir v1, v2 | `<class>/<name>.jpg` |
| HyperKvasir, labelled images | `<tract>/<group>/<class>/<name>.jpg` |
| PolypDB | `<modality>/images/<name>.jpg`, or `<centre>/<modality>/images/...`; masks beside |
| PICCOLO | `train, validation or test/polyps/<case>_VP<video>_frame<number>.png`; masks and voids beside |
| one folder a class and modality | `<class>_<modality>/<name>.png` |

Endoscopies come without a patient's id, and videos leave many frames that are nearly the same. Where no id can be read
from the names, frames that look alike are one patient, so that no split parts them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semeia.archive import PRIVACY, Privacy, Summary
from semeia.errors import InputError
from semeia.progress import each
from semeia.readers.images.listed import SPLIT_NAMES
from semeia.readers.images.pairs import Pairing, modality_name
from semeia.readers.images.picture_file import read_picture
from semeia.readers.images.pictures import Naming, ingest_rows
from semeia.readers.rows import Faults, Row, folder_given

OUTCOME = "label"
ANSWERS = frozenset({"masks", "mask", "void", "annotations", "bounding_boxes", "bbox"})  # drawn by people, no pictures
NEUTRAL = frozenset({"images", "image"})
ALIKE = 0.93  # correlation of two frames from which they count as the same scene
SIDE = 32
AT_ONCE = 1024


@dataclass(frozen=True)
class Found:
    """A picture and what its folders say of it; an empty text where they say nothing."""

    path: Path
    shows: str
    modality: str
    split: str

    @property
    def unit(self) -> str:
        """What it shows, whichever the modality: two pictures of one class and one file name are a pair."""
        return f"{self.split}/{self.shows}/{self.path.stem}"


def ingest_folders(
    folder: str | Path,
    *,
    into: str | Path,
    paired: tuple[str, ...] = (),
    classes: tuple[str, ...] = (),
    subject: str | None = None,
    site: str | None = None,
    outcome: str = OUTCOME,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    skip_bad_rows: int = 0,
) -> Summary:
    r"""Read a tree of PNG and JPEG pictures, sorted in folders, into an archive.

    Args:
        folder: The tree; the innermost folder of a picture that is neither a modality nor a side names its class.
        paired: Names of modalities, such as [WLI,NBI]: folders called so, or ending in `_WLI`. Pictures of one class
            and file name are a pair.
        classes: Names of the classes in the order of their numbers; by default all there are, by name. Name them where
            a tree lacks some, so that numbers mean the same in each archive. Others are unlabelled.
        subject: Regular expression whose first group is the patient's id in a file's name, such as `^(\d+)_VP`; by
            default pictures that look alike are one patient.
        site: Hospital they all come from.
        outcome: What the class is called in the archive.
        skip_bad_rows: How many pictures may be left out because of a fault; by default none.

    Raises:
        InputError: There is no picture, or one is damaged. Nothing is written then.
    """
    source = folder_given(folder)
    found = pictures_in(source, paired)
    shown = sorted({one.shows for one in found} - {""})
    names = classes or (tuple(shown) if len(shown) > 1 else ())
    pairs = [one.unit for one in found] if paired else ()
    patients = _named(found, subject) if subject else alike([one.path for one in found], together=pairs)
    rows = [
        _row(source, place, one, who, names, site) for place, (one, who) in enumerate(zip(found, patients, strict=True))
    ]
    columns = {"image": "image", "subject": "subject", "unit": "unit", "label": "label", "split": "split"}
    columns |= {"site": "site"} if site else {}
    naming = Naming(outcome, "picture", source="pictures in folders", other=("modality", "site"), classes=names)
    pairing = Pairing("modality", first=paired[0]) if paired else None
    faults = Faults(skip=skip_bad_rows)
    return ingest_rows(
        rows,
        source,
        columns=columns,
        naming=naming,
        into=into,
        kind="picture",
        key=key,
        settings=settings,
        faults=faults,
        pairing=pairing,
    )


def pictures_in(folder: Path, paired: tuple[str, ...]) -> list[Found]:
    """List the pictures of a tree with what their folders say, by path; drawn answers are left out."""
    modalities = {name.lower(): modality_name(name) for name in paired}
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts[:-1]
        if path.suffix.lower() in (".png", ".jpg", ".jpeg") and not ANSWERS & {part.lower() for part in parts}:
            found.append(_told(path, parts, modalities))
    if not found:
        raise InputError(f"{folder}: holds no PNG or JPEG picture.")
    if paired and (without := sum(not one.modality for one in found)):
        raise InputError(
            f"{folder}: {without} of {len(found)} pictures lie in no folder of the modalities {', '.join(paired)}."
        )
    return found


def _told(path: Path, parts: Sequence[str], modalities: dict[str, str]) -> Found:
    shows = modality = split = ""
    for part in parts:
        lower = part.lower()
        before, _, last = lower.rpartition("_")
        if lower in modalities:
            modality = modalities[lower]
        elif before and last in modalities:
            modality, shows = modalities[last], part[: len(before)]
        elif lower in SPLIT_NAMES:
            split = SPLIT_NAMES[lower]
        elif lower not in NEUTRAL:
            shows = part
    return Found(path, shows, modality, split)


def _row(folder: Path, place: int, one: Found, who: str, names: tuple[str, ...], site: str | None) -> Row:
    """Make the row of a picture: what `ingest images` would read from a table."""
    cells = {
        "image": one.path.relative_to(folder).as_posix(),
        "subject": f"{one.split}/{who}" if one.split else who,
        "unit": one.unit,
        "label": str(names.index(one.shows)) if one.shows in names else None,
        "split": one.split or None,
        "modality": one.modality or None,
        "site": site,
    }
    return Row(f"{folder} (pictures by path)", place + 1, cells)


def _named(found: Sequence[Found], subject: str) -> list[str]:
    try:
        pattern = re.compile(subject)
    except re.error as error:
        raise InputError(f"subject '{subject}' is no regular expression: {error}.") from error
    if pattern.groups < 1:
        raise InputError(f"subject '{subject}' has no group in parentheses that would be the id.")
    matches = [pattern.search(one.path.name) for one in found]
    if without := sum(match is None or not match[1] for match in matches):
        raise InputError(f"subject '{subject}': {without} of {len(found)} file names hold no such id.")
    return [match[1] for match in matches if match]


def alike(paths: Sequence[Path], *, together: Sequence[str] = ()) -> list[str]:
    """Group pictures that look alike: a name for each, the same for those linked by a chain of correlations above 0.93.

    Pictures of one name in `together` are linked, too: two modalities of a scene need not look alike. Compared are the
    pictures averaged down to 32 x 32 gray cells, without their lower left corner, where some devices draw an inset.
    Approximate: one examination can still fall into several groups.
    """
    from PIL import Image
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    thumbnails = np.zeros((len(paths), SIDE * SIDE), np.float32)
    for place, path in enumerate(each(paths, "Comparing pictures")):
        picture = read_picture(path, name=f"picture {place + 1} by path").astype(np.float32)
        gray = picture.mean(2) if picture.ndim == 3 else picture
        small = np.asarray(Image.fromarray(gray).resize((SIDE, SIDE), Image.Resampling.BOX)).copy()
        small[SIDE * 5 // 8 :, : SIDE * 3 // 8] = small.mean()
        centred = (small - small.mean()).reshape(-1)
        thumbnails[place] = centred / max(float(np.linalg.norm(centred)), 1e-6)
    rows, columns = [], []
    for start in range(0, len(paths), AT_ONCE):
        row, column = np.nonzero(thumbnails[start : start + AT_ONCE] @ thumbnails.T > ALIKE)
        rows.append(row + start)
        columns.append(column)
    first = {name: place for place, name in reversed(list(enumerate(together)))}
    rows.append(np.arange(len(together)))
    columns.append(np.array([first[name] for name in together], int))
    places = np.concatenate(rows), np.concatenate(columns)
    links = coo_array((np.ones(len(places[0])), places), shape=(len(paths),) * 2)
    return [f"scene {number}" for number in connected_components(links)[1]]
