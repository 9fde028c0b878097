"""The blend against its equations: a link that is known at home, and moved by a known share at a site."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logit

from semeia.learning.adapt.blend import USUAL, blended, fit_home, judge_site, slope
from semeia.learning.adapt.experts import Scored

LINK = 2.0


def patients(count: int, seed: int, *, left: float = 1.0, prevalence: float = 0.3) -> tuple[Scored, np.ndarray]:
    """Multimodal log-odds = image + feature + left * LINK * label + noise; the image's are right at prevalence .3."""
    rng = np.random.default_rng(seed)
    label = (np.arange(count) < round(prevalence * count)).astype(float)
    image = 1.2 * (rng.standard_normal(count) + 1.2 * label) - 1.2**2 / 2 + logit(0.3)
    feature = rng.standard_normal((count, 3))
    joint = image + feature[:, 0] + left * LINK * label + 0.5 * rng.standard_normal(count)
    return Scored(image, joint, feature), label


@pytest.fixture(scope="module")
def home():
    labelled, label = patients(300, 0)
    return fit_home(labelled, label, patients(3000, 1)[0])


def test_slope_is_least_squares():
    rng = np.random.default_rng(0)
    on, noise = rng.standard_normal(50), rng.standard_normal(50)
    values = 3 + 2 * on + noise
    found = slope(values, on)
    design = np.stack([np.ones(50), on], 1)
    coefficients, squares = np.linalg.lstsq(design, values, rcond=None)[:2]
    variance = squares[0] / 48 * np.linalg.inv(design.T @ design)[1, 1]

    assert found.value == pytest.approx(coefficients[1])
    assert found.error == pytest.approx(np.sqrt(variance))


def test_home_finds_the_link(home):
    assert home.link.value == pytest.approx(LINK, abs=4 * home.link.error)
    assert home.unlabelled.value == pytest.approx(home.link.value, abs=0.3)


@pytest.mark.parametrize("prevalence", [0.3, 0.1, 0.5])
def test_an_unmoved_site_keeps_the_usual_blend(home, prevalence: float):
    site = judge_site(home, patients(2000, 2, prevalence=prevalence)[0])

    assert not site.moved
    assert site.weight == USUAL
    assert site.prevalence == pytest.approx(prevalence, abs=0.06)


@pytest.mark.parametrize(("left", "prevalence"), [(0.5, 0.3), (0.0, 0.3), (0.0, 0.1), (-0.5, 0.5)])
def test_a_moved_link_is_measured(home, left: float, prevalence: float):
    site = judge_site(home, patients(3000, 3, left=left, prevalence=prevalence)[0])

    assert site.moved
    assert site.left == pytest.approx(left, abs=0.25)
    assert site.weight == pytest.approx(np.clip(0.25 + 0.5 * site.left, 0, USUAL))
    assert (site.patients, site.z < 0) == (3000, True)


@pytest.mark.parametrize("seed", range(5))
def test_where_the_image_tells_nothing_the_error_says_so(home, seed: int):
    turned = patients(400, seed, left=-1.0)[0]
    clear = judge_site(home, turned)
    mute = judge_site(home, replace(turned, anchor=turned.anchor.mean() + 1e-3 * turned.anchor))

    assert clear.error < 0.5
    assert clear.left < 0
    assert mute.error > 1
    assert mute.error == pytest.approx(np.hypot(mute.link.error, home.unlabelled.error) / abs(home.link.value))


def test_blend_is_a_weighted_mean():
    image, joint = np.array([0.0, 1.0]), np.array([4.0, -1.0])
    np.testing.assert_allclose(blended(image, joint, weight=0.75), [3.0, -0.5])
    np.testing.assert_array_equal(blended(image, joint, weight=0.0), image)
