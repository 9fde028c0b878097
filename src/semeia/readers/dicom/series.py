"""Stack image planes: those that lie one behind the other in space, in their order.

File names and instance numbers say nothing. Planes of one series belong together where they have one orientation, grid
and pixel size; of several planes at one place, what the header tells apart (an acquisition, an echo, a phase) makes
stacks of their own.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from semeia.readers.dicom.header import Header, Plane

SAME_PLACE_MM = 0.01
_SQUARE = 1e-3  # of the directions: unit length, right angle
SINGLE = "single slices of a volume"
NOWHERE = "slices do not say where they lie"
ODD_AXES = "slices whose axes are no right angle or have no length"
FRAMES = "radiographs of several frames"
SAME_FILM = "copies of a radiograph"


@dataclass(frozen=True)
class Slice:
    """One plane and the file it is in."""

    header: Header
    plane: Plane

    @property
    def position(self) -> np.ndarray:
        """mm (LPS) of the middle of the first pixel, [3]."""
        return np.array(self.plane.position)


@dataclass(frozen=True)
class Stack:
    """Planes of one orientation, grid and pixel size by their place along the normal; or one radiograph."""

    slices: tuple[Slice, ...]

    @property
    def header(self) -> Header:
        """Of the first plane."""
        return self.slices[0].header

    @property
    def directions(self) -> np.ndarray:
        """Unit vectors (LPS) of growing columns, growing rows, and the normal, [3, 3] by row."""
        return _directions(self.slices[0].plane)

    @property
    def depths(self) -> np.ndarray:
        """mm along the normal of each plane, rising, [slice]."""
        return np.array([one.position for one in self.slices]) @ self.directions[2]

    @property
    def when(self) -> list[dt.datetime]:
        """The moments of its planes, sorted, where there are any."""
        return sorted(one.header.when for one in self.slices if one.header.when is not None)


def stacks_of(headers: Iterable[Header]) -> tuple[list[Stack], Counter[str]]:
    """Put planes together.

    Returns:
        The stacks and radiographs in an order that the files' names do not change; and how many planes were left out,
        by why.
    """
    left_out: Counter[str] = Counter()
    groups: dict[tuple, list[Slice]] = defaultdict(list)
    films: set[tuple[str, str]] = set()
    stacks = []
    for header in headers:
        if header.is_film:
            known = header.instance != "" and (header.patient, header.instance) in films
            films.add((header.patient, header.instance))
            if known or len(header.planes) != 1:
                left_out[SAME_FILM if known else FRAMES] += 1
            else:
                stacks.append(Stack(tuple(Slice(header, plane) for plane in header.planes)))
            continue
        for plane in header.planes:
            if plane.position is None or plane.along is None or plane.pixel_mm is None:
                left_out[NOWHERE] += 1
            elif not _is_square(plane):
                left_out[ODD_AXES] += 1
            else:
                groups[_key(header, plane)].append(Slice(header, plane))
    for slices in groups.values():
        for part in _apart(_sorted(slices)):
            if len(part) < 2:
                left_out[SINGLE] += 1
            else:
                stacks.append(Stack(tuple(part)))
    return sorted(stacks, key=_order), left_out


def _key(header: Header, plane: Plane) -> tuple:
    along, pixel_mm = plane.along or (), plane.pixel_mm or ()
    return (
        header.patient,
        header.study,
        header.series,
        header.modality,
        header.rows,
        header.columns,
        tuple(round(value, 3) + 0.0 for value in along),
        tuple(round(value, 4) for value in pixel_mm),
    )


def _order(stack: Stack) -> tuple:
    header = stack.header
    moment = stack.when[0].isoformat() if stack.when else ""
    where = tuple(round(float(value), 2) for value in stack.slices[0].plane.position or ())
    return header.patient, moment, header.study, header.series, header.modality, where, str(header.path)


def _sorted(slices: list[Slice]) -> list[Slice]:
    normal = _directions(slices[0].plane)[2]
    return sorted(slices, key=lambda one: (float(one.position @ normal), one.plane.repeats, str(one.header.path)))


def _apart(slices: list[Slice]) -> list[list[Slice]]:
    """Divide planes of which several lie at one place by the first thing in the headers that leaves one at each."""
    if not _doubled(slices):
        return [slices]
    for place in range(len(slices[0].plane.repeats)):
        parts: dict[str, list[Slice]] = defaultdict(list)
        for one in slices:
            parts[one.plane.repeats[place]].append(one)
        if len(parts) > 1 and all(len(part) > 1 and not _doubled(part) for part in parts.values()):
            return [parts[value] for value in sorted(parts)]
    return [slices]


def _doubled(slices: list[Slice]) -> bool:
    depths = Stack(tuple(slices)).depths
    return bool((np.diff(depths) < SAME_PLACE_MM).any())


def _directions(plane: Plane) -> np.ndarray:
    columns, rows = np.array(plane.along[:3]), np.array(plane.along[3:])  # pyright: ignore[reportOptionalSubscript]
    return np.stack([columns, rows, np.cross(columns, rows)])


def _is_square(plane: Plane) -> bool:
    columns, rows, _ = _directions(plane)
    lengths = [float(columns @ columns), float(rows @ rows)]
    return max(abs(length - 1) for length in lengths) < 10 * _SQUARE and abs(float(columns @ rows)) < 10 * _SQUARE
