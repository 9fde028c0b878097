"""Find text that is burned into pictures: rows of small strokes of like height near the border, with quiet around them.

No letter is read. A stroke is what a horizontal opening removes; a line of text is a flat region in which every row
crosses at least four strokes. `benchmarks/burned_in.py` prints how often pictures with and without text are told apart.
"""

import numpy as np
from jaxtyping import Num

_SMALLEST, _LARGEST = 64, 1024  # pixels of a side: less cannot hold a legible line, more is looked at in steps
_BAND = 0.3  # share of each side that counts as border
_CONTRAST, _NOISE = 40, 3  # of 255; and times what the grain of the picture makes
_STROKE, _SPACE = 9, 6  # widest stroke, widest space between two letters, in pixels
_STROKES = 4
_TALLEST, _NARROWEST = 0.06, 3  # a line's height as a share of the picture's, its width in heights
_LOW, _RUN_ON = 6, 0.35  # in lines of fewer rows strokes must run on from row to row, which those of grain do not
_QUIET = 0.35  # strokes above and below a line, as a share of those in it


def text_places(picture: Num[np.ndarray, "rows columns *colours"]) -> list[str]:
    """Say at which borders of a picture something looks like a line of text: "upper left", once a line."""
    if min(picture.shape[:2]) < _SMALLEST:
        return []
    grey = _grey(picture)
    return [_place(*middle, *grey.shape) for bright in (grey, 255 - grey) for middle in _lines(bright)]


def _grey(picture: np.ndarray) -> np.ndarray:
    step = max(1, -(-max(picture.shape[:2]) // _LARGEST))
    seen = picture[::step, ::step].astype(np.float32)
    seen = seen.mean(2) if seen.ndim == 3 else seen
    low, high = np.percentile(seen[::3, ::3], (0.5, 99.8))
    return np.clip((seen - low) * (255 / max(float(high - low), 1e-6)), 0, 255).astype(np.int16)


def _lines(grey: np.ndarray) -> list[tuple[float, float]]:
    """The middles (row, column) of what looks like lines of bright text."""
    from scipy import ndimage

    rows, columns = grey.shape
    opened = ndimage.maximum_filter1d(ndimage.minimum_filter1d(grey, _STROKE, axis=1), _STROKE, axis=1)
    relief = grey - opened
    strokes = relief > max(_CONTRAST, _NOISE * float(np.median(relief)))
    strokes[int(rows * _BAND) : rows - int(rows * _BAND), int(columns * _BAND) : columns - int(columns * _BAND)] = False
    begins = strokes.copy()
    begins[:, 1:] &= ~strokes[:, :-1]
    if int((begins.sum(1) >= _STROKES).sum()) < 3:
        return []
    joined = ndimage.maximum_filter1d(strokes.view(np.uint8), _SPACE, axis=1)
    joined = ndimage.minimum_filter1d(joined, _SPACE, axis=1)
    regions = np.asarray(ndimage.label(ndimage.minimum_filter1d(joined, 3, axis=0))[0])  # pyright: ignore[reportIndexIssue]
    found = []
    for across, along in ndimage.find_objects(regions):
        top, bottom = max(0, across.start - 1), min(rows, across.stop + 1)  # the last filter took a row of each side
        height, width = bottom - top, along.stop - along.start
        crossed, filled = float(np.median(begins[across, along].sum(1))), float(strokes[across, along].mean())
        around = [strokes[max(0, top - 2) : top, along], strokes[bottom : bottom + 2, along]]
        if (
            height <= max(_TALLEST * rows, 14)
            and width >= _NARROWEST * height
            and crossed >= _STROKES
            and width / crossed <= 1.6 * height + 1.5
            and 0.2 <= filled <= 0.8
            and all(beside.mean() <= _QUIET * filled for beside in around if beside.size)
            and (height >= _LOW or _run_on(strokes[top:bottom, along]) >= _RUN_ON)
        ):
            found.append(((top + bottom) / 2, (along.start + along.stop) / 2))
    return found


def _run_on(strokes: np.ndarray) -> float:
    """How much oftener than by chance a stroke goes on in the next row: 0 in grain, 1 for bars."""
    share, both = float(strokes.mean()), float((strokes[1:] & strokes[:-1]).mean())
    return (both / share - share) / (1 - share)


def _place(row: float, column: float, rows: int, columns: int) -> str:
    return f"{'upper' if row < rows / 2 else 'lower'} {'left' if column < columns / 2 else 'right'}"
