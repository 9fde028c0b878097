"""Say how far any model could come in a simulated hospital: the chance of the label, given its causes.

Known are the causes as they stand at the index date, without noise, behind what was observed of a patient (scans, a
record); what is not known is integrated out.
"""

from collections.abc import Collection

import numpy as np
from scipy.special import expit

from semeia.worlds.hospital.course import SHARED, SUSPECTED, Course, HospitalSettings, intercept, moved_by, weights_of

SOURCES = ("image", "record")
_POINTS, _MASSES = np.polynomial.hermite_e.hermegauss(40)


def oracle(course: Course, settings: HospitalSettings, sees: Collection[str] = SOURCES) -> float:
    """Give the chance of the label to whoever sees the causes of images, of the record, or of both, as far as observed.

    It is 0 or 1 where the work-up gives the label away: by it alone the record's causes differ from the images'.
    """
    there = {"image": bool(course.scans), "record": course.has_record}
    seen = {name for name in sees if there[name]}
    moved = moved_by(course.site, settings) if "record" in seen else 0.0
    if moved and "image" in seen:
        return float(course.label)
    odds = 1.0
    for label, power in ((1, 1), (0, -1)):
        record = course.record[-1].copy()
        record[SUSPECTED] -= moved * (2 * label - 1)
        chance = _chance(course.image[-1], record, settings, seen)
        # How likely causes of the record are that a work-up would have moved here.
        density = np.exp(-(record[SUSPECTED] ** 2).sum() / 2) if moved else 1.0
        odds *= ((chance if label else 1 - chance) * density) ** power
    return float(odds / (1 + odds))


def _chance(image: np.ndarray, record: np.ndarray, settings: HospitalSettings, seen: Collection[str]) -> float:
    """Chance of the label: the mean over what is not seen, each group of causes a standard normal number."""
    by_image, by_record = "image" in seen, "record" in seen
    groups = (
        (image if by_image else record, slice(SHARED), by_image or (by_record and settings.cause != "independent")),
        (record, slice(SHARED), by_record),
        (image, slice(SHARED, None), by_image),
        (record, slice(SHARED, None), by_record),
    )
    mean = spread = 0.0
    for weight, (causes, own, known) in zip(weights_of(settings.cause), groups, strict=True):
        mean += weight * causes[own].sum() / np.sqrt(len(causes[own])) * known
        spread += weight**2 * (not known)
    odds = settings.strength * (mean + np.sqrt(spread) * _POINTS) + intercept(settings.prevalence, settings.strength)
    return float(expit(odds) @ _MASSES / _MASSES.sum())
