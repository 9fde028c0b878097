"""Derive a second modality from a picture by a function: pseudo narrow-band imaging, or a callable of one's own.

What is a function of the first modality adds nothing about the patient; it can only act as an augmentation.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from semeia.errors import InputError

Colours = Float[np.ndarray, "channel height width"]
Transform = Callable[[Colours], Colours]

# How many times more strongly haemoglobin absorbs in the narrow green band around 540 nm, and in the narrow blue band
# around 415 nm, than over a camera's green and blue. Rounded choices, no measurements: mucosa scatters, cameras differ.
GREEN, BLUE = 1.5, 2.0
BRIGHTEST = 99.0  # percentile that automatic exposure brings to white


def narrow_band(planes: Colours) -> Colours:
    """Draw a white-light picture as narrow-band imaging would roughly show it.

    Narrow-band imaging lights with 540 nm, shown as red, and 415 nm, shown as green and blue (Gono et al. 2004). The
    camera's green and blue stand for these; stronger absorption over the same path raises the light that comes back to
    a power (Beer and Lambert); exposure follows the brightest parts. A pseudo-modality, never narrow-band imaging.

    Args:
        planes: red, green, blue in [0, 1].
    """
    if len(planes) != 3:
        raise InputError("pseudo narrow-band imaging needs the colours of a picture; it has one channel")
    green, blue = planes[1] ** GREEN, planes[2] ** BLUE
    drawn = np.stack([green, blue, blue])
    return (drawn / max(float(np.percentile(drawn, BRIGHTEST)), 1e-3)).clip(0.0, 1.0).astype(np.float32)


# A callable of one's own is one more name: TRANSFORMS["mine"] = function, before anything is read.
TRANSFORMS: dict[str, Transform] = {"narrow_band": narrow_band}


def derivation(name: str) -> Transform:
    """Find a transform by its name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in TRANSFORMS:
        raise InputError(f"picture: derive is '{name}'; there are {', '.join(TRANSFORMS)}")
    return TRANSFORMS[name]
