"""Made-up reports tell findings, never the grade in words; they are marked as made up; many are alike."""

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from semeia.errors import InputError
from semeia.worlds.knee_reports import PHRASES, FindingSettings, findings, impressions

GRADE_WORDS = {"grade", "kl", "kellgren", "lawrence", "mild", "minimal", "moderate", "severe", "advanced", "early"}
GRADE_WORDS |= {"doubtful", "definite", "end-stage", "one", "two", "three", "four"}


def _knees(n: int = 3000, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    units = [f"u{place}" for place in range(n)]
    return pl.DataFrame({"unit_id": units, "grade": rng.integers(0, 5, n), "score": rng.standard_normal(n)})


def test_only_arthritic_knees_have_a_report_and_all_are_marked():
    knees = _knees()
    found = findings(knees, seed=0)
    written = impressions(found)
    assert found["unit_id"].to_list() == knees.filter(pl.col("grade") >= 2)["unit_id"].to_list()
    for frame in (found, written):
        assert frame["synthetic"].all()
        assert frame["synthetic"].dtype == pl.Boolean
    assert written.columns == ["unit_id", "text", "synthetic"]
    nothing = impressions(findings(knees.filter(pl.col("grade") < 2), seed=0))
    assert (nothing.height, nothing.columns) == (0, written.columns)


def test_no_text_tells_a_grade_and_many_are_alike():
    texts = impressions(findings(_knees(), seed=0))["text"]
    assert texts.n_unique() <= 2 * 5 * 2 * 2
    for text in texts.unique():
        words = {word.strip(".,").lower() for word in text.split()}
        assert not words & GRADE_WORDS
        assert not any(letter.isdecimal() for letter in text)
        assert text.endswith(".")
    every = {phrase.format(side="medial") for phrases in PHRASES.values() for phrase in phrases.values()}
    assert all(any(phrase in text for text in texts) for phrase in every)


def _features(found: pl.DataFrame, *names: str) -> np.ndarray:
    return found.select(names).to_dummies().to_numpy().astype(float)


def test_findings_tell_the_grade_and_effusion_the_score():
    knees = _knees()
    found = findings(knees, seed=0).join(knees, on="unit_id", maintain_order="left")
    bad, fast = found["grade"].to_numpy() == 4, found["score"].to_numpy() > 0

    def area(label: np.ndarray, *names: str) -> float:
        x = _features(found, *names)
        return float(roc_auc_score(label, LogisticRegression().fit(x, label).predict_proba(x)[:, 1]))

    assert area(bad, "osteophytes", "narrowing", "sclerosis") > 0.85
    assert area(bad, "effusion", "compartment") < 0.55
    assert area(fast, "effusion") > 0.65
    assert area(fast, "osteophytes", "narrowing", "sclerosis") < 0.56


def test_all_noise_tells_nothing_of_the_grade():
    knees = _knees()
    found = findings(knees, seed=0, settings=FindingSettings(noise=1.0)).join(
        knees, on="unit_id", maintain_order="left"
    )
    shares = found.group_by("grade").agg((pl.col("narrowing") == "lost").mean())["narrowing"]
    assert float(str(shares.max())) - float(str(shares.min())) < 0.08


def test_a_knee_does_not_depend_on_the_others():
    knees = _knees(200)
    whole, part = findings(knees, seed=3), findings(knees[50:90].reverse(), seed=3)
    assert part.sort("unit_id").equals(whole.filter(pl.col("unit_id").is_in(part["unit_id"].to_list())).sort("unit_id"))
    assert not whole.equals(findings(knees, seed=4))
    without = findings(knees.drop("score"), seed=3)
    assert without.drop("effusion").equals(whole.drop("effusion"))


def test_what_cannot_be():
    with pytest.raises(InputError, match="lacks the column 'grade'"):
        findings(_knees(3).drop("grade"), seed=0)
    with pytest.raises(InputError, match="noise must be 0 to 1"):
        FindingSettings(noise=1.5)
