"""Published nodule scores against values computed by hand from the papers' coefficients."""

import math

import numpy as np
import pytest

from semeia.studies.records.risk_scores import BROCK, MAYO, brock, mayo, published


def odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def test_mayo_by_hand():
    known = {
        "age": np.array([60.0, 60.0]),
        "smoker": np.array([1.0, 0.0]),
        "cancer_history": np.array([0.0, 0.0]),
        "diameter_mm": np.array([15.0, 15.0]),
        "spiculation": np.array([1.0, 1.0]),
        "upper_lobe": np.array([1.0, 1.0]),
    }
    risk = mayo(known)
    assert odds(risk[0]) == pytest.approx(-6.8272 + 60 * 0.0391 + 0.7917 + 15 * 0.1274 + 1.0407 + 0.7838)
    assert odds(risk[0]) - odds(risk[1]) == pytest.approx(0.7917)


def test_brock_is_centred_at_62_years_4_mm_and_4_nodules():
    known = {name: np.zeros(3) for name in BROCK}
    known |= {"age": np.full(3, 62.0), "nodule_count": np.full(3, 4.0), "diameter_mm": np.array([4.0, 10.0, 20.0])}
    risk = brock(known)
    assert odds(risk[0]) == pytest.approx(-6.7892, abs=1e-6)
    # (10 mm / 10) ** -0.5 = 1, less 1.5811, times -5.3854.
    assert odds(risk[1]) == pytest.approx(-6.7892 + 5.3854 * 0.58113883, abs=1e-6)
    assert (np.diff(risk) > 0).all()
    known["female"] = np.ones(3)
    assert odds(brock(known)[0]) - odds(risk[0]) == pytest.approx(0.6011)


def test_a_score_is_there_where_all_its_covariates_are():
    assert published([]) == {}
    assert set(published(list(MAYO))) == {"mayo"}
    assert set(published([*MAYO, *BROCK])) == {"mayo", "brock"}
