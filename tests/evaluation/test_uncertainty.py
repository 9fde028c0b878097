"""An interval for what varies, an exact one where nothing missed, and none where there can be none."""

import numpy as np
import polars as pl
import pytest

from semeia.evaluation import EvaluationSettings, evaluate

FEW = EvaluationSettings(draws=100)


def table(label: list[int], score: list[float], subject: list[str] | None = None) -> pl.DataFrame:
    names = [f"p{number}" for number in range(len(label))] if subject is None else subject
    return pl.DataFrame({"subject_id": names, "label": label, "score": score})


def results(frame: pl.DataFrame, settings: EvaluationSettings = FEW) -> dict[tuple[str, str], dict]:
    found = evaluate(frame, settings=settings).results
    return {(row["arm"], row["metric"]): row for row in found.filter(reference="").iter_rows(named=True)}


def test_without_a_miss_the_bound_is_exact_and_what_cannot_vary_has_none():
    label = [1] * 20 + [0] * 30
    found = results(table(label, [0.8] * 20 + [0.2] * 30))
    auroc, sensitivity = found["model", "auroc"], found["model", "sensitivity"]
    assert (auroc["value"], auroc["low"], auroc["high"]) == (1.0, pytest.approx(0.025 ** (1 / 20)), 1.0)
    assert (sensitivity["low"], sensitivity["high"]) == (pytest.approx(0.025 ** (1 / 20)), 1.0)
    for metric in ("auprc", "brier"):
        row = found["model", metric]
        assert (row["low"], row["high"], row["interval_method"]) == (None, None, "none: the same in every draw")
    assert found["model", "calibration_intercept"]["low"] < found["model", "calibration_intercept"]["high"]


def test_one_patient_who_owns_all_positives_gives_no_interval_and_is_counted():
    rng = np.random.default_rng(2)
    score = [*rng.uniform(0.4, 0.9, 30), *rng.uniform(0.1, 0.7, 70)]
    frame = table([1] * 30 + [0] * 70, score, ["A"] * 30 + [f"p{n}" for n in range(70)])
    evaluation = evaluate(frame, settings=FEW)
    assert set(evaluation.results["n_positive_patients"]) == {1}
    assert set(evaluation.results["n_positive"]) == {30}
    assert evaluation.results["low"].is_null().all()
    assert any(note.startswith("no interval, 1 patient has all units of a class") for note in evaluation.notes)


def test_two_perfect_arms_differ_by_nothing_and_no_interval_is_claimed():
    label = [1] * 20 + [0] * 30
    one = table(label, [0.8] * 20 + [0.2] * 30).with_columns(arm=pl.lit("one"))
    two = one.with_columns(arm=pl.lit("two"), score=pl.col("score") * 0.9)
    found = evaluate(pl.concat([one, two]), settings=EvaluationSettings(draws=100, references=("two",))).results
    row = found.filter(reference="two", metric="auroc").row(0, named=True)
    assert (row["value"], row["low"], row["high"]) == (0.0, None, None)
    assert "auroc_detectable_difference" not in set(found["metric"])


def test_intervals_of_what_depends_on_the_prevalence_hold_that_it_varies():
    rng = np.random.default_rng(0)
    odds = rng.normal(-1, 1.2, 200)
    score = 1 / (1 + np.exp(-odds))
    label = (rng.random(200) < score).astype(int)
    settings = EvaluationSettings(draws=400, thresholds=(0.2, 0.3, 0.1))
    evaluation = evaluate(table(label.tolist(), score.tolist()), settings=settings)
    width = {row["metric"]: row["high"] - row["low"] for row in evaluation.results.iter_rows(named=True)}
    # the model-based standard error of the intercept, 1 / sqrt(sum p (1 - p))
    assert width["calibration_intercept"] == pytest.approx(2 * 1.96 / np.sqrt((score * (1 - score)).sum()), rel=0.2)
    everybody = evaluation.tables["decision_curves"].filter(strategy="treat_all", reference="", threshold=0.2)
    benefit = label - (1 - label) * 0.25
    row = everybody.row(0, named=True)
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * benefit.std() / np.sqrt(200), rel=0.2)
    # predictive values at the cohort's own prevalence are those of the draws, not of a prevalence known for certain
    stated = EvaluationSettings(draws=400, prevalence=float(label.mean()), thresholds=(0.2, 0.3, 0.1))
    certain = evaluate(table(label.tolist(), score.tolist()), settings=stated)
    ppv = [one.tables["operating_points"].filter(metric="ppv").row(0, named=True) for one in (evaluation, certain)]
    assert ppv[0]["value"] == pytest.approx(ppv[1]["value"])
    assert ppv[0]["high"] - ppv[0]["low"] > 1.2 * (ppv[1]["high"] - ppv[1]["low"])


def test_a_covariate_added_to_itself_gains_nothing_and_noise_loses_little():
    rng = np.random.default_rng(1)
    label = (rng.random(200) < 0.35).astype(int)
    size = np.exp(1.5 + 0.5 * label + 0.4 * rng.normal(size=200))
    base = table(label.tolist(), (1 / (1 + np.exp(8 - size))).tolist())
    itself = base.with_columns(arm=pl.lit("itself"), size=size)
    arms = pl.concat([itself, itself.with_columns(arm=pl.lit("noise"), score=pl.Series(rng.random(200)))])
    found = results(arms, EvaluationSettings(draws=200, covariate="size"))
    assert found["itself", "auroc_gain_over_size"]["value"] == 0.0
    noise = found["noise", "auroc_gain_over_size"]
    assert abs(noise["value"]) < 0.02
    assert noise["low"] < 0 < noise["high"]
