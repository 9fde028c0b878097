"""The oracle of a simulated hospital: its chances hold, and more knowledge is never worse."""

from functools import lru_cache

import numpy as np
import pytest

from semeia.evaluation import auroc
from semeia.worlds.hospital import HospitalSettings
from semeia.worlds.hospital.course import course_of
from semeia.worlds.hospital.oracle import SOURCES, oracle

SEES = {"both": SOURCES, "image": ("image",), "record": ("record",)}


@lru_cache
def chances(cause: str, **other: float) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Labels, chances by what is seen, and sites of many patients."""
    settings = HospitalSettings(patients=1200, cause=cause, **other)  # pyright: ignore[reportArgumentType]
    courses = [course_of(number, settings) for number in range(settings.patients)]
    found = {name: np.array([oracle(course, settings, sees) for course in courses]) for name, sees in SEES.items()}
    return np.array([course.label for course in courses]), found, np.array([course.site for course in courses])


@pytest.mark.parametrize(
    ("cause", "other"),
    [("common", {}), ("independent", {"absent": 0.0}), ("workup", {"workup": 0.4, "workup_elsewhere": 0.2})],
)
def test_chances_hold(cause: str, other: dict[str, float]):
    label, found, _ = chances(cause, **other)
    for chance in found.values():
        for part in np.array_split(np.argsort(chance), 6):
            share = label[part].mean()
            assert abs(chance[part].mean() - share) < 4 * np.sqrt(max(share * (1 - share), 0.01) / len(part))


def test_more_knowledge_is_better_where_causes_differ_and_the_same_where_they_are_common():
    label, found, _ = chances("common")
    assert auroc(label, found["both"]) > max(auroc(label, found["image"]), auroc(label, found["record"])) > 0.7
    label, found, _ = chances("independent", absent=0.0)
    assert auroc(label, found["both"]) > max(auroc(label, found["image"]), auroc(label, found["record"])) + 0.08


def test_a_work_up_gives_the_label_away_where_there_is_one():
    label, found, site = chances("workup", workup=0.4)
    home, both = site == 0, found["both"]
    assert auroc(label[home], found["record"][home]) > auroc(label[~home], found["record"][~home]) + 0.05
    assert np.isin(both[home], [0.0, 1.0]).mean() > 0.75
    assert not np.isin(both[~home], [0.0, 1.0]).any()


def test_of_common_causes_images_and_record_tell_the_same():
    settings = HospitalSettings(cause="common", absent=0.0)
    for number in range(20):
        course = course_of(number, settings)
        chance = {name: oracle(course, settings, sees) for name, sees in SEES.items()}
        assert chance["image"] == pytest.approx(chance["both"]) == pytest.approx(chance["record"])
